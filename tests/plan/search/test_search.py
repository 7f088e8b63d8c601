"""The search makes plans of rules better, and its lean judge agrees with the decoder."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.plan.problems import random_problem, setup_shop

from genba.plan import MAKESPAN, Goal, Objective, Problem, violations
from genba.plan.search.judge import NOW, TRY, judge, lean_of, walk_of
from genba.plan.search.moves import change, copy_row
from genba.plan.search.rules import Draft, drafts
from genba.plan.search.search import Search
from genba.plan.shop.draw import seeded
from genba.plan.timing import columns as c
from genba.plan.timing.decode import Decoder
from genba.plan.timing.value import pricing_of

TARDINESS = Objective(((Goal.TARDINESS, 1.0),))
LEAN = ("alternatives", "releases", "calendars", "breaks", "setups", "detached", "energy")


def climbed(problem: Problem, objective: Objective, steps: int, seed: int = 0) -> Draft:
    decoder = Decoder(problem)
    return Search(decoder, objective, seed).climb(drafts(decoder, objective), steps=steps)


def test_weighted_tardiness_falls_by_a_fifth_in_a_few_thousand_steps() -> None:
    problem = setup_shop(50, 4, 3)
    first = drafts(Decoder(problem), TARDINESS)[0]
    assert climbed(problem, TARDINESS, 20_000).worth < 0.8 * first.worth


def test_the_makespan_with_set_ups_falls() -> None:
    problem = setup_shop(50, 4, 3)
    first = drafts(Decoder(problem), MAKESPAN)[0]
    assert climbed(problem, MAKESPAN, 20_000).worth < 0.9 * first.worth


def test_a_search_that_is_short_for_its_problem_still_gets_better() -> None:
    problem = setup_shop(200, 5, 4)
    objective = Objective(((Goal.TARDINESS, 1.0), (Goal.FLOW, 0.02), (Goal.SETUPS, 0.5)))
    first = drafts(Decoder(problem), objective)[0]
    found = climbed(problem, objective, 5 * len(problem.operations))
    assert found.worth < first.worth


def test_problems_of_every_kind_get_better_through_the_decoder() -> None:
    problem = random_problem(3, jobs=12)
    decoder = Decoder(problem)
    first = drafts(decoder, TARDINESS)[0]
    found = climbed(problem, TARDINESS, 400)
    assert found.worth < first.worth
    plan = decoder.plan(found.rank, found.modes, fill_gaps=found.fill_gaps)
    assert violations(problem, plan) == []


@pytest.mark.parametrize("features", [LEAN, ("staff", "fleet", "transport")])
def test_the_same_seed_and_steps_give_the_same_order(features: tuple[str, ...]) -> None:
    problem = random_problem(2, features, jobs=8)
    one, other = (climbed(problem, TARDINESS, 300, seed=5) for _ in range(2))
    assert one.worth == other.worth
    assert np.array_equal(one.rank, other.rank)


def test_the_answer_is_never_worse_than_its_start() -> None:
    problem = setup_shop(15, 2, 2)
    decoder = Decoder(problem)
    start = climbed(problem, TARDINESS, 20_000)
    again = Search(decoder, TARDINESS, 9).climb([start], steps=50)
    assert again.worth <= start.worth


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000), features=st.sets(st.sampled_from(LEAN)))
def test_the_lean_judge_agrees_with_the_decoder_after_any_moves(
    seed: int, features: set[str]
) -> None:
    problem = random_problem(seed, sorted(features), jobs=6)
    decoder = Decoder(problem)
    goals = {
        Goal.MAKESPAN: 1.0, Goal.TARDINESS: 2.0, Goal.SETUPS: 0.5, Goal.FLOW: 0.1,
        Goal.ENERGY: 0.7, Goal.STABILITY: 3.0,
    }  # fmt: skip
    before = decoder.decode([operation.id for operation in problem.operations])
    objective = Objective(tuple(goals.items()), reference=before)
    tables, lean = decoder.tables, lean_of(decoder.tables)
    assert lean.is_lean[0]
    pricing, walk, rng = pricing_of(problem, objective), walk_of(tables), seeded(seed)
    for row in (NOW, TRY):
        walk.order[row] = walk.place[row] = np.arange(len(problem.operations))
        walk.way[row] = tables.operations[:, c.O_WAY]
    judge(tables, lean, pricing, walk, 0)
    copy_row(walk, TRY, NOW)
    for _ in range(20):
        copy_row(walk, NOW, TRY)
        first = change(tables, lean, walk, rng, 8)
        if first < 0:
            continue
        value = judge(tables, lean, pricing, walk, first)
        order, place = walk.order[TRY], walk.place[TRY]
        assert np.array_equal(place[order], np.arange(len(order)))
        modes = tables.ways[walk.way[TRY], c.W_MODE]
        worth = decoder.worth(place.copy(), modes, pricing, fill_gaps=False)
        assert value == pytest.approx(worth, rel=1e-9)
        copy_row(walk, TRY, NOW)
