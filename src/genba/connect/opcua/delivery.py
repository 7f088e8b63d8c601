"""Hand samples to a sink that may refuse them: none is lost while there is room for it here."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence

from genba.connect.driver import Missed, Sink
from genba.plant import Gap, GapReason, Sample

MOST_HELD = 100_000
"""Samples that wait here before the device is asked to keep the next ones itself."""
_FIRST_PAUSE_S = 0.05
_LONGEST_PAUSE_S = 1.0

_LOG = logging.getLogger("genba.connect.opcua")


class Delivery:
    """A sink in front of a sink: what that one refuses is kept, and offered again, in order.

    A sink that raises has taken nothing of what it was offered. A device gives a notification
    once: asking for it again is a courtesy that not every server extends twice (OPC 10000-4,
    5.14.6), so what has arrived is kept here. When :attr:`room` is not set, nothing more should
    be fetched from the device, which then keeps it in its own queues.
    """

    def __init__(self, sink: Sink, say: Callable[[str], None]) -> None:
        self._sink = sink
        self._say = say
        self._held: deque[Sequence[Sample]] = deque()
        self._waiting = 0
        self._pause_s = _FIRST_PAUSE_S
        self._timer: asyncio.TimerHandle | None = None
        self.room = asyncio.Event()
        self.room.set()

    def __call__(self, samples: Sequence[Sample]) -> None:
        """Deliver samples now, or as soon as the sink takes them."""
        if not self._held and self._offer(samples):
            return
        self._held.append(samples)
        self._waiting += len(samples)
        if self._waiting >= MOST_HELD:
            self.room.clear()
        if self._timer is None:
            self._later()

    def end(self, missed: Missed) -> None:
        """Offer what is held once more, and tell of what is refused then."""
        self._empty()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        spans: dict[str, tuple[int, int]] = {}
        for sample in (sample for samples in self._held for sample in samples):
            first, last = spans.get(sample.signal, (sample.source_time, sample.source_time))
            spans[sample.signal] = min(first, sample.source_time), max(last, sample.source_time)
        self._held.clear()
        self._waiting = 0
        for signal, (first, last) in spans.items():
            detail = "received, and refused by the historian until the connection was closed"
            missed(Gap((signal,), first, last + 1, GapReason.DISK_FULL, detail))

    def _offer(self, samples: Sequence[Sample]) -> bool:
        try:
            self._sink(samples)
        except Exception as error:  # noqa: BLE001 - whatever is wrong there, these are not taken
            if not self._held:
                _LOG.warning("samples are not taken: %s", error)
            waiting = self._waiting or len(samples)
            self._say(f"{waiting:,} samples wait, since they are not taken: {error}")
            return False
        return True

    def _again(self) -> None:
        self._timer = None
        self._empty()
        if self._held:
            self._pause_s = min(_LONGEST_PAUSE_S, self._pause_s * 2)
            self._later()

    def _empty(self) -> None:
        while self._held and self._offer(self._held[0]):
            self._waiting -= len(self._held.popleft())
        if self._waiting < MOST_HELD // 2:
            self.room.set()
        if not self._held:
            self._pause_s = _FIRST_PAUSE_S
            self._say("")

    def _later(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(self._pause_s, self._again)
