"""How much faster than real time the reference plant lives in process, on one core.

``python -m benchmarks.in_process_plant [--hours 8] [--seeds 3]``

Each seed lives one shift under the conventional controller in steps of 10 s, as the execution loop
takes them, through an :class:`~genba.testbed.InProcessDriver` for all signals: physics, vehicles,
people, controller, and every sample made and delivered. The ratio is plant time to processor time
of this one process (what one core does, also on a machine that is shared); the one to wall time
stands beside it. Simulated plant, synthetic data.
"""

import argparse
import asyncio
import sys
import time
from collections.abc import Sequence

from genba.plant import US, Sample, VirtualClock
from genba.testbed import InProcessDriver, PlantSimulation, load_testbed

BAR = 500.0
STEP_S = 10


async def live(seed: int, hours: float) -> tuple[float, float, int, int]:
    """Live one shift; returns processor seconds, wall seconds, samples and delivered parts."""
    plant, physics = load_testbed()
    simulation = PlantSimulation(plant, physics, seed=seed, conventional=True)
    clock = VirtualClock(simulation.now)
    signals = tuple(plant.signals.values())
    driver = InProcessDriver(simulation, clock, signals)
    count = 0

    def sink(samples: Sequence[Sample]) -> None:
        nonlocal count
        count += len(samples)

    await driver.connect()
    await driver.subscribe(signals, sink)
    cpu, wall = time.process_time(), time.perf_counter()
    for _ in range(round(hours * 3600 / STEP_S)):
        simulation.advance(simulation.now + STEP_S * US)
        clock.set(simulation.now)
        driver.pump()
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    delivered = sum(order["delivered"] for order in simulation.ledger()["orders"].values())
    return cpu, wall, count, delivered


def main() -> int:
    """Print the table; 1 if the slowest seed misses the bar."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--hours", type=float, default=8.0)
    parser.add_argument("--seeds", type=int, default=3)
    arguments = parser.parse_args()
    plant_s = arguments.hours * 3600
    print(
        f"{'seed':>4}  {'x real time':>11}  {'x (wall)':>8}  {'samples/plant s':>15}  {'parts':>5}"
    )
    slowest = float("inf")
    for seed in range(1, arguments.seeds + 1):
        cpu, wall, samples, parts = asyncio.run(live(seed, arguments.hours))
        slowest = min(slowest, plant_s / cpu)
        print(
            f"{seed:>4}  {plant_s / cpu:>11,.0f}  {plant_s / wall:>8,.0f}  "
            f"{samples / plant_s:>15.1f}  {parts:>5}"
        )
    verdict = "reached" if slowest >= BAR else "missed"
    print(f"bar: {BAR:,.0f} times real time on one core: {verdict} (slowest {slowest:,.0f})")
    return 0 if slowest >= BAR else 1


if __name__ == "__main__":
    sys.exit(main())
