"""One run of a simulated plant in process: under its own controller, or under Genba."""

import asyncio
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from genba.cli.comparison.experiment import Learned, keep_all
from genba.operate.runtime import Core
from genba.operate.state import StateFolder
from genba.plan import Planner
from genba.plant import US, Autonomy, AutonomyRule, Plant, VirtualClock
from genba.testbed.in_process import drivers_of
from genba.testbed.physics_file import Physics
from genba.testbed.simulation import PlantSimulation

DAY_US = 16 * 3600 * US
"""The two shifts of a day, from the first order's release."""
TICK_S = 5.0
Planners = Callable[[Plant], Sequence[Planner]]
Testbed = tuple[Plant, Physics]


@dataclass(frozen=True, slots=True)
class Ledgers:
    """The testbed's ledger twice: after the first day's two shifts (or less), and at the end."""

    day: dict[str, Any]
    end: dict[str, Any]
    fallbacks: int = 0
    """How often the plain planner stood in for another one."""
    control: Mapping[str, Any] | None = None
    """What set-point control said of itself in the end."""


def conventional(testbed: Testbed, seed: int, hours: float) -> Ledgers:
    """Let the plant's own controller run it."""
    simulation = PlantSimulation(*testbed, seed=seed, conventional=True)
    end = simulation.start + round(hours * 3600 * US)
    simulation.advance(min(end, simulation.start + DAY_US))
    day = simulation.ledger()
    simulation.advance(end)
    return Ledgers(day, simulation.ledger())


def under_genba(
    testbed: Testbed,
    seed: int,
    hours: float,
    planners: Planners,
    learned: Learned | None = None,
) -> Ledgers:
    """Let Genba's core run it with these planners, and with set-points chosen by what was learned.

    Genba sees what the devices say through its drivers' interface, and nothing else.
    """
    return asyncio.run(_under_genba(testbed, seed, hours, planners, learned or {}))


def controlled(plant: Plant, processes: Sequence[str]) -> Plant:
    """Have the set-points of some processes chosen without asking anybody."""
    chosen = [one.model_copy(update={"control": one.id in processes}) for one in plant.processes]
    rules = [
        AutonomyRule(equipment=one.equipment, kind="setpoint", level=Autonomy.AUTONOMOUS)
        for one in chosen
        if one.control
    ]
    return plant.model_copy(
        update={"processes": tuple(chosen), "autonomy": (*plant.autonomy, *rules)}
    )


async def _under_genba(
    testbed: Testbed, seed: int, hours: float, planners: Planners, learned: Learned
) -> Ledgers:
    plant, physics = testbed
    plant = controlled(plant.model_copy(update={"tick_s": TICK_S}), list(learned))
    simulation = PlantSimulation(plant, physics, seed=seed, conventional=False)
    start = simulation.start
    clock = VirtualClock(start)
    drivers = drivers_of(simulation, plant, clock)
    with tempfile.TemporaryDirectory() as folder:
        state = StateFolder(Path(folder) / "state")
        keep_all(plant, learned, state)
        core = Core(plant, state, clock, drivers=drivers, planners=planners(plant))
        await core.start()
        end = start + round(hours * 3600 * US)
        day = None
        while clock.now() < end:
            clock.set(clock.now() + round(TICK_S * US))
            simulation.advance(clock.now())
            simulation.deliver()
            await core.step(clock.now())
            if clock.now() == start + DAY_US:
                day = simulation.ledger()
        last, health = simulation.ledger(), core.health()
        await core.stop()
    return Ledgers(day or last, last, health["loop"]["planner_fallbacks"], health["control"])
