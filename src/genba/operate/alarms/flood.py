"""Alarm floods (EEMUA 191; ISA-18.2-2016, 16.5): more alarms than one person can look at."""

from collections import deque

from genba.plant import US

WINDOW_S = 600.0
BEGINS_ABOVE, ENDS_BELOW = 10, 5
"""Alarms within ten minutes for one operator."""


class Flood:
    """Counts annunciations of the last ten minutes, and knows whether a flood is on.

    Parameters
    ----------
    operators : int
        Positions among which the alarms are shared.
    """

    def __init__(self, operators: int = 1) -> None:
        self._operators = operators
        self._times: deque[int] = deque()
        self.since: int | None = None
        """Since when there is a flood; None while there is none."""

    @property
    def rate(self) -> float:
        """Alarms within the last ten minutes for each operator."""
        return len(self._times) / self._operators

    def annunciated(self, now: int) -> None:
        """Count one."""
        self._times.append(now)

    def changed(self, now: int) -> bool:
        """Forget what is older than ten minutes; whether a flood began or ended just now."""
        while self._times and now - self._times[0] >= WINDOW_S * US:
            self._times.popleft()
        if self.since is None and self.rate > BEGINS_ABOVE:
            self.since = now
            return True
        if self.since is not None and self.rate < ENDS_BELOW:
            self.since = None
            return True
        return False
