"""What one connection delivers: numbered, without repeats, bad when the link is lost."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from genba.connect.conversion import as_it_came, changed
from genba.connect.driver import DriverContext, Sink
from genba.connect.outage import Outage, Outages
from genba.plant import (
    US,
    GapReason,
    Health,
    Link,
    Quality,
    Sample,
    Scalar,
    Signal,
    SignalKind,
)


class Reading(NamedTuple):
    """A plant value that a driver got for a signal; ``source_time`` in microseconds UTC."""

    signal: Signal
    source_time: int
    value: Scalar
    quality: Quality = Quality.GOOD


_LONGEST_WAY_S = 10.0

Policy = Callable[[Sample, Reading], bool]
"""Whether a reading is news, given the last sample that was delivered for its signal."""


@dataclass(slots=True)
class _Wanted:
    signal: Signal
    sink: Sink
    last: Sample | None = None
    unfit: str = ""
    """What it sent last that was no value of it."""


class Outlet:
    """Stands between a driver and its sinks, and keeps the connection's figures for `Health`.

    It also tells the context's ``missed`` of each span in which a signal was not heard: from when
    the connection was last heard to the next value of the signal that is not bad.
    """

    def __init__(self, context: DriverContext) -> None:
        self._clock = context.clock
        self._unfit = context.unfit
        self.outages = Outages(context.missed)
        """What is not heard at present, and what was not."""
        self._wanted: dict[str, _Wanted] = {}
        self._sequence = 0
        self._link = Link.CONNECTING
        self._since = self._clock.now()
        self._was_up = False
        self._reconnects = 0
        self._received = 0
        self._last_received: int | None = None
        self._last_heard = 0
        self._error = ""
        self._faults: dict[str, str] = {}

    @property
    def link(self) -> Link:
        """The state of the connection."""
        return self._link

    def subscribe(self, signals: Sequence[Signal], sink: Sink) -> None:
        """Deliver readings of ``signals`` to ``sink`` from now on."""
        for signal in signals:
            self._wanted[signal.id] = _Wanted(signal, sink)

    def last(self, signal: Signal) -> Sample | None:
        """The sample of ``signal`` that was delivered last."""
        wanted = self._wanted.get(signal.id)
        return wanted.last if wanted else None

    def sample(self, reading: Reading) -> Sample:
        """Number a reading and stamp it with the receive time, without delivering it."""
        return self._number(reading, self._clock.now())

    def deliver(
        self, readings: Iterable[Reading], policy: Policy | None = None, sent: int | None = None
    ) -> None:
        """Hand on the readings that are wanted and, by ``policy`` (default `on_change`), news.

        The first reading of a signal always goes through, and so does every change of quality.
        ``sent`` is when the device sent them, by its clock: should the link break now, what it
        sent after that, and lay here unread, is lost.
        """
        is_news = policy or on_change
        now = self._heard(sent)
        batches: defaultdict[Sink, list[Sample]] = defaultdict(list)
        heard: list[str] = []
        for reading in readings:
            self._received += 1
            wanted = self._wanted.get(reading.signal.id)
            if wanted is None:
                continue
            if reading.quality is not Quality.BAD and self.outages.open(reading.signal.id):
                heard.append(reading.signal.id)
            if reading.quality is not Quality.BAD:
                wanted.unfit = ""
            last = wanted.last
            if last is None or last.quality != reading.quality or is_news(last, reading):
                wanted.last = self._number(reading, now)
                batches[wanted.sink].append(wanted.last)
        for sink, samples in batches.items():
            sink(samples)
        if heard:
            self.outages.end(heard, now)

    def unfit(
        self,
        signal: Signal,
        source_time: int,
        raw: Any,
        why: str,
        quality: Quality = Quality.GOOD,
        *,
        each: bool = False,
    ) -> None:
        """Have kept, apart, what is no value of its signal; a void reading takes its place.

        What a device repeats is kept once, unless it says ``each`` value only once.
        """
        wanted = self._wanted.get(signal.id)
        shown = repr(raw)
        if wanted is None or (wanted.unfit == shown and not each):
            return
        wanted.unfit = shown
        reading = Reading(signal, source_time, as_it_came(signal, raw), quality)
        self._unfit(self._number(reading, self._clock.now()), why)

    def mark_bad(self, signals: Iterable[Signal] | None = None) -> None:
        """Repeat last values (of all signals by default) with bad quality, as of now.

        So nobody decides on a value that the device no longer stands behind.
        """
        now = self._clock.now()
        batches: defaultdict[Sink, list[Sample]] = defaultdict(list)
        chosen = None if signals is None else {signal.id for signal in signals}
        for wanted in self._wanted.values():
            if chosen is not None and wanted.signal.id not in chosen:
                continue
            if wanted.last is None or wanted.last.quality == Quality.BAD:
                continue
            reading = Reading(wanted.signal, now, wanted.last.value, Quality.BAD)
            wanted.last = self._number(reading, now)
            batches[wanted.sink].append(wanted.last)
        for sink, samples in batches.items():
            sink(samples)

    def fault(self, about: str, text: str) -> None:
        """Note what is wrong with one thing (a signal, say) while the link is up; "" if nothing."""
        if text:
            self._faults[about] = text
        else:
            self._faults.pop(about, None)

    @property
    def error(self) -> str:
        """Why the link is down, or the first fault of one that is up."""
        if self._link is not Link.UP:
            return self._error
        more = len(self._faults) - 1
        return next(iter(self._faults.values()), "") + (f" (and {more} more)" if more > 0 else "")

    def up(self) -> None:
        """Note that the link works."""
        if self._link is Link.UP:
            return
        self._reconnects += int(self._was_up)
        self._was_up = True
        self._error = ""
        self._turn(Link.UP)

    def down(
        self,
        error: str,
        of: Iterable[Signal] | None = None,
        reason: GapReason = GapReason.LINK,
    ) -> None:
        """Note that the link is lost and why; mark what it delivered (or ``of`` that) as bad."""
        self._error = error
        if self._link is not Link.DOWN:
            self._turn(Link.DOWN)
        self.lost(of, reason, error)

    def lost(
        self, signals: Iterable[Signal] | None, reason: GapReason, detail: str, mark: bool = True
    ) -> None:
        """Note that ``signals`` (default all) are not heard since the connection was heard last.

        Their last values are repeated with bad quality, unless ``mark`` is false.
        """
        lost = [w.signal for w in self._wanted.values()] if signals is None else list(signals)
        told = [s.id for s in lost if (w := self._wanted.get(s.id)) is not None and w.last]
        if self._last_received is not None:
            self.outages.begin(told, Outage(self._last_heard, reason, detail))
        if mark:
            self.mark_bad(lost)

    def heard(self) -> None:
        """Note that the device was heard just now, though it told no value."""
        self._heard(None)

    def closed(self) -> None:
        """Note that the connection was ended on purpose."""
        if self._link is not Link.CLOSED:
            self._turn(Link.CLOSED)

    def health(self) -> Health:
        """How the link does."""
        return Health(
            self._link,
            self._since,
            self._last_received,
            self._received,
            self._reconnects,
            self.error,
        )

    def _heard(self, sent: int | None) -> int:
        now = self._last_received = self._clock.now()
        delay = 0 if sent is None else now - sent
        # A clock that is further off tells nothing of how long the message was on its way.
        self._last_heard = now - delay if 0 < delay < _LONGEST_WAY_S * US else now
        return now

    def _turn(self, link: Link) -> None:
        self._link = link
        self._since = self._clock.now()

    def _number(self, reading: Reading, now: int) -> Sample:
        self._sequence += 1
        signal, source_time, value, quality = reading
        return Sample(signal.id, source_time, now, value, quality, self._sequence)


def on_change(last: Sample, reading: Reading) -> bool:
    """Let through what changed by more than the signal's deadband.

    A measurement is as old as its source time, so an unchanged one is sent again after half of
    its freshness. All other kinds hold for as long as their connection is heard from.
    """
    signal = reading.signal
    if changed(last.value, reading.value, signal.deadband):
        return True
    age_us = reading.source_time - last.source_time
    return signal.kind is SignalKind.MEASUREMENT and age_us >= signal.freshness_s * US / 2


def each_poll(last: Sample, reading: Reading) -> bool:
    """For devices that are polled: every measurement without a deadband, all else on change."""
    signal = reading.signal
    if signal.kind is SignalKind.MEASUREMENT and not signal.deadband:
        return True
    return on_change(last, reading)


def at_sample_time(last: Sample, reading: Reading) -> bool:
    """For devices that repeat all they know when anything changes.

    On change, but a measurement at most once in its sample time.
    """
    signal = reading.signal
    early = reading.source_time - last.source_time < signal.sample_s * US
    return not (signal.kind is SignalKind.MEASUREMENT and early) and on_change(last, reading)


def everything(_last: Sample, _reading: Reading) -> bool:
    """For recordings: every value as it stands."""
    return True
