"""A plan comes back from its order; none that stands in a line of full stations is torn."""

from dataclasses import replace
from random import Random

from tests.plan.problems import random_problem, setup_shop

from genba.plan.checks.validate import violations
from genba.plan.objective import Goal, Objective
from genba.plan.problem import Job, Machine, Mode, Operation, Problem
from genba.plan.schedule import Plan
from genba.plan.timing.decode import Decoder
from genba.plan.timing.resume import drafts_of, resumed
from genba.plan.timing.value import pricing_of
from genba.plan.values import values_of

TARDINESS = Objective(((Goal.TARDINESS, 1.0),))


def shuffled(problem: Problem, seed: int) -> list[str]:
    names = [operation.id for operation in problem.operations]
    Random(seed).shuffle(names)
    return names


def full_line(jobs: int = 8) -> Problem:
    """A line of three stations with one place each, and much work at the last."""
    return Problem(
        machines=tuple(Machine(f"m{n}", places=1) for n in range(3)),
        jobs=tuple(Job(f"j{j}", due=20 * (j + 1)) for j in range(jobs)),
        operations=tuple(
            Operation(
                f"j{j}.{n}",
                f"j{j}",
                (Mode(f"m{n}", 3 + (7 * j + 5 * n) % 11),),
                (f"j{j}.{n - 1}",) if n else (),
            )
            for j in range(jobs)
            for n in range(3)
        ),
    )


def test_resuming_a_decoded_plan_gives_one_as_good() -> None:
    for seed in range(5):
        problem = setup_shop(20, 3, 2, seed)
        decoder, pricing = Decoder(problem), pricing_of(problem, TARDINESS)
        plan = decoder.decode(shuffled(problem, seed), fill_gaps=False)
        again = resumed(decoder, plan, pricing)
        late = values_of(problem, again, TARDINESS)[Goal.TARDINESS]
        assert late <= values_of(problem, plan, TARDINESS)[Goal.TARDINESS]


def test_a_plan_of_full_stations_comes_back_as_it_was() -> None:
    problem = full_line()
    decoder, pricing = Decoder(problem), pricing_of(problem, TARDINESS)
    for seed in range(5):
        plan = decoder.decode(shuffled(problem, seed))
        plan = replace(plan, turns=())
        again = resumed(decoder, plan, pricing)
        assert again.by_operation == plan.by_operation


def test_what_is_not_in_the_plan_comes_last_and_the_plan_is_legal() -> None:
    for seed in range(5):
        problem = random_problem(seed, ("places", "setups"), jobs=5)
        decoder, pricing = Decoder(problem), pricing_of(problem, TARDINESS)
        whole = decoder.decode(shuffled(problem, seed))
        known = whole.assignments[: len(whole.assignments) // 2]
        again = resumed(decoder, Plan(known), pricing)
        assert violations(problem, again, TARDINESS) == []


def test_the_orders_of_a_plan_come_best_first() -> None:
    problem = full_line()
    decoder, pricing = Decoder(problem), pricing_of(problem, TARDINESS)
    found = drafts_of(decoder, decoder.decode(shuffled(problem, 3)), pricing)
    worths = [decoder.worth(d.rank, d.modes, pricing, fill_gaps=d.fill_gaps) for d in found]
    assert worths == sorted(worths) == [draft.worth for draft in found]
