"""A press that was recorded part by part, and a model that learned from its gauged parts."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
from tests.learn.press import MINUTE, START, plant_in, record

from genba.historian import Historian
from genba.learn import (
    Dataset,
    Registered,
    Registry,
    Slice,
    by_time,
    quality_ladder,
    slice_of_parts,
    train,
    without_constant,
)
from genba.learn.edge.bundle import Bundle, open_bundle
from genba.learn.edge.keys import ReleaseKey, Trust
from genba.learn.edge.pack import release_of
from genba.learn.edge.past import Past
from genba.learn.registry.signature import KEY
from genba.operate.state import StateFolder
from genba.plant import US, Plant, Sample, VirtualClock

NOW = "2026-01-06T06:00:00Z"
SIGNALS = ("press-1.hold", "press-1.melt", "press-1.cavity", "press-1.part")
LEARNED = START + 400 * MINUTE
END = START + 600 * MINUTE


class Parted:
    """Ten hours, a part a minute; learned from the first two thirds."""

    def __init__(self, folder: Path, window: int = 1) -> None:
        self.plant: Plant = plant_in(folder)
        self.state = StateFolder(folder / "state")
        self.clock = VirtualClock(END)
        with record(self.state.historian, 600):
            pass
        data, _ = without_constant(self.parts(START, LEARNED))
        ladder = quality_ladder(data.target, window=window)  # type: ignore[arg-type]
        light = replace(ladder, rungs=ladder.rungs[:1])
        found = train(data, by_time(data), light, equipment="press-1")
        self.registry = Registry(self.state.root / "models", self.state.secrets / KEY)
        self.model: Registered = found.keep(self.registry, NOW)
        self.predict = found.model.predict
        self.key = ReleaseKey.at(self.registry.key)
        self.content = release_of(self.model, self.key)
        self.bundle: Bundle = open_bundle(self.content, Trust((self.key.public,)))
        self.past = Past(self.plant, self.opened, self.clock.now)

    def opened(self) -> AbstractContextManager[Historian]:
        return Historian.open(self.state.historian, self.clock, read_only=True)

    def parts(self, start: int, end: int) -> Dataset:
        with self.opened() as historian:
            return slice_of_parts(historian, self.plant, Slice("press-1", start, end))

    def ticks(self, start: int, end: int) -> Iterator[tuple[int, Sequence[Sample]]]:
        """Give what was recorded as it came: every ten seconds, what had come since."""
        with self.opened() as historian:
            table = historian.samples(SIGNALS, start, end)
        times = table["source_time"].cast(pa.int64()).to_pylist()
        rows = zip(
            times, table["signal"].to_pylist(), table["value"].to_pylist(),
            table["text"].to_pylist(), strict=True,
        )  # fmt: skip
        samples = sorted(
            Sample(name, time, time, value if text is None else text)
            for time, name, value, text in rows
        )
        samples.sort(key=lambda sample: sample.source_time)
        for moment in range(start, end + 20 * US, 10 * US):
            yield moment, [s for s in samples if moment - 10 * US < s.source_time <= moment]
