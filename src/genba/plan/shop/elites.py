"""Good schedules that differ, and what lies between two of them."""

import threading
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from genba.jit import compiled
from genba.plan.shop.shop import Ints, Rows


@dataclass(frozen=True, eq=False)
class Elite:
    """A schedule of the pool, by rows (see :mod:`genba.plan.shop.board`)."""

    value: int
    order: Rows
    machines: Rows
    begin: Ints
    """(rows,): when each operation begins."""
    before: Rows
    """(rows,): what runs before it on its machine."""


class Pool:
    """The best schedules found so far, none the same as another. Workers share it."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._kept: list[Elite] = []
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._kept)

    @property
    def is_full(self) -> bool:
        """Whether a schedule must be better than another to come in."""
        return len(self._kept) >= self._size

    def add(self, elite: Elite) -> bool:
        """Take a schedule in for the worst one, or for a worse one that is almost the same."""
        with self._lock:
            near = len(elite.order) // 50
            alike = [
                other
                for other in self._kept
                if np.count_nonzero(other.before != elite.before) <= near
            ]
            if alike:
                if any(other.value <= elite.value for other in alike):
                    return False
                self._kept = [other for other in self._kept if other not in alike]
            elif self.is_full:
                worst = max(self._kept, key=lambda other: other.value)
                if worst.value <= elite.value:
                    return False
                self._kept.remove(worst)
            self._kept.append(elite)
            return True

    def keep_best(self, count: int) -> None:
        """Drop all but the best ones."""
        with self._lock:
            self._kept = sorted(self._kept, key=lambda other: other.value)[:count]

    def pair(self, first: float, second: float) -> tuple[Elite, Elite]:
        """Return two different schedules, drawn with two numbers in ``[0, 1)``."""
        with self._lock:
            i = int(first * len(self._kept))
            j = int(second * (len(self._kept) - 1))
            return self._kept[i], self._kept[j + (j >= i)]


def between(
    first: Elite, second: Elite, share: float, coins: NDArray[np.float64]
) -> tuple[Rows, Rows]:
    """Return a schedule on the way from one to another: path relinking in one step.

    Operations are ordered by a mean of their begins in both schedules, ``share`` of it the second.
    What both agree on stays: an operation that begins before another in both does so in the result,
    hence routings hold, and there is never a cycle. Where they use different machines, the second's
    is taken with probability ``share``.

    Parameters
    ----------
    coins : (rows,) float64
        Random numbers in ``[0, 1)``.
    """
    order = first.order
    mean = (1.0 - share) * first.begin[order] / max(first.value, 1)
    mean += share * second.begin[order] / max(second.value, 1)
    mixed = order[np.argsort(mean, kind="stable")]
    machines = np.where(coins < share, second.machines, first.machines)
    return mixed, machines.astype(np.int32)


@compiled
def neighbors(order: Rows, machines: Rows, count: int) -> Rows:
    """Return, by row, what runs before each operation on its machine (0: nothing)."""
    last = np.zeros(count, np.int32)
    before = np.zeros(len(machines), np.int32)
    for row in order:
        before[row] = last[machines[row]]
        last[machines[row]] = row
    return before
