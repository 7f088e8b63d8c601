"""Days of the reference plant, lived in process and recorded by Genba's core as any plant is.

Used by benchmarks that learn from recordings; nothing to run by itself. Two ways: the conventional
controller runs the plant and Genba only watches (its autonomy is ``observe`` throughout), or Genba
runs it. The plant file's orders are one day's; here every working day gets as many, drawn with a
seed from the same products, quantities and delays. Simulated plant, synthetic data.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from genba.operate.runtime import Core
from genba.operate.state import StateFolder
from genba.plant import US, Autonomy, AutonomyRule, Order, Plant, VirtualClock
from genba.testbed import PlantSimulation, load_testbed
from genba.testbed.in_process import drivers_of

TICK_S = 5.0
NIGHT_TICK_S = 60.0
HOUR_US = 3600 * US
DAY_US = 24 * HOUR_US
FIRST_H, LAST_H = 6, 22
"""Hours of the day between which the plant works."""


@dataclass(frozen=True)
class Recorded:
    """One recording: the plant file and where its historian lives."""

    plant: Plant
    historian: Path
    start: int
    end: int


def orders_of_days(plant: Plant, days: int, seed: int) -> tuple[Order, ...]:
    """Draw each day's orders from those of the plant file; the first day's stay as they are."""
    draw = random.Random(seed)
    found = list(plant.orders)
    releases = sorted(order.release for order in plant.orders)
    for day in range(1, days):
        for number, release in enumerate(releases):
            like = draw.choice(plant.orders)
            begin = release + day * DAY_US
            name = f"O-{(day + 1) * 1000 + number}"
            update = {"id": name, "release": begin, "due": begin + like.due - like.release}
            found.append(like.model_copy(update=update))
    return tuple(found)


def plant_of_days(days: int, seed: int, *, observed: bool) -> Plant:
    """Return the reference plant with orders for ``days``; ``observed``: Genba commands nothing."""
    plant, _ = load_testbed()
    update: dict[str, object] = {"orders": orders_of_days(plant, days, seed), "tick_s": TICK_S}
    if observed:
        update["autonomy"] = (AutonomyRule(kind="*", level=Autonomy.OBSERVE),)
    return plant.model_copy(update=update)


async def record(
    folder: Path,
    days: float,
    seed: int,
    *,
    observed: bool = True,
    order_seed: int | None = None,
    each: Callable[[PlantSimulation], None] | None = None,
    core_every: int = 1,
) -> Recorded:
    """Live through ``days`` and record them; ``order_seed`` draws the orders, default ``seed``.

    ``each`` sees the simulation after every step: for the truth, which is for scoring alone. A core
    that only watches may take what came in ``core_every`` steps at once: samples keep the times of
    their source, so that the recording is the same and takes less time.
    """
    _, physics = load_testbed()
    whole = int(-(-days // 1))
    plant = plant_of_days(whole, seed if order_seed is None else order_seed, observed=observed)
    simulation = PlantSimulation(plant, physics, seed=seed, conventional=observed)
    start, clock = simulation.now, VirtualClock(simulation.now)
    drivers = drivers_of(simulation, plant, clock)
    core = Core(plant, StateFolder(folder), clock, drivers=drivers)
    await core.start()
    end = start + round(days * DAY_US)
    steps = 0
    while clock.now() < end:
        hour = clock.now() % DAY_US / HOUR_US
        step_s = TICK_S if FIRST_H <= hour < LAST_H + 1 else NIGHT_TICK_S
        clock.set(clock.now() + round(step_s * US))
        simulation.advance(clock.now())
        simulation.deliver()
        if each is not None:
            each(simulation)
        steps += 1
        if steps % core_every == 0:
            await core.step(clock.now())
    await core.recorded()
    await core.stop()
    return Recorded(plant, folder / "historian", start, end)
