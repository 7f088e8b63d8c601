"""A press that announces no parts, but counts good and scrapped ones."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
from tests.learn.press import MINUTE, START

from genba.historian import Historian
from genba.learn import Dataset, Slice, by_time, quality_ladder, slice_of_parts, train
from genba.learn.edge.past import Past
from genba.plant import US, Plant, Sample, VirtualClock, load_plant

PLANT = """\
genba: 1
id: works
connections: [{id: line, driver: replay, url: "recorded.csv", options: {times: shifted}}]
equipment:
  - id: press-1
    connection: line
    signals:
      - {id: good, role: good_count, kind: counter, type: int, address: good}
      - {id: scrap, role: scrap_count, kind: counter, type: int, address: scrap}
      - {id: melt, unit: Cel, sample_s: 10, address: melt}
      - {id: cavity, unit: bar, sample_s: 10, address: cavity}
"""
SIGNALS = ("press-1.melt", "press-1.cavity", "press-1.good", "press-1.scrap")
END = START + 600 * MINUTE
LEARNED = START + 400 * MINUTE


class Counted:
    """Ten hours, a part a minute; it is scrap where the cavity pressure of its minute was low."""

    def __init__(self, folder: Path) -> None:
        (folder / "plant.yaml").write_text(PLANT)
        self.plant: Plant = load_plant(folder / "plant.yaml")
        self.clock = VirtualClock(END)
        self.folder = folder / "historian"
        with Historian.open(self.folder, self.clock) as historian:
            historian.append(list(_recorded()))
        self.past = Past(self.plant, self.opened, self.clock.now)

    def opened(self) -> AbstractContextManager[Historian]:
        return Historian.open(self.folder, self.clock, read_only=True)

    def parts(self, start: int, end: int) -> Dataset:
        with self.opened() as historian:
            return slice_of_parts(historian, self.plant, Slice("press-1", start, end))

    def trained(self):  # type: ignore[no-untyped-def]
        data = self.parts(START, LEARNED)
        ladder = quality_ladder(data.target)  # type: ignore[arg-type]
        light = replace(ladder, rungs=ladder.rungs[:1])
        data = data.without(["cavity.mean"])  # of which the result was made
        return train(data, by_time(data), light, equipment="press-1")

    def ticks(self, start: int, end: int) -> Iterator[tuple[int, Sequence[Sample]]]:
        """Give what was recorded as it came: every ten seconds, what had come since."""
        with self.opened() as historian:
            table = historian.samples(SIGNALS, start, end)
        times = table["source_time"].cast(pa.int64()).to_pylist()
        rows = zip(times, table["signal"].to_pylist(), table["value"].to_pylist(), strict=True)
        samples = [Sample(name, time, time, value) for time, name, value in rows]
        samples.sort(key=lambda sample: sample.source_time)
        for moment in range(start, end + 20 * US, 10 * US):
            yield moment, [s for s in samples if moment - 10 * US < s.source_time <= moment]


def _recorded() -> Iterator[Sample]:
    random = np.random.default_rng(0)
    good = scrap = 0
    cavity = 300 + random.normal(0, 6, 600)
    for minute in range(600):
        begin = START + minute * MINUTE
        for step in range(6):
            time = begin + step * 10 * US
            pressure = cavity[minute] + random.normal(0, 2)
            yield Sample("press-1.melt", time, time, 230 + random.normal(0, 0.5))
            yield Sample("press-1.cavity", time, time, float(pressure))
        bad = cavity[minute] < 295
        good, scrap = good + (not bad), scrap + bad
        if minute == 450:
            good, scrap = 0, 0  # a new order: the counters begin anew
        end = begin + 51 * US
        yield Sample("press-1.good", end, end, int(good))
        yield Sample("press-1.scrap", end, end, int(scrap))
