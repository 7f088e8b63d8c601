"""A horizon that rolls over problems too large to be searched as a whole.

A first plan, made by a list, says about what comes when. Window after window of it is then solved
as a problem of its own: what began before is fixed, what comes later is not seen but for the time
it needs after the window. The first half of each window's answer is kept, the second half belongs
to the next one too. In the end all is timed once more as a whole. After Chand, Hsu and Sethi,
*Forecast, solution and rolling horizons in operations management problems* (2002).
"""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

import numpy as np

from genba.plan.bounds.relaxation import in_order
from genba.plan.objective import MAKESPAN, Goal, Objective
from genba.plan.problem import Fixed, Job, Machine, Operation, Problem, Transport
from genba.plan.repair.remaining import moved_on
from genba.plan.schedule import Assignment, Leg, Plan
from genba.plan.timing.decode import Decoder
from genba.plan.timing.resume import resumed
from genba.plan.timing.value import pricing_of
from genba.plan.values import values_of

WINDOW = 400
"""Operations of a window."""
KEPT = 0.5
"""Share of a window's operations that are kept before it moves on."""

OnImproved = Callable[[Plan], None]


def solve_rolling(
    problem: Problem,
    objective: Objective = MAKESPAN,
    *,
    time_limit_s: float = 60.0,
    seed: int = 0,
    workers: int = 2,
    window: int = WINDOW,
    hint: Plan | None = None,
    iterations: int | None = None,
    on_improved: OnImproved | None = None,
) -> Plan:
    """Plan a large problem window by window.

    Parameters
    ----------
    problem : Problem
        One that :func:`genba.plan.checks.examine` has passed.
    objective : Objective
        What a good plan is.
    time_limit_s : float
        Wall time; it is shared out among the windows.
    seed, workers : int
        For the search within each window.
    window : int
        Operations of a window.
    hint : Plan, optional
        A whole legal plan to begin with; default that of the best of a few lists.
    iterations : int, optional
        Steps of the search within each window, instead of a limit by time.
    on_improved : callable, optional
        Called with each better whole plan.

    Returns
    -------
    Plan
        Legal, with its values, and never worse than the plan it began with.
    """
    began = time.perf_counter()
    decoder = Decoder(problem)
    best = _valued(problem, objective, hint or _by_list(decoder, objective), began)
    if on_improved is not None:
        on_improved(best)
    rolling = _Rolling(problem, objective, best, window)
    while rolling.ahead:
        left_s = time_limit_s - (time.perf_counter() - began)
        if iterations is None and left_s <= 0:
            break
        rolling.advance(0.9 * left_s / rolling.windows_left, seed, workers, iterations)
        if rolling.is_time_to_look:
            found = _valued(problem, objective, rolling.whole(decoder), began)
            if _is_better(objective, found, best):
                best = found
                if on_improved is not None:
                    on_improved(best)
    return best


def _by_list(decoder: Decoder, objective: Objective) -> Plan:
    """Return the best plan of a few lists, each of which takes one pass of the decoder.

    By due date, slack, weight, weighted shortest processing time, and most work remaining.
    """
    problem = decoder.problem
    rests = _rests(problem)
    rest = np.asarray([rests[o.id] for o in problem.operations], dtype=np.float64)
    jobs = [problem.jobs_by_id[o.job] for o in problem.operations]
    release = np.asarray([job.release for job in jobs], dtype=np.float64)
    latest = float((release + rest).max(initial=0.0))
    due = np.asarray([latest if job.due is None else job.due for job in jobs], dtype=np.float64)
    weight = np.asarray([job.weight for job in jobs])
    pricing = pricing_of(problem, objective)
    any_mode = np.full(len(rest), -1, dtype=np.int64)
    lists = [due, due - rest, release - latest * weight, -weight / np.maximum(rest, 1.0), -rest]
    ranks = [np.argsort(np.argsort(urgency, kind="stable")) for urgency in lists]
    best = min(ranks, key=lambda rank: decoder.worth(rank, any_mode, pricing))
    return decoder.plan(best, any_mode)


def _valued(problem: Problem, objective: Objective, plan: Plan, began: float) -> Plan:
    return replace(
        plan,
        values=values_of(problem, plan, objective),
        found_by="rolling horizon",
        elapsed_s=time.perf_counter() - began,
    )


def _is_better(objective: Objective, plan: Plan, than: Plan) -> bool:
    if len(plan.assignments) != len(than.assignments):
        return len(plan.assignments) > len(than.assignments)
    return objective.value(dict(plan.values)) < objective.value(dict(than.values))


@dataclass
class _Rolling:
    """Where the horizon stands."""

    problem: Problem
    objective: Objective
    guide: Plan
    window: int
    kept: dict[str, Assignment] = field(default_factory=dict)
    legs: list[Leg] = field(default_factory=list)
    ahead: list[Assignment] = field(default_factory=list)
    """What is still to come, as far as is known, by start."""
    tick: int = 0
    looks: int = 0

    def __post_init__(self) -> None:
        self.ahead = sorted(self.guide.assignments, key=lambda a: (a.start, a.end))
        self.rest = _rests(self.problem)
        self.next_look = len(self.ahead)
        self.total = len(self.ahead)
        self._keep_fixed()

    @property
    def windows_left(self) -> float:
        """How many windows are left, about."""
        return max(1.0, len(self.ahead) / (self.window * KEPT) - 1.0 / KEPT + 2.0)

    @property
    def is_time_to_look(self) -> bool:
        """Whether the whole should be timed: four times on the way, and in the end."""
        looks = 5 * (self.total - len(self.ahead)) // max(1, self.total)
        if looks <= self.looks and self.ahead:
            return False
        self.looks = looks
        return True

    def advance(self, time_limit_s: float, seed: int, workers: int, steps: int | None) -> None:
        """Solve the next window and keep what comes first."""
        from genba.plan.solve import solve

        chosen = self.ahead[: self.window]
        part = self._part(chosen)
        is_last = len(chosen) == len(self.ahead)
        stands = tuple(self.kept[o.id] for o in part.operations if o.fixed)
        plan = solve(
            part,
            self.objective if is_last else self._for_now(),
            time_limit_s=time_limit_s,
            seed=seed,
            workers=workers,
            hint=Plan((*stands, *chosen)),
            iterations=steps,
        )
        self._keep(plan, chosen, is_last)

    def whole(self, decoder: Decoder) -> Plan:
        """Return a plan of all: what is kept, then the rest as the guide has it."""
        so_far = Plan((*self.kept.values(), *self.ahead))
        return resumed(decoder, so_far, pricing_of(self.problem, self.objective))

    def _keep_fixed(self) -> None:
        """What the problem fixes is kept from the beginning."""
        fixed = {o.id for o in self.problem.operations if o.fixed}
        self.kept.update({a.operation: a for a in self.ahead if a.operation in fixed})
        self.ahead = [a for a in self.ahead if a.operation not in fixed]

    def _keep(self, plan: Plan, chosen: list[Assignment], is_last: bool) -> None:
        """Keep what begins first in a window's plan, and move the horizon to where that ends."""
        stands = plan.by_operation
        planned = [stands.get(a.operation, a) for a in chosen]
        planned.sort(key=lambda a: (a.start, a.end))
        count = len(planned) if is_last else max(1, int(len(planned) * KEPT))
        self.tick = max(self.tick, planned[count - 1].setup_start + 1)
        begun = [leg for leg in plan.legs if leg.empty_start < self.tick]
        self.legs += begun
        awaited = {leg.operation for leg in begun}
        later = []
        for number, assignment in enumerate(planned):
            early = number < count or assignment.setup_start < self.tick
            if early or assignment.operation in awaited:
                self.kept[assignment.operation] = assignment
            else:
                later.append(assignment)
        self.ahead = sorted([*later, *self.ahead[len(chosen) :]], key=lambda a: (a.start, a.end))

    def _part(self, chosen: list[Assignment]) -> Problem:
        """Return the problem of a window: its operations, and what of the past reaches into it."""
        by_id = self.problem.operations_by_id
        free = {a.operation for a in chosen}
        past = self._reaching({by_id[name].job for name in free})
        names = free | past.keys()
        operations = [
            replace(
                o,
                predecessors=tuple(p for p in o.predecessors if p in names),
                fixed=_as_fixed(past[o.id]) if o.id in past else None,
            )
            for o in self.problem.operations
            if o.id in names
        ]
        return replace(
            self.problem,
            machines=tuple(self._later(m) for m in self.problem.machines),
            jobs=tuple(self._for_window(job, names) for job in self._jobs(operations)),
            operations=tuple(operations),
            transport=self._fleet(),
        )

    def _reaching(self, jobs: set[str]) -> dict[str, Assignment]:
        """Return what of the kept reaches into the window.

        What still runs, what was last on each machine (its set-up is there), and what was last of
        each job (the job stands there).
        """
        found: dict[str, Assignment] = {}
        last_on: dict[str, Assignment] = {}
        last_of: dict[str, Assignment] = {}
        for assignment in self.kept.values():
            job = self.problem.operations_by_id[assignment.operation].job
            if assignment.end > self.tick:
                found[assignment.operation] = assignment
            _take_later(last_on, assignment.machine, assignment)
            if job in jobs:
                _take_later(last_of, job, assignment)
        for assignment in (*last_on.values(), *last_of.values()):
            found[assignment.operation] = assignment
        return found

    def _jobs(self, operations: Iterable[Operation]) -> list[Job]:
        wanted = {operation.job for operation in operations}
        return [job for job in self.problem.jobs if job.id in wanted]

    def _for_window(self, job: Job, names: set[str]) -> Job:
        """Return a job as the window sees it: due earlier where more comes after the window."""
        listed = self.problem.operations_of[job.id]
        missing = [o for o in listed if o.id not in names and o.id not in self.kept]
        if not missing:
            return job
        rest = max(self.rest[o.id] for o in missing)
        due = None if job.due is None else job.due - rest
        if self._is_makespan:
            return replace(job, due=self.tick, weight=1.0 + rest, destination=None)
        return replace(job, due=due, destination=None)

    @property
    def _is_makespan(self) -> bool:
        first = self.objective.goals[0][0] is Goal.MAKESPAN
        return first and (self.objective.ordered or len(self.objective.goals) == 1)

    def _for_now(self) -> Objective:
        """Return what counts before the last window.

        The makespan of a window says little about that of the whole: there, jobs of which much is
        still to come should be done early, so their ends count by the time that they still need.
        """
        if not self._is_makespan:
            return self.objective
        return Objective(((Goal.TARDINESS, 1.0), (Goal.MAKESPAN, 1.0)))

    def _later(self, machine: Machine) -> Machine:
        return replace(machine, free_from=max(machine.free_from, self.tick))

    def _fleet(self) -> Transport | None:
        transport = self.problem.transport
        if transport is None:
            return None
        vehicles = tuple(moved_on(v, self.legs, self.tick) for v in transport.vehicles)
        return replace(transport, vehicles=vehicles)


def _take_later(found: dict[str, Assignment], key: str, assignment: Assignment) -> None:
    if key not in found or found[key].start <= assignment.start:
        found[key] = assignment


def _as_fixed(a: Assignment) -> Fixed:
    return Fixed(a.machine, a.setup_start, a.start, a.end)


def _rests(problem: Problem) -> dict[str, int]:
    """Return the least time from an operation's begin to the end of what follows in its job."""
    rests: dict[str, int] = {}
    after: dict[str, int] = {}
    for operation in reversed(in_order(problem.operations)):
        ticks = min((mode.ticks for mode in operation.modes), default=0)
        rests[operation.id] = ticks + after.get(operation.id, 0)
        for name in operation.predecessors:
            after[name] = max(after.get(name, 0), rests[operation.id])
    return rests
