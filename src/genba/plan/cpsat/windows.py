"""Which part of a plan to open: windows over time, machines, jobs, or along what makes it late."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from random import Random

from genba.plan.cpsat.frame import Frame
from genba.plan.problem import Problem
from genba.plan.schedule import Assignment, Plan


class Kind(StrEnum):
    """What the operations of a window have in common."""

    TIME = "time"
    """They run at about the same time."""
    MACHINES = "machines"
    """They run on a few machines, at about the same time."""
    JOBS = "jobs"
    """They belong to a few jobs, whole."""
    LATE = "late"
    """They stand around what the last or latest job waited for."""
    RANDOM = "random"
    """Nothing but a common part of the plan."""


@dataclass
class Windows:
    """Draws windows; kinds that paid off come more often, sizes follow what can be solved.

    Adaptive large neighborhood search, after Ropke and Pisinger, Transp. Sci. 40 (2006) 455.
    """

    problem: Problem
    random: Random
    size: float
    weights: dict[Kind, float] = field(default_factory=lambda: dict.fromkeys(Kind, 1.0))

    def draw(self, plan: Plan) -> tuple[Kind, Frame]:
        """Choose what to open of a plan."""
        kinds = list(Kind)
        kind = self.random.choices(kinds, [self.weights[k] for k in kinds])[0]
        movable = [
            a for a in plan.assignments if self.problem.operations_by_id[a.operation].fixed is None
        ]
        movable.sort(key=lambda a: (a.start, a.end, a.operation))
        size = max(1, min(round(self.size), len(movable)))
        match kind:
            case Kind.TIME:
                chosen = self._slice(movable, size)
            case Kind.MACHINES:
                chosen = self._on_machines(movable, size)
            case Kind.JOBS:
                chosen = self._of_jobs(movable, size)
            case Kind.LATE:
                chosen = self._around_late(plan, movable, size)
            case Kind.RANDOM:
                part = self._slice(movable, min(len(movable), 3 * size))
                chosen = self.random.sample(part, min(size, len(part)))
        return kind, self.frame(plan, chosen)

    def learn(self, kind: Kind, *, improved: bool, solved: bool) -> None:
        """Note whether a window paid off, and whether it was searched to its end."""
        self.weights[kind] = 0.85 * self.weights[kind] + 0.15 * (4.0 if improved else 0.4)
        if not improved:
            self.size *= 1.15 if solved else 0.85
        count = len(self.problem.operations)
        self.size = max(min(10.0, count), min(self.size, 300.0, count))

    def frame(self, plan: Plan, chosen: Sequence[Assignment]) -> Frame:
        """Open the chosen operations, and those in a batch with them."""
        runs = {(a.machine, a.setup_start, a.start, a.end) for a in chosen}
        opened = frozenset(
            a.operation
            for a in plan.assignments
            if (a.machine, a.setup_start, a.start, a.end) in runs
            and self.problem.operations_by_id[a.operation].fixed is None
        )
        stands = plan.by_operation
        since = min((stands[name].setup_start for name in opened), default=0)
        until = max((stands[name].end for name in opened), default=0)
        since -= max((leg.end - leg.empty_start for leg in plan.legs), default=0)
        still = frozenset(
            a.operation for a in plan.assignments if a.end <= since and a.operation not in opened
        )
        return Frame(plan, opened, still, since, until)

    def _slice(self, ordered: Sequence[Assignment], size: int) -> list[Assignment]:
        first = self.random.randint(-size // 2, len(ordered) - size // 2)
        first = max(0, min(first, len(ordered) - size))
        return list(ordered[first : first + size])

    def _on_machines(self, ordered: Sequence[Assignment], size: int) -> list[Assignment]:
        machines = sorted({a.machine for a in ordered})
        count = self.random.randint(1, max(1, min(len(machines), 4)))
        chosen = set(self.random.sample(machines, count))
        on_them = [a for a in ordered if a.machine in chosen]
        return self._slice(on_them, min(size, len(on_them)))

    def _of_jobs(self, ordered: Sequence[Assignment], size: int) -> list[Assignment]:
        job = {o.id: o.job for o in self.problem.operations}
        middle = self.random.choice(ordered)
        near = sorted(ordered, key=lambda a: (abs(a.start - middle.start), self.random.random()))
        chosen: list[Assignment] = []
        jobs: dict[str, list[Assignment]] = {}
        for a in ordered:
            jobs.setdefault(job[a.operation], []).append(a)
        for a in near:
            if len(chosen) >= size:
                break
            chosen += jobs.pop(job[a.operation], [])
        return chosen

    def _around_late(
        self, plan: Plan, ordered: Sequence[Assignment], size: int
    ) -> list[Assignment]:
        """Go back from a late job along what each operation waited for; take what runs then."""
        chain = self._chain(plan, self._late_end(plan, ordered))
        spots = {(a.machine, a.start): a for a in chain}
        chosen = {a.operation: a for a in chain[:size]}
        by_machine = plan.by_machine
        reach = 1
        while len(chosen) < size and reach < 12:
            for a in spots.values():
                listed = by_machine[a.machine]
                at = next(n for n, other in enumerate(listed) if other.operation == a.operation)
                for near in listed[max(0, at - reach) : at + reach + 1]:
                    if len(chosen) < size:
                        chosen.setdefault(near.operation, near)
            reach += 1
        movable = {a.operation for a in ordered}
        return [a for name, a in chosen.items() if name in movable]

    def _late_end(self, plan: Plan, ordered: Sequence[Assignment]) -> Assignment:
        ends: dict[str, Assignment] = {}
        for a in ordered:
            job = self.problem.operations_by_id[a.operation].job
            if job not in ends or a.end > ends[job].end:
                ends[job] = a
        jobs = self.problem.jobs_by_id

        def lateness(name: str) -> float:
            job = jobs[name]
            end = ends[name].end
            return end if job.due is None else job.weight * max(0, end - job.due)

        latest = sorted(ends, key=lateness, reverse=True)
        return ends[latest[min(int(self.random.expovariate(0.7)), len(latest) - 1)]]

    def _chain(self, plan: Plan, last: Assignment) -> list[Assignment]:
        """Return an operation and what it waited for, back to the beginning."""
        stands, at = plan.by_operation, last
        before: dict[str, Assignment] = {}
        for listed in plan.by_machine.values():
            for one, other in itertools.pairwise(listed):
                before[other.operation] = one
        chain = [last]
        for _ in range(len(stands)):
            waits = [
                stands[name]
                for name in self.problem.operations_by_id[at.operation].predecessors
                if name in stands
            ]
            if at.operation in before:
                waits.append(before[at.operation])
            if not waits:
                break
            at = max(waits, key=lambda a: (a.end, self.random.random()))
            chain.append(at)
        return chain
