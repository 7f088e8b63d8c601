"""What devices kept in buffers of their own: recorded where it is not there yet."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Any

from genba.connect.ending import end_task
from genba.errors import HistorianError
from genba.historian import Historian, Ingest
from genba.historian.reading import Wanted
from genba.historian.schema import SAMPLES
from genba.historian.since import plant_value
from genba.plant import DataType, Plant, Sample

logger = logging.getLogger(__name__)

_GATHER_S = 0.2
_PIECE = 5_000
_LAST_LOOK_S = 10.0
MOST_WAITING = 200_000
"""Samples that wait to be looked up; what comes beyond is recorded without, rather than lost."""
_THERE = "SELECT signal, epoch_us(source_time) AS source, value, text FROM rows"


class Buffered:
    """Records late samples that the historian does not have yet; nothing is decided on them.

    A device that is not sure what arrived sends its buffer again. A sample of the same signal,
    source time and value is the same sample.

    Parameters
    ----------
    plant
        Whose signals they are of; those of unknown ones are passed on as they come.
    historian, ingest
        Asked for what is there; what is on its way into it is waited for.
    record : callable
        Takes what is to be recorded.
    """

    def __init__(
        self,
        plant: Plant,
        historian: Historian,
        ingest: Ingest,
        record: Callable[[Sequence[Sample]], None],
    ) -> None:
        self._types = {name: signal.type for name, signal in plant.signals.items()}
        self._historian = historian
        self._ingest = ingest
        self._record = record
        self._waiting: list[Sample] = []
        self._task: asyncio.Task[None] | None = None
        self.repeats = 0
        """Samples that came late and were there already."""

    def __call__(self, samples: Sequence[Sample]) -> None:
        """Take late samples, on the event loop. Never blocks."""
        known = [sample for sample in samples if sample.signal in self._types]
        if len(known) < len(samples):
            self._record([sample for sample in samples if sample.signal not in self._types])
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
                there = set()
            new = []
            for sample in piece:
                key = _key(sample)
                if key not in there:
                    there.add(key)
                    new.append(sample)
            self.repeats += len(piece) - len(new)
            del self._waiting[: len(piece)]
            if new:
                self._record(new)

    def _there(self, samples: Sequence[Sample]) -> set[tuple[Any, ...]]:
        times = [sample.source_time for sample in samples]
        signals = tuple(sorted({sample.signal for sample in samples}))
        wanted = Wanted(min(times), max(times) + 1, signals)
        rows = self._historian.ask(SAMPLES, wanted, _THERE).to_pylist()
        return {
            (row["signal"], row["source"], _value(self._types, row))
            for row in rows
        }  # fmt: skip


def _key(sample: Sample) -> tuple[Any, ...]:
    return sample.signal, sample.source_time, sample.value


def _value(types: dict[str, DataType], row: dict[str, Any]) -> Any:
    return plant_value(types[row["signal"]], row["value"], row["text"])
