"""Parameters are found, and it is known how well."""

import numpy as np
import pytest
from tests.twin.process.plants import (
    REACTOR,
    TANKS,
    reactor,
    reactor_episodes,
    tank_episodes,
    tanks,
    z_of,
)

from genba.errors import TwinError
from genba.twin.process import Episode, identify


def test_parameters_are_found_exactly_where_nothing_is_noisy() -> None:
    for model, episodes, truth in (
        (reactor(), reactor_episodes(), REACTOR),
        (tanks(), tank_episodes(), TANKS),
    ):
        found = identify(model, episodes, length=10).values()
        assert found == pytest.approx(truth, rel=1e-3)


def test_intervals_hold_the_truth_as_often_as_they_say() -> None:
    inside = []
    for seed in range(6):
        belief = identify(tanks(), tank_episodes(noise=0.02, seed=seed))
        for name, (low, high) in belief.intervals().items():
            inside.append(low <= TANKS[name] <= high)
    assert np.mean(inside) > 0.85


def test_sensor_noise_is_found_too() -> None:
    episodes = tank_episodes(noise=0.02)
    level = np.concatenate([episode.shown for episode in episodes]).mean(axis=0)
    assert identify(tanks(), episodes).noise == pytest.approx(0.02 * level, rel=0.5)


def test_stray_values_do_not_move_it() -> None:
    episodes = tank_episodes()
    for episode in episodes:
        episode.shown[::17, 0] = 5.0
    assert identify(tanks(), episodes).values() == pytest.approx(TANKS, rel=0.01)


def test_values_that_were_not_measured_are_left_out() -> None:
    episodes = tank_episodes()
    for episode in episodes:
        episode.shown[::3, 2] = np.nan
    assert identify(tanks(), episodes).values() == pytest.approx(TANKS, rel=0.01)


def test_a_pump_that_nobody_moved_leaves_its_parameters_as_unknown_as_they_were() -> None:
    episodes = tank_episodes(episodes=3)
    still = []
    for episode in episodes:
        u = episode.inputs.copy()
        u[:, 0] = 0.0
        still.append(Episode(u, episode.context, np.where([1, 1, 1, 0], episode.shown, np.nan)))
    belief = identify(tanks(), still)
    assert belief.learned()["pump_1_to_4"] < 0.05
    assert belief.learned()["pump_2_to_3"] > 0.5


def test_too_little_and_nonsense_is_refused() -> None:
    one = tank_episodes(episodes=1)[0]
    with pytest.raises(TwinError, match="record more"):
        identify(tanks(), [one.cut(0, 4)])
    with pytest.raises(TwinError, match="nothing was shown"):
        identify(tanks(), [Episode(one.inputs, one.context, one.shown * np.nan)])
    with pytest.raises(TwinError, match="takes"):
        identify(tanks(), [Episode(one.inputs[:, :1], one.context, one.shown)])
    broken = one.inputs.copy()
    broken[3, 0] = np.nan
    with pytest.raises(TwinError, match="not finite"):
        identify(tanks(), [Episode(broken, one.context, one.shown)])


def test_the_truth_has_a_place_in_the_prior() -> None:
    assert np.abs(z_of(tanks(), TANKS)).max() < 2.5
