"""What would bring a late order in time: changes of the problem, tried by timing them for real.

Each is timed with the plan's own order and machines where those are still open, by the decoder
that made the plan; so an effect is that of the change, not of a luckier search. What a new search
would find on top of it is not counted.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from genba.plan.demand.scale import scale_of, span
from genba.plan.problem import Calendar, Job, Machine, Mode, Operation, Problem, Vehicle
from genba.plan.report.waiting import Cause, Link
from genba.plan.schedule import Plan
from genba.plan.timing.decode import Decoder, modes_of
from genba.plan.values import completions, tardiness

SHIFT_S = 8 * 3600.0
"""Length of another shift."""
MOST = 3
"""Cures told for one order."""
_STATIONS = 2
"""Stations of a chain that changes are tried at: where it waits longest."""
_EARLIER = (0.9, 0.75, 0.5, 0.25)
"""Turns that a late order is given, as shares of its own."""
_WORTH_S = 60.0
"""A gain below this is none."""
_AT_STATION = frozenset({Cause.MACHINE, Cause.PLACE, Cause.CLOSED, Cause.SETUP, Cause.DOWN})


@dataclass(frozen=True, slots=True)
class Cure:
    """A change that helps a late order."""

    change: str
    """What is changed, in words."""
    end: int
    """When the order is done then, in ticks."""
    gain: int
    """Ticks by which it is done earlier."""
    in_time: bool
    late_orders: int
    """How many orders are late then."""
    before: int
    """How many are late in the plan."""
    text: str
    """All of it in one line."""


@dataclass(frozen=True, slots=True)
class _Trial:
    """A changed problem, and how to time it."""

    change: str
    problem: Problem
    sooner: Mapping[str, int] | None = None
    """Jobs with another turn than in the plan."""
    renamed: Mapping[str, tuple[str, ...]] | None = None
    """Jobs, and operations, that became several."""
    free: frozenset[str] = frozenset()
    """Operations that may choose their machine anew."""


class Cures:
    """Tries changes for the late orders of one plan; what serves several orders is timed once."""

    def __init__(self, problem: Problem, plan: Plan) -> None:
        self._problem = problem
        self._scale = scale_of(problem)
        self._modes = modes_of(problem, plan)
        self._ends = completions(problem, plan)
        self._before = len(self._late(self._ends))
        self._rank = self._ranks(plan)
        self._timed: dict[str, Mapping[str, int] | None] = {}

    def of(self, jobs: Sequence[str], chain: Sequence[Link]) -> tuple[Cure, ...]:
        """Return what helps late jobs of one order: what brings it in time first, then by gain."""
        end = max(self._ends[job] for job in jobs)
        order = self._problem.jobs_by_id[jobs[0]].order
        mates = [j.id for j in self._problem.jobs if j.order == order] if order else list(jobs)
        found = []
        for trial in self._trials(tuple(mates), jobs, chain):
            ends = self._time(trial)
            if ends is None:
                continue
            then = max((ends[job] for job in mates if job in ends), default=end)
            if (end - then) * self._scale.tick_s >= _WORTH_S:
                found.append(self._cure(trial, jobs, end, then, ends))
        found.sort(key=lambda cure: (not cure.in_time, cure.late_orders, -cure.gain))
        return tuple(found[:MOST])

    def _cure(
        self, trial: _Trial, jobs: Sequence[str], end: int, then: int, ends: Mapping[str, int]
    ) -> Cure:
        due = self._problem.jobs_by_id[jobs[0]].due or 0
        late, before = len(self._late(ends)), self._before
        said = "in time" if then <= due else f"still {span(self._scale, then - due)} late"
        others = f"{late} instead of {before} orders late" if late != before else ""
        text = f"{trial.change}: {span(self._scale, end - then)} earlier, {said}"
        text += f" ({others})" if others else ""
        return Cure(trial.change, then, end - then, then <= due, late, before, text)

    def _late(self, ends: Mapping[str, int]) -> set[str]:
        late = set()
        for job in self._problem.jobs:
            if job.due is not None and ends.get(job.id, 0) > job.due:
                late.add(job.order or job.id)
        return late

    # -- timing -------------------------------------------------------------------------------

    def _ranks(self, plan: Plan) -> Mapping[str, tuple[int, int]]:
        """Return the order in which the decoder comes closest to the plan.

        That in which it was made, where it is known; else by the end of each job, as jobs are put
        in whole where places are bounded, or by the start of each operation.
        """
        start = {a.operation: a.start for a in plan.assignments}
        operations = self._problem.operations
        last = max(start.values(), default=0) + 1
        starts = {o.id: start.get(o.id, last) for o in operations}
        ends = {o.id: self._ends.get(o.job, last) for o in operations}
        choices = [
            {o.id: (ends[o.id], starts[o.id]) for o in operations},
            {o.id: (starts[o.id], ends[o.id]) for o in operations},
        ]
        if plan.turns:
            turn = {name: number for number, name in enumerate(plan.turns)}
            choices.append({o.id: (turn.get(o.id, len(turn)), starts[o.id]) for o in operations})
        decoder = Decoder(self._problem)

        def tardy(ranks: Mapping[str, tuple[int, int]]) -> tuple[int, float]:
            again = decoder.decode(sorted(ranks, key=lambda o: (ranks[o], o)), self._modes)
            return len(again.left_out), tardiness(self._problem, again)

        return min(choices, key=tardy)

    def _time(self, trial: _Trial) -> Mapping[str, int] | None:
        """Return when each job is done after a change; None where something finds no place."""
        key = f"{trial.change} {sorted((trial.sooner or {}).items())} {sorted(trial.renamed or ())}"
        if key not in self._timed:
            self._timed[key] = self._decode(trial)
        return self._timed[key]

    def _decode(self, trial: _Trial) -> Mapping[str, int] | None:
        renamed = trial.renamed or {}
        sooner = trial.sooner or {}
        ranks = {
            new: self._rank[o.id] if o.job not in sooner else (sooner[o.job], self._rank[o.id][1])
            for o in self._problem.operations
            for new in renamed.get(o.id, (o.id,))
        }
        order = sorted(ranks, key=lambda name: (ranks[name], name))
        modes = {
            new: mode
            for name, mode in self._modes.items()
            for new in renamed.get(name, (name,))
            if name not in trial.free
        }
        plan = Decoder(trial.problem).decode(order, modes)
        if plan.left_out:
            return None
        ends = completions(trial.problem, plan)
        for job in self._problem.jobs:
            if job.id in renamed:
                ends[job.id] = max(ends[part] for part in renamed[job.id])
        return ends

    # -- changes ------------------------------------------------------------------------------

    def _trials(
        self, mates: tuple[str, ...], late: Sequence[str], chain: Sequence[Link]
    ) -> Iterator[_Trial]:
        """Yield changes that could help a chain, each where the chain says that it might."""
        waits: dict[str, int] = {}
        for link in chain:
            if link.cause in _AT_STATION and link.resource in self._problem.machines_by_id:
                waits[link.resource] = waits.get(link.resource, 0) + link.ticks
        stations = sorted(waits, key=lambda name: (-waits[name], name))[:_STATIONS]
        order = self._problem.jobs_by_id[mates[0]].order or mates[0]
        yield from self._sooner(mates, order)
        for name in stations:
            yield from self._another_shift((name,), f"with another shift on {name}")
            yield self._another_machine(name)
        everywhere = tuple(machine.id for machine in self._problem.machines)
        yield from self._another_shift(everywhere, "with another shift on all machines")
        yield from self._split(late)
        for link in _longest(chain, Cause.PERSON):
            yield from self._another_person(link.resource)
        for link in _longest(chain, Cause.TOOL):
            tools = {**self._problem.tools}
            tools[link.resource] = tools.get(link.resource, 1) + 1
            changed = replace(self._problem, tools=tools)
            yield _Trial(f"with another {link.resource}", changed)
        for link in _longest(chain, Cause.VEHICLE):
            yield from self._another_vehicle(link.resource)
        released = max((link.end for link in chain if link.cause is Cause.MATERIAL), default=0)
        if released > 0:
            yield self._released_now(mates, order)

    def _sooner(self, mates: Sequence[str], order: str) -> Iterator[_Trial]:
        """Let an order go before others: before some, before many, before all.

        Only the first of these that brings it in time counts, as it is the one that does least.
        """
        due = self._problem.jobs_by_id[mates[0]].due or 0
        operations = [o.id for job in mates for o in self._problem.operations_of[job]]
        turn = max((self._rank[name][0] for name in operations), default=0)
        change = f"with {order} before others"
        for by in (*(int(share * turn) for share in _EARLIER), -1):
            trial = _Trial(change, self._problem, dict.fromkeys(mates, by))
            ends = self._time(trial)
            if ends is not None and max(ends[job] for job in mates if job in ends) <= due:
                yield trial
                return
        yield _Trial(change, self._problem, dict.fromkeys(mates, -1))

    def _another_shift(self, machines: Sequence[str], change: str) -> Iterator[_Trial]:
        """Let machines, and people who set them up, work longer at the end of each day."""
        problem, more = self._problem, self._scale.length(SHIFT_S)
        wanted = {machine: problem.machines_by_id[machine].calendar for machine in machines}
        longer = {
            name: _longer(problem.calendars_by_id[name], more)
            for name in {calendar for calendar in wanted.values() if calendar is not None}
        }
        if all(longer[name].windows == problem.calendars_by_id[name].windows for name in longer):
            return
        skills = {
            mode.skill
            for operation in problem.operations
            for mode in operation.modes
            if mode.machine in wanted and mode.skill is not None
        }
        calendars = {calendar.id: calendar for calendar in longer.values()}
        staff = []
        for group in problem.staff:
            if group.calendar is not None and skills & group.skills:
                calendar = _longer(problem.calendars_by_id[group.calendar], more)
                calendars[calendar.id] = calendar
                staff.append(replace(group, calendar=calendar.id))
            else:
                staff.append(group)
        changed = tuple(
            replace(m, calendar=longer[m.calendar].id)
            if m.id in wanted and m.calendar is not None
            else m
            for m in problem.machines
        )
        yield _Trial(
            change,
            replace(
                problem,
                machines=changed,
                staff=tuple(staff),
                calendars=(*problem.calendars, *calendars.values()),
            ),
        )

    def _another_machine(self, name: str) -> _Trial:
        """Put a second machine of the same kind beside one."""
        problem, machine = self._problem, self._problem.machines_by_id[name]
        twin: Machine = replace(
            machine, id=f"{name}:another", location=machine.at, free_from=0, family=None
        )
        free = {
            o.id
            for o in problem.operations
            if o.fixed is None and any(mode.machine == name for mode in o.modes)
        }

        def widened(operation: Operation) -> Operation:
            if operation.id not in free:
                return operation
            modes: list[Mode] = [*operation.modes]
            modes += [replace(m, machine=twin.id) for m in operation.modes if m.machine == name]
            return replace(operation, modes=tuple(modes))

        changed = replace(
            problem,
            machines=(*problem.machines, twin),
            operations=tuple(map(widened, problem.operations)),
        )
        return _Trial(f"with a second {name}", changed, free=frozenset(free))

    def _split(self, jobs: Sequence[str]) -> Iterator[_Trial]:
        """Halve late lots that have not begun; each half takes half the time, but in batches."""
        problem = self._problem
        whole = [
            job
            for job in jobs
            if all(o.parts > 1 and o.fixed is None for o in problem.operations_of[job])
        ]
        if not whole or len(whole) < len(jobs):
            return
        renamed: dict[str, tuple[str, ...]] = {}
        made_jobs: list[Job] = []
        for job in problem.jobs:
            if job.id in whole:
                renamed[job.id] = (f"{job.id}:a", f"{job.id}:b")
                made_jobs += [replace(job, id=half) for half in renamed[job.id]]
            else:
                made_jobs.append(job)
        for operation in problem.operations:
            if operation.job in renamed:
                renamed[operation.id] = (f"{operation.id}:a", f"{operation.id}:b")
        operations = [
            half
            for operation in problem.operations
            for half in (
                _halves(operation, renamed)
                if operation.id in renamed
                else (_behind_halves(operation, renamed),)
            )
        ]
        changed = replace(problem, jobs=tuple(made_jobs), operations=tuple(operations))
        halved = frozenset(o.id for job in whole for o in problem.operations_of[job])
        change = f"with {' and '.join(whole)} split in two"
        yield _Trial(change, changed, renamed=renamed, free=halved)

    def _another_person(self, skill: str) -> Iterator[_Trial]:
        able = [group for group in self._problem.staff if skill in group.skills]
        if able:
            staff = tuple(
                replace(group, count=group.count + 1) if group is able[0] else group
                for group in self._problem.staff
            )
            changed = replace(self._problem, staff=staff)
            yield _Trial(f"with one person more with the skill '{skill}'", changed)

    def _another_vehicle(self, name: str) -> Iterator[_Trial]:
        transport = self._problem.transport
        like = next((v for v in transport.vehicles if v.id == name), None) if transport else None
        if transport is not None and like is not None:
            more: Vehicle = replace(like, id=f"{like.id}:another", free_from=0)
            fleet = replace(transport, vehicles=(*transport.vehicles, more))
            changed = replace(self._problem, transport=fleet)
            yield _Trial(f"with another vehicle like {name}", changed)

    def _released_now(self, mates: Sequence[str], order: str) -> _Trial:
        jobs = tuple(
            replace(job, release=0) if job.id in mates else job for job in self._problem.jobs
        )
        return _Trial(f"with the material of {order} here now", replace(self._problem, jobs=jobs))


def _longest(chain: Sequence[Link], cause: Cause) -> Sequence[Link]:
    """Return the longest link of a cause, if there is one."""
    return sorted((link for link in chain if link.cause is cause), key=lambda x: x.ticks)[-1:]


def _longer(calendar: Calendar, more: int) -> Calendar:
    """Let every stretch of working time that ends a day go on, up to the next one at most."""
    windows = []
    for number, (start, end) in enumerate(calendar.windows):
        last = number + 1 == len(calendar.windows)
        until = end + more if last else min(end + more, calendar.windows[number + 1][0])
        windows.append((start, until))
    return Calendar(f"{calendar.id}:longer", tuple(windows), calendar.interruptible)


def _behind_halves(operation: Operation, renamed: Mapping[str, tuple[str, ...]]) -> Operation:
    """Let an operation that is not halved wait for both halves of what it waited for."""
    before = tuple(half for p in operation.predecessors for half in renamed.get(p, (p,)))
    return replace(operation, predecessors=before)


def _halves(
    operation: Operation, renamed: Mapping[str, tuple[str, ...]]
) -> tuple[Operation, Operation]:
    first = operation.parts - operation.parts // 2
    made = []
    for half, parts in ((0, first), (1, operation.parts - first)):
        modes = operation.modes
        if operation.batch is None:
            modes = tuple(
                replace(mode, ticks=-(-mode.ticks * parts // operation.parts))
                for mode in operation.modes
            )
        made.append(
            replace(
                operation,
                id=renamed[operation.id][half],
                job=renamed[operation.job][half],
                modes=modes,
                parts=parts,
                predecessors=tuple(
                    new
                    for name in operation.predecessors
                    for new in (renamed[name][half : half + 1] if name in renamed else (name,))
                ),
            )
        )
    return made[0], made[1]
