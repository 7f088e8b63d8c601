"""Sampling inspection at a machine, tightened after a bad part (in the spirit of ISO 2859-1)."""

from genba.testbed.physics_file import Inspection


class Gauge:
    """Picks the parts that are looked at."""

    __slots__ = ("_since", "_strict_left", "_tightened", "duration_s", "every")

    def __init__(self, parameters: Inspection | None) -> None:
        self.every = parameters.every if parameters else 0
        """One of so many is gauged; 0: none ever."""
        self.duration_s = parameters.duration_s if parameters else 0.0
        self._tightened = parameters.tightened if parameters else 0
        self._since = 0
        self._strict_left = 0

    def picks(self) -> bool:
        """Whether the next part is gauged."""
        if self.every < 1:
            return False
        self._since += 1
        if self._strict_left or self._since >= self.every:
            self._since = 0
            return True
        return False

    def learn(self, conforming: bool) -> None:
        """Hear what gauging found."""
        self._strict_left = max(0, self._strict_left - 1) if conforming else self._tightened
