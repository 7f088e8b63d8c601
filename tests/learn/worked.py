"""A press that was recorded, a detector that learned from the first hours, and faults later."""

from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

import numpy as np
from tests.learn.press import MINUTE, START, plant_in, record

from genba.historian import Historian
from genba.learn import (
    Registered,
    Registry,
    Slice,
    anomaly_ladder,
    by_time,
    slice_of_equipment,
    train,
    without_constant,
)
from genba.learn.edge.past import Past
from genba.learn.registry.signature import KEY
from genba.operate.state import StateFolder
from genba.plant import US, Plant, Sample, VirtualClock

NOW = "2026-01-06T06:00:00Z"
TRAINED = START + 360 * MINUTE
CALM = START + 600 * MINUTE
END = START + 840 * MINUTE


class Worked:
    """Six hours to learn from, four calm ones, and four with a fault every forty minutes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(exist_ok=True)
        self.plant: Plant = plant_in(folder)
        self.state = StateFolder(folder / "state")
        self.clock = VirtualClock(END)
        with record(self.state.historian, 600) as historian:
            self._faults(historian)
            wanted = Slice("press-1", START, TRAINED)
            data, _ = without_constant(slice_of_equipment(historian, self.plant, wanted))
        self.registry = Registry(self.state.root / "models", self.state.secrets / KEY)
        split = by_time(data)
        ladder = anomaly_ladder(split.take(data, "train"), a_week=2.0)
        light = replace(ladder, rungs=ladder.rungs[:1])
        found = train(data, split, light, equipment="press-1")
        self.model: Registered = found.keep(self.registry, NOW)
        self.past = Past(self.plant, self.opened, self.clock.now)

    def opened(self) -> AbstractContextManager[Historian]:
        return Historian.open(self.state.historian, self.clock, read_only=True)

    def _faults(self, historian: Historian) -> None:
        random = np.random.default_rng(9)
        steps = (END - CALM) // (10 * US)
        slow = np.convolve(random.normal(0, 1, steps + 59), np.full(60, 60**-0.5), "valid")
        melt = 230 + slow + random.normal(0, 0.5, steps)
        cavity = 300 + 4 * (melt - 230) + random.normal(0, 4, steps)
        samples = [Sample("press-1.state", CALM, CALM, 6)]
        for step in range(steps):
            time = CALM + step * 10 * US
            fault = 80.0 if step % 240 >= 220 else 0.0
            samples.append(Sample("press-1.melt", time, time, float(melt[step])))
            samples.append(Sample("press-1.cavity", time, time, float(cavity[step] + fault)))
        historian.append(samples)
