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

    def __init__(self, size: int, patience: int) -> None:
        self._size = size
        self._patience = patience
        self._refused = 0
        self._kept: list[Elite] = []
        self._lock = threading.Lock()

    def add(self, elite: Elite) -> bool:
        """Take a schedule in for the worst one, or for a worse one that is almost the same.

        When ``patience`` schedules in turn were refused, what lies between the kept ones is known:
        all but the best are dropped, and the pool is filled anew.
        """
        with self._lock:
            if self._enters(elite):
                self._refused = 0
                return True
            self._refused += 1
            if self._refused >= self._patience:
                self._refused = 0
                self._kept = [min(self._kept, key=lambda other: other.value)]
            return False

    def _enters(self, elite: Elite) -> bool:
        near = len(elite.order) // 50
        alike = [
            other for other in self._kept if np.count_nonzero(other.before != elite.before) <= near
        ]
        if any(other.value <= elite.value for other in alike):
            return False
        if alike:
            self._kept = [other for other in self._kept if other not in alike]
        elif len(self._kept) >= self._size:
            worst = max(self._kept, key=lambda other: other.value)
            if worst.value <= elite.value:
                return False
            self._kept.remove(worst)
        self._kept.append(elite)
        return True

    def pair(self, first: float, second: float) -> tuple[Elite, Elite] | None:
        """Return two different schedules, drawn with two numbers in ``[0, 1)``.

        None while there is room in the pool for others.
        """
        with self._lock:
            if len(self._kept) < self._size:
                return None
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
