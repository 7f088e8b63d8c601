"""A pilot follows, chooses, stands back when contradicted, and comes back when it has learned."""

import numpy as np
import pytest
from tests.control.test_nmpc import BOUNDS, HORIZON, START, TARGETS
from tests.twin.process.plants import TANKS, tank_episodes, tanks, z_of

from genba.control.nmpc import Ahead, Nmpc
from genba.control.pilot import Choice, Pilot
from genba.errors import ControlError
from genba.twin.process import Numeric, Tracker, Wander, identify


def pilot(limit_s: float = 10.0) -> Pilot:
    model = tanks()
    belief = identify(model, tank_episodes(episodes=3))
    tracker = Tracker(model, belief, Wander(1e-4, 0.003), state=START)
    return Pilot(Nmpc(model, TARGETS, HORIZON, limit_s=limit_s, bounds=BOUNDS), tracker)


def driven(used: Pilot, changes: dict[str, float], steps: int = 40) -> tuple[list[Choice], float]:
    """Drive the true plant, changed as said; the plain controller holds both pumps at 4 V."""
    model = tanks()
    z = z_of(model, {**TANKS, **changes})
    wanted = np.tile([0.2, 0.2, 0.0, 0.0], (HORIZON, 1))
    x, u, choices = START, np.full(2, 4.0), []
    for _ in range(steps):
        choice = used.choose(x, u, np.zeros(0), Ahead.plain(model, HORIZON, wanted))
        choices.append(choice)
        u = np.full(2, 4.0) if choice.course is None else choice.course.inputs[0]
        x = Numeric(model).step(x[None], u[None], np.zeros((1, 0)), z[None])[0][0]
    return choices, float(np.abs(x[:2] - 0.2).max())


def test_it_drives_a_plant_that_it_has_learned() -> None:
    choices, apart = driven(pilot(), {})
    assert all(choice.course is not None for choice in choices[1:])
    assert apart < 0.005


def test_it_stands_back_from_a_plant_that_changed_and_comes_back_when_it_has_learned() -> None:
    choices, apart = driven(pilot(), {"pump_1_to_1": 0.00008, "outlet_2": 0.0036}, steps=60)
    whys = [choice.why for choice in choices]
    assert any("contradicted" in why for why in whys[:20])
    assert all(choice.course is not None for choice in choices[-10:])
    assert apart < 0.01


def test_a_late_answer_is_none() -> None:
    choices, _ = driven(pilot(limit_s=1e-5), {}, steps=3)
    assert {choice.why for choice in choices} == {"no answer in time"}


def test_an_estimate_that_came_apart_begins_anew_and_is_not_trusted_meanwhile() -> None:
    used = pilot()
    driven(used, {}, steps=2)
    used.tracker._covariance[:] = -1.0
    choices, apart = driven(used, {}, steps=40)
    assert "came apart" in choices[0].why
    assert choices[1].course is None
    assert all(choice.course is not None for choice in choices[-10:])
    assert apart < 0.01


def test_set_points_that_are_not_finite_are_refused() -> None:
    ahead = Ahead.plain(tanks(), HORIZON, np.full((HORIZON, 4), 0.2))
    with pytest.raises(ControlError, match="not finite"):
        pilot().choose(START, BOUNDS[0] * np.nan, np.zeros(0), ahead)
