"""An experiment tells more than chance does, stays where it must, and says what it will tell."""

import numpy as np
import pytest
from tests.twin.process.plants import TANKS, tanks, z_of

from genba.errors import TwinError
from genba.twin.process import Episode, Numeric, identify, prior
from genba.twin.process.experiment import designed

START = np.array([0.14, 0.11, 0.07, 0.42])
BOUNDS = np.array([[0.1, 0.1], [10.0, 10.0]])


def uncertainty_after(inputs: np.ndarray) -> float:
    model, source = tanks(), np.random.default_rng(3)
    c = np.zeros((len(inputs), 0))
    _, shown = Numeric(model).run(START[None], inputs, c, z_of(model, TANKS)[None])
    noisy = shown[0] + 0.012 * source.standard_normal(shown[0].shape)
    belief = identify(model, [Episode(inputs, c, noisy)], length=60)
    return float(np.linalg.slogdet(belief.covariance)[1])


def test_it_tells_more_than_set_points_at_random() -> None:
    model = tanks()
    own = designed(model, prior(model.process, 0.02), START, BOUNDS, 59).inputs
    chance = []
    for seed in range(3):
        levels = np.random.default_rng(seed).uniform(*BOUNDS, (12, 2))
        chance.append(uncertainty_after(np.repeat(levels, 5, axis=0)[:59]))
    assert uncertainty_after(own) < min(chance)


def test_it_says_what_it_will_tell() -> None:
    model = tanks()
    found = designed(model, prior(model.process, 0.02), START, BOUNDS, 59)
    assert found.learned["pump_2_to_3"] > 0.9
    still = designed(
        model, prior(model.process, 0.02), START, np.array([[0.1, 5.0], [0.1001, 5.0001]]), 20
    )
    assert still.learned["pump_1_to_4"] < found.learned["pump_1_to_4"]


def test_it_stays_within_its_bounds_and_where_states_must_stay() -> None:
    model = tanks()
    belief = prior(model.process, 0.02)
    narrow = np.array([[2.0, 2.0], [6.0, 6.0]])
    keeps = np.array([[0.0] * 4, [3.0] * 4])
    found = designed(model, belief, START, narrow, 40, keeps=keeps)
    assert found.inputs.min() >= 2.0
    assert found.inputs.max() <= 6.0
    with pytest.raises(TwinError, match="narrow the bounds"):
        designed(model, belief, START, BOUNDS, 40, keeps=np.array([[0.0] * 4, [0.05] * 4]))
