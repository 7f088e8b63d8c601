"""What cannot be planned is named with its id and the mend; the rest still comes out."""

from dataclasses import replace

import pytest
from tests.plan.problems import random_problem

from genba.plan import (
    Attendance,
    Calendar,
    Energy,
    Fixed,
    Job,
    Machine,
    Mode,
    Operation,
    Problem,
    SetupMatrix,
    Staff,
    Status,
    Transport,
    Vehicle,
    examine,
    solve,
)


def problem_with(bad: Operation, **about: object) -> Problem:
    """A problem of a good job and a bad one."""
    good = Operation("good.1", "good", (Mode("m", 3),))
    return Problem(
        about.pop("machines", (Machine("m"), Machine("n"))),  # type: ignore[arg-type]
        (Job("good"), Job("bad", **about.pop("job", {}))),  # type: ignore[arg-type]
        (good, bad),
        **about,  # type: ignore[arg-type]
    )


def bad(*modes: Mode, **about: object) -> Operation:
    return Operation("bad.1", "bad", modes or (Mode("m", 3),), **about)  # type: ignore[arg-type]


MATRIX = SetupMatrix("s", ("x",), ((0,),), (0,))
AWAY = Transport(("m", "n", "store"), {"amr": ((0, 2, -1), (2, 0, -1), (-1, -1, 0))})
SHORT = (Calendar("c", ((0, 2), (4, 6))),)

CASES = {
    "no mode": (problem_with(Operation("bad.1", "bad", ())), "bad.1", "give it a mode"),
    "unknown machine": (problem_with(bad(Mode("zz", 3))), "bad.1", "no machine zz"),
    "unknown tool": (problem_with(bad(Mode("m", 3, tools=("t",)))), "bad.1", "no tool t"),
    "tool count 0": (
        problem_with(bad(Mode("m", 3, tools=("t",))), tools={"t": 0}),
        "bad.1",
        "0 of tool t",
    ),
    "nobody with the skill": (
        problem_with(bad(Mode("m", 3, skill="weld"))),
        "bad.1",
        "nobody has skill weld",
    ),
    "unknown calendar": (
        problem_with(bad(Mode("k", 3)), machines=(Machine("m"), Machine("k", "zz"))),
        "k",
        "no calendar zz",
    ),
    "calendar without working time": (
        problem_with(
            bad(Mode("k", 3)),
            machines=(Machine("m"), Machine("k", "c")),
            calendars=(Calendar("c", ()),),
        ),
        "calendar c",
        "no working time",
    ),
    "calendar too short": (
        problem_with(
            bad(Mode("k", 3)), machines=(Machine("m"), Machine("k", "c")), calendars=SHORT
        ),
        "calendar c",
        "leaves 2 at most",
    ),
    "people too short": (
        problem_with(
            bad(Mode("n", 3, skill="weld", attendance=Attendance.WHOLE)),
            staff=(Staff("s", frozenset({"weld"}), 1, "c"),),
            calendars=SHORT,
        ),
        "skill weld",
        "leaves 2 at most",
    ),
    "unknown matrix": (
        problem_with(bad(Mode("k", 3)), machines=(Machine("m"), Machine("k", setup="zz"))),
        "machine k",
        "no set-up matrix zz",
    ),
    "unknown family": (
        problem_with(
            bad(Mode("k", 3, "y")),
            machines=(Machine("m"), Machine("k", setup="s")),
            setups=(MATRIX,),
        ),
        "bad.1",
        "family y is not in set-up matrix s",
    ),
    "unknown predecessor": (problem_with(bad(predecessors=("zz",))), "bad.1", "zz, which is not"),
    "batch too large": (
        problem_with(bad(parts=9, batch="oven", batch_parts=4)),
        "bad.1",
        "9 parts; its batch holds 4",
    ),
    "too much power": (
        problem_with(bad(Mode("m", 3, power_kw=7.0)), energy=Energy(cap_kw=5.0)),
        "bad.1",
        "7 kW; no more than 5 kW",
    ),
    "no path": (
        problem_with(bad(), transport=AWAY, job={"origin": "store"}),
        "job bad",
        "no vehicle has a path from store to m",
    ),
    "no way home": (
        problem_with(bad(), transport=AWAY, job={"destination": "store"}),
        "job bad",
        "path from m to store",
    ),
    "unknown location": (
        problem_with(bad(), transport=AWAY, job={"origin": "moon"}),
        "job bad",
        "moon, which is not a location",
    ),
    "cycle of its own": (
        problem_with(bad(predecessors=("bad.1",))),
        "bad.1",
        "circle: bad.1 -> bad.1",
    ),
    "fixed where it cannot be": (
        problem_with(bad(fixed=Fixed("n", 0, 0, 3))),
        "bad.1",
        "fixed on n, where it cannot be done",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_what_cannot_be_planned_is_named_and_the_rest_comes_out(name: str) -> None:
    problem, who, words = CASES[name]
    rest, left_out = examine(problem)
    lines = [item.reason for item in left_out]
    assert any(who in line and words in line for line in lines), lines
    assert [operation.id for operation in rest.operations] == ["good.1"]
    assert {job.id for job in rest.jobs} == {"good"}
    plan = solve(problem, time_limit_s=0.2, iterations=20)
    assert [a.operation for a in plan.assignments] == ["good.1"]
    assert plan.left_out == left_out


def test_a_sound_problem_comes_back_as_it_is() -> None:
    problem = random_problem(1)
    assert examine(problem) == (problem, ())
    assert examine(problem)[0] is problem


def test_a_cycle_over_jobs_is_named_link_by_link() -> None:
    problem = Problem(
        (Machine("m"),),
        tuple(Job(name) for name in "abc"),
        (
            Operation("a.1", "a", (Mode("m", 1),), ("b.1",)),
            Operation("b.1", "b", (Mode("m", 1),), ("a.1",)),
            Operation("c.1", "c", (Mode("m", 1),)),
        ),
    )
    rest, left_out = examine(problem)
    assert [operation.id for operation in rest.operations] == ["c.1"]
    assert "a.1 -> b.1 -> a.1" in left_out[0].reason
    assert {item.id for item in left_out} == {"a", "b"}


def test_what_waits_for_something_left_out_is_left_out_too() -> None:
    problem = problem_with(Operation("bad.1", "bad", ()))
    waits = replace(problem.operations[0], predecessors=("bad.1",))
    rest, left_out = examine(replace(problem, operations=(waits, problem.operations[1])))
    assert rest.operations == ()
    assert any("good waits for operation bad.1" in item.reason for item in left_out)


def test_one_mode_that_cannot_be_is_told_and_the_other_is_used() -> None:
    problem = problem_with(bad(Mode("zz", 1), Mode("m", 3)))
    rest, left_out = examine(problem)
    assert rest.operations_by_id["bad.1"].modes == (Mode("m", 3),)
    assert left_out[0].id == "bad.1"


def test_a_due_date_in_the_past_is_told_and_planned() -> None:
    problem = problem_with(bad(), job={"due": -10})
    plan = solve(problem, time_limit_s=0.2, iterations=20)
    assert len(plan.assignments) == 2
    assert "due 10 ticks ago" in plan.left_out[0].reason


def test_fixed_operations_that_overlap_are_named() -> None:
    problem = problem_with(bad(fixed=Fixed("m", 0, 0, 4)))
    running = replace(problem.operations[0], fixed=Fixed("m", 2, 2, 5))
    rest, left_out = examine(replace(problem, operations=(running, problem.operations[1])))
    assert "good.1 is fixed on m while bad.1 is" in left_out[0].reason
    assert [operation.id for operation in rest.operations] == ["bad.1"]


def test_what_runs_keeps_its_machine_though_its_job_cannot_be_finished() -> None:
    running = bad(fixed=Fixed("m", 0, 0, 4))
    never = Operation("bad.2", "bad", (), ("bad.1",))
    problem = problem_with(running)
    problem = replace(problem, operations=(*problem.operations, never))
    plan = solve(problem, time_limit_s=0.2, iterations=20)
    assert plan.by_operation["good.1"].start == 4
    assert "bad.2" not in plan.by_operation


def test_vehicles_that_cannot_be_are_named() -> None:
    transport = replace(AWAY, vehicles=(Vehicle("v", "amr", "moon"), Vehicle("w", "amr", "m")))
    rest, left_out = examine(problem_with(bad(), transport=transport))
    assert "vehicle v stands at moon" in left_out[0].reason
    assert rest.transport is not None
    assert [vehicle.id for vehicle in rest.transport.vehicles] == ["w"]


def test_nothing_to_plan_is_an_empty_plan() -> None:
    plan = solve(Problem((), (), ()))
    assert plan.status is Status.EMPTY
    assert plan.assignments == ()
