import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.plan.shops import best_makespan, plain_shop

from genba.errors import PlanError
from genba.plan.bounds.assign import solve_by_assignment
from genba.plan.checks.validate import violations
from genba.plan.objective import Goal, Objective
from genba.plan.problem import Calendar, Job, Machine, Mode, Operation, Problem
from genba.plan.schedule import Plan, Status


@given(st.integers(0, 10_000))
@settings(max_examples=25, deadline=None)
def test_every_plan_is_legal_and_its_bound_holds(seed: int) -> None:
    problem = plain_shop(seed)
    plan = solve_by_assignment(problem, seed=seed, rounds=6)
    assert violations(problem, plan) == []
    assert plan.bound is not None
    assert plan.bound <= best_makespan(problem) <= plan.values[Goal.MAKESPAN]


def test_a_large_shop_comes_within_one_percent_of_its_bound() -> None:
    problem = plain_shop(3, jobs=300, steps=8, machines=6, released=False)
    plan = solve_by_assignment(problem, rounds=10)
    assert violations(problem, plan) == []
    assert plan.gap is not None
    assert plan.gap < 0.01


def test_each_plan_that_is_told_is_better_than_the_one_before() -> None:
    problem = plain_shop(5, jobs=60, steps=8, machines=6)
    told: list[Plan] = []
    last = solve_by_assignment(problem, rounds=40, on_improved=told.append)
    values = [plan.values[Goal.MAKESPAN] for plan in told]
    assert values == sorted(set(values), reverse=True)
    assert last.values == told[-1].values


def test_the_same_seed_and_rounds_give_the_same_plan() -> None:
    problem = plain_shop(5, jobs=60, steps=8, machines=6)
    one, other = (solve_by_assignment(problem, seed=7, rounds=10) for _ in range(2))
    assert one.assignments == other.assignments


def test_a_plan_at_its_bound_is_called_optimal() -> None:
    problem = Problem(
        machines=(Machine("A"), Machine("B")),
        jobs=(Job("J"), Job("K")),
        operations=(
            Operation("O", "J", (Mode("A", 4), Mode("B", 9))),
            Operation("P", "K", (Mode("A", 9), Mode("B", 4))),
        ),
    )
    plan = solve_by_assignment(problem)
    assert (plan.status, plan.gap) == (Status.OPTIMAL, 0.0)


def test_an_empty_shop_has_an_empty_plan() -> None:
    plan = solve_by_assignment(Problem(machines=(Machine("A"),), jobs=(), operations=()))
    assert plan.assignments == ()


def test_more_than_a_plain_shop_and_other_goals_are_refused() -> None:
    shift = Calendar("shift", ((0, 10),))
    problem = Problem((Machine("A", calendar="shift"),), (), (), calendars=(shift,))
    with pytest.raises(PlanError, match="plain flexible shops"):
        solve_by_assignment(problem)
    with pytest.raises(PlanError, match="makespan"):
        solve_by_assignment(plain_shop(1), Objective(((Goal.TARDINESS, 1.0),)))
