"""A plan written as JSON comes back as itself; as CSV it is a table that others read."""

import csv
import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.plan.line import NOW

from genba.errors import PlanError
from genba.plan.objective import Goal
from genba.plan.problem import Job, Machine, Mode, Operation, Problem
from genba.plan.report.export import CSV_COLUMNS, plan_csv, plan_json, plan_of_json
from genba.plan.schedule import Assignment, LeftOut, Leg, Plan, Status

PROBLEM = Problem(
    machines=(Machine("saw"),),
    jobs=(Job("O-1-01", due=7200, order="O-1"), Job("O-1-02", order="O-1")),
    operations=(
        Operation("O-1-01/cut", "O-1-01", (Mode("saw", 600),)),
        Operation("O-1-02/cut", "O-1-02", (Mode("saw", 600),)),
    ),
    zero=NOW,
)
PLAN = Plan(
    assignments=(
        Assignment("O-1-02/cut", "saw", 600, 660, 1260, staff="crew"),
        Assignment("O-1-01/cut", "saw", 0, 0, 600),
    ),
    legs=(Leg("O-1-01", None, "amr-1", "amr", "saw", "dock", 580, 600, 700),),
    values={Goal.MAKESPAN: 1260.0, Goal.TARDINESS: 0.0},
    status=Status.FEASIBLE,
    bound=1200.0,
    gap=60 / 1260,
    found_by="rules; bound by hand",
    seed=3,
    elapsed_s=0.25,
    left_out=(LeftOut("O-9", "order O-9 is for 'X', which the plant does not make; add it"),),
)

NAMES = st.text("abcO-/1ä", min_size=1, max_size=8)
TICKS = st.integers(0, 10**9)
PLANS = st.builds(
    Plan,
    assignments=st.lists(
        st.builds(Assignment, NAMES, NAMES, TICKS, TICKS, TICKS, st.none() | NAMES), max_size=5
    ).map(tuple),
    legs=st.lists(
        st.builds(
            Leg, NAMES, st.none() | NAMES, st.none() | NAMES, NAMES, NAMES, NAMES,
            TICKS, TICKS, TICKS,
        ),
        max_size=5,
    ).map(tuple),
    values=st.dictionaries(st.sampled_from(Goal), st.floats(0, 1e12)),
    status=st.sampled_from(Status),
    bound=st.none() | st.floats(0, 1e12),
    gap=st.none() | st.floats(0, 1),
    found_by=st.text(max_size=20),
    seed=st.integers(0, 2**31),
    elapsed_s=st.floats(0, 1e6),
    left_out=st.lists(st.builds(LeftOut, NAMES, st.text(max_size=20)), max_size=3).map(tuple),
)  # fmt: skip


@given(PLANS)
def test_json_gives_the_same_plan_back(plan: Plan) -> None:
    assert plan_of_json(plan_json(PROBLEM, plan)) == plan


def test_json_names_times_for_readers_that_know_no_ticks() -> None:
    told = json.loads(plan_json(PROBLEM, PLAN))
    assert told["zero"] == "2026-01-05T06:00:00Z"
    assert told["assignments"][1]["end_time"] == "2026-01-05T06:10:00Z"
    assert told["legs"][0]["start_time"] == "2026-01-05T06:10:00Z"


def test_csv_is_a_table_by_start_in_local_time() -> None:
    rows = list(csv.reader(io.StringIO(plan_csv(PROBLEM, PLAN, "America/New_York"))))
    assert tuple(rows[0]) == CSV_COLUMNS
    assert [row[:5] for row in rows[1:]] == [
        ["operation", "O-1", "O-1-01", "O-1-01/cut", "saw"],
        ["transport", "O-1", "O-1-01", "", "amr-1"],
        ["operation", "O-1", "O-1-02", "O-1-02/cut", "saw"],
    ]
    assert rows[1][7] == "2026-01-05T01:10:00-05:00"
    assert rows[1][11] == "2026-01-05T03:00:00-05:00"
    assert rows[3][8] == "crew"
    assert rows[2][9:11] == ["saw", "dock"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda told: told.pop("genba_plan"), "'genba_plan' is not in it"),
        (lambda told: told.update(genba_plan=2), "of version 2, and version 1 is understood"),
        (lambda told: told.pop("assignments"), "damaged at assignments: Field required"),
        (lambda told: told.update(legs=3), "damaged at legs: Input should be a valid array"),
        (lambda told: told.update(status="fine"), "damaged at status: Input should be 'optimal'"),
        (
            lambda told: told["assignments"][0].update(start="soon"),
            "damaged at assignments.0.start: Input should be a valid integer",
        ),
        (lambda told: told["assignments"][0].update(machine=None), "at assignments.0.machine: "),
        (lambda told: told.update(bound=True), "damaged at bound: Input should be a valid number"),
    ],
)
def test_what_is_no_plan_is_refused_with_the_reason(change, said: str) -> None:
    told = json.loads(plan_json(PROBLEM, PLAN))
    change(told)
    with pytest.raises(PlanError, match=said):
        plan_of_json(json.dumps(told))


@pytest.mark.parametrize("text", ["", "{", "[]", "3", "[" * 100_000])
def test_what_is_no_json_object_is_refused(text: str) -> None:
    with pytest.raises(PlanError, match="this is no plan: "):
        plan_of_json(text)
