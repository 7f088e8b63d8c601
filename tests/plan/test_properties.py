"""What holds for every problem: legal plans, names that do not matter, times that only scale."""

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.plan.problems import FEATURES, flexible_shop, random_problem, renamed, scaled

from genba.plan import Calendar, Goal, Objective, examine, solve, violations
from genba.plan.search.rules import rule_plan

SEEDS = st.integers(0, 100_000)
MIXES = st.sets(st.sampled_from(FEATURES)).map(sorted)
OBJECTIVES = st.sampled_from(
    [
        Objective(),
        Objective(((Goal.TARDINESS, 1.0),)),
        Objective(((Goal.TARDINESS, 1.0), (Goal.SETUPS, 0.5), (Goal.ENERGY, 2.0))),
        Objective(((Goal.TARDINESS, 1.0), (Goal.MAKESPAN, 1.0)), ordered=True),
    ]
)


@settings(max_examples=25, deadline=None)
@given(seed=SEEDS, features=MIXES, objective=OBJECTIVES)
def test_every_plan_is_legal_and_no_worse_than_the_rules(
    seed: int, features: list[str], objective: Objective
) -> None:
    problem = random_problem(seed, features)
    plan = solve(problem, objective, iterations=100)
    assert violations(problem, plan, objective) == []
    assert not plan.left_out
    rules = rule_plan(problem, objective)
    assert objective.value(dict(plan.values)) <= objective.value(dict(rules.values))


@settings(max_examples=15, deadline=None)
@given(seed=SEEDS, features=MIXES)
def test_names_do_not_matter(seed: int, features: list[str]) -> None:
    problem = random_problem(seed, features)
    plan, other = (solve(p, iterations=50) for p in (problem, renamed(problem)))
    assert plan.values == other.values


@settings(max_examples=15, deadline=None)
@given(seed=SEEDS)
def test_names_do_not_matter_in_a_plain_shop(seed: int) -> None:
    problem = flexible_shop(5, 3, 3, seed=seed)
    plan, other = (solve(p, iterations=200) for p in (problem, renamed(problem)))
    assert plan.values == other.values


@settings(max_examples=15, deadline=None)
@given(seed=SEEDS, features=MIXES)
def test_sixty_times_longer_times_give_a_sixty_times_longer_plan(
    seed: int, features: list[str]
) -> None:
    problem = random_problem(seed, features)
    plan, other = (rule_plan(p) for p in (problem, scaled(problem, 60)))
    assert other.values[Goal.MAKESPAN] == 60 * plan.values[Goal.MAKESPAN]


@settings(max_examples=15, deadline=None)
@given(seed=SEEDS, features=MIXES)
def test_a_calendar_that_is_closed_for_good_is_named(seed: int, features: list[str]) -> None:
    problem = random_problem(seed, features)
    closed = replace(
        problem,
        calendars=(*problem.calendars, Calendar("never", ())),
        machines=(replace(problem.machines[0], calendar="never"), *problem.machines[1:]),
    )
    rest, left_out = examine(closed)
    assert any("calendar never has no working time" in item.reason for item in left_out)
    plan = solve(closed, iterations=10)
    assert violations(rest, plan) == []
    assert not any(a.machine == "m0" for a in plan.assignments)
