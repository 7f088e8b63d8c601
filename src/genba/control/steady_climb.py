"""Go to where a continuous plant costs least, by steps that are designed, and checked afterwards.

Ask :meth:`Climb.next` for set-points, hold them until the plant has settled, and tell what it
showed. A round is a designed experiment around where the plant is, a move to the cheapest point
that it speaks for, and a look at what came of it: a move that did not save, or broke a limit,
contradicts the response, is taken back, and the next one reaches half as far.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from genba.control.steady import Handle, Keep, Optimum, cheapest, designed, respond
from genba.errors import ControlError
from genba.twin.process.episode import Floats


@dataclass(frozen=True, slots=True)
class Pace:
    """How far and how long to climb.

    Attributes
    ----------
    rounds : int
        Experiments, at most.
    reach : float
        Of the first move, in each set-point's steps.
    again : int
        Shorter moves that are tried after a contradiction before the climb ends.
    worth : float
        Share of the cost that a move must be expected to save.
    deviations, caution : float
        As in :func:`~genba.control.steady.cheapest`.
    """

    rounds: int = 4
    reach: float = 2.0
    again: int = 2
    worth: float = 0.005
    deviations: float = 2.0
    caution: float = 1.0


class Climb:
    """One climb from set-points that are known to be good.

    Parameters
    ----------
    names : sequence of str
        Outputs that will be told.
    cost : str
        Which of them is to be small.
    start : (handles,)

    Raises
    ------
    ControlError
        If the start is outside of the ranges.
    """

    def __init__(
        self,
        handles: Sequence[Handle],
        keeps: Sequence[Keep],
        names: Sequence[str],
        cost: str,
        start: Floats,
        pace: Pace | None = None,
        seed: int = 0,
    ) -> None:
        for handle, value in zip(handles, start, strict=True):
            if not handle.low <= value <= handle.high:
                raise ControlError(
                    f"'{handle.name}' is at {value:g}, outside of {handle.low:g} to {handle.high:g}"
                )
        self.handles, self.keeps = tuple(handles), tuple(keeps)
        self.names, self.cost = tuple(names), cost
        self.at = np.asarray(start, float)
        """The best set-points that were tried and held."""
        self.shown: Floats | None = None
        """What the plant shows there."""
        self.told_of: list[str] = []
        """What was done and why, in plain words."""
        self._pace, self._seed = pace or Pace(), seed
        self._reach = self._pace.reach
        self._round = self._tries = 0
        self._records: list[tuple[Floats, Floats]] = []
        self._queue: list[Floats] = [self.at]
        self._moved: Optimum | None = None
        self._noise = np.zeros(len(self.names))

    def next(self) -> Floats | None:
        """Give the set-points to hold next, (handles,); None: the climb has ended."""
        return self._queue[0] if self._queue else None

    def told(self, outputs: Mapping[str, float]) -> None:
        """Take in the means that the plant showed, settled at what :meth:`next` gave."""
        u, y = self._queue.pop(0), np.array([outputs[name] for name in self.names])
        self._records.append((u, y))
        if self.shown is None:
            self.shown = y
        elif self._moved is not None:
            self._judge(self._moved, self.shown, y)
        self._go_on()

    def refused(self, why: str) -> None:
        """Say that the set-points of :meth:`next` could not be held; they are left out."""
        self._queue.pop(0)
        self.told_of.append(f"a point was given up: {why}")
        if self._moved is not None:
            self._take_back(why)
        self._go_on()

    def _go_on(self) -> None:
        if self._queue or self.shown is None:
            return
        if len(self._records) == 1:
            if self._round < self._pace.rounds:
                self._round += 1
                self._queue = list(designed(self.handles, self.at, self._seed + self._round))
            return
        self._move(self.shown)

    def _move(self, shown: Floats) -> None:
        pace = self._pace
        inputs, outputs = (np.array(each) for each in zip(*self._records, strict=True))
        response = respond(self.handles, self.names, inputs, outputs)
        found = cheapest(
            response, self.handles, self.keeps, self.cost, self.at,
            reach=self._reach, deviations=pace.deviations, caution=pace.caution,
        )  # fmt: skip
        cost = abs(float(shown[self.names.index(self.cost)]))
        held = ", ".join(found.binding) or "nothing"
        if found.gain - pace.caution * found.doubt < pace.worth * cost:
            self.told_of.append(f"nothing worth a move is left; held by {held}")
            return
        self.told_of.append(
            f"round {self._round}: a saving of {found.gain:.4g} ± {found.doubt:.2g} is expected; "
            f"held by {held}"
        )
        self._moved, self._queue = found, [found.inputs]
        self._noise = pace.deviations * response.noise

    def _judge(self, found: Optimum, before: Floats, y: Floats) -> None:
        saved = float((before - y)[self.names.index(self.cost)])
        broken = []
        for keep in self.keeps:
            place = self.names.index(keep.name)
            low, high = min(keep.low, before[place]), max(keep.high, before[place])
            if not low - self._noise[place] <= y[place] <= high + self._noise[place]:
                broken.append(keep.name)
        if broken:
            self._take_back(f"{', '.join(broken)} left its limits")
        elif saved <= 0:
            self._take_back(f"it cost {-saved:.4g} more")
        else:
            self.told_of.append(f"{saved:.4g} were saved")
            self.at, self.shown, self._tries = found.inputs, y, 0
            if saved < 0.5 * found.gain:
                self._reach *= 0.5
            self._moved = None
            self._records = [(self.at, y)]

    def _take_back(self, why: str) -> None:
        self.told_of.append(f"the move contradicts the response ({why}) and is taken back")
        self._moved = None
        self._reach *= 0.5
        self._tries += 1
        if self._tries > self._pace.again:
            self.told_of.append("no shorter move is tried")
            self._round, self._records = self._pace.rounds, self._records[:1]
