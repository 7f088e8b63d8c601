"""Scheduling alone on the reference plant: Genba's planner against the conventional controller.

``python -m benchmarks.reference_plant [--seeds 1-10] [--hours 40] [--controllers ...] [--fleet]``

Each seed is lived once under each controller: the same orders, breakdowns and people, until what a
controller does differently makes a difference. Recipes, maintenance and inspection are the same
under all: only dispatching and transport differ. Simulated plant in process, stepped clock.
"""

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, fields
from pathlib import Path

from benchmarks.plant_runs.outcome import Outcome, outcome
from genba.cli.comparison.arms import optimizing, plain, warm_up
from genba.cli.comparison.interval import half_width
from genba.cli.comparison.living import Ledgers, conventional, under_genba
from genba.cli.seeds import seeds_in
from genba.operate.planners import STEPS
from genba.plan import Planner
from genba.plan.fleet.planner import FleetPlanner
from genba.plan.floor.desk import OwnDesk
from genba.plan.floor.optimizing import NAME, OptimizingPlanner
from genba.plan.floor.scheduler import Scheduler
from genba.plant import LoadCost, Plant
from genba.testbed import load_testbed
from genba.testbed.physics_file import Physics


def _led(plant: Plant) -> Sequence[Planner]:
    """The same with ``planning.fleet``: vehicles are assigned and led together."""
    desk = OwnDesk(Scheduler(plant, steps=STEPS).plan)
    return (OptimizingPlanner(plant, desk, FleetPlanner(plant, NAME)),)


def _weighed(testbed: tuple[Plant, Physics]) -> tuple[Plant, Physics]:
    """The plant with ``planning.loads``: its furnace's loads wait where that costs less."""
    plant, physics = testbed
    cost = LoadCost(equipment="furnace", kwh=6.0, part_hour=0.01, wait_min=90.0)
    planning = plant.planning.model_copy(update={"loads": (cost,)})
    return plant.model_copy(update={"planning": planning}), physics


CONTROLLERS: dict[str, Callable[[int, float], Ledgers]] = {
    "conventional": lambda seed, hours: conventional(load_testbed(), seed, hours),
    "plain": lambda seed, hours: under_genba(load_testbed(), seed, hours, plain),
    "optimizing": lambda seed, hours: under_genba(load_testbed(), seed, hours, optimizing),
}
LED: dict[str, Callable[[int, float], Ledgers]] = {
    "fleet": lambda seed, hours: under_genba(load_testbed(), seed, hours, _led),
    "loads": lambda seed, hours: under_genba(_weighed(load_testbed()), seed, hours, plain),
}
"""Run only where it is asked for: ``--fleet``, or by name. ``loads`` is ``plain`` otherwise."""


def main() -> int:
    """Print what each controller came to, and the paired differences to the first one."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    known = CONTROLLERS | LED
    parser.add_argument("--seeds", default="1-10", help="as 1-10 or 1,4,7")
    parser.add_argument("--hours", type=float, default=40.0, help="at least 16")
    parser.add_argument("--controllers", nargs="+", default=list(CONTROLLERS), choices=known)
    parser.add_argument("--fleet", action="store_true", help="also with planning.fleet")
    parser.add_argument("--json", type=Path, help="write every run's figures there")
    arguments = parser.parse_args()
    if arguments.fleet:
        arguments.controllers.append("fleet")
    seeds = seeds_in(arguments.seeds)
    plant, _ = load_testbed()
    if {"optimizing", "fleet"} & set(arguments.controllers):
        warm_up(plant)
    runs: dict[str, list[Outcome]] = {}
    for name in arguments.controllers:
        for seed in seeds:
            began = time.perf_counter()
            found = outcome(plant, known[name](seed, arguments.hours))
            runs.setdefault(name, []).append(found)
            took = time.perf_counter() - began
            print(f"{name:>14} seed {seed:>3}: {_line(found)}  ({took:.0f} s)", flush=True)
    _compare(runs)
    if arguments.json:
        told = {name: [asdict(o) for o in listed] for name, listed in runs.items()}
        arguments.json.write_text(json.dumps({"seeds": seeds, "runs": told}, indent=1), "utf-8")
    return 0


def _line(found: Outcome) -> str:
    return (
        f"{found.parts_per_shift:6.1f} parts and {found.work_per_shift_h:6.2f} work hours a shift, "
        f"weighted tardiness {found.weighted_tardiness_h:7.1f} h, "
        f"{found.late_orders:>3} of {found.due_orders} late, "
        f"set-up {100 * found.setup_share:4.1f}%, "
        f"{found.kwh_per_part:.3f} kWh/part, unsafe {found.unsafe}"
    )


def _compare(runs: dict[str, list[Outcome]]) -> None:
    """Print means with 95% intervals, and differences seed by seed to the first controller."""
    first = next(iter(runs))
    print(f"\nmeans with 95% intervals over {len(runs[first])} seeds; differences are paired")
    for field in fields(Outcome):
        for name, listed in runs.items():
            values = [float(getattr(o, field.name)) for o in listed]
            text = f"{field.name:>22} {name:>14}: {mean_of(values)}"
            if name != first:
                base = [float(getattr(o, field.name)) for o in runs[first]]
                text += (
                    f"   {mean_of([v - b for v, b in zip(values, base, strict=True)])} to {first}"
                )
                if statistics.fmean(base):
                    text += (
                        f" ({100 * (statistics.fmean(values) / statistics.fmean(base) - 1):+.1f}%)"
                    )
            print(text)


def mean_of(values: Sequence[float]) -> str:
    """Say a mean with its 95% interval."""
    if len(values) < 2:
        return f"{values[0]:.3f}"
    return f"{statistics.fmean(values):.3f} ± {half_width(values):.3f}"


if __name__ == "__main__":
    sys.exit(main())
