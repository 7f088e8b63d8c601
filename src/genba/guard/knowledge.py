"""What the guard knows of the plant: last samples, signs of life, what was written."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeGuard

from genba.plant import US, Evidence, Plant, Quality, Sample, Scalar, Signal, SignalKind

FUTURE_TOLERANCE_S = 2.0
"""How far a device's clock may run ahead of the plant's before its times are called wrong."""

WIRE_S = 0.5
"""Wall seconds from a device's sampling to its arrival here: publishing interval and network."""

DRIFT = 0.05
"""By how much of its range (or of itself, without one) a measurement may differ from what a waiting
proposal was made from. It moves on while a person looks; beyond this it is another situation."""

MOST_OPEN = 8
"""How many writes to one setpoint, not read back, are kept in mind."""

UNSEEN_S = 60.0
"""For so long a write may have taken effect that no sample shows yet. Its command has ended by
then, and what the device shows counts again."""


@dataclass(frozen=True, slots=True)
class Known:
    """A value that may be decided on, or the reason why there is none."""

    sample: Sample | None
    why_not: str = ""


class Knowledge:
    """Last samples by signal, last signs of life by connection, last writes by setpoint.

    Parameters
    ----------
    plant : Plant
        Its signals, with their freshness.
    slack_s : float
        Plant seconds that the wire takes longer than it would in a plant at real time:
        see :func:`wire_slack_s`.
    """

    def __init__(self, plant: Plant, slack_s: float = 0.0) -> None:
        self._signals = plant.signals
        self._slack_s = slack_s
        self._last: dict[str, Sample] = {}
        self._heard: dict[str, int] = {}
        self._written: dict[str, tuple[float, int]] = {}
        self._open: dict[str, list[tuple[float, int]]] = {}
        self._unseen: dict[str, list[tuple[Scalar, int]]] = {}

    def observe(self, samples: Iterable[Sample]) -> None:
        """Keep the newest sample of each signal, in the order in which they were received.

        Receive order counts, not source order: after a reconnect a device repeats its present
        value with the time of its last change, which is older than the mark of the lost link. Nor
        do receive times count: after the clock was set back, the mark of a lost link must count.
        """
        last = self._last
        for sample in samples:
            last[sample.signal] = sample

    def heard(self, connection: str, time: int) -> None:
        """Note that a connection was known to be alive at ``time``."""
        self._heard[connection] = time

    def known(self, signal_id: str, now: int) -> Known:
        """Return the last sample of a signal if it may be decided on at ``now``."""
        signal = self._signals.get(signal_id)
        if signal is None:
            return Known(None, f"{signal_id} is no signal of this plant")
        sample = self._last.get(signal_id)
        if sample is None:
            return Known(None, f"{signal_id} was never observed")
        if sample.quality == Quality.BAD or sample.value is None:
            return Known(None, f"{signal_id} has bad quality")
        if sample.source_time > now + FUTURE_TOLERANCE_S * US:
            return Known(None, f"{signal_id} has a time in the future")
        age_s = (now - self._stood_at(signal, sample, now)) / US
        if age_s > signal.freshness_s + self._slack_s:
            return Known(
                None, f"{signal_id} is {age_s:.0f} s old, more than {signal.freshness_s:g} s"
            )
        return Known(sample)

    def _stood_at(self, signal: Signal, sample: Sample, now: int) -> int:
        """Return the latest time at which the device is known to have stood behind a sample.

        A measurement is as old as its source time. What is reported only when it changes (states,
        counters, setpoints, events) holds for as long as its connection is heard from.
        """
        if signal.kind is SignalKind.MEASUREMENT:
            return sample.source_time
        signs = (sample.receive_time, self._heard.get(signal.connection, 0))
        # A sign of life from the future is from before the clock was set back, and shows nothing.
        return max((sign for sign in signs if sign <= now + FUTURE_TOLERANCE_S * US), default=0)

    def newest(self, signal_id: str) -> Scalar:
        """Return the newest value of a signal, however old; None if it is bad."""
        sample = self._last.get(signal_id)
        return None if sample is None or sample.quality == Quality.BAD else sample.value

    def doubts(self, evidence: Iterable[Evidence], now: int, *, waited: bool = False) -> list[str]:
        """Return why pieces of evidence must not be decided on; empty if they may.

        After a proposal has ``waited``, for people or for its turn, the newest measurement stands
        in for the one that it was made from, and must not have moved far from it.
        """
        reasons = []
        for piece in evidence:
            known = self.known(piece.signal, now)
            if known.sample is None:
                reasons.append(f"evidence: {known.why_not}")
            elif piece.source_time > now + FUTURE_TOLERANCE_S * US:
                reasons.append(f"evidence: {piece.signal} is from the future")
            elif (problem := self._outdated(piece, known.sample, now, waited)) is not None:
                reasons.append(f"evidence: {problem}")
        return reasons

    def _outdated(self, piece: Evidence, newest: Sample, now: int, waited: bool) -> str | None:
        signal = self._signals[piece.signal]
        if piece.source_time > newest.source_time:
            return f"{piece.signal} was not observed at the time that is given for it"
        if signal.kind is SignalKind.MEASUREMENT:
            if waited:
                return _moved(signal, piece.value, newest.value)
            age_s = (now - piece.source_time) / US
            if age_s > signal.freshness_s + self._slack_s:
                return f"{piece.signal} is {age_s:.0f} s old, more than {signal.freshness_s:g} s"
            return None
        if piece.value != newest.value:
            return f"{piece.signal} was {piece.value!r} and is {newest.value!r} now"
        return None

    def issued(self, signal_id: str, value: Scalar, time: int) -> None:
        """Note that a setpoint is about to be written; it may take effect at any moment now."""
        self._unseen.setdefault(signal_id, []).append((value, time))
        del self._unseen[signal_id][:-MOST_OPEN]
        if not _is_number(value):
            return
        present = self.present_values(signal_id)
        if present and all(before == value for before, _ in present):
            return  # it changes nothing, so the rest that the setpoint had still counts
        self._open.setdefault(signal_id, []).append((float(value), time))
        del self._open[signal_id][:-MOST_OPEN]

    def confirmed(self, signal_id: str, value: Scalar, time: int) -> None:
        """Note that a setpoint was written and read back."""
        if signal_id in self._unseen:  # it took effect; those before it are over
            self._unseen[signal_id] = [(value, time)]
        if not _is_number(value):
            return
        settled = self._settled(signal_id)
        if signal_id in self._open or settled is None or settled[0] != value:
            self._written[signal_id] = (float(value), time)
        self._open.pop(signal_id, None)

    def possible(self, signal_id: str, now: int) -> list[Scalar]:
        """Return what a setpoint may hold by now and no sample need show yet, oldest first."""
        kept = self._unseen.get(signal_id, ())
        return [value for value, time in kept if now - time <= UNSEEN_S * US]

    def present_values(self, signal_id: str) -> list[tuple[float, int]]:
        """Return every value that a setpoint may have now, with the time since when.

        That is the value read or written last, and beside it each one that was written and not
        read back: nobody knows whether it has taken effect.
        """
        settled = self._settled(signal_id)
        return [*self._open.get(signal_id, ()), *([settled] if settled else [])]

    def _settled(self, signal_id: str) -> tuple[float, int] | None:
        """Return the value that was read or written last, and since when it is there."""
        sample = self._last.get(signal_id)
        written = self._written.get(signal_id)
        if (
            sample is not None
            and sample.quality != Quality.BAD
            and _is_number(sample.value)
            and (written is None or sample.source_time >= written[1])
        ):
            return float(sample.value), sample.source_time
        return written


def wire_slack_s(speed: float) -> float:
    """Return by how many plant seconds an accelerated clock makes the wire seem slower.

    What takes a fraction of a second on the wire takes ``speed`` times as long at the clock of a
    simulated plant. At real time, and under a virtual clock, there is no slack.
    """
    return WIRE_S * (speed - 1.0) if 1.0 < speed < math.inf else 0.0


def _moved(signal: Signal, before: Scalar, now: Scalar) -> str | None:
    """Say that a measurement has moved too far from what a proposal was made from."""
    if before == now:
        return None
    if _is_number(before) and _is_number(now):
        span = signal.range.high - signal.range.low if signal.range else abs(before)
        if abs(now - before) <= max(signal.deadband, DRIFT * span):
            return None
    return f"{signal.id} was {before!r} and is {now!r} now"


def _is_number(value: Scalar) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool)
