"""A target that is nearer than the model's own error is left alone, and what nobody knows too."""

from dataclasses import replace
from pathlib import Path
from statistics import NormalDist

import numpy as np
import pytest
from tests.control.oven import PLANT, plant_in

from genba.control.advice import advise, both_ways
from genba.control.bound import Bound, bound
from genba.control.nmpc import Ahead
from genba.control.worth import Worth, worth
from genba.twin.process import Belief, Episode, Tracker, prior

SEEN = {"setpoint": (100.0, 230.0), "ambient": (18.0, 24.0)}
HEAT = 200.0


@pytest.fixture
def joined(tmp_path: Path) -> Bound:
    return bound(plant_in(tmp_path, PLANT.replace(", prices: {power: 0.01}", "")), "oven-heat")


def belief(joined: Bound, *, wider: float = 1.0) -> Belief:
    """Know the oven well, but for an error that goes on."""
    known = prior(joined.physics, noise=0.001)
    widening = tuple((steps, (wider, 1.0)) for steps in (1, 60))
    return replace(known, covariance=1e-6 * np.eye(len(known.mean)), widening=widening)


def recent(heat: float) -> Episode:
    rows = 60
    shown = np.tile([heat, np.nan], (rows, 1))
    return Episode(np.full((rows, 1), heat), np.full((rows, 1), 21.0), shown)


def test_what_is_farther_off_than_the_model_errs_is_gone_for(joined: Bound) -> None:
    found = advise(joined, belief(joined), recent(HEAT - 6.0), SEEN, 0)
    ((_, _, now, advised),) = found.inputs
    assert advised > now


def test_what_is_nearer_than_the_model_errs_is_left_alone(joined: Bound) -> None:
    found = advise(joined, belief(joined, wider=20.0), recent(HEAT - 6.0), SEEN, 0)
    assert found.inputs == ()
    assert "as good as the model can tell: a move would gain" in found.why


def test_the_doubt_of_a_gain_grows_with_the_error_and_with_the_way(joined: Bound) -> None:
    steps = joined.process.horizon
    air, now = np.array([21.0]), np.array([HEAT - 4.0])
    tracker = Tracker(joined.symbolic, belief(joined), state=now)
    tracker.seen(np.array([HEAT - 4.0, np.nan]), now, air)
    ahead = Ahead(
        np.tile(joined.references(), (steps, 1)), np.tile(air, (steps, 1)), np.ones(steps),
        np.zeros((steps, 2)),
    )  # fmt: skip

    def found(to: float, wider: float) -> tuple[float, float]:
        courses = np.full((steps, 1), HEAT - 4.0), np.full((steps, 1), to)
        paths = both_ways(joined, tracker, courses, air)
        told = worth(joined, belief(joined, wider=wider), paths, courses, ahead)
        return told.gain, told.doubt

    assert found(HEAT, 1.0)[0] > found(HEAT, 1.0)[1]
    assert found(HEAT, 20.0)[1] > 2 * found(HEAT, 10.0)[1]
    assert found(HEAT, 10.0)[1] > found(HEAT - 2.0, 10.0)[1]
    assert found(HEAT, 2.0)[0] == pytest.approx(found(HEAT, 10.0)[0])
    assert found(HEAT - 8.0, 1.0)[0] < 0


def test_doubt_is_what_may_be_lost_and_a_normal_gain_exceeds_it_from_one_deviation_on() -> None:
    evenly = np.array([NormalDist().inv_cdf((k + 0.5) / 2000) for k in range(2000)])
    for gain, enough in ((0.9, False), (1.1, True)):
        assert Worth.of(gain + evenly).enough is enough
        assert Worth.of(np.full(8, gain), error=1.0).enough is enough
    # Nothing to gain in most futures, and much in the others: there is nothing to lose.
    one_sided = Worth.of(np.array([0.0] * 9 + [5.0]))
    assert (one_sided.gain, one_sided.doubt, one_sided.enough) == (0.5, 0.0, True)
    assert not Worth.of(np.array([0.0] * 9 + [-5.0])).enough
    assert not Worth.of(np.zeros(4)).enough


def test_advice_is_withdrawn_where_what_happens_contradicts_the_model(joined: Bound) -> None:
    rows = recent(HEAT - 6.0)
    assert not advise(joined, belief(joined), rows, SEEN, 0).withdrawn
    rows.shown[-4:, 0] += [4.0, 8.0, 12.0, 16.0]
    found = advise(joined, belief(joined), rows, SEEN, 0)
    assert found.inputs == ()
    assert found.withdrawn
    assert "contradicted" in found.why


def test_advice_is_to_be_left_so_and_reaches_no_farther_than_that_asks_for(joined: Bound) -> None:
    found = advise(joined, belief(joined), recent(HEAT - 6.0), SEEN, 0)
    ((_, _, _, advised),) = found.inputs
    (heat, _) = found.expected
    # Held for all that is looked ahead, it comes near and does not overshoot.
    assert HEAT - 3.0 < heat.advised < HEAT + 2.0
    assert advised < HEAT + 10.0


def test_a_set_point_that_nobody_moved_is_not_moved_by_advice(joined: Bound) -> None:
    still = {**SEEN, "setpoint": (HEAT - 6.0, HEAT - 6.0)}
    found = advise(joined, belief(joined), recent(HEAT - 6.0), still, 0)
    assert found.inputs == ()
    assert "nobody moved 'setpoint'" in found.why
    assert "genba control experiment oven-heat" in found.why
