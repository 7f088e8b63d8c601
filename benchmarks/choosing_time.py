"""How long does what chooses set-points take for one decision, as the running core asks it?

``python -m benchmarks.choosing_time [--hours 3]``

The reference plant lives a stretch under its own controller. The choosers of a mold's heat and the
furnace (looking ahead) and of a press and a mill by run are made as the core's process makes them:
processes in time are learned from that stretch, products by run go by their physics' guess, which
costs the same to choose by. Then the recorded samples are shown moment by moment as the core shows
them, and each answer that chose is timed, by the wall and by the processor. Simulated plant.
"""

import argparse
import asyncio
import os
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from genba.control.bound import Bound, bound
from genba.control.chooser import Chooser, Held
from genba.control.continuous import ContinuousChooser
from genba.control.recorded import episodes_of
from genba.control.run_to_run import RunToRunChooser
from genba.control.runs import RunRows, episodes_by_program
from genba.control.runs_learned import ProductBelief
from genba.historian import Historian
from genba.operate.set_point_host import ChooserHost, Drive, Moment, Said
from genba.plant import US, Plant, ProcessObjective, Sample, VirtualClock, Wish
from genba.testbed import InProcessDriver, PlantSimulation, load_testbed
from genba.testbed.files import reference_files
from genba.twin.process import Clock, identify, prior

BAR_MS = 100.0
SEED = 73_001
PROCESSES = ("press-1-mold", "furnace-heat", "press-1-molding", "mill-1-milling")
EVERY_S = 10


def recorded(plant: Plant, simulation: PlantSimulation, hours: float) -> list[Sample]:
    """Let the plant live, and keep what it shows."""
    wired = {
        name.partition("#")[0]
        for one in plant.processes
        if one.id in PROCESSES
        for name in one.signals.values()
    }
    machines = {one.equipment for one in plant.processes if one.id in PROCESSES}
    signals = [
        s
        for s in plant.signals.values()
        if s.id in wired or (s.role is not None and (s.equipment in machines or "order" in s.role))
    ]
    samples: list[Sample] = []
    clock = VirtualClock(simulation.now)
    driver = InProcessDriver(simulation, clock, signals)
    asyncio.run(driver.subscribe(signals, samples.extend))
    end = simulation.now + round(hours * 3600 * US)
    while simulation.now < end:
        simulation.advance(simulation.now + EVERY_S * US)
        clock.set(simulation.now)
        simulation.deliver()
    return sorted(samples, key=lambda one: one.source_time)


def chooser_of(plant: Plant, name: str, samples: list[Sample], folder: Path) -> Chooser:
    """Make what chooses."""
    joined = bound(plant, name)
    if joined.physics.clock is Clock.RUN:
        return RunToRunChooser(plant, joined, products(plant, joined, samples), "guess")
    with Historian.open(folder, VirtualClock(samples[-1].receive_time)) as historian:
        episodes = episodes_of(
            historian, joined, samples[0].source_time, samples[-1].source_time + 1
        )
    belief = identify(joined.symbolic, episodes)
    return ContinuousChooser(joined, belief, {}, "learned", limit_s=2.0)


def products(plant: Plant, joined: Bound, samples: list[Sample]) -> list[ProductBelief]:
    """Believe of each product what the physics' author guessed; set-points were moved by a step."""
    rows = RunRows(plant, joined)
    runs = [run for run in map(rows.take, samples) if run is not None]
    low, high = joined.bounds()
    found = []
    for product, recipe, _ in episodes_by_program(runs, high - low):
        if ((recipe >= low) & (recipe <= high)).all():
            around = np.array([recipe - joined.steps(), recipe + joined.steps()])
            found.append(ProductBelief(product, prior(joined.physics), around, recipe))
    return found


def timed(name: str, chooser: Chooser, samples: list[Sample]) -> tuple[np.ndarray, int]:
    """Show all moments; (decisions, 2) ms by the wall and by the processor, and how many chose."""
    host = ChooserHost(lambda process, plain: chooser, lambda process: chooser)
    host.answer(Drive(name, {}))
    names, told, chose = frozenset(chooser.signals), [], 0
    place, now = 0, samples[0].source_time
    while place < len(samples):
        now += EVERY_S * US
        first = place
        while place < len(samples) and samples[place].source_time <= now:
            place += 1
        shown = tuple(one for one in samples[first:place] if one.signal in names)
        wall, cpu = time.perf_counter(), time.process_time()
        answer = host.answer(Moment(now, shown))
        spent = time.perf_counter() - wall, time.process_time() - cpu
        if isinstance(answer, Said) and name in answer.choices:
            told.append(spent)
            chose += not isinstance(answer.choices[name], Held)
    return 1000 * np.array(told), chose


def main() -> int:
    """Print the table; 1 if a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--hours", type=float, default=3.0)
    arguments = parser.parse_args()
    plant, physics = load_testbed(*reference_files())
    wanted = ProcessObjective(targets={"temperature": Wish(value=70.0)}, moves={"setpoint": 0.05})
    plant = plant.model_copy(
        update={
            "processes": tuple(
                one.model_copy(update={"objective": wanted}) if one.id == "press-1-mold" else one
                for one in plant.processes
            )
        }
    )
    simulation = PlantSimulation(plant, physics, seed=SEED, conventional=True)
    samples = recorded(plant, simulation, arguments.hours)
    print(f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")
    print("process           answers  chose   wall p50   p99  largest   CPU p99 (ms)")
    missed = False
    with tempfile.TemporaryDirectory() as folder:
        with Historian.open(Path(folder), VirtualClock(samples[-1].receive_time)) as historian:
            historian.append(samples)
        for name in PROCESSES:
            chooser = chooser_of(plant, name, samples, Path(folder))
            spent, chose = timed(name, chooser, samples)
            p50, p99 = np.quantile(spent[:, 0], [0.5, 0.99])
            cpu = np.quantile(spent[:, 1], 0.99)
            missed |= bool(p99 > BAR_MS)
            print(
                f"{name:<17} {len(spent):>7} {chose:>6} {p50:>10.1f} {p99:>5.1f} "
                f"{spent[:, 0].max():>8.1f} {cpu:>9.1f}",
                flush=True,
            )
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
