"""Live under set-points chosen part by part, while the plant's own controller has the jobs.

Set-points are written through the drivers, within the plant file's ranges, by the choosers that
Genba hosts.
"""

from typing import Any

from genba.cli.comparison.experiment import Learned, live
from genba.cli.comparison.hand import Hand
from genba.control.bound import bound
from genba.control.run_to_run import RunToRunChooser
from genba.testbed import load_testbed
from genba.testbed.simulation import PlantSimulation


def controlled(seed: int, hours: float, beliefs: Learned) -> tuple[dict[str, Any], Hand]:
    """Live under chosen set-points; the ledger, and what was written."""
    plant, physics = load_testbed()
    simulation = PlantSimulation(plant, physics, seed=seed, conventional=True)
    choosers = [
        RunToRunChooser(plant, bound(plant, process), own, "recorded")
        for process, own in beliefs.items()
    ]
    hand = Hand(simulation, plant, choosers)
    live(hand, simulation.start, hours)
    return simulation.ledger(), hand
