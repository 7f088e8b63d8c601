"""Rules give legal plans, and the best of them is taken."""

from dataclasses import replace

import numpy as np
import pytest
from tests.plan.problems import FEATURES, flexible_shop, random_problem, setup_shop

from genba.plan import (
    MAKESPAN,
    Goal,
    Job,
    Machine,
    Mode,
    Objective,
    Operation,
    Problem,
    violations,
)
from genba.plan.search.rules import drafts, rule_plan, tails
from genba.plan.timing.decode import Decoder

TARDINESS = Objective(((Goal.TARDINESS, 1.0),))


@pytest.mark.parametrize("seed", range(6))
def test_the_plan_of_the_rules_is_legal(seed: int) -> None:
    problem = random_problem(seed, FEATURES)
    for objective in (MAKESPAN, TARDINESS):
        plan = rule_plan(problem, objective)
        assert violations(problem, plan, objective) == []
        assert plan.found_by.startswith("rule ")


def test_the_best_draft_comes_first_and_keeps_its_worth() -> None:
    problem = setup_shop(20, 3, 2)
    decoder = Decoder(problem)
    found = drafts(decoder, TARDINESS)
    worths = [draft.worth for draft in found]
    assert worths == sorted(worths)
    assert worths[0] < worths[-1]
    best = found[0]
    plan = decoder.plan(best.rank, best.modes, fill_gaps=best.fill_gaps)
    assert rule_plan(problem, TARDINESS).assignments == plan.assignments


def test_due_dates_are_kept_on_one_machine_where_that_is_possible() -> None:
    """Jackson's rule is optimal for the greatest lateness on one machine."""
    jobs = tuple(Job(f"j{i}", due=10 * (i + 1)) for i in (3, 0, 4, 1, 2))
    operations = tuple(Operation(job.id, job.id, (Mode("m", 10),)) for job in jobs)
    plan = rule_plan(Problem((Machine("m"),), jobs, operations), TARDINESS)
    assert plan.values[Goal.TARDINESS] == 0


def test_set_ups_are_saved_where_they_count() -> None:
    decoder = Decoder(setup_shop(30, 2, 1))
    worth = {d.name: d.worth for d in drafts(decoder, Objective(((Goal.SETUPS, 1.0),)))}
    assert worth["least set-up, dispatched"] < 0.5 * worth["random keys, dispatched"]


def test_every_draft_names_every_operation_once() -> None:
    problem = flexible_shop(8, 3, 3)
    problem = replace(problem, jobs=tuple(replace(job, release=3) for job in problem.jobs))
    for draft in drafts(Decoder(problem), MAKESPAN, seed=1):
        assert sorted(draft.rank) == list(range(len(problem.operations)))


def test_tails_are_the_shortest_work_that_follows() -> None:
    problem = Problem(
        (Machine("m"), Machine("n")),
        (Job("a"), Job("b")),
        (
            Operation("a1", "a", (Mode("m", 5),)),
            Operation("a2", "a", (Mode("m", 4), Mode("n", 3)), ("a1",)),
            Operation("b1", "b", (Mode("m", 7),), ("a1",)),
        ),
    )
    assert np.array_equal(tails(Decoder(problem).tables), [7, 0, 0])
