"""Learn processes by run from a stretch under the plant's own controller, with experiments.

The plant's own controller has the jobs throughout; set-points are moved by up to a step around each
recipe, written through the drivers within the plant file's ranges. Nothing but what devices show is
learned from.
"""

import asyncio
from collections.abc import Sequence

from genba.cli.comparison.hand import Hand
from genba.control.bound import bound
from genba.control.run_to_run import RunToRunChooser
from genba.control.runs import Run, RunRows
from genba.control.runs_kept import keep_runs
from genba.control.runs_learned import ProductBelief, learned_by_product
from genba.errors import ControlError
from genba.learn.registry.signature import KEY
from genba.operate.state import StateFolder
from genba.plant import US, Plant, Sample
from genba.testbed.physics_file import Physics
from genba.testbed.simulation import PlantSimulation

Learned = dict[str, list[ProductBelief]]
_STEP_US = 10 * US


class Recorder(RunToRunChooser):
    """Plays an experiment and keeps the rows."""

    def __init__(self, plant: Plant, process: str, parts: int, seed: int) -> None:
        joined = bound(plant, process)
        super().__init__(plant, joined, [], "nothing")
        self.joined, self._kept = joined, RunRows(plant, joined)
        self.runs: list[Run] = []
        self.experiment(parts, 0, seed)

    def take(self, samples: Sequence[Sample]) -> None:
        """Take in what came, and keep the rows that it completes."""
        super().take(samples)
        made = (self._kept.take(sample) for sample in samples)
        self.runs += [run for run in made if run is not None]


def by_run(plant: Plant) -> list[str]:
    """Processes of the plant that may be experimented with by run."""
    return [one.id for one in plant.processes if one.experiments]


def learned(
    testbed: tuple[Plant, Physics],
    processes: Sequence[str],
    seed: int,
    hours: float,
    parts: int,
) -> tuple[Learned, list[str]]:
    """Live a stretch with experiments of so many parts of each product, and learn from it.

    Returns
    -------
    learned : dict
        Process -> what is believed of each of its products.
    left_out : list of str
        What could not be learned, and why.
    """
    plant, physics = testbed
    simulation = PlantSimulation(plant, physics, seed=seed, conventional=True)
    recorders = [Recorder(plant, process, parts, seed) for process in processes]
    live(Hand(simulation, plant, recorders), simulation.start, hours)
    found: Learned = {}
    left_out: list[str] = []
    for process, recorder in zip(processes, recorders, strict=True):
        try:
            found[process], left = learned_by_product(recorder.joined, recorder.runs)
            left_out += [f"{process}: {text}" for text in left]
        except ControlError as error:
            left_out.append(str(error))
    return found, left_out


def live(hand: Hand, start: int, hours: float) -> None:
    """Let a plant live while choosers have its set-points."""
    asyncio.run(hand.begin())
    now, end = start, start + round(hours * 3600 * US)
    while now < end:
        now += _STEP_US
        hand.step(now)


def keep_all(plant: Plant, found: Learned, state: StateFolder) -> None:
    """Put what was learned where a core looks for it, signed."""
    for process, beliefs in found.items():
        folder = state.root / "processes"
        keep_runs(bound(plant, process), beliefs, (0, 0), folder, state.secrets / KEY)
