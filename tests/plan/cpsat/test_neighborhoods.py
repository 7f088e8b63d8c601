"""Windows make a plan better and never worse, and keep it legal whatever the problem has."""

from types import SimpleNamespace
from typing import Any

import pytest
from tests.plan.problems import random_problem, setup_shop

from genba.plan.checks.examine import examine
from genba.plan.checks.validate import violations
from genba.plan.cpsat import (
    budget,
    improve,
    neighborhoods,
    solve_by_constraints,
    solve_exactly,
)
from genba.plan.cpsat.kept import EDGE, Kept
from genba.plan.cpsat.model import Model, model_of
from genba.plan.objective import MAKESPAN, Goal, Objective
from genba.plan.problem import Problem
from genba.plan.schedule import Plan, Status
from genba.plan.timing.decode import Decoder
from genba.plan.values import values_of


def started(problem: Problem) -> Plan:
    return Decoder(problem).decode([operation.id for operation in problem.operations])


@pytest.mark.parametrize("seed", range(4))
def test_plans_of_problems_with_everything_stay_legal_and_get_no_worse(seed: int) -> None:
    problem, _ = examine(random_problem(seed, jobs=5))
    objective = Objective(((Goal.TARDINESS, 1.0), (Goal.FLOW, 0.1)))
    plan = started(problem)
    better = improve(
        problem, objective, plan, time_limit_s=60.0, work_limit_s=1.0, iterations=4, seed=seed
    )
    assert violations(problem, better, objective) == []
    before = values_of(problem, plan, objective)
    assert objective.value(dict(better.values)) <= objective.value(before)


def test_windows_find_what_a_plain_rule_does_not() -> None:
    problem = setup_shop(jobs=10, machines=2, steps=2, seed=1)
    objective = Objective(((Goal.TARDINESS, 1.0),))
    plan = started(problem)
    before = values_of(problem, plan)[Goal.TARDINESS]
    better = improve(problem, objective, plan, time_limit_s=60.0, work_limit_s=1.0, iterations=6)
    assert better.values[Goal.TARDINESS] < before


def test_the_same_seed_gives_the_same_plan() -> None:
    problem = setup_shop(jobs=8, machines=2, seed=2)
    plan = started(problem)
    first, second = (
        improve(problem, MAKESPAN, plan, time_limit_s=60.0, work_limit_s=0.3, iterations=3, seed=7)
        for _ in range(2)
    )
    assert first.assignments == second.assignments


def test_goals_in_order_are_improved_in_order() -> None:
    problem = setup_shop(jobs=8, machines=2, seed=3)
    objective = Objective(((Goal.SETUPS, 1.0), (Goal.MAKESPAN, 1.0)), ordered=True)
    plan = started(problem)
    better = improve(problem, objective, plan, time_limit_s=60.0, work_limit_s=1.0, iterations=6)
    assert better.values[Goal.SETUPS] < values_of(problem, plan)[Goal.SETUPS]


def test_both_together_prove_small_problems() -> None:
    problem, _ = examine(random_problem(3, ("alternatives", "setups"), jobs=4))
    plan = solve_by_constraints(problem, MAKESPAN, started(problem), time_limit_s=30.0)
    alone = solve_exactly(problem, MAKESPAN, time_limit_s=30.0)
    assert alone is not None
    assert plan.status is Status.OPTIMAL
    assert plan.values[Goal.MAKESPAN] == alone.values[Goal.MAKESPAN]


def test_what_is_kept_follows_in_its_order_and_what_is_open_stands_within_the_window() -> None:
    kept = Kept([3, 1, 4], [(0, 5), (5, 9), (12, 15)], [True, True, True], (5, 12))
    assert kept.may_follow(3, 1)
    assert not kept.may_follow(1, 3)
    assert not kept.may_follow(3, 4)
    assert not kept.may_follow(EDGE, 7)
    assert kept.may_follow(3, 7)
    assert kept.may_follow(7, 4)
    assert not kept.may_follow(4, 7)
    assert not kept.may_follow(7, EDGE)
    assert kept.may_follow(4, EDGE)


def test_what_may_be_missing_is_passed_over() -> None:
    kept = Kept([0, 1, 2], [(0, 5), (5, 9), (9, 15)], [True, False, True], (-9, 99))
    assert kept.may_follow(0, 1)
    assert kept.may_follow(0, 2)
    assert not kept.may_follow(0, EDGE)


def test_no_window_is_begun_that_there_is_no_time_left_to_solve(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now_s, drawn = 0.0, 0

    def slowly(*given: Any) -> Model:
        nonlocal now_s, drawn
        now_s, drawn = now_s + 3.0, drawn + 1
        return model_of(*given)

    monkeypatch.setattr(neighborhoods, "model_of", slowly)
    monkeypatch.setattr(neighborhoods, "time", SimpleNamespace(monotonic=lambda: now_s))
    monkeypatch.setattr(budget, "time", SimpleNamespace(monotonic=lambda: now_s))
    problem = setup_shop(jobs=40, machines=3, seed=1)
    objective = Objective(((Goal.TARDINESS, 1.0),))
    improve(problem, objective, started(problem), time_limit_s=10.0)
    assert drawn == 3
    assert now_s <= 10.0
