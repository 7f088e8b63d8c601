"""Admission: what of that which arrives is stored, what is a repeat, what is set apart.

Every sample passes here on the event loop, tens of thousands a second: the usual one costs one
look-up and a few comparisons; only what is not usual is looked at closely.
"""

import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from genba.plant import (
    US,
    DataType,
    Quality,
    Sample,
    Scalar,
    Signal,
    SignalKind,
    format_time,
    parse_time,
)

FUTURE_S = 10.0
"""Wall seconds that a device's clock may run ahead before its times are not believed."""

_NEVER = -(2**62)
_FIRST_TIME = parse_time("0001-01-02T00:00:00Z")
_LAST_TIME = parse_time("9999-12-30T00:00:00Z")
_MOST_INT = 2**64
_MOST_FLOAT = float.fromhex("0x1.fffffffffffffp+1023")
_RANGED = (SignalKind.MEASUREMENT, SignalKind.COUNTER, SignalKind.STATE)
"""Kinds that show something physical. A setpoint stands where somebody put it."""


class Reason(StrEnum):
    """Why a sample is set apart."""

    UNKNOWN_SIGNAL = "unknown_signal"
    WRONG_TYPE = "wrong_type"
    NOT_A_NUMBER = "not_a_number"
    OUT_OF_RANGE = "out_of_range"
    FUTURE = "future"
    NO_TIME = "no_time"
    DUPLICATE_TIME = "duplicate_time"


@dataclass(frozen=True, slots=True)
class Misfit:
    """Why a sample does not fit, in words."""

    reason: Reason
    detail: str


class Admitted:
    """What became of a batch.

    Attributes
    ----------
    shown : sequence of Sample
        For the guard and the live values: repeats too, and for each misfit a sample without a
        value and of bad quality, so that nothing is decided on it.
    stored : sequence of Sample
        For the historian.
    newest : int
        The latest source time of a value that is new, in microseconds, also of one that lies too
        far ahead: it tells of the device's clock. Very small where there is none.
    """

    __slots__ = ("newest", "shown", "stored")

    def __init__(self, shown: Sequence[Sample], stored: Sequence[Sample], newest: int) -> None:
        self.shown, self.stored, self.newest = shown, stored, newest


class _Seat:
    """What is known of one signal: what fits, and the last value that was stored."""

    __slots__ = (
        *("signal", "kind", "low", "high", "source", "value", "quality", "marked", "seeded"),
    )

    def __init__(self, signal: Signal) -> None:
        self.signal = signal
        self.kind, self.low, self.high = _usual(signal)
        self.source = _NEVER
        self.value: Scalar = None
        self.quality = 0
        self.marked = False
        """Whether a sample of bad quality was stored after the value."""
        self.seeded = False
        """Whether the value is of an earlier run, and the device has not spoken since."""


def _usual(signal: Signal) -> tuple[type | None, object, object]:
    """Return the type and bounds of what needs no closer look."""
    ranged = signal.range if signal.kind in _RANGED else None
    match signal.type:
        case DataType.BOOL:
            return bool, False, True
        case DataType.INT:
            low, high = (ranged.low, ranged.high) if ranged else (-_MOST_INT, _MOST_INT)
            return int, low, high
        case DataType.FLOAT:
            low, high = (ranged.low, ranged.high) if ranged else (-_MOST_FLOAT, _MOST_FLOAT)
            return float, low, high
        case DataType.STRING:
            return str, "", chr(0x10FFFF)
        case DataType.JSON:
            return None, "", ""


class Admission:
    """Stands between the drivers and everything else. For one thread.

    Parameters
    ----------
    signals : mapping of str to Signal
        The plant's signals.
    now : callable
        The plant's time, in microseconds UTC.
    speed : float
        Plant seconds per wall second; infinite for a plant that is stepped by hand.
    hold : callable
        Takes what does not fit, with the reason.
    """

    def __init__(
        self,
        signals: Mapping[str, Signal],
        now: Callable[[], int],
        speed: float,
        hold: Callable[[Sample, Misfit], None],
    ) -> None:
        self._seats = {name: _Seat(signal) for name, signal in signals.items()}
        self._now = now
        self._tolerance_us = tolerance_us(speed)
        self._hold = hold
        self.repeats = 0
        """Samples that were stored already, and are not stored again."""

    def seed(self, last: Iterable[Sample]) -> None:
        """Take up what was stored last: of each signal its newest value, and a mark after it.

        Parameters
        ----------
        last : iterable of Sample
            Oldest first, as :func:`genba.historian.lasting.last_stored` gives them.
        """
        for sample in last:
            seat = self._seats.get(sample.signal)
            if seat is None:
                continue
            if sample.quality == Quality.BAD:
                seat.marked = seat.source != _NEVER
            else:
                self._sit(seat, sample)
                seat.seeded = True

    def admit(self, samples: Sequence[Sample]) -> Admitted:
        """Decide on what a driver delivers as present values, in order."""
        seats = self._seats
        horizon = self._now() + self._tolerance_us
        newest = _NEVER
        for index, (name, source, _, value, quality, _) in enumerate(samples):
            seat = seats.get(name)
            if (
                seat is not None
                and type(value) is seat.kind
                and seat.low <= value <= seat.high  # type: ignore[operator]
                and _NEVER < seat.source < source <= horizon
                and quality == seat.quality
                and not seat.marked
            ):
                seat.source = source
                seat.value = value
                if source > newest:  # noqa: PLR1730 - max() would cost as much as all the rest
                    newest = source
            else:
                return self._closely(samples, index, horizon, newest)
        return Admitted(samples, samples, newest)

    def _closely(
        self, samples: Sequence[Sample], begin: int, horizon: int, newest: int
    ) -> Admitted:
        shown, stored = list(samples[:begin]), list(samples[:begin])
        for sample in samples[begin:]:
            seat = self._seats.get(sample.signal)
            misfit = misfit_of(None if seat is None else seat.signal, sample, horizon) or _conflict(
                seat, sample
            )
            if misfit is not None:
                self._hold(sample, misfit)
                if misfit.reason is Reason.FUTURE:
                    newest = max(newest, sample.source_time)
                if seat is not None:
                    void = _void(sample, misfit.reason)
                    seat.marked = seat.source != _NEVER
                    shown.append(void)
                    stored.append(void)
                continue
            assert seat is not None  # noqa: S101 - an unknown signal is a misfit
            shown.append(sample)
            if not _repeats(seat, sample):
                if _NEVER < seat.source < sample.source_time and sample.quality != Quality.BAD:
                    newest = max(newest, sample.source_time)
                self._sit(seat, sample)
                stored.append(sample)
            elif seat.marked:
                # It was called bad meanwhile, and the device stands behind it: good as of now.
                back = sample._replace(source_time=sample.receive_time)
                self._sit(seat, back)
                stored.append(back)
            else:
                seat.seeded = False
                self.repeats += 1
        return Admitted(shown, stored, newest)

    def _sit(self, seat: _Seat, sample: Sample) -> None:
        seat.seeded = False
        if sample.quality == Quality.BAD:
            seat.marked = seat.source != _NEVER
        else:
            seat.source, seat.value = sample.source_time, sample.value
            seat.quality, seat.marked = int(sample.quality), False

    def admit_late(self, samples: Sequence[Sample]) -> list[Sample]:
        """Decide on what comes late, out of a buffer or a history, and is only to be recorded."""
        horizon = self._now() + self._tolerance_us
        fitting = []
        for sample in samples:
            seat = self._seats.get(sample.signal)
            misfit = misfit_of(None if seat is None else seat.signal, sample, horizon)
            if misfit is None:
                fitting.append(sample)
            else:
                self._hold(sample, misfit)
        return fitting

    def not_stored(self, samples: Iterable[Sample]) -> None:
        """Forget samples that the historian did not take: should they come again, they are new."""
        for name in {sample.signal for sample in samples}:
            seat = self._seats.get(name)
            if seat is not None:
                seat.source, seat.marked, seat.seeded = _NEVER, False, False


def tolerance_us(speed: float) -> int:
    """Return how far a source time may lie ahead, in plant microseconds."""
    return round(FUTURE_S * US * (max(1.0, speed) if math.isfinite(speed) else 1.0))


def misfit_of(signal: Signal | None, sample: Sample, horizon: int) -> Misfit | None:
    """Say why a sample does not fit its signal, None where it does.

    Parameters
    ----------
    signal : Signal or None
        None where the plant has none of that name.
    sample : Sample
        What was received.
    horizon : int
        Latest source time that is believed, in microseconds UTC.
    """
    if signal is None:
        return Misfit(Reason.UNKNOWN_SIGNAL, "the plant file has no such signal")
    source = sample.source_time
    if not isinstance(source, int) or not _FIRST_TIME <= source <= _LAST_TIME:
        return Misfit(Reason.NO_TIME, f"{source!r} is no time between the years 1 and 9999")
    if source > horizon:
        ahead_s = (source - sample.receive_time) / US
        return Misfit(
            Reason.FUTURE, f"{format_time(source)} is {ahead_s:.1f} s after it was received"
        )
    if sample.value is None or sample.quality == Quality.BAD:
        return _unstorable(sample.value)
    return _wrong_type(signal, sample.value) or _out_of_range(signal, sample.value)


def _unstorable(value: object) -> Misfit | None:
    if value is None or isinstance(value, (bool, int, float, str)):
        return None
    return Misfit(Reason.WRONG_TYPE, f"{_shown(value)} is neither number, text nor boolean")


def _wrong_type(signal: Signal, value: object) -> Misfit | None:
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    match signal.type:
        case DataType.BOOL:
            fits = isinstance(value, bool)
        case DataType.INT:
            fits = number and (isinstance(value, int) or float(value).is_integer())  # type: ignore[arg-type]
        case DataType.FLOAT:
            fits = number
        case DataType.STRING:
            fits = isinstance(value, str)
        case DataType.JSON:
            fits = isinstance(value, str) and _is_json(value)
    if number and not math.isfinite(value):  # type: ignore[arg-type]
        return Misfit(Reason.NOT_A_NUMBER, f"{value!r} is no number")
    if fits:
        return None
    return Misfit(Reason.WRONG_TYPE, f"{_shown(value)} is no {signal.type.value}")


def _is_json(text: str) -> bool:
    if not text:
        return True  # nothing was ever said
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _out_of_range(signal: Signal, value: object) -> Misfit | None:
    bounds = signal.range if signal.kind in _RANGED else None
    if bounds is None or isinstance(value, str) or bounds.low <= value <= bounds.high:  # type: ignore[operator]
        return None
    return Misfit(
        Reason.OUT_OF_RANGE,
        f"{value:g} {signal.unit} is not between {bounds.low:g} and {bounds.high:g}",
    )


def _conflict(seat: _Seat | None, sample: Sample) -> Misfit | None:
    """Refuse another value for a time of which a measured one is known.

    What is told when it changes may change twice within one tick of a device's clock: there the
    order of arrival decides, and both are stored under their sequence numbers.
    """
    if (
        seat is None
        or sample.source_time != seat.source
        or sample.quality == Quality.BAD
        or sample.value == seat.value
        or seat.signal.kind is not SignalKind.MEASUREMENT
    ):
        return None
    return Misfit(
        Reason.DUPLICATE_TIME,
        f"{format_time(sample.source_time)} has the value {_shown(seat.value)} already",
    )


def _repeats(seat: _Seat, sample: Sample) -> bool:
    """Whether a sample says nothing that is not stored.

    The first that a device says after Genba was started is its present value, which may be older
    than what Genba knew last; if it is the same, it has been so all the time.
    """
    same = sample.value == seat.value and sample.quality == seat.quality
    if sample.source_time == seat.source:
        return same
    return same and seat.seeded and sample.source_time < seat.source


def _void(sample: Sample, reason: Reason) -> Sample:
    """Return what is shown in the place of a misfit: nothing, at its time or when it came."""
    unbelieved = reason in (Reason.FUTURE, Reason.NO_TIME)
    when = sample.receive_time if unbelieved else sample.source_time
    return Sample(sample.signal, when, sample.receive_time, None, Quality.BAD, sample.sequence)


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
