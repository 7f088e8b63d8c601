"""What devices kept in buffers of their own: recorded where it is not there yet."""

import asyncio
import logging
from collections.abc import Callable, Sequence

from genba.connect.ending import end_task
from genba.errors import HistorianError
from genba.historian import Historian, Ingest
from genba.historian.admission import Misfit, Reason
from genba.historian.reading import Wanted
from genba.historian.schema import SAMPLES
from genba.historian.since import plant_value
from genba.plant import Plant, Quality, Sample, Scalar, SignalKind, format_time

logger = logging.getLogger(__name__)

_GATHER_S = 0.2
_PIECE = 5_000
_LAST_LOOK_S = 10.0
MOST_WAITING = 200_000
"""Samples that wait to be looked up; what comes beyond is recorded without, rather than lost."""
_THERE = "SELECT signal, epoch_us(source_time) AS source, value, text, quality FROM rows"
_There = dict[tuple[str, int], list[tuple[Scalar, bool]]]
"""What is known of a signal and source time: values, and whether they are called bad."""


class Buffered:
    """Records late samples that the historian does not have yet; nothing is decided on them.

    A device that is not sure what arrived sends its buffer again. A sample of the same signal,
    source time and value is the same sample; a measurement of a time of which another value is
    known is set apart, as one that comes in time is.

    Parameters
    ----------
    plant
        Whose signals they are of; those of unknown ones are passed on as they come.
    historian, ingest
        Asked for what is there; what is on its way into it is waited for.
    record : callable
        Takes what is to be recorded.
    hold : callable
        Takes what does not fit, with the reason.
    """

    def __init__(
        self,
        plant: Plant,
        historian: Historian,
        ingest: Ingest,
        record: Callable[[Sequence[Sample]], None],
        hold: Callable[[Sample, Misfit], None],
    ) -> None:
        self._signals = plant.signals
        self._historian = historian
        self._ingest = ingest
        self._record = record
        self._hold = hold
        self._waiting: list[Sample] = []
        self._task: asyncio.Task[None] | None = None
        self.repeats = 0
        """Samples that came late and were there already."""

    def __call__(self, samples: Sequence[Sample]) -> None:
        """Take late samples, on the event loop. Never blocks."""
        known = [sample for sample in samples if sample.signal in self._signals]
        if len(known) < len(samples):
            self._record([sample for sample in samples if sample.signal not in self._signals])
        if len(self._waiting) + len(known) > MOST_WAITING:
            self._record(known)
            return
        self._waiting.extend(known)
        if self._waiting and (self._task is None or self._task.done()):
            self._task = asyncio.create_task(self._work(), name="buffered samples")

    async def stop(self) -> None:
        """Record what waits, and end. What cannot be looked up in time is recorded without."""
        task, self._task = self._task, None
        if task is not None:
            await asyncio.wait({task}, timeout=_LAST_LOOK_S)
        await end_task(task)
        waiting, self._waiting = self._waiting, []
        if waiting:
            self._record(waiting)

    async def _work(self) -> None:
        await asyncio.sleep(_GATHER_S)
        while self._waiting:
            piece = self._waiting[:_PIECE]
            try:
                await self._ingest.drained()
                there = await asyncio.to_thread(self._there, piece)
            except HistorianError as error:
                logger.warning("late samples are recorded without a look: %s", error)
                there = {}
            new = [sample for sample in piece if self._is_new(sample, there)]
            del self._waiting[: len(piece)]
            if new:
                self._record(new)

    def _is_new(self, sample: Sample, there: _There) -> bool:
        """Whether to record a sample; if so it is there from now on."""
        known = there.setdefault((sample.signal, sample.source_time), [])
        said = sample.value, sample.quality == Quality.BAD
        if said in known:
            self.repeats += 1
            return False
        kind = self._signals[sample.signal].kind
        good = [value for value, bad in known if not bad]
        if good and kind is SignalKind.MEASUREMENT and not said[1]:
            when = format_time(sample.source_time)
            text = f"{when} has the value {good[0]!r} already; this one came late"
            self._hold(sample, Misfit(Reason.DUPLICATE_TIME, text))
            return False
        known.append(said)
        return True

    def _there(self, samples: Sequence[Sample]) -> _There:
        times = [sample.source_time for sample in samples]
        signals = tuple(sorted({sample.signal for sample in samples}))
        wanted = Wanted(min(times), max(times) + 1, signals)
        rows = self._historian.ask(SAMPLES, wanted, _THERE).to_pylist()
        there: _There = {}
        for row in rows:
            value = plant_value(self._signals[row["signal"]].type, row["value"], row["text"])
            said = value, row["quality"] == Quality.BAD
            there.setdefault((row["signal"], row["source"]), []).append(said)
        return there
