"""Set-points that look ahead: they follow, they keep bounds, and no answer beats a late one."""

from dataclasses import replace

import numpy as np
import pytest
from tests.twin.process.plants import TANKS, tanks, z_of

from genba.control.nmpc import Ahead, Nmpc
from genba.control.objective import Objective
from genba.errors import ControlError
from genba.twin.process import Numeric

START = np.array([0.14, 0.11, 0.07, 0.42])
BOUNDS = np.array([[0.1, 0.1], [10.0, 10.0]])
TARGETS = Objective(targets={"level_1": 1e3, "level_2": 1e3})
HORIZON = 12


def driven(objective: Objective, level: tuple[float, float], steps: int = 50) -> np.ndarray:
    model = tanks()
    controller = Nmpc(model, objective, HORIZON, limit_s=10.0, bounds=BOUNDS)
    z, x, u = z_of(model, TANKS), START, BOUNDS[0]
    wanted = np.zeros((HORIZON, 4))
    wanted[:, :2] = level
    told = []
    for _ in range(steps):
        course = controller.advise(x, z, u, Ahead.plain(model, HORIZON, wanted))
        assert course is not None
        u = course.inputs[0]
        assert (BOUNDS[0] <= u).all()
        assert (u <= BOUNDS[1]).all()
        x = Numeric(model).step(x[None], u[None], np.zeros((1, 0)), z[None])[0][0]
        told.append(x)
    return np.array(told)


def test_levels_come_to_where_they_are_wanted() -> None:
    assert driven(TARGETS, (0.25, 0.2))[-1, :2] == pytest.approx((0.25, 0.2), abs=0.005)


def test_a_bound_is_kept_where_a_target_lies_beyond_it() -> None:
    kept = Objective(targets=TARGETS.targets, keeps={"level_1": (0.0, 0.22)})
    assert driven(kept, (0.4, 0.2))[:, 0].max() < 0.2205


def test_margins_draw_bounds_in() -> None:
    model = tanks()
    kept = Objective(targets=TARGETS.targets, keeps={"level_1": (0.0, 0.22)})
    controller = Nmpc(model, kept, HORIZON, limit_s=10.0, bounds=BOUNDS)
    ahead = Ahead.plain(model, HORIZON, np.full((HORIZON, 4), 0.4))
    ahead.margins[:, 0] = 0.05
    course = controller.advise(START, z_of(model, TANKS), BOUNDS[0], ahead)
    assert course is not None
    assert course.states[:, 0].max() < 0.1705


def test_no_answer_is_given_late() -> None:
    model = tanks()
    controller = Nmpc(model, TARGETS, HORIZON, limit_s=1e-5, bounds=BOUNDS)
    ahead = Ahead.plain(model, HORIZON, np.full((HORIZON, 4), 0.2))
    assert controller.advise(START, z_of(model, TANKS), BOUNDS[0], ahead) is None


def test_energy_is_saved_where_it_has_a_price() -> None:
    model = tanks()
    z, ahead = z_of(model, TANKS), Ahead.plain(model, HORIZON, np.full((HORIZON, 4), 0.2))
    spent = []
    for price in (0.0, 5.0):
        objective = Objective(TARGETS.targets, prices={"pump_1": price, "pump_2": price})
        controller = Nmpc(model, objective, HORIZON, limit_s=10.0, bounds=BOUNDS)
        course = controller.advise(START, z, BOUNDS[0], ahead)
        assert course is not None
        spent.append(course.inputs.sum())
    assert spent[1] < spent[0]


def test_what_is_paid_by_the_hour_is_used_before_the_hour_becomes_dear() -> None:
    model = tanks()
    z, ahead = z_of(model, TANKS), Ahead.plain(model, HORIZON, np.full((HORIZON, 4), 0.2))
    dear = np.where(np.arange(HORIZON) < HORIZON // 2, 0.1, 0.4)
    objective = Objective(TARGETS.targets, kwh={"pump_1": 10.0, "pump_2": 10.0})
    used = []
    for tariff in (np.full(HORIZON, dear.mean()), dear):
        controller = Nmpc(model, objective, HORIZON, limit_s=10.0, bounds=BOUNDS)
        course = controller.advise(START, z, BOUNDS[0], replace(ahead, tariff=tariff))
        assert course is not None
        used.append(course.inputs[: HORIZON // 2].sum() / course.inputs.sum())
    assert used[1] > used[0] + 0.05


def test_nonsense_is_refused() -> None:
    model = tanks()
    with pytest.raises(ControlError, match="does not have"):
        Nmpc(model, Objective(targets={"levle": 1.0}), HORIZON)
    with pytest.raises(ControlError, match="neither targets nor prices"):
        Nmpc(model, Objective(), HORIZON)
    with pytest.raises(ControlError, match="nothing fits"):
        Nmpc(model, Objective(TARGETS.targets, keeps={"level_1": (1.0, 0.0)}), HORIZON)
    controller = Nmpc(model, TARGETS, HORIZON)
    ahead = Ahead.plain(model, HORIZON, np.full((HORIZON, 4), 0.2))
    with pytest.raises(ControlError, match="not finite"):
        controller.advise(START * np.nan, z_of(model, TANKS), BOUNDS[0], ahead)
    with pytest.raises(ControlError, match="is looked at"):
        controller.advise(
            START, z_of(model, TANKS), BOUNDS[0], Ahead.plain(model, 3, ahead.references)
        )
