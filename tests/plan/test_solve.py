"""One door: the answer is legal, says how good it is, and is never worse than what was known."""

from dataclasses import replace

import pytest
from tests.plan.problems import flexible_shop, random_problem, setup_shop

from genba.plan import (
    MAKESPAN,
    Goal,
    Job,
    Machine,
    Mode,
    Objective,
    Operation,
    Plan,
    Problem,
    Status,
    solve,
    values_of,
    violations,
)
from genba.plan import paths as paths_of
from genba.plan.search.rules import rule_plan

TARDINESS = Objective(((Goal.TARDINESS, 1.0),))


def test_a_plain_shop_is_solved_with_bound_gap_and_values() -> None:
    problem = flexible_shop(6, 4, 4)
    plan = solve(problem, iterations=2000)
    assert violations(problem, plan, MAKESPAN) == []
    assert plan.bound is not None
    assert plan.gap == pytest.approx(
        (plan.values[Goal.MAKESPAN] - plan.bound) / plan.values[Goal.MAKESPAN]
    )
    assert "bound:" in plan.found_by
    assert plan.values == values_of(problem, plan, MAKESPAN)


def test_a_plan_that_meets_its_bound_is_optimal() -> None:
    problem = Problem(
        (Machine("m"),),
        (Job("a"), Job("b")),
        (Operation("a", "a", (Mode("m", 5),)), Operation("b", "b", (Mode("m", 7),))),
    )
    plan = solve(problem, iterations=50)
    assert (plan.status, plan.gap, plan.bound) == (Status.OPTIMAL, 0.0, 12.0)


@pytest.mark.parametrize("features", [("setups", "calendars"), ("fleet", "transport"), ("staff",)])
def test_a_small_problem_is_solved_with_proof(features: tuple[str, ...]) -> None:
    problem = random_problem(1, features, jobs=3)
    plan = solve(problem, time_limit_s=20, workers=1)
    assert violations(problem, plan, MAKESPAN) == []
    assert (plan.status, plan.gap) == (Status.OPTIMAL, 0.0)
    assert plan.values[Goal.MAKESPAN] <= rule_plan(problem).values[Goal.MAKESPAN]


def test_goals_in_order_are_proven_together() -> None:
    problem = random_problem(2, ("setups", "alternatives"), jobs=3)
    ordered = Objective(((Goal.TARDINESS, 1.0), (Goal.SETUPS, 1.0)), ordered=True)
    plan = solve(problem, ordered, time_limit_s=20, workers=1)
    assert violations(problem, plan, ordered) == []
    assert plan.status is Status.OPTIMAL


def test_the_search_is_better_than_the_rules() -> None:
    problem = setup_shop(30, 3, 2)
    plan = solve(problem, TARDINESS, iterations=20_000)
    rules = rule_plan(problem, TARDINESS)
    assert plan.values[Goal.TARDINESS] < 0.9 * rules.values[Goal.TARDINESS]


def test_the_same_seed_and_iterations_give_the_same_plan() -> None:
    for problem in (random_problem(7), setup_shop(10, 2, 2), flexible_shop(5, 3, 3)):
        one, other = (solve(problem, TARDINESS, seed=3, iterations=200) for _ in range(2))
        assert one.assignments == other.assignments
        assert one.seed == 3


def test_a_hint_is_never_made_worse() -> None:
    problem = setup_shop(20, 3, 2)
    good = solve(problem, TARDINESS, iterations=20_000)
    again = solve(problem, TARDINESS, iterations=1, hint=good)
    assert again.values[Goal.TARDINESS] <= good.values[Goal.TARDINESS]


def test_a_hint_that_is_not_legal_any_more_is_timed_anew() -> None:
    problem = setup_shop(20, 3, 2)
    good = solve(problem, TARDINESS, iterations=20_000)
    down = replace(
        problem, machines=(replace(problem.machines[0], free_from=50), *problem.machines[1:])
    )
    again = solve(down, TARDINESS, iterations=1, hint=good)
    assert violations(down, again, TARDINESS) == []


def test_ordered_goals_are_compared_in_their_order() -> None:
    problem = setup_shop(15, 2, 2)
    goals = ((Goal.SETUPS, 1.0), (Goal.TARDINESS, 1.0))
    ordered = solve(problem, Objective(goals, ordered=True), iterations=5000)
    other = solve(problem, Objective(goals[::-1], ordered=True), iterations=5000)
    assert ordered.values[Goal.SETUPS] < other.values[Goal.SETUPS]
    assert ordered.values[Goal.TARDINESS] > other.values[Goal.TARDINESS]


def test_better_plans_are_told_as_they_come() -> None:
    told: list[Plan] = []
    problem = setup_shop(20, 3, 2)
    plan = solve(problem, TARDINESS, iterations=5000, on_improved=told.append)
    values = [found.values[Goal.TARDINESS] for found in told]
    assert len(values) > 1
    assert values == sorted(values, reverse=True)
    assert values[-1] == plan.values[Goal.TARDINESS]


def test_a_path_that_breaks_the_rules_is_discarded_and_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    problem = setup_shop(10, 2, 2)

    def wrong(best: object, *_: object, **__: object) -> None:
        best.offer(  # type: ignore[attr-defined]
            replace(
                best.plan,  # type: ignore[attr-defined]
                assignments=tuple(
                    replace(a, setup_start=0, start=0, end=a.end - a.start)
                    for a in best.plan.assignments  # type: ignore[attr-defined]
                ),
            ),
            "magic",
        )

    monkeypatch.setattr(paths_of, "by_search", wrong)
    plan = solve(problem, TARDINESS, iterations=10)
    assert violations(problem, plan, TARDINESS) == []
    assert plan.found_by.endswith("discarded as illegal: magic")
