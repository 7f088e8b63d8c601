"""The decoder gives legal plans, as early as the order allows, for every kind of constraint."""

from dataclasses import replace
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.plan.problems import FEATURES, flexible_shop, random_problem

from genba.errors import PlanError
from genba.plan import (
    Calendar,
    Fixed,
    Job,
    Machine,
    Mode,
    Operation,
    Plan,
    Problem,
    Transport,
    Vehicle,
    values_of,
    violations,
)
from genba.plan.timing.decode import Decoder, decode


def legal(problem: Problem, plan: Plan) -> None:
    checked = replace(plan, values=values_of(problem, plan))
    assert violations(problem, checked) == []


def shuffled(problem: Problem, seed: int) -> list[str]:
    order = [operation.id for operation in problem.operations]
    Random(seed).shuffle(order)
    return order


@pytest.mark.parametrize("feature", FEATURES)
def test_each_feature_alone_is_decoded_legally(feature: str) -> None:
    for seed in range(12):
        problem = random_problem(seed, (feature,))
        for fill_gaps in (True, False):
            plan = Decoder(problem).decode(shuffled(problem, seed), fill_gaps=fill_gaps)
            assert not plan.left_out
            legal(problem, plan)


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    features=st.sets(st.sampled_from(FEATURES)),
    fill_gaps=st.booleans(),
)
def test_any_mix_of_features_is_decoded_legally(
    seed: int, features: set[str], fill_gaps: bool
) -> None:
    problem = random_problem(seed, sorted(features))
    plan = Decoder(problem).decode(shuffled(problem, seed), fill_gaps=fill_gaps)
    legal(problem, plan)
    assert not plan.left_out


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_full_stations_never_lock_each_other(seed: int) -> None:
    random = Random(seed)
    machines = tuple(Machine(f"m{i}", places=1) for i in range(3))
    operations: list[Operation] = []
    for job in range(6):
        way = random.sample(range(3), 3)
        for step, machine in enumerate(way):
            before = (f"{job}.{step - 1}",) if step else ()
            modes = (Mode(f"m{machine}", random.randint(1, 9)),)
            operations.append(Operation(f"{job}.{step}", str(job), modes, before))
    problem = Problem(machines, tuple(Job(str(job)) for job in range(6)), tuple(operations))
    plan = decode(problem, shuffled(problem, seed))
    assert len(plan.assignments) == len(operations)
    legal(problem, plan)


def test_gaps_are_filled_only_where_that_is_wanted() -> None:
    problem = Problem(
        (Machine("m"),),
        (Job("late", release=10), Job("soon")),
        (Operation("late", "late", (Mode("m", 5),)), Operation("soon", "soon", (Mode("m", 5),))),
    )
    decoder = Decoder(problem)
    assert decoder.decode(["late", "soon"]).by_operation["soon"].start == 0
    kept = decoder.decode(["late", "soon"], fill_gaps=False)
    assert kept.by_operation["soon"].start == 15


def test_the_mode_that_ends_first_is_taken_unless_one_is_chosen() -> None:
    problem = Problem(
        (Machine("m"), Machine("n")),
        (Job("a"),),
        (Operation("a", "a", (Mode("m", 5), Mode("n", 3))),),
    )
    assert decode(problem, ["a"]).by_operation["a"].machine == "n"
    assert decode(problem, ["a"], {"a": 0}).by_operation["a"].machine == "m"


def test_a_gap_in_what_is_past_is_not_filled() -> None:
    """Fixed work may lie before the tick from which the machine is free."""
    past = [Fixed("m", 0, 0, 3), Fixed("m", 40, 40, 50)]
    problem = Problem(
        (Machine("m", free_from=50),),
        (Job("a"), Job("b"), Job("c")),
        (
            *(Operation(n, n, (Mode("m", 3),), fixed=f) for n, f in zip("ab", past, strict=True)),
            Operation("c", "c", (Mode("m", 5),)),
        ),
    )
    plan = decode(problem, ["a", "b", "c"])
    assert plan.by_operation["c"].start == 50
    legal(problem, plan)


def test_a_pause_does_not_cut_work_short() -> None:
    problem = Problem(
        (Machine("m", "c"),),
        (Job("a"), Job("b")),
        (Operation("a", "a", (Mode("m", 8),)), Operation("b", "b", (Mode("m", 8),))),
        calendars=(Calendar("c", ((0, 10), (20, 30)), interruptible=True),),
    )
    plan = decode(problem, ["a", "b"])
    assert plan.by_operation["a"].end == 8
    assert (plan.by_operation["b"].start, plan.by_operation["b"].end) == (8, 26)


def test_what_finds_no_time_is_left_out_with_what_follows() -> None:
    problem = Problem(
        (Machine("m", "c"), Machine("n")),
        (Job("a"), Job("b")),
        (
            Operation("a", "a", (Mode("m", 8),)),
            Operation("b1", "b", (Mode("m", 8),)),
            Operation("b2", "b", (Mode("n", 1),), ("b1",)),
        ),
        calendars=(Calendar("c", ((0, 10),)),),
    )
    plan = decode(problem, ["a", "b1", "b2"])
    assert [a.operation for a in plan.assignments] == ["a"]
    assert [item.id for item in plan.left_out] == ["b1", "b2"]
    legal(problem, plan)


def test_the_nearer_vehicle_comes_and_drives_empty_in_time() -> None:
    apart = ((0, 10, 20), (10, 0, 10), (20, 10, 0))
    problem = Problem(
        (Machine("m", location="a"), Machine("n", location="b")),
        (Job("j"),),
        (Operation("1", "j", (Mode("m", 15),)), Operation("2", "j", (Mode("n", 1),), ("1",))),
        transport=Transport(
            ("a", "b", "c"),
            {"amr": apart},
            {"amr": 2},
            (Vehicle("far", "amr", "c"), Vehicle("near", "amr", "b")),
        ),
    )
    plan = decode(problem, ["1", "2"])
    (leg,) = plan.legs
    assert (leg.vehicle, leg.empty_start, leg.start, leg.end) == ("near", 5, 15, 27)
    assert plan.by_operation["2"].start == 27
    legal(problem, plan)


def test_a_batch_takes_in_what_comes_in_time() -> None:
    oven = {"batch": "oven", "batch_parts": 2}
    problem = Problem(
        (Machine("m"),),
        (Job("late", release=4), Job("soon"), Job("third")),
        tuple(
            Operation(name, name, (Mode("m", 100),), (), 1, **oven)  # type: ignore[arg-type]
            for name in ("late", "soon", "third")
        ),
    )
    plan = decode(problem, ["late", "soon", "third"])
    starts = {a.operation: a.start for a in plan.assignments}
    assert starts["late"] == starts["soon"] == 4
    assert starts["third"] == 104
    legal(problem, plan)


def test_the_same_order_gives_the_same_plan_whatever_was_decoded_before() -> None:
    problem = random_problem(4)
    decoder = Decoder(problem)
    first = decoder.decode(shuffled(problem, 1))
    decoder.decode(shuffled(problem, 2))
    assert decoder.decode(shuffled(problem, 1)) == first


def test_an_order_that_forgets_something_is_refused() -> None:
    problem = flexible_shop(2, 2, 2)
    with pytest.raises(PlanError, match="every operation once"):
        decode(problem, [operation.id for operation in problem.operations][1:])


def test_the_board_is_worth_what_its_plan_is_worth() -> None:
    from genba.plan import Goal, Objective
    from genba.plan.timing.value import pricing_of

    for seed in range(6):
        problem = random_problem(seed)
        for goal in (Goal.TARDINESS, Goal.SETUPS, Goal.ENERGY, Goal.FLOW, Goal.MAKESPAN):
            objective = Objective(((goal, 1.0),))
            decoder = Decoder(problem)
            rank = np.arange(len(problem.operations), dtype=np.int64)
            modes = np.full(len(rank), -1, dtype=np.int64)
            pricing = pricing_of(problem, objective)
            worth = decoder.worth(rank, modes, pricing)
            value = values_of(problem, decoder.plan(rank, modes))[goal]
            assert worth == pytest.approx(value, rel=1e-3, abs=0.1), goal
