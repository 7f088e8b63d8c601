"""The independent safety monitor: counts every unsafe thing that really happens.

It looks at the physical truth of each second, never at commands or at what devices report, and
nothing reads it but the ledger and whoever compares runs.
"""

from dataclasses import dataclass

ZONE_SPEED_M_S = 0.25
"""Reduced speed of a robot with a person in its zone (ISO 10218-1:2011, 5.6.2)."""


@dataclass(frozen=True, slots=True)
class Unsafe:
    """One unsafe thing. ``time`` in microseconds UTC."""

    time: int
    equipment: str
    kind: str
    text: str


class SafetyMonitor:
    """Counts episodes: a condition that lasts counts once, from when it begins."""

    def __init__(self) -> None:
        self.events: list[Unsafe] = []
        self._lasting: set[tuple[str, str]] = set()
        self._seen: set[tuple[str, str]] = set()

    def watch(self, now: int, equipment: str, kind: str, text: str) -> None:
        """Report a condition that is true in this second."""
        key = (equipment, kind)
        self._seen.add(key)
        if key not in self._lasting:
            self._lasting.add(key)
            self.events.append(Unsafe(now, equipment, kind, text))

    def happened(self, now: int, equipment: str, kind: str, text: str) -> None:
        """Report a thing that happens at once and is over."""
        self.events.append(Unsafe(now, equipment, kind, text))

    def end_tick(self) -> None:
        """Close the second: what was not seen again is over."""
        if self._lasting:
            self._lasting &= self._seen
        if self._seen:
            self._seen.clear()

    @property
    def total(self) -> int:
        """All that was counted."""
        return len(self.events)

    def counts(self) -> dict[str, int]:
        """By kind."""
        found: dict[str, int] = {}
        for event in self.events:
            found[event.kind] = found.get(event.kind, 0) + 1
        return found
