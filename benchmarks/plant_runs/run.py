"""One run of the reference plant in process: under its own controller, or under Genba."""

import asyncio
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from genba.operate.runtime import Core
from genba.operate.state import StateFolder
from genba.plan import Planner
from genba.plant import US, Plant, VirtualClock, parse_time
from genba.testbed import load_testbed
from genba.testbed.in_process import drivers_of
from genba.testbed.simulation import PlantSimulation

START = parse_time("2026-01-05T06:00:00Z")
DAY_US = 16 * 3600 * US
"""The two shifts of a day, from 06:00 to 22:00."""
TICK_S = 5.0
Planners = Callable[[Plant], Sequence[Planner]]


@dataclass(frozen=True, slots=True)
class Ledgers:
    """The testbed's ledger twice: after the first day's two shifts, and at the end."""

    day: dict[str, Any]
    end: dict[str, Any]
    fallbacks: int = 0
    """How often the plain planner stood in for another one."""


def conventional(seed: int, hours: float) -> Ledgers:
    """Let the plant's own controller run it."""
    plant, physics = load_testbed()
    simulation = PlantSimulation(plant, physics, seed=seed, start=START, conventional=True)
    simulation.advance(START + DAY_US)
    day = simulation.ledger()
    simulation.advance(START + round(hours * 3600 * US))
    return Ledgers(day, simulation.ledger())


def under_genba(seed: int, hours: float, planners: Planners) -> Ledgers:
    """Let Genba's core run it with these planners.

    Genba sees what the devices say through its drivers' interface, and nothing else.
    """
    return asyncio.run(_under_genba(seed, hours, planners))


async def _under_genba(seed: int, hours: float, planners: Planners) -> Ledgers:
    plant, physics = load_testbed()
    plant = plant.model_copy(update={"tick_s": TICK_S})
    clock = VirtualClock(START)
    simulation = PlantSimulation(plant, physics, seed=seed, start=START, conventional=False)
    drivers = drivers_of(simulation, plant, clock)
    with tempfile.TemporaryDirectory() as folder:
        state = StateFolder(Path(folder) / "state")
        core = Core(plant, state, clock, drivers=drivers, planners=planners(plant))
        await core.start()
        end = START + round(hours * 3600 * US)
        while clock.now() < end:
            clock.set(clock.now() + round(TICK_S * US))
            simulation.advance(clock.now())
            simulation.deliver()
            await core.step(clock.now())
            if clock.now() == START + DAY_US:
                day = simulation.ledger()
        found = Ledgers(day, simulation.ledger(), core.health()["loop"]["planner_fallbacks"])
        await core.stop()
    return found
