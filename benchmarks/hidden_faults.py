"""Hidden faults of the reference plant: found before the conventional controller's inspection?

``python -m benchmarks.hidden_faults [--seeds 1 2] [--days 12] [--first 5] [--work DIR]``

The plant runs under its conventional controller; Genba's core watches and records it, as any plant
(:mod:`benchmarks.recorded_plant`). From the first days a detector and, where gauged parts allow, a
quality model are learned for every machine, as ``genba train anomaly`` and ``genba train quality``
do by default: two findings a week of running time, light rungs. They then see the other days.

The truth is the testbed's ledger, which nothing else reads: parts made and parts truly bad, by
machine, every 5 s. A *problem* is a run of at least three bad parts of one machine, each at most
ten parts after the one before; what makes them (wear, drift, a bad lot, misalignment) is no signal.
Inspection finds it when it scraps or sends back the first part of it. A finding belongs to a
problem if it begins at some time from an hour before its first bad part to its last: one that has
stood for longer tells nobody anything. A finding with no bad part of that machine from an hour
before it to an hour after it is a false alarm. Breakdowns are left out, since the machine's state
shows them at once, and so is the tester, which judges every part itself. A week is five working
days. A model of which its own report says that there is no reason to release it is not used, nor a
detector that spent more than its budget when it was tested (by the lower end of the 95% interval).

``--work`` keeps recordings, so that they are lived through once. Simulated plant, synthetic data,
accelerated clock.
"""

import argparse
import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from benchmarks.recorded_plant import DAY_US, HOUR_US, TICK_S, Recorded, plant_of_days, record
from genba.errors import LearnError
from genba.historian import Historian
from genba.learn import (
    Candidate,
    Dataset,
    Ladder,
    Slice,
    Weight,
    anomaly_ladder,
    quality_ladder,
    slice_of_equipment,
    slice_of_parts,
    train,
    windows_of,
)
from genba.learn.anomaly.episodes import apart_of, episodes_of, weeks_of
from genba.learn.data.fitness import misfits, without_constant
from genba.learn.split.named import split_of
from genba.learn.verify.budget import BUDGET_A_WEEK
from genba.plant import Plant, Role, SystemClock
from genba.testbed import PlantSimulation, load_testbed

TRUTH = "truth.json"
APART = 10
"""Good parts that may lie between two bad ones of one problem."""
FEWEST = 3
"""Bad parts that make a problem."""
WARM_UP_H = 2
"""Hours of the first day that are not learned from: machines have not made anything yet."""


@dataclass(frozen=True, slots=True)
class Problem:
    """A run of bad parts: the first and last, and when inspection noticed (None: never)."""

    machine: str
    begin: int
    end: int
    bad: int
    noticed: int | None


@dataclass(frozen=True, slots=True)
class Found:
    """A finding of a model, by kind (``anomaly`` or ``quality``)."""

    machine: str
    kind: str
    begin: int
    end: int


@dataclass(slots=True)
class Books:
    """What the ledger says of one machine: when counts changed, and what they were."""

    time: list[int] = field(default_factory=list)
    parts: list[int] = field(default_factory=list)
    bad: list[int] = field(default_factory=list)
    caught: list[int] = field(default_factory=list)


class Truth:
    """Follows the testbed's ledger while the plant is recorded."""

    def __init__(self) -> None:
        self.books: dict[str, Books] = {}

    def see(self, simulation: PlantSimulation) -> None:
        """Note what changed since the last step."""
        for name, ledger in simulation.books.machines.items():
            books = self.books.setdefault(name, Books())
            if books.parts and books.parts[-1] == ledger.parts:
                continue
            books.time.append(simulation.now)
            books.parts.append(ledger.parts)
            books.bad.append(ledger.truly_bad)
            books.caught.append(ledger.scrap + ledger.rework)


def recorded(folder: Path, days: float, seed: int) -> tuple[Recorded, dict[str, Books]]:
    """Return a recording and its truth; a kept one where there is one."""
    path = folder / TRUTH
    if not path.exists():
        truth = Truth()
        folder.mkdir(parents=True, exist_ok=True)
        made = asyncio.run(record(folder, days, seed, each=truth.see))
        told = {
            name: [books.time, books.parts, books.bad, books.caught]
            for name, books in truth.books.items()
        }
        kept = {"start": made.start, "end": made.end, "days": days, "books": told}
        path.write_text(json.dumps(kept), "utf-8")
    kept = json.loads(path.read_text("utf-8"))
    plant = plant_of_days(int(-(-kept["days"] // 1)), seed, observed=True)
    books = {name: Books(*rows) for name, rows in kept["books"].items()}
    return Recorded(plant, folder / "historian", kept["start"], kept["end"]), books


def problems_of(machine: str, books: Books, start: int) -> list[Problem]:
    """Cut the bad parts made since ``start`` into problems."""
    parts, bad = np.array(books.parts), np.array(books.bad)
    caught, times = np.array(books.caught), np.array(books.time)
    steps = np.flatnonzero((np.diff(bad, prepend=0) > 0) & (times >= start))
    found: list[Problem] = []
    if len(steps) == 0:
        return found
    cuts = np.flatnonzero(np.diff(parts[steps]) > APART + 1) + 1
    for run in np.split(steps, cuts):
        before = int(run[0]) - 1
        count = int(bad[run[-1]] - (bad[before] if before >= 0 else 0))
        if count < FEWEST:
            continue
        until = min(int(run[-1]) + 1, len(times))
        rises = np.flatnonzero(np.diff(caught[max(before, 0) : until]) > 0)
        noticed = int(times[max(before, 0) + 1 + rises[0]]) if len(rises) else None
        found.append(Problem(machine, int(times[run[0]]), int(times[run[-1]]), count, noticed))
    return found


def trained(data: Dataset, ladder: Ladder, equipment: str) -> Candidate | None:
    """Train on the light rungs; None where data are refused, or the report advises against it."""
    light = tuple(one for one in ladder.rungs if one.weight is Weight.LIGHT)
    try:
        split = split_of(data, "time", seed=0)
        found = train(data, split, replace(ladder, rungs=light), equipment=equipment)
    except LearnError as error:
        print(f"    {equipment}: {str(error).splitlines()[0][:150]}")
        return None
    if not found.climb.beats:
        print(f"    {equipment}: '{found.card.recipe}' is no better than the plain way: not used")
        return None
    return found


def anomalies(historian: Historian, plant: Plant, machine: str, span: Sequence[int]) -> list[Found]:
    """Learn what is normal in the first part, and return what is found in the second."""
    begin, middle, end = span
    # A hand would leave out what the refusal names, with --without, and so does this.
    data = slice_of_equipment(historian, plant, Slice(machine, begin, middle, mode=True))
    data, _ = without_constant(data)
    gone = [one.column for one in misfits(data) if one.column]
    data = data.without(gone) if gone else data
    part = split_of(data, "time", seed=0).take(data, "train")
    candidate = trained(data, anomaly_ladder(part, a_week=BUDGET_A_WEEK), machine)
    if candidate is None or candidate.card.step_s is None:
        return []
    names = tuple(column.signal or column.name for column in data.columns)
    wanted = Slice(machine, middle, end, candidate.card.step_s, names)
    later = slice_of_equipment(historian, plant, wanted)
    seen = windows_of(later, candidate.card.window)
    alarms = candidate.model.predict(seen.values).value > (candidate.model.threshold or 1.0)
    tested = candidate.card.tested
    test = split_of(data, "time", seed=0).take(data, "test")
    weeks = weeks_of(test, np.arange(test.rows))
    rate = tested.get("false_alarms_week") or 0.0
    if weeks and poisson_interval(round(rate * weeks))[0] / weeks > BUDGET_A_WEEK:
        print(f"    {machine}: {rate:.0f} findings a week when tested, beyond the budget: not used")
        return []
    print(
        f"    {machine}: '{candidate.card.recipe}', {data.rows} rows, drills "
        f"{tested.get('drills') or 0:.0%}, {tested.get('false_alarms_week') or 0:.1f} a week tested"
    )
    apart = apart_of(later, candidate.card.window)
    return _stretches(machine, "anomaly", alarms, later, seen.rows, apart)


def predicted(historian: Historian, plant: Plant, machine: str, span: Sequence[int]) -> list[Found]:
    """Learn from gauged parts of the first days; tell the later parts that it takes for bad."""
    begin, middle, end = span
    try:
        data = slice_of_parts(historian, plant, Slice(machine, begin, middle))
        data, _ = without_constant(data)
        gone = [one.column for one in misfits(data) if one.column]
        data = data.without(gone) if gone else data
        taught = split_of(data, "time", seed=0).take(data, "train").labels()
        if data.target is None or len(np.unique(taught[np.isfinite(taught)])) < 2:
            print(f"    {machine}: gauging found no bad part in the part to learn from")
            return []
        candidate = trained(data, quality_ladder(data.target), machine)
        if candidate is None:
            return []
        later = slice_of_parts(historian, plant, Slice(machine, middle, end)).select(data.names)
    except LearnError as error:
        print(f"    {machine}: {str(error).splitlines()[0][:150]}")
        return []
    seen = windows_of(later, candidate.card.window)
    alarms = candidate.model.predict(seen.values).value >= (candidate.model.threshold or 1.0)
    return _stretches(machine, "quality", alarms, later, seen.rows, APART)


def _stretches(
    machine: str, kind: str, alarms: np.ndarray, data: Dataset, rows: np.ndarray, apart: int
) -> list[Found]:
    begins = episodes_of(alarms, np.full(len(rows), "", np.str_), apart)
    found = []
    for begin, until in zip(begins, [*begins[1:], len(alarms)], strict=False):
        last = np.flatnonzero(alarms[begin:until])[-1] + begin
        found.append(Found(machine, kind, int(data.time[rows[begin]]), int(data.time[rows[last]])))
    return found


@dataclass(frozen=True, slots=True)
class Score:
    """Counts of one kind of model over some seeds."""

    problems: int = 0
    found: int = 0
    first: int = 0
    """Found before inspection noticed, or where it never did."""
    leads_h: tuple[float, ...] = ()
    false: int = 0
    weeks: float = 0.0

    def __add__(self, other: "Score") -> "Score":
        return Score(
            self.problems + other.problems,
            self.found + other.found,
            self.first + other.first,
            self.leads_h + other.leads_h,
            self.false + other.false,
            self.weeks + other.weeks,
        )


def score(
    problems: Sequence[Problem], found: Sequence[Found], books: dict[str, Books], weeks: float
) -> Score:
    """Hold findings against problems and against every truly bad part."""
    hit = first = 0
    leads = []
    for problem in problems:
        own = [
            one.begin
            for one in found
            if one.machine == problem.machine
            and problem.begin - HOUR_US <= one.begin <= problem.end
        ]
        if not own:
            continue
        hit += 1
        first += problem.noticed is None or min(own) < problem.noticed
        if problem.noticed is not None:
            leads.append((problem.noticed - min(own)) / HOUR_US)
    false = 0
    for one in found:
        book = books[one.machine]
        times = np.array(book.time)[np.diff(np.array(book.bad), prepend=0) > 0]
        near = (times >= one.begin - HOUR_US) & (times <= one.end + HOUR_US)
        false += not near.any()
    return Score(len(problems), hit, first, tuple(leads), false, weeks)


def one_seed(folder: Path, seed: int, days: float, first: float) -> dict[str, Score]:
    """Record, learn and score one seed."""
    made, books = recorded(folder, days, seed)
    begin, middle = made.start + WARM_UP_H * HOUR_US, made.start + round(first * 24 * HOUR_US)
    span = (begin, middle, made.end)
    physics = load_testbed()[1]
    announcing = [name for name in books if physics.machines[name].inspection is not None]
    found: list[Found] = []
    with Historian.open(made.historian, SystemClock(), read_only=True) as historian:
        for machine in announcing:
            found += anomalies(historian, made.plant, machine, span)
            if (machine, Role.PART) in made.plant.roles:
                found += predicted(historian, made.plant, machine, span)
    problems = [one for name in announcing for one in problems_of(name, books[name], middle)]
    for problem in problems:
        own = [one for one in found if one.machine == problem.machine]
        near = sorted(
            f"{one.kind} {(one.begin - problem.begin) / HOUR_US:+.1f} h"
            for one in own
            if problem.begin - HOUR_US <= one.begin <= problem.end
        )
        late = (
            "never"
            if problem.noticed is None
            else f"after {(problem.noticed - problem.begin) / HOUR_US:.1f} h"
        )
        print(
            f"    problem of {problem.machine}: {problem.bad} bad parts in "
            f"{(problem.end - problem.begin) / HOUR_US:.1f} h, inspection {late}; "
            f"{', '.join(near) or 'missed'}"
        )
    weeks = working_weeks(middle, made.end) * len(announcing)
    kinds = {"anomaly": ("anomaly",), "quality": ("quality",), "either": ("anomaly", "quality")}
    return {
        name: score(problems, [one for one in found if one.kind in those], books, weeks)
        for name, those in kinds.items()
    }


def poisson_interval(count: int) -> tuple[float, float]:
    """Exact 95% interval of a count (Garwood, *Biometrika* 28, 1936)."""
    from scipy.stats import chi2

    low = chi2.ppf(0.025, 2 * count) / 2 if count else 0.0
    return float(low), float(chi2.ppf(0.975, 2 * count + 2) / 2)


def working_weeks(begin: int, end: int) -> float:
    """Working days from Monday to Friday in a span that begins and ends with a day, as weeks."""
    days = np.arange(begin // DAY_US, end // DAY_US)
    return float(np.sum((days + 3) % 7 < 5)) / 5  # the first day of 1970 was a Thursday


def told(name: str, one: Score, machines: int) -> str:
    """Return a row of the table."""
    low, high = poisson_interval(one.false)
    per = max(one.weeks, 1e-9)
    lead = f"{np.median(one.leads_h):+.1f} h" if one.leads_h else "undefined"
    return (
        f"{name:8} {one.problems:>8} {one.found:>6} {one.first:>17} {lead:>12} {one.false:>6} "
        f"{one.false / per:>8.2f} ({low / per:.2f} to {high / per:.2f}) a machine and week, "
        f"{machines * one.false / per:.1f} the plant"
    )


def main() -> int:
    """Print problems, what found them, and the table over all seeds."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=[1])
    parser.add_argument("--days", type=float, default=12.0, help="days to record, from a Monday on")
    parser.add_argument("--first", type=float, default=5.0, help="days to learn from")
    parser.add_argument("--work", type=Path, help="folder that keeps recordings")
    arguments = parser.parse_args()
    whole: dict[str, Score] = {}
    begun = time.process_time()
    with tempfile.TemporaryDirectory() as scratch:
        for seed in arguments.seeds:
            print(f"seed {seed}", flush=True)
            folder = (arguments.work or Path(scratch)) / f"seed-{seed}"
            for name, one in one_seed(folder, seed, arguments.days, arguments.first).items():
                whole[name] = whole.get(name, Score()) + one
    machines = sum(one.inspection is not None for one in load_testbed()[1].machines.values())
    print(
        f"\n{len(arguments.seeds)} seeds of {arguments.days:g} days, {arguments.first:g} to learn "
        f"from, steps of {TICK_S:g} s; {time.process_time() - begun:.0f} s of CPU\n"
        "bar: found before inspection, at two false alarms a week or fewer; 95% intervals\n"
        f"{'model':8} {'problems':>8} {'found':>6} {'before inspection':>17} {'median lead':>12} "
        f"{'false':>6}"
    )
    for name, one in whole.items():
        print(told(name, one, machines))
    return 0


if __name__ == "__main__":
    sys.exit(main())
