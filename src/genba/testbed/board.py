"""What a device shows: the last value of each signal, and the stream of changes."""

import json
import math
from collections import deque
from collections.abc import Mapping
from typing import Any

from genba.plant import US, DataType, Scalar, Signal, SignalKind

Change = tuple[str, int, Scalar]
"""Signal id, source time (microseconds UTC), value."""

_STEPS_OF_A_CONVERTER = 4000.0


class Outbox:
    """Collects the changes of the whole plant in the order in which they happen."""

    __slots__ = ("changes", "now")

    def __init__(self) -> None:
        self.now = 0
        self.changes: list[Change] = []


class Board:
    """The signals of one piece of equipment, by short name."""

    def __init__(
        self, equipment: str, signals: tuple[Signal, ...], outbox: Outbox, history_h: float = 0.0
    ) -> None:
        self.equipment = equipment
        self.signals = {s.id.removeprefix(f"{equipment}."): s for s in signals}
        self.names = {s.role: short for short, s in self.signals.items() if s.role is not None}
        self.values: dict[str, Scalar] = {}
        self._outbox = outbox
        self._ids = {short: s.id for short, s in self.signals.items()}
        self._digits = {short: _digits(s) for short, s in self.signals.items()}
        self._history_us = int(history_h * 3600 * US)
        self._history: dict[str, deque[tuple[int, Scalar]]] = {}
        measured = [
            (short, period)
            for short, s in self.signals.items()
            if (period := _period_s(s)) is not None
        ]
        # Devices do not sample in step: each has an offset of its own.
        offset = sum(equipment.encode()) % 10
        self._cycle_s = math.lcm(*(period for _, period in measured))
        self._plan = [
            tuple(
                (short, self._ids[short], self._digits[short])
                for short, period in measured
                if (second + offset) % period == 0
            )
            for second in range(self._cycle_s)
        ]

    def show(self, short: str, value: Scalar) -> None:
        """Show a value; a change goes out, a signal that the plant file does not list does not."""
        full = self._ids.get(short)
        if full is None or self.values.get(short, _NOTHING) == value:
            return
        self.values[short] = value
        self._send(full, value)

    def announce(self, short: str, document: Mapping[str, Any]) -> None:
        """Send an event: always a new one, even if it is equal to the last."""
        full = self._ids.get(short)
        if full is not None:
            text = json.dumps(document, separators=(",", ":"))
            self.values[short] = text
            self._send(full, text)

    def measures(self, second: int) -> bool:
        """Whether any sample time has come."""
        return bool(self._plan[second % self._cycle_s])

    def measure(self, second: int, readings: Mapping[str, Scalar]) -> None:
        """Show those of the readings whose sample time has come, at the device's resolution."""
        self._measure(self._plan[second % self._cycle_s], readings)

    def measure_all(self, readings: Mapping[str, Scalar]) -> None:
        """Show all readings, as a device does when it is switched on."""
        for plan in self._plan:
            self._measure(plan, readings)

    def _measure(
        self, plan: tuple[tuple[str, str, int | None], ...], readings: Mapping[str, Scalar]
    ) -> None:
        values = self.values
        for short, full, digits in plan:
            value = readings.get(short)
            if value is None:
                continue
            if digits is not None:
                value = round(float(value), digits)
            if values.get(short, _NOTHING) != value:
                values[short] = value
                self._send(full, value)

    def history(self, short: str, start: int, end: int) -> list[tuple[int, Scalar]] | None:
        """What the device recorded in ``[start, end)``; None where it keeps no history."""
        if not self._history_us:
            return None
        return [(t, v) for t, v in self._history.get(self._ids[short], ()) if start <= t < end]

    def _send(self, full: str, value: Scalar) -> None:
        now = self._outbox.now
        self._outbox.changes.append((full, now, value))
        if self._history_us:
            record = self._history.setdefault(full, deque())
            record.append((now, value))
            while record[0][0] < now - self._history_us:
                record.popleft()


class _Nothing:
    """Equal to no value."""

    __slots__ = ()


_NOTHING = _Nothing()


def _period_s(signal: Signal) -> int | None:
    """Seconds between two looks at a sensor; None for what is shown as it happens."""
    if signal.kind is SignalKind.MEASUREMENT:
        return max(1, round(signal.sample_s))
    if signal.kind is SignalKind.COUNTER and signal.unit != "1":
        return max(1, round(signal.sample_s))
    return 1 if signal.kind is SignalKind.STATE and signal.role is None else None


def _digits(signal: Signal) -> int | None:
    """Decimals of the device's resolution: its register's scale, or a 12-bit converter's step."""
    if signal.type is not DataType.FLOAT or signal.kind is SignalKind.SETPOINT:
        return None
    if signal.scale != 1.0:
        return max(0, round(-math.log10(signal.scale)))
    if signal.deadband:
        return max(0, round(-math.log10(signal.deadband)))
    if signal.range is None:
        return 2
    span = signal.range.high - signal.range.low
    return max(0, round(-math.log10(span / _STEPS_OF_A_CONVERTER)))
