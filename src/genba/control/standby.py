"""A machine that has no job outside of its working time: to standby, and back in time.

A furnace that is held at its temperature over a night loses what nobody needs. How low it may go is
for the plant file to say (a carburizing atmosphere has to stay above 750 °C, EN 746-3). Set-points
go there and back in bounded steps, and the way back begins so early that it ends before the shift.
"""

import math

import numpy as np

from genba.control.bound import Bound
from genba.errors import ControlError
from genba.plant import US, Plant
from genba.plant.worktime import calendar_of, planned_intervals
from genba.twin.process.episode import Floats

_WORTH_S = 3600.0
"""Time at standby from which going there is worth it."""
_SPARE = 1.5
"""The way back may take so many times as long as its steps: what is heated lags behind."""
_SAME = 1e-4
_LOOKED_AHEAD_US = 15 * 86_400 * US


class Standby:
    """Says which set-points are wanted of a machine that stands.

    Parameters
    ----------
    plant : Plant
        For the machine's calendar; without one it is always at work.
    bound : Bound
        The process; its ``standby`` says where to go.
    before : (inputs,), optional
        What was in force before control drove, where it drove when Genba stopped; NaN: unknown.

    Raises
    ------
    ControlError
        If that lies outside of a signal's range.
    """

    def __init__(self, plant: Plant, bound: Bound, before: Floats | None = None) -> None:
        self._before = before
        told = bound.process.standby
        self._rest = np.array([told.get(w.variable.name, math.nan) for w in bound.inputs])
        for wire in bound.inputs:
            span = None if wire.signal is None else wire.signal.range
            rest = wire.plain(told.get(wire.variable.name, math.nan))
            if span is not None and (rest < span.low or rest > span.high):
                raise ControlError(
                    f"'{bound.process.id}' has {rest:g} for standby, beyond {span.low:g} to "
                    f"{span.high:g} of '{wire.variable.name}'; correct one of them"
                )
        self._most, self._step_s = bound.steps(), bound.process.step_s
        self._calendar = calendar_of(plant, plant.equipment_by_id[bound.process.equipment])
        self._left: Floats | None = None
        """What was in force when it went to standby; None: it has not gone."""
        self._asked: tuple[Floats, Floats] | None = None
        """What was in force when it was last asked for something, and what it was asked for."""
        self._kept_off = 0

    def wanted(self, now: int, in_force: Floats) -> Floats | None:
        """Give the next set-points, (inputs,); None where what is in force is nobody's concern."""
        if self._calendar is None or not np.isfinite(self._rest).any():
            return None
        self._resume(in_force)
        opens = self._opens(now)
        if self._asked is not None and all(_apart(in_force, one) for one in self._asked):
            # Somebody else set it: it is theirs until the shift.
            self.ended()
            self._kept_off = opens
        left = in_force if self._left is None else self._left
        goal = np.where(np.isfinite(self._rest), self._rest, left)
        free_s = (opens - now) / US - _SPARE * self._way_s(goal, left)
        if self._left is None:
            if now < self._kept_off or free_s < _WORTH_S + self._way_s(goal, left):
                return None
            self._left = in_force.copy()
        elif free_s <= 0:
            goal = self._left
            if not _apart(in_force, goal):
                self.ended()
                return None
        wanted = in_force + np.clip(goal - in_force, -self._most, self._most)
        self._asked = in_force.copy(), wanted
        return np.asarray(wanted)

    def ended(self) -> None:
        """Take it that a job or somebody else has the set-points now."""
        self._left = self._asked = self._before = None

    def _resume(self, in_force: Floats) -> None:
        """Take it, once, that a machine found on the way to standby was sent there before Genba
        stopped: what was in force then comes back.
        """
        left, self._before = self._before, None
        if left is None or not np.isfinite(left).all():
            return
        goal = np.where(np.isfinite(self._rest), self._rest, left)
        slack = _SAME * np.maximum(1.0, np.abs(left))
        low, high = np.minimum(goal, left) - slack, np.maximum(goal, left) + slack
        if _apart(in_force, left) and ((in_force >= low) & (in_force <= high)).all():
            self._left = left

    def _opens(self, now: int) -> int:
        """When its working time begins again; now where it is at work."""
        assert self._calendar is not None  # noqa: S101 - wanted() asked
        ahead = planned_intervals(self._calendar, now, now + _LOOKED_AHEAD_US)
        return ahead[0][0] if ahead else now + _LOOKED_AHEAD_US

    def _way_s(self, goal: Floats, left: Floats) -> float:
        steps = np.ceil(np.abs(goal - left) / self._most - _SAME)
        return float(steps.max()) * self._step_s


def _apart(one: Floats, other: Floats) -> bool:
    return bool((np.abs(one - other) > _SAME * np.maximum(1.0, np.abs(other))).any())
