"""Learn processes by run from a recorded stretch with experiments, and live under what was learned.

The plant's own controller has the jobs throughout; set-points are written through the drivers,
within the plant file's ranges, by the choosers that Genba hosts. Nothing but what devices show is
learned from.
"""

import asyncio
from collections.abc import Sequence
from typing import Any

from benchmarks.plant_runs.hand import Hand
from benchmarks.plant_runs.run import START
from genba.control.bound import bound
from genba.control.run_to_run import RunToRunChooser
from genba.control.runs import Run, RunRows
from genba.control.runs_learned import ProductBelief, learned_by_product
from genba.errors import ControlError
from genba.plant import US, Plant, Sample
from genba.testbed import load_testbed
from genba.testbed.simulation import PlantSimulation

Learned = dict[str, list[ProductBelief]]
_STEP_US = 10 * US


class _Recorder(RunToRunChooser):
    """Plays an experiment and keeps the rows."""

    def __init__(self, plant: Plant, process: str, parts: int, seed: int) -> None:
        joined = bound(plant, process)
        super().__init__(plant, joined, [], "nothing")
        self.joined, self._kept = joined, RunRows(plant, joined)
        self.runs: list[Run] = []
        self.experiment(parts, 0, seed)

    def take(self, samples: Sequence[Sample]) -> None:
        super().take(samples)
        made = (self._kept.take(sample) for sample in samples)
        self.runs += [run for run in made if run is not None]


def by_run(plant: Plant) -> list[str]:
    """Processes of the plant that may be experimented with by run."""
    return [one.id for one in plant.processes if one.experiments]


def learned(
    processes: Sequence[str], seed: int, hours: float, parts: int
) -> tuple[Learned, list[str]]:
    """Record a stretch with experiments, and learn from it; also what was left out, and why."""
    plant, physics = load_testbed()
    simulation = PlantSimulation(plant, physics, seed=seed, start=START, conventional=True)
    recorders = [_Recorder(plant, process, parts, seed) for process in processes]
    _live(Hand(simulation, plant, recorders), hours)
    found: Learned = {}
    left_out: list[str] = []
    for process, recorder in zip(processes, recorders, strict=True):
        try:
            found[process], left = learned_by_product(recorder.joined, recorder.runs)
            left_out += [f"{process}: {text}" for text in left]
        except ControlError as error:
            left_out.append(str(error))
    return found, left_out


def controlled(seed: int, hours: float, beliefs: Learned) -> tuple[dict[str, Any], Hand]:
    """Live under set-points that are chosen part by part; the ledger, and what was written."""
    plant, physics = load_testbed()
    simulation = PlantSimulation(plant, physics, seed=seed, start=START, conventional=True)
    choosers = [
        RunToRunChooser(plant, bound(plant, process), own, "recorded")
        for process, own in beliefs.items()
    ]
    hand = Hand(simulation, plant, choosers)
    _live(hand, hours)
    return simulation.ledger(), hand


def conventional(seed: int, hours: float) -> dict[str, Any]:
    """Live under the plant's fixed recipes; the ledger."""
    plant, physics = load_testbed()
    simulation = PlantSimulation(plant, physics, seed=seed, start=START, conventional=True)
    simulation.advance(START + round(hours * 3600 * US))
    return simulation.ledger()


def _live(hand: Hand, hours: float) -> None:
    asyncio.run(hand.begin())
    now, end = START, START + round(hours * 3600 * US)
    while now < end:
        now += _STEP_US
        hand.step(now)
