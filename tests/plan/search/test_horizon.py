import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.plan.problems import random_problem, setup_shop

from genba.plan.checks.validate import violations
from genba.plan.objective import MAKESPAN, Goal, Objective
from genba.plan.schedule import Plan
from genba.plan.search.horizon import solve_rolling
from genba.plan.timing.decode import decode
from genba.plan.values import values_of

LATE = Objective(((Goal.TARDINESS, 1.0), (Goal.SETUPS, 1.0)))


@given(st.integers(0, 10_000), st.booleans())
@settings(max_examples=8, deadline=None)
def test_every_plan_of_any_problem_is_legal(seed: int, late: bool) -> None:
    problem = random_problem(seed, jobs=5)
    objective = LATE if late else MAKESPAN
    told: list[Plan] = []
    plan = solve_rolling(problem, objective, window=6, iterations=2, on_improved=told.append)
    assert [violations(problem, p, objective) for p in told] == [[]] * len(told)
    assert plan is told[-1]


@pytest.mark.parametrize("objective", [LATE, MAKESPAN], ids=["late", "makespan"])
def test_windows_better_the_plan_that_they_begin_with(objective: Objective) -> None:
    problem = setup_shop(jobs=80, seed=2)
    hint = decode(problem, [o.id for o in problem.operations])
    told: list[Plan] = []
    plan = solve_rolling(
        problem, objective, window=60, iterations=30, hint=hint, on_improved=told.append
    )
    assert violations(problem, plan, objective) == []
    before = objective.value(values_of(problem, hint, objective))
    assert objective.value(dict(plan.values)) < before


def test_the_same_seed_and_steps_give_the_same_plan() -> None:
    problem = setup_shop(jobs=60, seed=2)
    one, other = (
        solve_rolling(problem, LATE, window=40, iterations=5, seed=3).assignments for _ in range(2)
    )
    assert one == other


def test_without_time_the_plan_is_that_of_the_rule() -> None:
    problem = setup_shop(jobs=60, seed=2)
    told: list[Plan] = []
    plan = solve_rolling(problem, LATE, time_limit_s=0.0, on_improved=told.append)
    assert told == [plan]
    assert violations(problem, plan, LATE) == []
