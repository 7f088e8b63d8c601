"""Sensing: what drivers deliver goes to the historian, the guard and the table of live values."""

import logging
from collections.abc import Callable, Mapping, Sequence

from genba.errors import HistorianError
from genba.guard import Guard
from genba.historian.admission import Admission
from genba.operate.skew import ClockSkew
from genba.plant import Evidence, Quality, Sample, Scalar

logger = logging.getLogger(__name__)


class LiveValues:
    """The newest sample of each signal, and what changed since when. For one thread."""

    def __init__(self) -> None:
        self._last: dict[str, tuple[int, Sample]] = {}
        self._cursor = 0

    def update(self, samples: Sequence[Sample]) -> None:
        """Take samples in the order in which they were received."""
        last = self._last
        for sample in samples:
            self._cursor += 1
            # Taken out and put in again, so that the newest stand at the end of the dictionary.
            last.pop(sample.signal, None)
            last[sample.signal] = (self._cursor, sample)

    def get(self, signal: str) -> Sample | None:
        """Return the newest sample of a signal, None where none came yet."""
        found = self._last.get(signal)
        return found[1] if found else None

    def value(self, signal: str) -> Scalar:
        """Return the newest value of a signal, None where there is none or it is bad."""
        found = self._last.get(signal)
        if found is None or found[1].quality == Quality.BAD:
            return None
        return found[1].value

    def evidence(self, signal: str) -> Evidence | None:
        """Return the newest value as evidence for a decision."""
        sample = self.get(signal)
        if sample is None or sample.quality == Quality.BAD:
            return None
        return Evidence(signal, sample.source_time, sample.value)

    def snapshot(self) -> Mapping[str, Sample]:
        """Return all newest samples by signal."""
        return {signal: sample for signal, (_, sample) in self._last.items()}

    def changed_since(self, cursor: int) -> tuple[int, list[Sample]]:
        """Return a new cursor, and the newest sample of each signal that changed after the old one.

        Begin with cursor 0. Whoever asks rarely gets each signal once, with its newest value.
        """
        changed = []
        for mark, sample in reversed(self._last.values()):
            if mark <= cursor:
                break
            changed.append(sample)
        changed.reverse()
        return self._cursor, changed


class Intake:
    """The sink of all drivers. Keeps what came since the last tick, in order, for the loop.

    What does not fit is set apart by the admission; in its place everyone else gets a sample
    without a value and of bad quality, so that nothing is decided on it.

    Parameters
    ----------
    live, guard
        Told of everything at once.
    admission
        Decides what fits, and what was stored already.
    skew
        Told of source times, to measure the devices' clocks.
    store : callable
        Queues samples for the historian without blocking; raises ``HistorianError`` when full.
    refused : callable
        Told of samples that it had no room for.
    """

    def __init__(
        self,
        live: LiveValues,
        guard: Guard,
        admission: Admission,
        skew: ClockSkew,
        store: Callable[[Sequence[Sample]], None],
        refused: Callable[[Sequence[Sample]], None],
    ) -> None:
        self._live = live
        self._guard = guard
        self._admission = admission
        self._skew = skew
        self._store = store
        self._refused = refused
        self._batch: list[Sample] = []
        self.received = 0
        """Samples received so far."""
        self.unrecorded = 0
        """Samples that the historian had no room for; they steered the plant all the same."""

    def __call__(self, samples: Sequence[Sample]) -> None:
        """Take samples from a driver, on the event loop. Never blocks."""
        if not samples:
            return
        self.received += len(samples)
        admitted = self._admission.admit(samples)
        self._skew.note(samples, admitted.newest)
        self._guard.observe(admitted.shown)
        self._live.update(admitted.shown)
        self._batch.extend(admitted.shown)
        self._put(admitted.stored)

    def record(self, samples: Sequence[Sample]) -> None:
        """Take samples that are only to be recorded: late ones, and those of unknown signals."""
        self.received += len(samples)
        self._put(self._admission.admit_late(samples))

    def _put(self, samples: Sequence[Sample]) -> None:
        try:
            self._store(samples)
        except HistorianError as error:
            self._admission.not_stored(samples)
            self._refused(samples)
            if not self.unrecorded:
                logger.warning("samples are not recorded: %s", error)
            self.unrecorded += len(samples)

    def take(self) -> list[Sample]:
        """Return what came since the last call."""
        batch, self._batch = self._batch, []
        return batch
