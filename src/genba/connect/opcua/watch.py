"""Watched signals: what a device says of them becomes samples, each once, in order."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence

from asyncua import ua

from genba.connect.conversion import changed
from genba.connect.driver import Missed, Sink, Unfit, unkept
from genba.connect.opcua.absence import Absence
from genba.connect.opcua.delivery import Delivery
from genba.connect.opcua.faults import status_text
from genba.connect.opcua.monitoring import (
    ITEMS_PER_CALL,
    NO_FILTER,
    create_items,
    item_request,
    without_filter,
)
from genba.connect.opcua.notification import Change, Notification, change_of, microseconds
from genba.connect.opcua.options import OpcUaOptions
from genba.connect.opcua.session import Session
from genba.connect.opcua.subscription import Meter
from genba.connect.opcua.values import FLOATS, convert, direct_types, unfit_sample
from genba.errors import GenbaError, WrongType
from genba.plant import US, Clock, Quality, Sample, Scalar, Signal, SignalKind

_OVERFLOW = 0x480
"""Status bits: an info of a data value (OPC 10000-4, 7.39.1) that says its queue overflowed."""


class SignalWatch:
    """The :class:`~genba.connect.opcua.subscription.Receiver` of signals that go to one sink."""

    def __init__(
        self,
        signals: Sequence[Signal],
        sink: Sink,
        resolve: Callable[[Signal], ua.NodeId],
        options: OpcUaOptions,
        clock: Clock,
        meter: Meter,
        missed: Missed,
        unfit: Unfit = unkept,
    ) -> None:
        self._signals = tuple(signals)
        self._ids = [signal.id for signal in signals]
        self._direct = [direct_types(signal) for signal in signals]
        self._resolve = resolve
        self._options = options
        self._clock = clock
        self._meter = meter
        self._missed = missed
        self._unfit = unfit
        self.absence = Absence(self._ids, missed)
        self._deliver = Delivery(sink, self._say_refusal)
        self._last: list[Sample | None] = [None] * len(signals)
        self._marked: set[int] = set()
        self._resuming: set[int] = set()
        self._wrong: set[str] = set()
        self._held_at: dict[int, int] = {}
        self._queues: dict[int, int] = {}
        self._measurements = [
            handle for handle, signal in enumerate(signals) if signal.kind is SignalKind.MEASUREMENT
        ]

    @property
    def has_room(self) -> bool:
        """Whether the sink takes samples, or there is room to keep what it refuses."""
        return self._deliver.room.is_set()

    async def arm(self, session: Session, subscription: int) -> None:
        """Create the monitored items; what was delivered before is not delivered again."""
        self._expect_repeats()
        await self._monitor(session, subscription)

    def take(self, notification: Notification) -> None:
        """Turn a message into samples and hand them on in one call."""
        now = self._clock.now()
        changes = notification.changes
        if self.absence.pending:
            self._look_for_full_queues(changes)
        if self._resuming or self.absence.pending:
            changes = list(self._without_repeats(changes, now))
        samples = self._samples(changes, now)
        meter = self._meter
        meter.received += len(changes)
        meter.last_received = now
        if samples:
            self._deliver(samples)

    async def resumed(self, session: Session) -> None:
        """Read what was marked bad: what has not changed meanwhile is good again, as of now."""
        for handle, found in await self._read(session, sorted(self._marked)):
            if self._holds(handle, found):
                self._hold(handle, self._clock.now())

        self._expect_repeats()

    def _expect_repeats(self) -> None:
        self._resuming = {h for h, sample in enumerate(self._last) if sample is not None}

    def lost(self) -> None:
        """Repeat last values with bad quality, as of now: nobody stands behind them any more."""
        if not self.has_room:
            return
        now = self._clock.now()
        samples = []
        for handle, last in enumerate(self._last):
            if last is None or last.quality == Quality.BAD or handle in self._marked:
                continue
            self._marked.add(handle)
            samples.append(self._number(self._ids[handle], now, last.value, Quality.BAD))
        if samples:
            self._deliver(samples)

    def end(self) -> None:
        """Nothing more comes: tell of what was not delivered."""
        self.absence.tell_overflows(all_of_them=True)
        self._deliver.end(self._missed)

    async def wait_for_room(self) -> None:
        """Return when there is room for more."""
        await self._deliver.room.wait()

    def _say_refusal(self, error: str) -> None:
        if error:
            self._meter.errors["sink"] = error
        else:
            self._meter.errors.pop("sink", None)

    def _samples(self, changes: Sequence[Change], now: int) -> list[Sample]:
        """Turn changes into samples; this is the busiest loop of the driver."""
        ids, direct, last, marked = self._ids, self._direct, self._last, self._marked
        good, floats, make, meter = int(Quality.GOOD), FLOATS, Sample, self._meter
        count, sequence = len(ids), meter.sequence
        samples: list[Sample] = []
        append = samples.append
        for change in changes:
            handle, kind, raw, status, source_time = change
            if handle >= count:
                continue
            value: Scalar
            quality = good
            if status == 0 and kind in direct[handle] and (kind not in floats or raw - raw == 0):
                value = raw
            else:
                value, quality = self._convert(handle, change, now)
                if value is None and raw is not None:
                    self._set_apart(handle, change, now, sequence + 1)
            sequence += 1
            sample = make(ids[handle], source_time or now, now, value, quality, sequence)
            last[handle] = sample
            append(sample)
        if self._wrong:
            self._forgive(samples)
        if marked:
            marked.difference_update(change.handle for change in changes)
        meter.sequence = sequence
        return samples

    def _convert(self, handle: int, change: Change, now: int = 0) -> tuple[Scalar, int]:
        """Convert what the fast path leaves: scaled, of another type, not good, not finite."""
        signal, errors = self._signals[handle], self._meter.errors
        if change.status & _OVERFLOW == _OVERFLOW:
            errors[signal.id] = (
                f"signal '{signal.id}': the device's queue overflowed and changes were lost; "
                "raise option queue_size or sample_s"
            )
            self._note_overflow(handle, change.source_time or now)
        try:
            value, quality = convert(signal, change)
        except WrongType as error:
            errors[signal.id] = str(error)
            self._wrong.add(signal.id)
            return None, Quality.BAD
        return value, quality

    def _set_apart(self, handle: int, change: Change, now: int, sequence: int) -> None:
        """Have kept, as it came, what is no value of its signal."""
        signal = self._signals[handle]
        found = unfit_sample(signal, change, now)
        if found is not None:
            sample, why = found
            self._unfit(sample._replace(sequence=sequence), why)

    def _note_overflow(self, handle: int, until: int) -> None:
        """Changes between the last one delivered and this one are gone (OPC 10000-4, 5.13.1.5)."""
        last = self._last[handle]
        after = last.source_time if last is not None else self.absence.start or until
        self.absence.overflowed(self._ids[handle], after, until)

    def _look_for_full_queues(self, changes: Sequence[Change]) -> None:
        """Hold a queue that comes out full for one that overflowed: not all servers say so."""
        if len(changes) < min(self._queues.values(), default=1):
            return
        for handle, count in Counter(change.handle for change in changes).items():
            if count >= self._queues.get(handle, count + 1):
                first = next(change for change in changes if change.handle == handle)
                self._note_overflow(handle, first.source_time or self._clock.now())

    def _forgive(self, samples: Sequence[Sample]) -> None:
        """Withdraw the error of a signal that is of the right type again."""
        for sample in samples:
            if sample.signal in self._wrong and sample.quality != Quality.BAD:
                self._wrong.discard(sample.signal)
                self._meter.errors.pop(sample.signal, None)

    def _without_repeats(self, changes: Sequence[Change], now: int) -> Iterator[Change]:
        """Leave out what was delivered before the link was lost.

        A new subscription begins with present values, and so do some servers when a session is
        taken up again, even in the midst of what they had kept.
        """
        newest: dict[int, Change] = {}
        for change in changes:
            handle = change.handle
            if newest.get(handle) == change:
                continue
            newest[handle] = change
            last = self._last[handle] if handle < len(self._last) else None
            if handle in self._resuming and last is not None:
                self._resuming.discard(handle)
                value, quality = self._convert(handle, change, now)
                same_time = change.source_time in (0, last.source_time)
                if same_time and not changed(last.value, value) and quality == last.quality:
                    self._hold(handle, now)
                    continue
            yield change

    def _hold(self, handle: int, now: int) -> None:
        """Say that a value that was marked bad still holds, as of now."""
        last = self._last[handle]
        if handle in self._marked and last is not None:
            self._marked.discard(handle)
            self._deliver([self._number(self._ids[handle], now, last.value, last.quality)])

    def _number(self, signal: str, now: int, value: Scalar, quality: int) -> Sample:
        self._meter.sequence += 1
        return Sample(signal, now, now, value, quality, self._meter.sequence)

    async def refresh(self, session: Session) -> None:
        """Read measurements that did not change for half of their freshness, before they go stale.

        A device sends what changes; an unchanged measurement would grow too old to decide on
        (the guard goes by its source time), although the device still stands behind it. A good
        answer to a read says that it does: as of its server timestamp (OPC 10000-4, 7.11.4), or
        as of now where the device leaves that standing as well.
        """
        if not self.has_room:
            return
        now = self._clock.now()
        aging = [handle for handle in self._measurements if self._is_aging(handle, now)]
        samples = []
        for handle, found in await self._read(session, aging):
            last = self._last[handle]
            if last is None:
                continue
            stood_at = self._stood_at(handle, last)
            when = max(microseconds(found.SourceTimestamp), microseconds(found.ServerTimestamp))
            if when <= stood_at:
                when = max(stood_at + 1, self._clock.now())
            if self._holds(handle, found):
                self._held_at[handle] = when
                number = self._number(last.signal, self._clock.now(), last.value, last.quality)
                samples.append(number._replace(source_time=when))
        if samples:
            self._deliver(samples)

    def _is_aging(self, handle: int, now: int) -> bool:
        last = self._last[handle]
        if last is None or last.quality == Quality.BAD or handle in self._marked:
            return False
        age_us = now - self._stood_at(handle, last)
        return age_us >= self._signals[handle].freshness_s * US / 2

    def _stood_at(self, handle: int, last: Sample) -> int:
        return max(last.source_time, self._held_at.get(handle, 0))

    async def _read(
        self, session: Session, handles: Sequence[int]
    ) -> list[tuple[int, ua.DataValue]]:
        values: list[ua.DataValue] = []
        for start in range(0, len(handles), ITEMS_PER_CALL):
            nodes = [self._resolve(self._signals[h]) for h in handles[start:][:ITEMS_PER_CALL]]
            params = ua.ReadParameters(
                TimestampsToReturn=ua.TimestampsToReturn.Both,
                NodesToRead=[
                    ua.ReadValueId(NodeId=node, AttributeId=ua.AttributeIds.Value) for node in nodes
                ],
            )
            values += await session.client.uaclient.session.read(params)
        return list(zip(handles, values, strict=True))

    def _holds(self, handle: int, found: ua.DataValue) -> bool:
        """Whether a device still shows what was delivered last; if not, it will send the change."""
        last = self._last[handle]
        value, quality = self._convert(handle, change_of(handle, found))
        if last is None or quality != last.quality:
            return False
        return not changed(last.value, value, self._signals[handle].deadband)

    async def _monitor(self, session: Session, subscription: int) -> None:
        """Create the monitored items; what cannot be monitored is delivered as bad."""
        requests: list[ua.MonitoredItemCreateRequest] = []
        for handle, signal in enumerate(self._signals):
            try:
                node = self._resolve(signal)
            except GenbaError as error:
                self._cannot_monitor(handle, f"signal '{signal.id}': {error}")
                continue
            requests.append(
                item_request(handle, self._signals[handle], node, self._options, self._clock.speed)
            )
        refused = await create_items(session, subscription, requests, self._queues)
        again = []
        for request, code in refused:
            handle = request.RequestedParameters.ClientHandle
            if code in NO_FILTER and self._signals[handle].deadband > 0:
                again.append(without_filter(request))
            else:
                self._say_refused(handle, code)
        for request, code in await create_items(session, subscription, again, self._queues):
            self._say_refused(request.RequestedParameters.ClientHandle, code)

    def _say_refused(self, handle: int, code: int) -> None:
        signal = self._signals[handle]
        self._cannot_monitor(
            handle,
            f"signal '{signal.id}' at '{signal.address}' cannot be watched: the device says "
            f"{status_text(code)}; correct its address or the device's access rights",
        )

    def _cannot_monitor(self, handle: int, error: str) -> None:
        self._meter.errors[self._ids[handle]] = error
        last = self._last[handle]
        if last is None or last.quality != Quality.BAD:
            sample = self._number(self._ids[handle], self._clock.now(), None, Quality.BAD)
            self._last[handle] = sample
            self._deliver([sample])
