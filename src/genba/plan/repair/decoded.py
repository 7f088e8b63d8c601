"""Repair of any plan through the timing decoder: orders and modes are changed, it times them."""

import time
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from genba.plan.bounds.flexible import Floats, Ints
from genba.plan.objective import Objective
from genba.plan.problem import Problem
from genba.plan.repair.difference import difference
from genba.plan.repair.effort import Effort
from genba.plan.repair.sorting import Sorted
from genba.plan.schedule import Plan
from genba.plan.timing.decode import Decoder, modes_of
from genba.plan.timing.resume import orders_of
from genba.plan.timing.value import pricing_of
from genba.plan.values import values_of

ANY = -1
"""As mode: the one that ends first."""

LATEST = 1 << 60
"""As former start of what is new or stands: nothing is later."""

REACHED = 10
"""Places in the order by which a change moves an operation at most."""


class DecodedRepair:
    """One repair of a plan.

    Parameters
    ----------
    remaining : Problem
        What is left, from :func:`genba.plan.repair.remaining.disturbed`.
    problem, before : Problem, Plan
        What was planned.
    sorted_out : Sorted
        What came between.
    floor : int
        Nothing new begins before.
    objective : Objective
        With ``before`` as its reference.
    """

    def __init__(
        self,
        remaining: Problem,
        problem: Problem,
        before: Plan,
        sorted_out: Sorted,
        floor: int,
        objective: Objective,
    ) -> None:
        self.begun = time.perf_counter()
        self.before, self.objective = before, objective
        self.decoder = Decoder(remaining)
        self.pricing = pricing_of(
            remaining, objective, max((a.end for a in before.assignments), default=1)
        )
        operations = remaining.operations
        self.free = np.asarray(
            [i for i, o in enumerate(operations) if o.fixed is None], dtype=np.int64
        )
        self.ways = np.asarray([len(o.modes) for o in operations], dtype=np.int64)
        meant = _meant(remaining, before, floor)
        self.urgency: Floats = meant
        """Rank of each operation, or what lies between two of them."""
        known = modes_of(problem, before)
        self.modes: Ints = np.asarray([known.get(o.id, ANY) for o in operations], dtype=np.int64)
        ends = {machine: windows[-1][1] for machine, windows in sorted_out.down.items()}
        was = [None if o.fixed else before.by_operation.get(o.id) for o in operations]
        hit = np.asarray([a is not None and a.machine in ends for a in was], dtype=np.bool_)
        soon = np.asarray([a is not None and a.start < ends.get(a.machine, 0) for a in was])
        self.starts: Ints = np.asarray([LATEST if a is None else a.start for a in was])
        self.rows = {o.id: i for i, o in enumerate(operations)}
        self.fill_gaps = False
        self.value = np.inf
        rerouted = [np.where(which, ANY, self.modes) for which in (soon, hit)]
        self.plan: Plan = self._first(meant, [self.modes, *rerouted])
        self.late = self._late()

    def _first(self, meant: Floats, choices: list[Ints]) -> Plan:
        """Return the best of a few ways: the orders of the plan, what is down elsewhere or not."""
        operations = self.decoder.problem.operations
        for rank, fill_gaps in orders_of(operations, meant, self.before.turns):
            for modes in choices:
                value = self._worth(rank, modes, fill_gaps)
                if value < self.value:
                    self.value, self.fill_gaps, self.modes = value, fill_gaps, modes
                    self.urgency = rank.astype(np.float64)
        return self._read(_ranked(self.urgency))

    def _late(self) -> Ints:
        """Return the operations that start later than they did, or all that are free."""
        late = [
            row
            for a in self.plan.assignments
            if a.start > self.starts[row := self.rows[a.operation]]
        ]
        return np.asarray(late, dtype=np.int64) if late else self.free

    def improved(self, effort: Effort) -> Iterator[Plan]:
        """Yield better and better plans, until the effort is spent."""
        random = np.random.default_rng(effort.seed)
        most = max(effort.most_moved * len(self.ways), self._moved(self.plan))
        left = effort.rounds if effort.rounds is not None else 1 << 60
        while left > 0 and len(self.free) and self._has_time(effort):
            left -= 1
            urgency, modes = self._changed(random)
            rank = _ranked(urgency)
            value = self._worth(rank, modes, self.fill_gaps)
            if value >= self.value - 1e-9:
                continue
            old = self.modes
            self.modes = modes
            found = self._read(rank)
            if self._moved(found) > most:
                self.modes = old
                continue
            self.value, self.urgency, self.plan = value, urgency, found
            self.late = self._late()
            yield found

    def _has_time(self, effort: Effort) -> bool:
        return time.perf_counter() - self.begun < effort.time_limit_s

    def _changed(self, random: np.random.Generator) -> tuple[Floats, Ints]:
        """Return urgencies and modes with one operation changed."""
        one = int(random.choice(self.late if random.random() < 0.7 else self.free))
        urgency, modes = self.urgency, self.modes
        if self.ways[one] > 1 and random.random() < 0.5:
            modes = modes.copy()
            modes[one] = random.integers(-1, self.ways[one])
        else:
            ranked = np.sort(urgency)
            at = int(np.searchsorted(ranked, urgency[one])) - int(random.integers(1, REACHED))
            urgency = urgency.copy()
            urgency[one] = ranked[max(at, 0)] - 0.5
        return urgency, modes

    def _worth(self, rank: Ints, modes: Ints, fill_gaps: bool) -> float:
        return self.decoder.worth(rank, modes, self.pricing, fill_gaps=fill_gaps)

    def _moved(self, plan: Plan) -> int:
        return len(difference(self.before, plan).moved)

    def _read(self, rank: Ints) -> Plan:
        plan = self.decoder.plan(rank, self.modes, fill_gaps=self.fill_gaps)
        values = values_of(self.decoder.problem, plan, self.objective)
        return replace(
            plan,
            values=values,
            found_by="repair: shifts, other machines, small changes",
            elapsed_s=time.perf_counter() - self.begun,
        )


def _meant(remaining: Problem, before: Plan, floor: int) -> Floats:
    """Return when each operation was meant to start, or of a new one could at the earliest."""
    meant: dict[str, float] = {}
    for operation in remaining.operations:
        was = before.by_operation.get(operation.id)
        if was is not None:
            meant[operation.id] = float(was.start)
            continue
        ready = max(floor, remaining.jobs_by_id[operation.job].release) - 0.5
        for name in operation.predecessors:
            if name in meant:
                ready = max(ready, meant[name] + 1)
        meant[operation.id] = ready
    return np.asarray([meant[o.id] for o in remaining.operations])


def _ranked(urgency: Floats) -> Ints:
    rank = np.empty(len(urgency), np.int64)
    rank[np.argsort(urgency, kind="stable")] = np.arange(len(urgency))
    return rank
