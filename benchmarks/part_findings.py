"""How often are healthy recordings of parts called wrong, and how often is a fault found?

``python -m benchmarks.part_findings [--seeds 2] [--hours 8]``

The reference plant lives a stretch under its own controller, with experiments by run on presses and
mills (40 parts of each product, a step around each recipe; seeds used nowhere else). What the
machines announce is examined as ``genba twin learn`` does: as it is, and with faults put into it.
Simulated plant, synthetic data.
"""

import argparse
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from genba.cli.comparison.experiment import Recorder, live
from genba.cli.comparison.hand import Hand
from genba.control.bound import Bound
from genba.control.examined_runs import examined_runs
from genba.control.runs import Run
from genba.testbed import PlantSimulation, load_testbed
from genba.testbed.files import reference_files
from genba.twin.process.findings import Finding, spoilt

BAR = 0.02
FIRST_SEED = 71_003
PARTS = 40
PROCESSES = ("press-1-molding", "press-2-molding", "mill-1-milling", "mill-2-milling")
Fault = Callable[[Bound, list[Run]], list[Run]]


def column(bound: Bound, name: str) -> tuple[str, int]:
    """Say where in a run a variable stands."""
    for of, wires in (("inputs", bound.inputs), ("context", bound.context)):
        for place, wire in enumerate(wires):
            if wire.variable.name == name:
                return of, place
    return "shown", [wire.variable.name for wire in bound.outputs].index(name)


def changed(
    bound: Bound, runs: list[Run], name: str, by: Callable[[float, int], float]
) -> list[Run]:
    """Change a variable of all runs."""
    of, place = column(bound, name)
    told = []
    for number, run in enumerate(runs):
        values = getattr(run, of).copy()
        values[place] = by(values[place], number)
        told.append(replace(run, **{of: values}))
    return told


def scaled(name: str, scale: float, shift: float = 0.0) -> Fault:
    return lambda bound, runs: changed(bound, runs, name, lambda v, _: scale * v + shift)


def frozen(name: str) -> Fault:
    """Let a sensor show the same from a third of the recording on, for a third of it."""

    def fault(bound: Bound, runs: list[Run]) -> list[Run]:
        of, place = column(bound, name)
        first, last = len(runs) // 3, 2 * len(runs) // 3
        known = [getattr(run, of)[place] for run in runs[first:last]]
        stood = next(value for value in known if np.isfinite(value))
        return changed(
            bound, runs, name,
            lambda v, n: stood if first <= n < last and np.isfinite(v) else v,
        )  # fmt: skip

    return fault


def exchanged(one: str, other: str) -> Fault:
    def fault(bound: Bound, runs: list[Run]) -> list[Run]:
        (of_a, a), (of_b, b) = column(bound, one), column(bound, other)
        told = []
        for run in runs:
            values = {of: getattr(run, of).copy() for of in (of_a, of_b)}
            first, second = values[of_a][a], values[of_b][b]
            values[of_a][a], values[of_b][b] = second, first
            told.append(replace(run, **values))
        return told

    return fault


FAULTS: dict[str, dict[str, tuple[str, Fault]]] = {
    "press": {
        "cavity pressure frozen": ("frozen", frozen("cavity")),
        "mold's sensor frozen": ("frozen", frozen("mold")),
        "weight frozen": ("frozen", frozen("weight")),
        "mold and melt exchanged": ("swapped", exchanged("mold", "melt")),
        "cavity pressure in MPa": ("unit", scaled("cavity", 0.1)),
        "melt in degrees Fahrenheit": ("unit", scaled("melt", 1.8, 32.0)),
        "size of the wrong sign": ("sign", scaled("size", -1.0)),
        "cavity pressure of the wrong sign": ("sign", scaled("cavity", -1.0)),
    },
    "mill": {
        "load frozen": ("frozen", frozen("load")),
        "spindle's sensor frozen": ("frozen", frozen("spindle")),
        "spindle in kelvin": ("unit", scaled("spindle", 1.0, 273.15)),
        "load as a share of 1": ("unit", scaled("load", 0.01)),
        "size and roughness exchanged": ("swapped", exchanged("size", "roughness")),
        "load of the wrong sign": ("sign", scaled("load", -1.0)),
    },
}


def recorded(seed: int, hours: float) -> list[tuple[str, Bound, list[Run]]]:
    """Let the plant live, and give what each machine announced."""
    plant, physics = load_testbed(*reference_files())
    simulation = PlantSimulation(plant, physics, seed=seed, conventional=True)
    recorders = [Recorder(plant, process, PARTS, seed) for process in PROCESSES]
    live(Hand(simulation, plant, recorders), simulation.start, hours)
    return [(name, one.joined, one.runs) for name, one in zip(PROCESSES, recorders, strict=True)]


def main() -> int:
    """Print the tables; 1 if false alarms miss the bar."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--hours", type=float, default=8.0)
    arguments = parser.parse_args()
    alarms, refused, spent, recordings = Counter[str](), 0, 0.0, 0
    named: dict[tuple[str, str], list[tuple[bool, bool]]] = {}
    for seed in range(FIRST_SEED, FIRST_SEED + arguments.seeds):
        for name, bound, runs in recorded(seed, arguments.hours):
            begun = time.process_time()
            healthy = examined_runs(bound, runs)
            spent += time.process_time() - begun
            recordings += 1
            alarms.update({one.rule for one in healthy})
            refused += bool(spoilt(healthy))
            print(f"{name}, seed {seed}: {len(runs)} parts, {told(healthy)}", flush=True)
            kind = name.partition("-")[0]
            for what, (rule, fault) in FAULTS[kind].items():
                found = examined_runs(bound, fault(bound, runs))
                hit = any(one.rule == rule for one in spoilt(found))
                named.setdefault((kind, what), []).append((hit, bool(spoilt(found))))
                if not hit:
                    print(f"  {what}: {told(found)}", flush=True)
    print(
        f"healthy: {recordings} recordings, {refused} refused, findings {dict(alarms)}, "
        f"{spent / recordings:.1f} s of CPU each"
    )
    for (kind, what), hits in named.items():
        by_name, stopped = (sum(column) for column in zip(*hits, strict=True))
        print(f"{kind}: {what}: named {by_name} of {len(hits)}, refused {stopped}")
    return 1 if refused > BAR * recordings else 0


def told(found: Sequence[Finding]) -> str:
    """Write what was found in a line."""
    return "; ".join(f"{one.grade} {one.rule}: {one.text}" for one in found) or "nothing is odd"


if __name__ == "__main__":
    sys.exit(main())
