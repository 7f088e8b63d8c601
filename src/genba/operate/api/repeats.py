"""Counts what repeats, so that it need not be told each time."""

import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass

WINDOW_S = 60.0
EACH = 5
"""Times that the same is told within a window."""
ALL = 300
"""Times that anything is told within a window: whoever changes their address is bounded, too."""


@dataclass(slots=True)
class _Count:
    since: float
    told: int = 0
    silent: int = 0


class Repeats:
    """Says whether to tell of something once more.

    Parameters
    ----------
    now : callable
        A clock that never goes back, in seconds.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._counts: dict[Hashable, _Count] = {}
        self._all = _Count(now())

    def count(self, what: Hashable) -> int | None:
        """Return how often ``what`` went untold since it was told last; None to leave it untold.

        What went untold because there was too much of everything is told with the next one.
        """
        now = self._now()
        if now - self._all.since >= WINDOW_S:
            self._all = _Count(now, silent=self._all.silent)
            self._counts = {
                key: _Count(now, silent=one.silent)
                for key, one in self._counts.items()
                if one.silent
            }
        own = self._counts.get(what)
        if own is None:
            if len(self._counts) >= 10 * ALL:
                self._all.silent += 1
                return None
            own = self._counts[what] = _Count(now)
        if own.told >= EACH or self._all.told >= ALL:
            own.silent += 1
            return None
        own.told += 1
        self._all.told += 1
        silent, own.silent = own.silent + self._all.silent, 0
        self._all.silent = 0
        return silent
