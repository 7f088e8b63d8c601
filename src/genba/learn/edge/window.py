"""The newest rows of a machine, as a model wants to see them."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from genba.learn.data.settle import Settling
from genba.learn.edge.contract import Contract

US = 1_000_000

Look = Callable[[str], float]
"""Gives the present value of a signal by its id; NaN where it is unknown, bad or stale.

For the id of equipment it gives 1 while that executes, else 0."""


class Question(NamedTuple):
    """A window (window, columns) to be judged, of which moment, and about what: a part's serial, a
    picture's name.
    """

    time: int
    window: NDArray[np.float32]
    about: str = ""


class Feed:
    """Takes one row per step of the contract, each value as it stands at that moment.

    Of a machine that does not work, or still settles, a row is unknown.

    The rows lie twice in one array, so that the newest window is always one piece of memory.
    """

    def __init__(self, contract: Contract) -> None:
        self._columns = contract.columns
        self._at_work = contract.equipment if contract.working else None
        self._settle_us = round(contract.settle_s * US)
        self._settling = Settling(self._settle_us)
        self._rows = contract.window
        self._step_us = max(1, round(contract.step_s * US))
        self._ring = np.full((2 * contract.window, len(contract.columns)), np.nan, np.float32)
        self._place = 0
        self._filled = 0
        self._last: int | None = None

    @property
    def full(self) -> bool:
        """Whether there are as many rows as the model sees."""
        return self._filled >= self._rows

    def tick(self, now: int, look: Look) -> bool:
        """Take a row if a step is over; whether one was taken. ``now`` in microseconds.

        A step that was slept through is taken with the present values as well: a window has one
        row per step. After a gap as long as the window it begins anew, and so it does when the
        clock was set back.
        """
        step = now // self._step_us
        if self._last is not None and step == self._last:
            return False
        passed = 1 if self._last is None else step - self._last
        if passed < 0 or passed > self._rows:
            self._filled, passed = 0, 1
            self._settling = Settling(self._settle_us)
        self._last = step
        row = np.array([look(name) for name in self._columns], np.float32)
        moment = step * self._step_us
        if self._at_work is not None and not self._settling.take(moment, look(self._at_work) == 1):
            row[:] = np.nan
        for _ in range(passed):
            self._put(row)
        return True

    def ask(self, now: int, look: Look, came: Sequence[object] = ()) -> Sequence[Question]:
        """Take a row if a step is over; return the window where one was taken and it is full."""
        return [Question(now, self.window())] if self.tick(now, look) and self.full else []

    def window(self) -> NDArray[np.float32]:
        """Return the newest rows (window, columns), oldest first: a view, not a copy."""
        return self._ring[self._place : self._place + self._rows]

    def _put(self, row: NDArray[np.float32]) -> None:
        self._ring[self._place] = row
        self._ring[self._place + self._rows] = row
        self._place = (self._place + 1) % self._rows
        self._filled = min(self._filled + 1, self._rows)
