"""Settling: what a machine shows soon after a standstill tells nothing of what is normal.

A machine that stood still for as long as it takes to warm up is cold, and for as long after it
works again its signals are on their way: machine tools are measured after warming up for the same
reason (ISO 230-3). One rule, for training and live. How long it takes is declared, or measured by
:func:`genba.learn.anomaly.settling.settle_s_of`.
"""

import numpy as np

from genba.learn.arrays import Booleans, Integers


class Settling:
    """Follows a machine: whether it is settled at a moment.

    After a standstill that lasted for at least ``settle_us`` it is not, until ``settle_us`` later;
    nor for as long after the first moment at work, since nobody knows what was before.

    Parameters
    ----------
    settle_us : int
        Microseconds; 0: it always is while it works.
    """

    def __init__(self, settle_us: int) -> None:
        self._settle_us = settle_us
        self._stood: int | None = None
        """Since when it stands still."""
        self._begun: int | None = None
        """When it came back from the last standstill that counts."""

    def take(self, now: int, executes: bool) -> bool:
        """Take a moment, in order of time; say whether the machine works, and is settled."""
        if not executes:
            if self._stood is None:
                self._stood = now
            return False
        cold = self._stood is not None and now - self._stood >= self._settle_us
        if self._begun is None or cold:
            self._begun = now
        self._stood = None
        return now - self._begun >= self._settle_us

    def part(self, end: int) -> bool:
        """Take the end of a part, in order of time; say whether the machine was settled then.

        Where parts come, the machine works: it stood still where none came for so long.
        """
        if self._stood is None or end - self._stood >= self._settle_us:
            self._begun = end
        self._stood = end
        return self._begun is not None and end - self._begun >= self._settle_us


def settled(time: Integers, executes: Booleans, settle_us: int) -> Booleans:
    """Say of moments (n,), in order of time, at which of them a machine works and is settled."""
    if settle_us <= 0:
        return executes.copy()
    settling = Settling(settle_us)
    pairs = zip(time.tolist(), executes.tolist(), strict=True)
    return np.array([settling.take(now, at_work) for now, at_work in pairs], np.bool_)


def settled_parts(ends: Integers, settle_us: int) -> Booleans:
    """Say of parts by their ends (n,), in order, which were made by a settled machine."""
    settling = Settling(settle_us)
    return np.array([settling.part(end) for end in ends.tolist()], np.bool_)
