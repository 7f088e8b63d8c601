"""Heartbeats: a number that goes on for each device that watches whether Genba is alive."""

import math

from genba.operate.sense import LiveValues
from genba.plant import US, Outcome, Plant, Proposal, Role, Signal, Write

EVERY_TICKS = 10
"""Ticks between two beats."""
LEAST_WALL_S = 0.25
"""Wall seconds between two beats, at least: an accelerated clock must not flood the devices."""
MISSED = 3
"""Beats in a row that must fail before a device counts as not hearing Genba."""
MOST = 2**15 - 1
"""The largest number where the signal has no range: it fits into every register of 16 bits."""


def next_number(signal: Signal, number: int) -> int:
    """Return the number after another one: beyond the signal's range it begins anew."""
    low, high = _bounds(signal)
    return number + 1 if low <= number < high else low


def overtakes(signal: Signal, shown: int, wanted: int) -> bool:
    """Whether a number is another one or came after it, also over the end of the range."""
    low, high = _bounds(signal)
    if not (low <= shown <= high and low <= wanted <= high):
        return shown >= wanted
    size = high - low + 1
    return (shown - wanted) % size < max(1, size // 2)


def _bounds(signal: Signal) -> tuple[int, int]:
    if signal.range is None:
        return 0, MOST
    return math.ceil(signal.range.low), math.floor(signal.range.high)


class Heartbeats:
    """Proposes a beat for every device with a ``heartbeat`` setpoint, in turn over the ticks."""

    def __init__(self, plant: Plant, live: LiveValues, speed: float = 1.0) -> None:
        self._live = live
        self._signals = [s for s in plant.signals.values() if s.role is Role.HEARTBEAT]
        self._next: dict[str, int] = {s.equipment: 0 for s in self._signals}
        self._number: dict[str, int] = {}
        least_s = LEAST_WALL_S * speed if math.isfinite(speed) else 0.0
        self._period = round(max(EVERY_TICKS * plant.tick_s, least_s) * US)
        self._heard: dict[str, int] = {}
        self._failed: dict[str, int] = dict.fromkeys(self._next, 0)

    def due(self, now: int) -> list[Proposal]:
        """Return the beats that are due. A device whose link is down gets none."""
        proposals = []
        for signal in self._signals:
            # A beat that is due much later was planned before the clock was set back.
            if 0 < self._next[signal.equipment] - now <= self._period:
                continue
            shown = self._live.value(signal.id)
            if not isinstance(shown, int):
                continue
            self._next[signal.equipment] = now + self._period
            last = self._number.get(signal.equipment, shown)
            number = next_number(signal, last if overtakes(signal, last, shown) else shown)
            self._number[signal.equipment] = number
            proposals.append(
                Proposal(
                    id=f"heartbeat-{signal.equipment}-{now // 1000}",
                    time=now,
                    kind="heartbeat",
                    equipment=signal.equipment,
                    writes=(Write(signal.id, number, signal.unit),),
                    reason="Genba is alive",
                    source="plain",
                )
            )
        return proposals

    def ended(self, equipment: str, outcome: Outcome) -> None:
        """Note what came of a beat."""
        if outcome.done:
            self._heard[equipment] = outcome.time
            self._failed[equipment] = 0
        else:
            self.failed(equipment)

    def failed(self, equipment: str) -> None:
        """Note a beat that was refused or not taken."""
        self._failed[equipment] = self._failed.get(equipment, 0) + 1

    def unheard(self) -> frozenset[str]:
        """Return devices that do not hear Genba: no beat yet, or several missed in a row.

        They run under their own controller; nothing is to be asked of them.
        """
        return self.failing() | (self._next.keys() - self._heard.keys())

    def failing(self) -> frozenset[str]:
        """Return devices that missed several beats in a row; one that is yet to get any is none."""
        return frozenset(name for name in self._next if self._failed.get(name, 0) >= MISSED)
