"""Settled plants: what set-points do is learned from steps, and limits are kept on the way down."""

from collections.abc import Callable

import numpy as np
import pytest

from genba.control.steady import Handle, Keep, cheapest, designed, respond
from genba.control.steady_climb import Climb, Pace
from genba.control.steady_hold import Caution, Holder, Watch
from genba.errors import ControlError

HANDLES = (
    Handle("pressure", 0.0, 10.0, 0.5),
    Handle("heat", 0.0, 10.0, 0.5),
    Handle("flow", -5.0, 5.0, 0.5),
)
NAMES = ("cost", "load")
Plant = Callable[[np.ndarray], dict[str, float]]


def plant(seed: int = 0, noise: float = 0.1) -> Plant:
    """Least cost with a load of 8 at most: pressure 6.375, heat 3.25, flow 0."""
    source = np.random.default_rng(seed)

    def shown(u: np.ndarray) -> dict[str, float]:
        cost = 100 - 3 * u[0] + (u[1] - 4) ** 2 + 0.5 * u[2] ** 2
        return {
            "cost": float(cost + noise * source.standard_normal()),
            "load": float(u[0] + 0.5 * u[1] + 0.5 * noise * source.standard_normal()),
        }

    return shown


def climbed(shown: Plant, start: list[float], pace: Pace) -> Climb:
    climb = Climb(HANDLES, [Keep("load", high=8.0)], NAMES, "cost", np.array(start), pace)
    while (wanted := climb.next()) is not None:
        climb.told(shown(wanted))
    return climb


def test_slopes_are_found_within_their_doubt() -> None:
    source, true = np.random.default_rng(1), np.array([-3.0, 2.0, 0.5])
    off = []
    for seed in range(60):
        u = designed(HANDLES, np.array([5.0, 5.0, 0.0]), seed)
        y = (u @ true + 0.3 * source.standard_normal(len(u)))[:, None]
        found = respond(HANDLES, ["cost"], u, y)
        for place in range(3):
            moved = found.centre + np.eye(3)[place]
            change = found.mean(moved) - found.mean(found.centre)
            doubt = found.doubt_of_change(moved, found.centre)
            off.append(float((change - true[place])[0] / doubt[0]))
    assert 0.4 < np.std(off) < 1.3
    assert abs(np.mean(off)) < 0.3


def test_an_experiment_stays_in_its_ranges_and_tells_every_set_point_apart() -> None:
    u = designed(HANDLES, np.array([0.0, 10.0, 0.0]))
    for column, handle in zip(u.T, HANDLES, strict=True):
        assert handle.low <= column.min() < column.max() <= handle.high
    assert np.linalg.cond(u - u.mean(axis=0)) < 1.01


def test_a_set_point_that_nobody_moved_is_named_and_left_alone() -> None:
    u = designed(HANDLES, np.array([5.0, 5.0, 0.0]))
    u[:, 2] = 1.0
    shown = plant()
    y = np.array([[shown(row)[name] for name in NAMES] for row in u])
    found = respond(HANDLES, NAMES, u, y)
    assert found.unmoved.tolist() == [False, False, True]
    now = np.array([5.0, 5.0, 1.0])
    best = cheapest(found, HANDLES, [Keep("load", high=12.0)], "cost", now)
    assert best.inputs[2] == 1.0
    assert best.gain > 0


def test_a_limit_is_kept_with_doubt_and_noise_taken_off() -> None:
    broken = bound = 0
    for seed in range(40):
        shown = plant(seed, noise=0.4)
        u = designed(HANDLES, np.array([5.0, 4.0, 0.0]), seed)
        y = np.array([[shown(row)[name] for name in NAMES] for row in u])
        found = respond(HANDLES, NAMES, u, y)
        now = np.array([5.0, 4.0, 0.0])
        best = cheapest(found, HANDLES, [Keep("load", high=8.0)], "cost", now, reach=6.0)
        bound += "load high" in best.binding
        broken += shown(best.inputs)["load"] > 8.0
    assert bound >= 30
    assert broken <= 2


def test_a_limit_that_is_broken_now_is_not_left_any_worse() -> None:
    shown = plant(noise=0.01)
    now = np.array([8.0, 4.0, 0.0])
    u = designed(HANDLES, now)
    y = np.array([[shown(row)[name] for name in NAMES] for row in u])
    best = cheapest(respond(HANDLES, NAMES, u, y), HANDLES, [Keep("load", high=8.0)], "cost", now)
    assert shown(best.inputs)["load"] <= shown(now)["load"] + 0.05


@pytest.mark.parametrize("seed", range(3))
def test_a_climb_ends_at_the_plants_own_optimum(seed: int) -> None:
    climb = climbed(plant(seed), [2.0, 8.0, 3.0], Pace(rounds=8))
    cost = plant(noise=0.0)(climb.at)
    assert cost["load"] <= 8.1
    # 81.4 is the least there is; from 125.5 at the start.
    assert cost["cost"] < 83.0


def test_a_move_that_contradicts_the_response_is_taken_back() -> None:
    honest, tried = plant(noise=0.01), 0
    runs = len(designed(HANDLES, np.zeros(3)))

    def changed(u: np.ndarray) -> dict[str, float]:
        nonlocal tried
        tried += 1
        return honest(u) | ({"cost": 200.0} if tried > runs + 1 else {})

    climb = climbed(changed, [2.0, 8.0, 3.0], Pace())
    assert climb.at.tolist() == [2.0, 8.0, 3.0]
    assert any("it cost" in text and "taken back" in text for text in climb.told_of)


def test_points_that_cannot_be_held_are_left_out() -> None:
    shown, climb = plant(), Climb(HANDLES, [], NAMES, "cost", np.array([2.0, 8.0, 3.0]))
    while (wanted := climb.next()) is not None:
        if wanted[0] > 5.0:
            climb.refused("the pump stalls")
        else:
            climb.told(shown(wanted))
    assert 2.0 < climb.at[0] <= 5.0
    assert any("the pump stalls" in text for text in climb.told_of)


def test_a_holder_goes_out_slowly_back_quickly_and_asks_for_more_quiet_each_time() -> None:
    caution = Caution(calm_h=1.0, out_h=4.0, back_h=1.0)
    holder = Holder(np.array([0.0]), np.array([8.0]), [Watch("p", 50.0, 0.0, 100.0)], caution)
    quiet, loud = {"p": 50.0}, {"p": 90.0}
    out = [float(holder.choose(0.5, quiet, quiet)[0]) for _ in range(8)]
    assert out == [1, 2, 3, 4, 5, 6, 7, 8]
    assert [float(holder.choose(0.5, quiet, loud)[0]) for _ in range(2)] == [4, 0]
    assert "80% of the room of p" in holder.why
    assert [float(holder.choose(0.5, quiet, quiet)[0]) for _ in range(3)] == [0, 1, 2]
    holder.choose(0.5, quiet, loud)
    assert holder.retreats == 2
    assert [float(holder.choose(0.5, quiet, quiet)[0]) for _ in range(4)] == [0, 0, 0, 1]


def test_a_signal_that_is_missing_brings_the_plain_set_points() -> None:
    holder = Holder(np.array([0.0]), np.array([8.0]), [Watch("p", 50.0, 0.0, 100.0)])
    for _ in range(100):
        holder.choose(0.5, {"p": 50.0}, {"p": 50.0})
    for _ in range(2):
        u = holder.choose(0.5, {}, {"p": float("nan")})
    assert u.tolist() == [0.0]


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: Handle("p", 0.0, 1.0, 2.0), "'p' moves by 2"),
        (lambda: Watch("p", 5.0, 0.0, 100.0) and Holder(
            np.zeros(1), np.ones(1), [Watch("p", 120.0, 0.0, 100.0)]), "'p' rests at 120"),
        (lambda: respond(HANDLES, NAMES, np.eye(3), np.ones((3, 2))), "record 2 more"),
        (lambda: respond(HANDLES, NAMES, np.eye(3), np.full((3, 2), np.nan)), "not finite"),
        (lambda: Climb(HANDLES, [], NAMES, "cost", np.array([2.0, 80.0, 3.0])), "'heat' is at 80"),
    ],
)  # fmt: skip
def test_nonsense_is_refused_with_the_mend(make: Callable[[], object], says: str) -> None:
    with pytest.raises(ControlError, match=says):
        make()


def test_a_limit_of_what_was_not_recorded_is_refused() -> None:
    u = designed(HANDLES, np.array([5.0, 5.0, 0.0]))
    found = respond(HANDLES, ["cost"], u, u[:, :1])
    with pytest.raises(ControlError, match="'laod' was not recorded; there are cost"):
        cheapest(found, HANDLES, [Keep("laod", high=1.0)], "cost", u[0])


def test_a_signal_that_rests_elsewhere_at_the_plain_set_points_is_quiet_there() -> None:
    watch = Watch("level", 50.0, 0.0, 100.0, plain=80.0)
    caution = Caution(calm_h=1.0, out_h=4.0, back_h=1.0)
    holder = Holder(np.array([0.0]), np.array([8.0]), [watch], caution)
    holder.share = 1.0
    for _ in range(2):
        holder.choose(0.5, {"level": 50.0}, {"level": 95.0})
    out = [float(holder.choose(0.5, {"level": 80.0}, {"level": 81.0})[0]) for _ in range(3)]
    assert out == [0.0, 1.0, 2.0]
