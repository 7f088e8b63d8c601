"""A running process is followed, its drift too, and narrow data ruin nothing."""

from functools import cache

import numpy as np
import pytest
from tests.twin.process.plants import TANKS, tank_episodes, tanks, z_of

from genba.errors import TwinError
from genba.twin.process import Belief, Episode, Numeric, Tracker, Wander, identify


def followed(tracker: Tracker, episode: Episode) -> list[float]:
    surprises = []
    for u, c, shown in zip(episode.inputs, episode.context, episode.shown, strict=True):
        surprises.append(tracker.seen(shown, u, c))
        tracker.went(u, c)
    return surprises


@cache
def known() -> Belief:
    return identify(tanks(), tank_episodes(noise=0.02))


def test_the_state_is_better_known_than_any_one_value_tells() -> None:
    model, belief = tanks(), known()
    clean = tank_episodes(episodes=1, seed=9)[0]
    noisy = tank_episodes(episodes=1, seed=9, noise=0.02)[0]
    tracker = Tracker(model, belief, Wander(states=1e-4))
    apart, measured = [], []
    for k in range(noisy.rows):
        tracker.seen(noisy.shown[k], noisy.inputs[k], noisy.context[k])
        if k > 10:
            apart.append(tracker.state - clean.shown[k])
            measured.append(noisy.shown[k] - clean.shown[k])
        tracker.went(noisy.inputs[k], noisy.context[k])
    assert np.std(apart) < 0.5 * np.std(measured)


def test_parameters_follow_a_drift() -> None:
    changed = {**TANKS, "outlet_1": 1.15 * TANKS["outlet_1"], "pump_1_to_1": 0.00145 / 10}
    model = tanks()
    source, numeric = np.random.default_rng(3), Numeric(model)
    u = np.repeat(source.uniform(0.1, 10.0, (24, 2)), 5, axis=0)
    c = np.zeros((120, 0))
    shown = numeric.run(np.array([[0.14, 0.11, 0.07, 0.42]]), u, c, z_of(model, changed)[None])[1]
    tracker = Tracker(model, known().loosened(0.3), Wander(1e-4, 0.01))
    followed(tracker, Episode(u, c, shown[0]))
    found = tracker.learned().values()
    assert found["outlet_1"] == pytest.approx(changed["outlet_1"], rel=0.05)


def test_narrow_data_ruin_nothing() -> None:
    model, belief = tanks(), known()
    tracker = Tracker(model, belief, Wander(1e-4, 0.0))
    u, c = np.full((400, 2), 5.0), np.zeros((400, 0))
    truth = z_of(model, TANKS)[None]
    start = np.array([[0.14, 0.11, 0.07, 0.42]])
    states, shown = Numeric(model).run(start, u, c, truth)
    noisy = shown[0] * (1 + 0.02 * np.random.default_rng(1).standard_normal(shown[0].shape))
    followed(tracker, Episode(u, c, noisy))
    assert tracker.learned().values() == pytest.approx(TANKS, rel=0.1)
    assert np.isfinite(states).all()


def test_surprise_tells_a_wrong_model_from_a_right_one() -> None:
    model, belief = tanks(), known()
    right = followed(Tracker(model, belief), tank_episodes(episodes=1, noise=0.02, seed=4)[0])
    episode = tank_episodes(episodes=1, noise=0.02, seed=4)[0]
    swapped = Episode(episode.inputs, episode.context, episode.shown[:, [1, 0, 3, 2]])
    wrong = followed(Tracker(model, belief), swapped)
    assert np.median(right[5:]) < 3.0
    assert np.median(wrong[5:]) > 10.0


def test_what_is_not_finite_is_not_taken_in() -> None:
    tracker = Tracker(tanks(), known())
    before = tracker.state.copy()
    with pytest.raises(TwinError, match="nothing was taken in"):
        tracker.seen(np.zeros(4), np.array([np.nan, 1.0]), np.zeros(0))
    tracker.seen(np.full(4, np.nan), np.ones(2), np.zeros(0))
    assert (tracker.state == before).all()


def test_physics_that_leave_nothing_out_are_not_said_to() -> None:
    belief = identify(tanks(), tank_episodes(noise=0.02))
    assert belief.wander <= 1e-4


def test_what_physics_leave_out_is_seen_beside_the_noise_of_sensors() -> None:
    model, source = tanks(), np.random.default_rng(2)
    numeric, z = Numeric(model), z_of(model, TANKS)
    x, rows = np.array([0.14, 0.11, 0.07, 0.42]), []
    u = np.repeat(source.uniform(0.1, 10.0, (60, 2)), 5, axis=0)
    for now in u:
        rows.append(x + 0.001 * source.standard_normal(4))
        x = numeric.step(x[None], now[None], np.zeros((1, 0)), z[None])[0][0]
        x = x + 0.01 * source.standard_normal(4)
    belief = identify(model, [Episode(u, np.zeros((300, 0)), np.array(rows))])
    assert 0.003 <= belief.wander <= 0.05
    assert belief.noise.max() < 0.01
