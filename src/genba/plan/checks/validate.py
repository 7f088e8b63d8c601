"""The independent checker: says in words what a plan breaks, and shares no code with its makers.

It reads the sentences of :mod:`genba.plan.problem` one by one, so what those leave open is settled
here, for all:

- The set-up of a run depends on the operation just before it on the machine; where that one has no
  family, the machine's family is not known any more.
- Set-up and processing join without a pause of their own: all open ticks between ``setup_start``
  and ``start`` are set-up, all between ``start`` and ``end`` processing.
- A job *begins* on a machine with its set-up where the set-up needs the job, otherwise with its
  processing. What it waits for (release, predecessors, its own arrival) must be over by then.
- An operation of another job that must come before has to have ended; it is not moved.
- Without a trip, a job changes station at the very tick at which it begins at the next one.
- One person, one tool of a kind and the highest power serve a whole batch.
- Under the cap, the power of an operation counts from its start to its end, pauses included.
- A fixed operation is taken as it is: it occupies everything, and is not itself in the wrong.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator

from genba.plan.checks.flow import legs_broken, places_broken, vehicles_broken
from genba.plan.checks.value import values_broken
from genba.plan.objective import Objective
from genba.plan.problem import Attendance, Machine, Mode, Operation, Problem
from genba.plan.schedule import Assignment, Plan
from genba.plan.worktime import machine_calendars, mode_of, open_ticks, within_one_window

Use = tuple[int, int, float, str, bool]
"""Begin, end, amount, who, whether it is fixed."""


def violations(problem: Problem, plan: Plan, objective: Objective | None = None) -> list[str]:
    """Return what is wrong with a plan, one sentence each; an empty list if it is legal.

    Parameters
    ----------
    problem : Problem
        What :func:`genba.plan.examine` has passed: ids exist, families stand in their matrices.
    plan : Plan
        Operations that are missing must stand in its ``left_out``, by their own id or their job's.
    objective : Objective, optional
        Where it is given, STABILITY and the bound are checked too.
    """
    found = list(_coverage(problem, plan))
    if found:
        return found  # the rest would speak of things that are not there
    runs = {m.id: _runs(problem, plan.by_machine.get(m.id, ())) for m in problem.machines}
    for machine in problem.machines:
        found += _machine_broken(problem, machine, runs[machine.id])
    found += _precedence_broken(problem, plan)
    found += _staff_broken(problem, runs)
    found += _tools_broken(problem, runs)
    found += _power_broken(problem, runs)
    found += legs_broken(problem, plan)
    found += vehicles_broken(problem, plan)
    found += places_broken(problem, plan)
    found += values_broken(problem, plan, objective)
    return found


def _coverage(problem: Problem, plan: Plan) -> Iterator[str]:
    """Every operation once, on a machine that can do it, with times in order."""
    left_out = {item.id for item in plan.left_out}
    planned = Counter(assignment.operation for assignment in plan.assignments)
    for wanted in problem.operations:
        if planned[wanted.id] == 0 and not {wanted.id, wanted.job} & left_out:
            yield f"operation {wanted.id} is neither planned nor left out"
        if planned[wanted.id] > 1:
            yield f"operation {wanted.id} is planned {planned[wanted.id]} times"
    for assignment in plan.assignments:
        name = assignment.operation
        operation = problem.operations_by_id.get(name)
        if operation is None:
            yield f"operation {name} is not in the problem"
        elif assignment.machine not in problem.machines_by_id:
            yield f"operation {name} is on machine {assignment.machine}, which does not exist"
        elif operation.fixed is None and mode_of(problem, assignment) is None:
            yield f"operation {name} cannot be done on machine {assignment.machine}"
        if not assignment.setup_start <= assignment.start <= assignment.end:
            yield f"operation {name} ends before it starts"


def _runs(problem: Problem, on_machine: tuple[Assignment, ...]) -> list[list[Assignment]]:
    """What a machine does one after the other: single operations, and batches."""
    runs: list[list[Assignment]] = []
    for assignment in on_machine:
        if runs and _together(problem, runs[-1][0], assignment):
            runs[-1].append(assignment)
        else:
            runs.append([assignment])
    return runs


def _together(problem: Problem, one: Assignment, other: Assignment) -> bool:
    word = problem.operations_by_id[one.operation].batch
    same_times = (one.setup_start, one.start, one.end) == (
        other.setup_start,
        other.start,
        other.end,
    )
    return same_times and word is not None and word == _operation(problem, other).batch


def _operation(problem: Problem, assignment: Assignment) -> Operation:
    return problem.operations_by_id[assignment.operation]


def _is_fixed(problem: Problem, run: list[Assignment]) -> bool:
    return all(_operation(problem, a).fixed is not None for a in run)


def _modes(problem: Problem, run: list[Assignment]) -> list[Mode]:
    modes = (mode_of(problem, a) for a in run)
    return [mode for mode in modes if mode is not None]


def _family(problem: Problem, run: list[Assignment]) -> str | None:
    return next((mode.family for mode in _modes(problem, run)), None)


def _begin(machine: Machine, assignment: Assignment) -> int:
    return assignment.setup_start if machine.setup_needs_job else assignment.start


def _machine_broken(
    problem: Problem, machine: Machine, runs: list[list[Assignment]]
) -> Iterator[str]:
    family, free, before = machine.family, machine.free_from, "it is free"
    was_fixed = False
    for run in runs:
        first, fixed = run[0], _is_fixed(problem, run)
        if first.setup_start < free and not (fixed and (was_fixed or before == "it is free")):
            yield (
                f"machine {machine.id} begins {first.operation} at {first.setup_start}, before"
                f" {before} at {free}"
            )
        if not fixed:
            yield from _batch_broken(problem, machine, run)
            yield from _run_times_broken(problem, machine, run, family)
        for assignment in run:
            yield from _fixed_broken(problem, assignment)
        free, before, was_fixed = max(free, first.end), f"the end of {first.operation}", fixed
        family = _family(problem, run)


def _fixed_broken(problem: Problem, assignment: Assignment) -> Iterator[str]:
    fixed = _operation(problem, assignment).fixed
    if fixed is not None and (
        fixed.machine,
        fixed.setup_start,
        fixed.start,
        fixed.end,
    ) != (assignment.machine, assignment.setup_start, assignment.start, assignment.end):
        yield f"operation {assignment.operation} is fixed, and was moved"


def _batch_broken(problem: Problem, machine: Machine, run: list[Assignment]) -> Iterator[str]:
    if len(run) == 1:
        return
    operations = [_operation(problem, a) for a in run]
    parts = sum(operation.parts for operation in operations)
    most = min((o.batch_parts for o in operations if o.batch_parts is not None), default=parts)
    who = ", ".join(operation.id for operation in operations)
    if parts > most:
        yield f"the batch of {who} on {machine.id} has {parts} parts; it holds {most}"
    if len({mode.family for mode in _modes(problem, run)}) > 1:
        yield f"the batch of {who} on {machine.id} mixes set-up families"


def _run_times_broken(
    problem: Problem, machine: Machine, run: list[Assignment], before: str | None
) -> Iterator[str]:
    """Set-up and processing take their time, when machine and people work."""
    first, modes = run[0], _modes(problem, run)
    matrix = problem.setups_by_id[machine.setup] if machine.setup is not None else None
    setup = matrix.ticks(before, modes[0].family) if matrix is not None else 0
    ticks = max(mode.ticks for mode in modes)
    own = machine_calendars(problem, machine.id)
    at_setup, at_work = list(own), list(own)
    for assignment, mode in zip(run, modes, strict=True):
        group = next((s for s in problem.staff if s.id == assignment.staff), None)
        if mode.skill is None or group is None or group.calendar is None:
            continue
        calendar = problem.calendars_by_id[group.calendar]
        at_setup.append(calendar)
        until = first.start
        if mode.attendance is Attendance.WHOLE:
            at_work.append(calendar)
            until = first.end
        if not within_one_window(calendar, first.setup_start, until):
            yield f"operation {first.operation}: {group.id} is not there all the time"
    if open_ticks(at_setup, first.setup_start, first.start) != setup:
        yield (
            f"operation {first.operation}: its set-up on {machine.id} from {before} takes {setup}"
            f" working ticks, not those of {first.setup_start} to {first.start}"
        )
    if open_ticks(at_work, first.start, first.end) != ticks:
        yield (
            f"operation {first.operation}: it takes {ticks} working ticks on {machine.id}, not"
            f" those of {first.start} to {first.end}"
        )
    if own and not within_one_window(own[0], first.setup_start, first.end):
        yield f"operation {first.operation} does not fit into one window of {machine.id}"


def _precedence_broken(problem: Problem, plan: Plan) -> Iterator[str]:
    for assignment in plan.assignments:
        operation = _operation(problem, assignment)
        if operation.fixed is not None:
            continue
        begin = _begin(problem.machines_by_id[assignment.machine], assignment)
        release = problem.jobs_by_id[operation.job].release
        if begin < release:
            yield f"operation {operation.id} begins at {begin}, before its release at {release}"
        for name in operation.predecessors:
            before = plan.by_operation.get(name)
            if before is None:
                yield f"operation {operation.id} is planned, but {name} before it is not"
            elif begin < before.end:
                yield f"operation {operation.id} begins at {begin}, before {name} ends"


def _staff_broken(problem: Problem, runs: dict[str, list[list[Assignment]]]) -> Iterator[str]:
    groups = {group.id: group for group in problem.staff}
    uses: dict[str, list[Use]] = defaultdict(list)
    for run in (run for listed in runs.values() for run in listed):
        until: dict[str, int] = {}
        for assignment in run:
            mode = mode_of(problem, assignment)
            if mode is None or mode.skill is None:
                continue
            whole = mode.attendance is Attendance.WHOLE
            end = assignment.end if whole else assignment.start
            if assignment.staff is None:
                if end > assignment.setup_start and not _is_fixed(problem, [assignment]):
                    yield f"operation {assignment.operation} has nobody with skill {mode.skill}"
            elif assignment.staff not in groups:
                yield f"operation {assignment.operation} has staff {assignment.staff}: unknown"
            elif mode.skill not in groups[assignment.staff].skills:
                yield f"operation {assignment.operation}: {assignment.staff} lacks {mode.skill}"
            else:
                until[assignment.staff] = max(until.get(assignment.staff, end), end)
        for group, end in until.items():
            first = run[0]
            fixed = _is_fixed(problem, run)
            uses[group].append((first.setup_start, end, 1.0, first.operation, fixed))
    for name, listed in uses.items():
        yield from _overfull(f"staff {name}", groups[name].count, listed)


def _tools_broken(problem: Problem, runs: dict[str, list[list[Assignment]]]) -> Iterator[str]:
    uses: dict[str, list[Use]] = defaultdict(list)
    for run in (run for listed in runs.values() for run in listed):
        first, fixed = run[0], _is_fixed(problem, run)
        for tool in {tool for mode in _modes(problem, run) for tool in mode.tools}:
            uses[tool].append((first.setup_start, first.end, 1.0, first.operation, fixed))
    for tool, listed in uses.items():
        yield from _overfull(f"tool {tool}", problem.tools.get(tool, 0), listed)


def _power_broken(problem: Problem, runs: dict[str, list[list[Assignment]]]) -> Iterator[str]:
    cap = problem.energy.cap_kw
    if cap is None:
        return
    uses: list[Use] = []
    for run in (run for listed in runs.values() for run in listed):
        power = max((mode.power_kw for mode in _modes(problem, run)), default=0.0)
        first = run[0]
        uses.append((first.start, first.end, power, first.operation, _is_fixed(problem, run)))
    yield from _overfull("power", cap * (1 + 1e-9) + 1e-9, uses)


def _overfull(what: str, most: float, uses: list[Use]) -> Iterator[str]:
    """Sweep over begins and ends; ends come first where both fall on one tick."""
    events = [
        event
        for begin, end, amount, who, fixed in uses
        if begin < end
        for event in ((begin, 1, amount, who, fixed), (end, 0, amount, who, fixed))
    ]
    used, movable, at_once = 0.0, 0, set()
    for tick, is_begin, amount, who, fixed in sorted(events):
        if is_begin:
            used, movable = used + amount, movable + (not fixed)
            at_once.add(who)
            if used > most and movable:
                names = ", ".join(sorted(at_once))
                yield f"{what}: {used:g} wanted at {tick} by {names}; there is {most:g}"
                return
        else:
            used, movable = used - amount, movable - (not fixed)
            at_once.discard(who)
