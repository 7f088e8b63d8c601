"""How well the calibrated line twin predicts the output of shifts that it has not seen.

``python -m benchmarks.twin_fidelity [--seeds 1 2 3] [--days 4] [--futures 100] [--keep FOLDER]``

For each seed the reference plant lives ``--days`` days in process (under its conventional
controller, Genba only watches; with ``--command`` Genba runs it) and Genba's core records it. The
twin is built from ``plant.yaml``, calibrated on what was recorded before the last day, started from
the recorded state at the begin of each shift of the last day, told when material and rush orders
came, and asked for ``--futures`` futures of the shift. Shown are the error of their mean, and
whether what happened lies in the middle 90 % of them: *free-running*, where the twin draws what
stops and what is scrapped, and *trace-driven*, where the stops and the scrap of the recorded shift
are imposed, so that what is left is the model's own error and not chance.

Two figures to judge the free-running one by. *Naive* predicts the mean output of the shifts before.
*Floor*: the plant itself, copied at the begin of the shift with everything that it hides and run
again with fresh chance ``--again`` times, misses its own recorded shift by that much; no twin can
do better except by luck. Simulated plant, synthetic data; accelerated clock.
"""

import argparse
import asyncio
import copy
import gc
import math
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.recorded_plant import Recorded, plant_of_days, record
from genba.historian import Historian
from genba.plant import US, VirtualClock, format_time
from genba.testbed import PlantSimulation, load_testbed
from genba.testbed.randomness import Stream
from genba.twin.build import build_line
from genba.twin.calibrate import calibrate
from genba.twin.line_twin import LineTwin
from genba.twin.prediction import Case, observed
from genba.twin.record import read_recording
from genba.twin.report import Compared, shift_cases, validate

BAR = 0.05
DAY_US = 86_400 * US
OUTSIDE = ("late_material", "rush_orders")
T_95 = {1: 12.71, 2: 4.30, 3: 3.18, 4: 2.78, 5: 2.57, 6: 2.45, 7: 2.36, 8: 2.31, 9: 2.26, 10: 2.23}
"""Student's t for 95 % by degrees of freedom."""


@dataclass(frozen=True)
class Row:
    """One shift."""

    seed: int
    start: int
    compared: Compared
    """Free-running."""
    traced: Compared
    """Trace-driven."""
    naive: float
    floor: float
    """Mean size of the plant's own error; NaN where it was not asked for."""


def shifts_of(
    seed: int, days: int, futures: int, again: int, folder: Path, *, observed_only: bool
) -> list[Row]:
    """Record one seed, calibrate on all but the last day, and predict that."""
    made = kept(folder, days, seed, observed_only=observed_only) or asyncio.run(
        record(folder, days, seed, observed=observed_only)
    )
    split = made.start + (days - 1) * DAY_US
    with Historian.open(made.historian, VirtualClock(made.end), read_only=True) as historian:
        before = read_recording(historian, made.plant, made.start, split)
        after = read_recording(historian, made.plant, split, made.end)
    found = calibrate(build_line(made.plant), before, seed)
    cases = shift_cases(after)
    twin, traced = LineTwin(found.as_run), LineTwin(found.as_run, traced=True)
    report = validate(twin, cases, futures, seed, traced=traced)
    past = [observed(case).output for case in shift_cases(before)]
    floors = (
        own_errors(seed, days, cases, again) if again and observed_only else [math.nan] * len(cases)
    )
    return [
        Row(
            seed, case.start, free.of("output"), traced.of("output"),
            float(np.mean(past)) / observed(case).output - 1.0, floor,
        )
        for case, free, traced, floor in zip(
            cases, report.periods, report.traced, floors, strict=True
        )
    ]  # fmt: skip


def kept(folder: Path, days: int, seed: int, *, observed_only: bool) -> Recorded | None:
    """Return the recording that an earlier run kept in ``folder``; it must be as long."""
    if not (folder / "historian").is_dir():
        return None
    plant = plant_of_days(days, seed, observed=observed_only)
    start = min(order.release for order in plant.orders)
    return Recorded(plant, folder / "historian", start, start + days * DAY_US)


def own_errors(seed: int, days: int, cases: list[Case], again: int) -> list[float]:
    """How far the plant misses its own shifts when chance is drawn anew from their begin on."""
    _, physics = load_testbed()
    plant = plant_of_days(days, seed, observed=True)
    simulation = PlantSimulation(plant, physics, seed=seed, conventional=True)
    errors = []
    for case in cases:
        simulation.advance(case.start)
        simulation.drain()
        real = observed(case).output
        repeats = [another_shift(simulation, case.end, number) for number in range(again)]
        errors.append(float(np.mean(np.abs(np.array(repeats) / real - 1.0))))
    return errors


def another_shift(simulation: PlantSimulation, end: int, number: int) -> int:
    """Copy the plant, draw what chance brings anew, and return what it delivers until ``end``."""
    known = {id(thing) for thing in gc.get_objects() if isinstance(thing, Stream)}
    other = copy.deepcopy(simulation)
    kept = {id(stream) for stream in vars(other._desk).values() if isinstance(stream, Stream)}
    fresh = [t for t in gc.get_objects() if isinstance(t, Stream) and id(t) not in known | kept]
    for place, stream in enumerate(fresh):
        stream.__init__(np.random.default_rng([number, place]))  # type: ignore[misc]
    before = delivered(other)
    while other.now < end:
        other.advance(min(end, other.now + 600 * US))
        other.drain()
    return delivered(other) - before


def delivered(simulation: PlantSimulation) -> int:
    return sum(row["delivered"] for row in simulation.ledger()["orders"].values())


def interval(values: list[float]) -> str:
    """Mean with its 95 % interval, in percent."""
    mean = float(np.mean(values))
    if len(values) < 2:
        return f"{mean:+.1%}"
    t = T_95.get(len(values) - 1, 1.98)
    half = t * float(np.std(values, ddof=1)) / math.sqrt(len(values))
    return f"{mean:+.1%} ± {half:.1%}"


def show(rows: list[Row]) -> bool:
    """Print the table; return whether every shift is within the bar, free-running."""
    head = f"{'':>4}  {'':<20} {'':>8} {'free-running':>33}  {'trace-driven':>15}"
    print(head)
    head = f"{'seed':>4}  {'shift':<20} {'recorded':>8} {'twin':>7} {'error':>7}"
    print(f"{head}  {'90 % interval':>15}  {'twin':>7} {'error':>7}  {'naive':>7} {'floor':>6}")
    for row in rows:
        found, imposed = row.compared, row.traced
        mark = "" if found.inside else "  outside"
        floor = "-" if math.isnan(row.floor) else f"{row.floor:.1%}"
        print(
            f"{row.seed:>4}  {format_time(row.start):<20} {found.recorded:>8.0f} "
            f"{found.mean:>7.0f} {found.error:>+7.1%}  {found.low:>6.0f} to {found.high:>5.0f}  "
            f"{imposed.mean:>7.0f} {imposed.error:>+7.1%}  {row.naive:>+7.1%} {floor:>6}{mark}"
        )
    floors = [row.floor for row in rows if not math.isnan(row.floor)]
    reached = []
    for how, found in (
        ("free-running", [row.compared for row in rows]),
        ("trace-driven", [row.traced for row in rows]),
    ):
        errors = [compared.error for compared in found]
        within = sum(abs(error) <= BAR for error in errors)
        reached.append(within == len(rows))
        print(f"\n{how}")
        print(f"  mean error               {interval(errors)}")
        print(f"  mean size of the error   {interval([abs(error) for error in errors])}")
        print(f"  in the 90 % interval     {sum(c.inside for c in found)} of {len(rows)}")
        verdict = "reached" if reached[-1] else "missed"
        print(f"  each shift within {BAR:.0%}:    {verdict} ({within} of {len(rows)} shifts)")
    print(f"\nnaive, mean size           {interval([abs(row.naive) for row in rows])}")
    if floors:
        print(f"the plant itself           {interval(floors)}")
    return reached[0]


def main() -> int:
    """Print the table; 1 if a shift is not within the bar, free-running."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--days", type=int, default=4)
    parser.add_argument("--futures", type=int, default=100)
    parser.add_argument("--again", type=int, default=5)
    parser.add_argument("--command", action="store_true", help="Genba runs the plant")
    parser.add_argument("--keep", type=Path, help="folder that keeps the recordings, and has them")
    arguments = parser.parse_args()
    root = arguments.keep or Path(tempfile.mkdtemp(prefix="genba-twin-"))
    rows: list[Row] = []
    try:
        for seed in arguments.seeds:
            rows += shifts_of(
                seed, arguments.days, arguments.futures, arguments.again, root / f"seed-{seed}",
                observed_only=not arguments.command,
            )  # fmt: skip
    finally:
        if arguments.keep is None:
            shutil.rmtree(root, ignore_errors=True)
    return 0 if show(rows) else 1


if __name__ == "__main__":
    sys.exit(main())
