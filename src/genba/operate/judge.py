"""Judging: limits, rates of change and staleness. Plug-ins add their own judges."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from genba.operate.sense import LiveValues
from genba.plant import (
    US,
    Evidence,
    Finding,
    Plant,
    Quality,
    Sample,
    Severity,
    Signal,
    SignalKind,
    settings_of,
)


@dataclass(frozen=True, slots=True)
class Sight:
    """What a judge sees in one tick."""

    time: int
    """Now, microseconds UTC."""
    batch: Sequence[Sample]
    """All samples since the last tick, in the order in which they were received."""
    live: LiveValues
    """Newest values."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """A finding, and whether it stands until it is cleared, clears one, or is only told once."""

    finding: Finding
    stands: bool = False
    clears: bool = False
    about: str = ""
    """What it is about where that is no signal: a connection, a kind of decision."""

    @property
    def key(self) -> tuple[str, str, str]:
        """What it is about: a standing finding is cleared by one with the same key."""
        evidence = self.finding.evidence
        about = self.about or (evidence[0].signal if evidence else "")
        return self.finding.equipment, self.finding.kind, about


class Judge(Protocol):
    """What a judging step must be. Plug-ins register under the entry point ``genba.judges``.

    Called once in every tick, in the loop itself: it must be quick (heavy models run elsewhere and
    show their results as signals).
    """

    name: str

    def judge(self, sight: Sight) -> Iterable[Judgement]:
        """Return what is new: raised, cleared, or told once."""
        ...


_LIMITS = (
    ("high_high", +1, Severity.CRITICAL),
    ("high", +1, Severity.WARNING),
    ("low_low", -1, Severity.CRITICAL),
    ("low", -1, Severity.WARNING),
)
HYSTERESIS = 0.02
"""Part of the range (or of the limit) by which a value must come back before a finding clears,
where the plant file gives no deadband."""


@dataclass(frozen=True, slots=True)
class _Limit:
    """One limit of a signal; ``side`` is +1 where values above are too much."""

    name: str
    value: float
    side: int
    severity: Severity
    deadband: float


class LimitJudge:
    """Alarm limits with hysteresis: raised once, cleared once (ISA-18.2: process alarms)."""

    name = "limits"

    def __init__(self, plant: Plant) -> None:
        self._signals = {s.id: s for s in plant.signals.values() if s.limits is not None}
        self._limits = {s.id: _limits_of(plant, s) for s in self._signals.values()}
        self._quiet = {name: _quiet_band(limits) for name, limits in self._limits.items()}
        self._raised: set[tuple[str, str]] = set()
        self._loud: set[str] = set()

    def judge(self, sight: Sight) -> Iterable[Judgement]:
        """Compare every new sample with its signal's limits."""
        quiet, loud = self._quiet, self._loud
        for sample in sight.batch:
            band = quiet.get(sample.signal)
            if band is None or not _is_number(sample):
                continue
            if band[0] <= sample.value <= band[1] and sample.signal not in loud:  # type: ignore[operator]
                continue  # Nearly every sample ends here.
            yield from self._compare(self._signals[sample.signal], sample)

    def _compare(self, signal: Signal, sample: Sample) -> Iterable[Judgement]:
        value = float(sample.value)  # type: ignore[arg-type]
        for limit in self._limits[signal.id]:
            key = (signal.id, limit.name)
            beyond = (value - limit.value) * limit.side
            kind = f"limit_{limit.name}"
            if key not in self._raised and beyond > 0:
                self._raised.add(key)
                word = "above" if limit.side > 0 else "below"
                text = f"{signal.id} is {value:g} {signal.unit}, {word} its limit {limit.value:g}"
                finding = _finding(kind, signal, sample, text, limit.severity, self.name)
                yield Judgement(finding, stands=True)
            elif key in self._raised and beyond < -limit.deadband:
                self._raised.discard(key)
                text = f"{signal.id} is back at {value:g} {signal.unit}"
                finding = _finding(kind, signal, sample, text, Severity.INFO, self.name)
                yield Judgement(finding, clears=True)
        stands = any((signal.id, limit.name) in self._raised for limit in self._limits[signal.id])
        (self._loud.add if stands else self._loud.discard)(signal.id)


class RateJudge:
    """Measurements that change faster than ``max_rate`` allows. Told once per minute at most."""

    name = "rate"
    QUIET_S = 60.0

    def __init__(self, plant: Plant) -> None:
        self._signals = {
            s.id: s
            for s in plant.signals.values()
            if s.max_rate is not None and s.kind is not SignalKind.SETPOINT
        }
        self._before: dict[str, Sample] = {}
        self._told: dict[str, int] = {}

    def judge(self, sight: Sight) -> Iterable[Judgement]:
        """Compare every new sample with the one before it."""
        for sample in sight.batch:
            signal = self._signals.get(sample.signal)
            if signal is None or not _is_number(sample):
                continue
            before = self._before.get(sample.signal)
            self._before[sample.signal] = sample
            if before is None or sample.source_time <= before.source_time:
                continue
            seconds = (sample.source_time - before.source_time) / US
            rate = abs(float(sample.value) - float(before.value)) / seconds  # type: ignore[arg-type]
            told = self._told.get(signal.id)
            quiet = told is not None and sample.source_time - told < self.QUIET_S * US
            if rate > (signal.max_rate or 0.0) and not quiet:
                self._told[signal.id] = sample.source_time
                text = (
                    f"{signal.id} changes by {rate:g} {signal.unit} per second, "
                    f"more than {signal.max_rate:g}"
                )
                yield Judgement(_finding("rate", signal, sample, text, Severity.WARNING, self.name))


class StaleJudge:
    """Measurements that stopped coming, and values that their device no longer stands behind.

    ``slack_s`` is what an accelerated clock makes the wire seem slower, in plant seconds.
    """

    name = "stale"

    def __init__(self, plant: Plant, slack_s: float = 0.0) -> None:
        self._signals = [s for s in plant.signals.values() if s.kind is SignalKind.MEASUREMENT]
        self._slack_s = slack_s
        self._raised: set[str] = set()

    def judge(self, sight: Sight) -> Iterable[Judgement]:
        """Look at the age of every measurement that ever came."""
        for signal in self._signals:
            sample = sight.live.get(signal.id)
            if sample is None:
                continue
            age_s = (sight.time - sample.source_time) / US
            stale = age_s > signal.freshness_s + self._slack_s or sample.quality == Quality.BAD
            if stale and signal.id not in self._raised:
                self._raised.add(signal.id)
                what = "is bad" if sample.quality == Quality.BAD else f"is {age_s:.0f} s old"
                text = f"{signal.id} {what}; nothing is decided on it"
                finding = _finding("stale", signal, sample, text, Severity.WARNING, self.name)
                yield Judgement(finding, stands=True)
            elif not stale and signal.id in self._raised:
                self._raised.discard(signal.id)
                text = f"{signal.id} is fresh again"
                finding = _finding("stale", signal, sample, text, Severity.INFO, self.name)
                yield Judgement(finding, clears=True)


def _is_number(sample: Sample) -> bool:
    return (
        isinstance(sample.value, int | float)
        and not isinstance(sample.value, bool)
        and sample.quality != Quality.BAD
    )


def _limits_of(plant: Plant, signal: Signal) -> tuple[_Limit, ...]:
    return tuple(
        _Limit(name, value, side, severity, _deadband(plant, signal, name, value))
        for name, side, severity in _LIMITS
        if (value := getattr(signal.limits, name)) is not None
    )


def _quiet_band(limits: Iterable[_Limit]) -> tuple[float, float]:
    """Between these two, no limit is exceeded."""
    low = max((limit.value for limit in limits if limit.side < 0), default=-math.inf)
    high = min((limit.value for limit in limits if limit.side > 0), default=math.inf)
    return low, high


def _deadband(plant: Plant, signal: Signal, name: str, limit: float) -> float:
    setting = settings_of(plant, signal.equipment, signal.id, f"limit_{name}")
    if setting.deadband is not None:
        return setting.deadband
    span = signal.range.high - signal.range.low if signal.range else abs(limit)
    return max(HYSTERESIS * span, signal.deadband)


def _finding(
    kind: str, signal: Signal, sample: Sample, text: str, severity: Severity, source: str
) -> Finding:
    return Finding(
        id=f"F-{kind}-{signal.id}-{sample.source_time}",
        time=sample.source_time,
        kind=kind,
        equipment=signal.equipment,
        text=text,
        severity=severity,
        source=source,
        evidence=(Evidence(signal.id, sample.source_time, sample.value),),
    )
