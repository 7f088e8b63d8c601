"""Where the decoder puts jobs in whole, the order of the jobs is searched."""

from dataclasses import replace

from tests.plan.problems import random_problem

from genba.plan.checks.validate import violations
from genba.plan.objective import Goal, Objective
from genba.plan.problem import Job, Machine, Mode, Operation, Problem
from genba.plan.search.jobs import JobSearch, puts_jobs_in_whole
from genba.plan.solve import solve
from genba.plan.timing.decode import Decoder
from genba.plan.timing.value import pricing_of

TARDINESS = Objective(((Goal.TARDINESS, 1.0),))


def flow_line(jobs: int = 12) -> Problem:
    """A line of three stations with one place each; due dates that mislead: short work is late."""
    return Problem(
        machines=tuple(Machine(f"m{n}", places=1) for n in range(3)),
        jobs=tuple(Job(f"j{j:02d}", due=5 * j, weight=1.0 + j % 3) for j in range(jobs)),
        operations=tuple(
            Operation(
                f"j{j:02d}.{n}",
                f"j{j:02d}",
                (Mode(f"m{n}", 3 + (7 * j + 5 * n) % 11),),
                (f"j{j:02d}.{n - 1}",) if n else (),
            )
            for j in range(jobs)
            for n in range(3)
        ),
    )


def test_the_order_of_jobs_decides_where_places_are_bounded() -> None:
    problem = flow_line()
    assert puts_jobs_in_whole(problem)
    free = replace(problem, machines=tuple(Machine(f"m{n}") for n in range(3)))
    assert not puts_jobs_in_whole(free)


def test_it_finds_better_than_due_dates_and_is_never_worse_than_its_starts() -> None:
    problem = flow_line()
    decoder = Decoder(problem)
    by_due = JobSearch(decoder, TARDINESS).climb(steps=0)
    found = JobSearch(decoder, TARDINESS, seed=1).climb(steps=300)
    assert found.worth < by_due.worth
    again = JobSearch(decoder, TARDINESS, seed=2).climb([found], steps=20)
    assert again.worth <= found.worth


def test_what_it_returns_is_worth_what_it_says_and_is_legal() -> None:
    for seed in range(5):
        problem = random_problem(seed, ("places", "transport", "fleet", "setups"), jobs=6)
        problem = replace(problem, jobs=tuple(replace(j, due=20) for j in problem.jobs))
        decoder = Decoder(problem)
        found = JobSearch(decoder, TARDINESS, seed).climb(steps=40)
        pricing = pricing_of(problem, TARDINESS)
        assert decoder.worth(found.rank, found.modes, pricing) == found.worth
        assert violations(problem, decoder.plan(found.rank, found.modes)) == []


def test_the_same_seed_and_steps_give_the_same_order() -> None:
    def once() -> list[int]:
        search = JobSearch(Decoder(flow_line()), TARDINESS, seed=7)
        return search.climb(steps=50).rank.tolist()

    assert once() == once()


def test_solve_uses_it() -> None:
    found = solve(flow_line(), TARDINESS, iterations=200, seed=1)
    assert found.values[Goal.TARDINESS] > 0
    assert found.found_by.startswith("order of jobs")
