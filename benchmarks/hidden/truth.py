"""What was really wrong: bad parts of each machine, with defects and hidden state, and problems.

The truth comes out of the testbed, which nothing else here reads; it is for scoring alone.
"""

import sys
from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from genba.testbed import PlantSimulation

APART = 10
"""Good parts that may lie between two bad ones of one problem."""
FEWEST = 3
"""Bad parts that make a problem."""
SHOWN = frozenset({"cycle_lost", "jam", "stripped_screw", "tool_break"})
"""Defects that the machine shows at once: it stopped, or its own force window saw them."""

REST_US = 2 * 3_600_000_000
COLD_US = 3_600_000_000
"""A problem within an hour of the first part after two hours of rest is one of a cold start."""
FAR = 2.0
"""Spreads by which a hidden state has to be off to be called the cause."""


@dataclass(slots=True)
class Books:
    """One machine, a row for each step in which parts were made: how many so far, how many of them
    caught by anybody; which defects the new bad ones have, and the hidden state.
    """

    time: list[int] = field(default_factory=list)
    parts: list[int] = field(default_factory=list)
    caught: list[int] = field(default_factory=list)
    hidden: list[int] = field(default_factory=list)
    """Bad parts so far whose defect the machine does not show."""
    defects: list[dict[str, int]] = field(default_factory=list)
    state: list[dict[str, float]] = field(default_factory=list)
    bad: dict[str, int] = field(default_factory=dict)
    """Serials of bad parts of hidden defects, and the step in which they were made (the last)."""

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


class Truth:
    """Follows the testbed while the plant is recorded."""

    def __init__(self) -> None:
        self.books: dict[str, Books] = {}
        self._tasks: dict[str, Any] = {}
        self._before: dict[tuple[str, str], tuple[str, ...]] = {}
        self._features: dict[tuple[str, str], int] = {}

    def see(self, simulation: PlantSimulation) -> None:
        """Note what changed since the last step."""
        for name, machine in simulation.machines.items():
            task = machine.task
            last = self._tasks.get(name)
            if last is not None:
                self._settle(simulation, name, last)
            if task is not None and task is not last:
                self._begin(name, task)
            self._tasks[name] = task

    def _begin(self, name: str, task: Any) -> None:
        for part in (one for lot in task.lots for one in lot.parts):
            self._before[name, part.serial] = tuple(part.defects)
            self._features[name, part.serial] = hash(tuple(part.features.items()))

    def _settle(self, simulation: PlantSimulation, name: str, task: Any) -> None:
        """Read the parts of a job that were made since the last step."""
        ledger = simulation.books.machines[name]
        books = self.books.setdefault(name, Books())
        if books.parts and books.parts[-1] == ledger.parts:
            return
        found: dict[str, int] = {}
        names = _defects_of(simulation.machines[name].process)
        for part in (one for lot in task.lots for one in (*lot.parts, *lot.scrapped)):
            key = name, part.serial
            if key not in self._features:
                continue  # scrapped before this job
            now = hash(tuple(part.features.items()))
            lost = "cycle_lost" in part.defects and "cycle_lost" not in self._before[key]
            if now == self._features[key] and not lost:
                continue
            self._features[key] = now
            if lost:
                self._before[key] = (*self._before[key], "cycle_lost")
            own = {"cycle_lost"} if lost else names & set(part.defects)
            for one in sorted(own):
                found[one] = found.get(one, 0) + 1
            if own and not own & SHOWN:
                books.bad[part.serial] = simulation.now
        books.time.append(simulation.now)
        books.parts.append(ledger.parts)
        books.caught.append(ledger.scrap + ledger.rework)
        new = sum(1 for when in books.bad.values() if when == simulation.now)
        books.hidden.append((books.hidden[-1] if books.hidden else 0) + new)
        books.defects.append(found)
        told = simulation.machines[name].process.truth()
        books.state.append({key: round(float(value), 5) for key, value in told.items()})


def _defects_of(process: object) -> set[str]:
    """Return the names that a unit process gives to what it does wrong itself."""
    return set(getattr(sys.modules[type(process).__module__], "_DEFECTS", ()))


@dataclass(frozen=True, slots=True)
class Problem:
    """A run of bad parts of one machine: the first and last, when inspection noticed (None: never),
    and which hidden state was farthest from where it stood in the good parts learned from.
    """

    machine: str
    begin: int
    end: int
    bad: int
    noticed: int | None
    cause: str
    defect: str


def problems_of(machine: str, books: Books, start: int, middle: int, end: int) -> list[Problem]:
    """Cut the bad parts made in ``[middle, end)`` into problems, learned from ``start`` on."""
    times, parts = np.array(books.time), np.array(books.parts)
    new = np.diff(np.array(books.hidden), prepend=0)
    steps = np.flatnonzero((new > 0) & (times >= middle) & (times < end))
    if len(steps) == 0:
        return []
    state = np.array([list(row.values()) for row in books.state])
    usual = state[(new == 0) & (times >= start) & (times < middle)]
    caught = np.diff(np.array(books.caught), prepend=0) > 0
    open_ = np.array([not set(row) & SHOWN for row in books.defects])
    found = []
    for run in np.split(steps, np.flatnonzero(np.diff(parts[steps]) > APART + 1) + 1):
        count = int(new[run].sum())
        if count < FEWEST:
            continue
        rises = np.flatnonzero((caught & open_)[run[0] : run[-1] + 1])
        noticed = int(times[run[0] + rises[0]]) if len(rises) else None
        defects = Counter(one for row in run for one in books.defects[row])
        cold = _since_rest(times, parts, int(run[0]))
        cause = "cold start" if cold else _cause(list(books.state[0]), state[run], usual)
        begin, last = int(times[run[0]]), int(times[run[-1]])
        found.append(
            Problem(machine, begin, last, count, noticed, cause, defects.most_common(1)[0][0])
        )
    return found


def _since_rest(times: np.ndarray, parts: np.ndarray, row: int) -> bool:
    """Whether the machine made its first part of the day within the hour before."""
    rests = np.flatnonzero(np.diff(times[: row + 1]) >= REST_US) + 1
    first = times[rests[-1]] if len(rests) else times[0]
    return bool(times[row] - first <= COLD_US)


def _cause(names: list[str], wrong: np.ndarray, usual: np.ndarray) -> str:
    """Name the hidden state that is farthest off, in spreads; chance where none is two off."""
    if len(usual) < 30:
        return "unknown"
    off = np.abs(np.median(wrong, axis=0) - usual.mean(axis=0)) / (usual.std(axis=0) + 1e-9)
    return names[int(off.argmax())] if off.max() >= FAR else "chance"
