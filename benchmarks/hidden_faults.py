"""Hidden faults of the reference plant: found before the conventional controller's inspection?

``python -m benchmarks.hidden_faults [--seeds 1 2] [--days 1.7] [--first 0.75] [--work DIR]``

The plant runs under its conventional controller; Genba's core watches and records it, as any plant
(:mod:`benchmarks.recorded_plant`). From the first days a detector over moments, charts of parts
and, where gauged parts allow, a quality model are learned for every machine, as ``genba train``
does by default, with light rungs; the two detectors share two findings a week of running time. They
then see the other days.

The truth is the testbed's own, which nothing else reads: parts truly bad, by machine, every 5 s,
with defects and hidden state. A *problem* is a run of at least three bad parts of one machine, each
at most ten parts after the one before. Left out is what the machine shows at once: parts lost in a
breakdown, jams, stripped screws, broken tools; and the tester, which judges every part itself.
Inspection finds a problem when it scraps or sends back the first part of it. A finding belongs to a
problem if it begins at some time from an hour before its first bad part to its last: one that has
stood for longer tells nobody anything new, and problems that began under such a one are counted
apart (*stood*). A finding with no bad part of that machine from an hour
before it to an hour after it is a false alarm. A week is five working days of 16 hours. A model of
which its own report says that there is no reason to release it is not used, nor a detector that
spent more than its budget when it was tested (by the lower end of the 95% interval).

``--oracle`` asks how much is in these signals at all: for each machine trees are told by the truth
which parts were bad, in all *other* seeds (two at least), and judge this one's, by the same columns
as a quality model, at the same budget of false alarms.

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
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.hidden.judged import (
    Found,
    Used,
    judge_moments,
    judge_parts,
    judge_quality,
    poisson_interval,
)
from benchmarks.hidden.oracle import Seen, oracle, parts_seen
from benchmarks.hidden.truth import Books, Problem, Truth, problems_of
from benchmarks.recorded_plant import (
    DAY_US,
    FIRST_H,
    HOUR_US,
    LAST_H,
    TICK_S,
    Recorded,
    plant_of_days,
    record,
)
from genba.errors import LearnError
from genba.historian import Historian
from genba.plant import Role, SystemClock
from genba.testbed import load_testbed

TRUTH = "truth.json"
CORE_EVERY = 6
"""Steps of which the core takes the samples at once."""
KINDS = ("moments", "parts", "quality")
EITHER = {"any": KINDS, **{kind: (kind,) for kind in KINDS}, "oracle": ("oracle",)}
"""Rows of the table, and the kinds of models that count there."""


@dataclass(frozen=True, slots=True)
class Seed:
    """What one seed gave."""

    problems: list[Problem]
    used: list[Used]
    found: list[Found]
    books: dict[str, Books]
    weeks: float
    """Working weeks of one machine."""
    seen: list[Seen]


def recorded(folder: Path, days: float, seed: int) -> tuple[Recorded, dict[str, Books]]:
    """Return a recording and its truth; a kept one where there is one."""
    path = folder / TRUTH
    if not path.exists():
        truth = Truth()
        folder.mkdir(parents=True, exist_ok=True)
        made = asyncio.run(record(folder, days, seed, each=truth.see, core_every=CORE_EVERY))
        told = {name: books.as_json() for name, books in truth.books.items()}
        kept = {"start": made.start, "end": made.end, "days": days, "books": told}
        path.write_text(json.dumps(kept), "utf-8")
    kept = json.loads(path.read_text("utf-8"))
    plant = plant_of_days(int(-(-kept["days"] // 1)), seed, observed=True)
    books = {name: Books(**rows) for name, rows in kept["books"].items()}
    return Recorded(plant, folder / "historian", kept["start"], kept["end"]), books


def one_seed(folder: Path, seed: int, days: float, first: float, *, asked: bool) -> Seed:
    """Record, learn and judge one seed; ``asked``: keep the parts for the oracle."""
    made, books = recorded(folder, days, seed)
    middle = made.start + round(first * DAY_US)
    end = min(made.end, made.start + round(days * DAY_US))
    span = (made.start, middle, end)
    physics = load_testbed()[1]
    machines = [name for name in books if physics.machines[name].inspection is not None]
    used: list[Used] = []
    found: list[Found] = []
    seen: list[Seen] = []
    with Historian.open(made.historian, SystemClock(), read_only=True) as historian:
        for machine in machines:
            told, stretches = judge_moments(historian, made.plant, machine, span)
            used, found = [*used, told], [*found, *stretches]
            if (machine, Role.PART) not in made.plant.roles:
                continue
            for judge in (judge_parts, judge_quality):
                try:
                    told, stretches = judge(historian, made.plant, machine, span, told.settle_s)
                except LearnError as error:
                    kind = judge.__name__.removeprefix("judge_")
                    why = str(error).splitlines()[0][:100]
                    told, stretches = Used(machine, kind, "", why, settle_s=told.settle_s), []
                used, found = [*used, told], [*found, *stretches]
            if asked:
                seen += parts_seen(historian, made.plant, machine, span, books[machine], seed)
    problems = [one for name in machines for one in problems_of(name, books[name], *span)]
    return Seed(problems, used, found, books, working_weeks(middle, end), seen)


def working_weeks(begin: int, end: int) -> float:
    """Working time in a span in weeks of five days of 16 hours."""
    minutes = np.arange(begin, end, 60_000_000)
    hours = minutes % DAY_US // HOUR_US
    return float(np.sum((hours >= FIRST_H) & (hours < LAST_H))) / 60 / 16 / 5


def own_of(problem: Problem, found: Sequence[Found]) -> list[Found]:
    """Return the findings that belong to a problem."""
    return [
        one
        for one in found
        if one.machine == problem.machine and problem.begin - HOUR_US <= one.begin <= problem.end
    ]


def standing_at(problem: Problem, found: Sequence[Found]) -> list[Found]:
    """Return the findings that had begun before a problem could call them, and still stood."""
    return [
        one
        for one in found
        if one.machine == problem.machine
        and one.begin < problem.begin - HOUR_US
        and one.end >= problem.begin
    ]


def is_false(one: Found, books: Books) -> bool:
    """Whether no bad part of its machine was made from an hour before a finding to one after."""
    times = np.array(books.time)[np.diff(np.array(books.hidden), prepend=0) > 0]
    near = (times >= one.begin - HOUR_US) & (times <= one.end + HOUR_US)
    return not near.any()


def tell_seed(seed: int, one: Seed) -> None:
    """Print problems and what found them, and the models that are not used."""
    for problem in one.problems:
        near = sorted(
            f"{own.kind} {(own.begin - problem.begin) / HOUR_US:+.1f} h {','.join(own.names)}"
            for own in own_of(problem, one.found)
        )
        late = (
            "never"
            if problem.noticed is None
            else f"after {(problem.noticed - problem.begin) / HOUR_US:.1f} h"
        )
        print(
            f"    {problem.machine}: {problem.bad} bad ({problem.defect}; {problem.cause}) in "
            f"{(problem.end - problem.begin) / HOUR_US:.1f} h, inspection {late}; "
            f"{'; '.join(near) or 'missed'}"
        )
    for told in one.used:
        how = f"not used: {told.why_not}" if told.why_not else told.recipe
        print(f"      {told.machine} {told.kind} (settles {told.settle_s / 60:.0f} min): {how}")


def row_of(name: str, seeds: Sequence[Seed], kinds: Sequence[str], machine: str = "") -> str:
    """Return a row of a table: of some kinds of models, of one machine or all."""
    problems = hits = firsts = stood = false = count = 0
    alarm_s = weeks = 0.0
    leads: list[float] = []
    for one in seeds:
        found = [f for f in one.found if f.kind in kinds and machine in ("", f.machine)]
        machines = {used.machine for used in one.used if machine in ("", used.machine)}
        weeks += one.weeks * len(machines)
        false += sum(is_false(f, one.books[f.machine]) for f in found)
        count += len(found)
        alarm_s += sum(f.alarm_s for f in found)
        for problem in (p for p in one.problems if machine in ("", p.machine)):
            problems += 1
            own = [f.begin for f in own_of(problem, found)]
            hits += bool(own)
            stood += not own and bool(standing_at(problem, found))
            firsts += bool(own) and (problem.noticed is None or min(own) < problem.noticed)
            if own and problem.noticed is not None:
                leads.append((problem.noticed - min(own)) / 60e6)
    low, high = poisson_interval(false)
    per = max(weeks, 1e-9)
    lead = f"{np.median(leads):+.0f}" if leads else "-"
    return (
        f"{name:12} {problems:>8} {hits:>6} {firsts:>7} {stood:>6} {lead:>9} {count:>9} {false:>6} "
        f"{false / per:>9.2f} ({low / per:.2f} to {high / per:.2f}) {alarm_s / 60 / per:>10.0f}"
    )


def tell_all(seeds: Sequence[Seed]) -> None:
    """Print the tables over all seeds: by kind of model, by machine, by cause."""
    print(
        "bar: found before inspection, at two false alarms a week or fewer; 95% intervals\n"
        f"{'model':12} {'problems':>8} {'found':>6} {'before':>7} {'stood':>6} {'lead, min':>9} "
        f"{'findings':>9} {'false':>6} {'a machine and week':>28} {'alarm, min':>10}"
    )
    for name, kinds in EITHER.items():
        print(row_of(name, seeds, kinds))
    for machine in dict.fromkeys(used.machine for one in seeds for used in one.used):
        print(row_of(machine, seeds, KINDS, machine))
    print(f"\n{'cause':24} {'problems':>8} {'found':>6} {'before':>7} {'oracle':>7}")
    told: dict[str, list[int]] = {}
    for one in seeds:
        for problem in one.problems:
            row = told.setdefault(f"{problem.machine.split('-')[0]} {problem.cause}", [0] * 4)
            own = [f.begin for f in own_of(problem, one.found) if f.kind in KINDS]
            best = [f.begin for f in own_of(problem, one.found) if f.kind == "oracle"]
            late = np.inf if problem.noticed is None else problem.noticed
            row[0] += 1
            row[1] += bool(own)
            row[2] += bool(own) and min(own) < late
            row[3] += bool(best) and min(best) < late
    for cause, row in sorted(told.items(), key=lambda pair: -pair[1][0]):
        print(f"{cause:24} {row[0]:>8} {row[1]:>6} {row[2]:>7} {row[3]:>7}")


def main() -> int:
    """Print problems, what found them, and the tables over all seeds."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=[1])
    parser.add_argument("--days", type=float, default=1.7, help="days to record, from a Monday on")
    parser.add_argument("--first", type=float, default=0.75, help="days to learn from")
    parser.add_argument("--oracle", action="store_true", help="how much the signals hold at all")
    parser.add_argument("--work", type=Path, help="folder that keeps recordings")
    given = parser.parse_args()
    seeds: list[Seed] = []
    begun = time.process_time()
    with tempfile.TemporaryDirectory() as scratch:
        for seed in given.seeds:
            print(f"seed {seed}", flush=True)
            folder = (given.work or Path(scratch)) / f"seed-{seed}"
            seeds.append(one_seed(folder, seed, given.days, given.first, asked=given.oracle))
            tell_seed(seed, seeds[-1])
    if given.oracle:
        for found in oracle([seen for one in seeds for seen in one.seen]):
            seeds[given.seeds.index(found.seed)].found.append(found.finding)
    print(
        f"\n{len(seeds)} seeds of {given.days:g} days, {given.first:g} to learn from, steps of "
        f"{TICK_S:g} s; {time.process_time() - begun:.0f} s of CPU"
    )
    tell_all(seeds)
    return 0


if __name__ == "__main__":
    sys.exit(main())
