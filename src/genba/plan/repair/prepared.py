"""A plain shop's plan as arrays, and what a disturbance leaves of it."""

from bisect import bisect_left
from dataclasses import dataclass, replace

import numpy as np

from genba.errors import PlanError
from genba.plan.bounds.flexible import FlexibleShop, Floats, Ints, flexible_shop
from genba.plan.problem import Operation, Problem
from genba.plan.repair.mending import Remains, settle
from genba.plan.repair.remaining import stopped
from genba.plan.repair.sorting import Sorted
from genba.plan.schedule import Assignment, Plan

_ANYTIME = -(1 << 60)


@dataclass(frozen=True, eq=False)
class PreparedPlan:
    """A plain shop's plan as arrays of (n,); see :func:`prepare`."""

    problem: Problem
    plan: Plan
    shop: FlexibleShop
    assignments: tuple[Assignment, ...]
    """In the order of the shop's operations."""
    names: Floats
    """Rank of each operation's id among all."""
    mode: Ints
    start: Ints
    end: Ints
    before: Ints
    """Operation before it on its machine, -1 if none."""
    by_start: Ints
    """Operations by start, then end."""


def prepare(problem: Problem, plan: Plan) -> PreparedPlan:
    """Write a plan of a plain shop as arrays.

    Raises
    ------
    PlanError
        If the problem is more than a plain shop, or the plan leaves something out.
    """
    shop = flexible_shop(problem)
    stands = plan.by_operation
    missing = next((o.id for o in shop.operations if o.id not in stands), None)
    if missing is not None:
        raise PlanError(f"operation {missing} is not in the plan: only whole plans are prepared")
    assignments = tuple(stands[operation.id] for operation in shop.operations)
    number = np.asarray(
        [_mode_number(o, a) for o, a in zip(shop.operations, assignments, strict=True)],
        dtype=np.int64,
    )
    mode = shop.mode_first[:-1] + number
    start = np.asarray([a.start for a in assignments], dtype=np.int64)
    end = np.asarray([a.end for a in assignments], dtype=np.int64)
    ids = np.asarray([o.id for o in shop.operations], dtype=object)
    names = np.argsort(np.argsort(ids)).astype(np.float64)
    return PreparedPlan(
        problem=problem,
        plan=plan,
        shop=shop,
        assignments=assignments,
        names=names,
        mode=mode,
        start=start,
        end=end,
        before=predecessors(shop.mode_machine[mode], start, end, names),
        by_start=np.lexsort((end, start)).astype(np.int64),
    )


def _mode_number(operation: Operation, assignment: Assignment) -> int:
    able = [i for i, mode in enumerate(operation.modes) if mode.machine == assignment.machine]
    ticks = assignment.end - assignment.start
    return next((i for i in able if operation.modes[i].ticks == ticks), able[0])


def predecessors(machine: Ints, start: Ints, end: Ints, names: Floats) -> Ints:
    """Return (n,) the operation before each on its machine, -1 if none; ``names`` breaks ties."""
    order = np.lexsort((names, end, start, machine))
    found = np.full(len(order), -1, np.int64)
    same = machine[order[1:]] == machine[order[:-1]]
    found[order[1:][same]] = order[:-1][same]
    return found


def with_new_names(prepared: PreparedPlan, shop: FlexibleShop) -> Floats:
    """Return (n,) the ranks of all ids; those of new operations lie between those of the old."""
    new = [o.id for o in shop.operations[len(prepared.names) :]]
    if not new:
        return prepared.names
    old = sorted(o.id for o in prepared.shop.operations)
    among = {name: rank / len(new) for rank, name in enumerate(sorted(new))}
    ranks = [bisect_left(old, name) - 1.0 + 0.9 * among[name] + 0.05 for name in new]
    return np.concatenate([prepared.names, ranks])


def with_news(shop: FlexibleShop, sorted_out: Sorted) -> FlexibleShop:
    """Return the shop with what is new, and the times that are now."""
    if sorted_out.jobs:
        shop = _joined(shop, flexible_shop(_new_jobs(shop, sorted_out)))
    if not (sorted_out.share or sorted_out.slow_machines or sorted_out.slow_skills):
        return shop
    ticks = shop.mode_ticks.copy()
    slow = {shop.machines.index(machine) for machine in sorted_out.slow_machines}
    touched = np.isin(shop.mode_machine, sorted(slow))
    for job in sorted_out.share:
        begin, end = shop.first_of[shop.jobs.index(job) :][:2]
        touched[shop.mode_first[begin] : shop.mode_first[end]] = True
    owner = np.repeat(np.arange(shop.size), shop.mode_first[1:] - shop.mode_first[:-1])
    for k in np.flatnonzero(touched).tolist():
        operation = shop.operations[owner[k]]
        ticks[k] = sorted_out.ticks(operation, operation.modes[k - shop.mode_first[owner[k]]])
    return replace(shop, mode_ticks=ticks)


def _new_jobs(shop: FlexibleShop, sorted_out: Sorted) -> Problem:
    from genba.plan.problem import Machine

    return Problem(
        machines=tuple(Machine(machine) for machine in shop.machines),
        jobs=sorted_out.jobs,
        operations=sorted_out.operations,
    )


def _joined(one: FlexibleShop, other: FlexibleShop) -> FlexibleShop:
    """Return two shops on the same machines as one."""
    return replace(
        one,
        operations=one.operations + other.operations,
        jobs=one.jobs + other.jobs,
        job_of=np.concatenate([one.job_of, other.job_of + len(one.jobs)]),
        first_of=np.concatenate([one.first_of, other.first_of[1:] + one.size]),
        mode_first=np.concatenate([one.mode_first, other.mode_first[1:] + one.mode_first[-1]]),
        mode_machine=np.concatenate([one.mode_machine, other.mode_machine]),
        mode_ticks=np.concatenate([one.mode_ticks, other.mode_ticks]),
        release=np.concatenate([one.release, other.release]),
        due=np.concatenate([one.due, other.due]),
        weight=np.concatenate([one.weight, other.weight]),
        parts=np.concatenate([one.parts, other.parts]),
    )


def remains_of(
    prepared: PreparedPlan, shop: FlexibleShop, sorted_out: Sorted, now: int, floor: int
) -> Remains:
    """Return what is left of the plan; ``shop`` is that of :func:`with_news`."""
    size, new = len(prepared.mode), shop.size - len(prepared.mode)
    ends = _with_pauses(prepared, sorted_out, floor)
    late = np.full(len(prepared.shop.jobs), _ANYTIME)
    release = shop.release.copy()
    for job, tick in sorted_out.release.items():
        at = shop.jobs.index(job)
        late[at], release[at] = tick, max(tick, release[at])
    changed = np.add.reduceat(
        shop.mode_ticks[: len(prepared.shop.mode_ticks)] != prepared.shop.mode_ticks,
        prepared.shop.mode_first[:-1],
    )
    stands = settle(
        prepared.by_start,
        prepared.shop.job_of,
        prepared.shop.mode_machine[prepared.mode],
        prepared.start,
        prepared.end,
        ends,
        late,
        (changed != 0).astype(np.int64),
        now,
        floor,
    )
    begin, length = _meant(shop, size, floor)
    stop_first, stops = _stops(shop, sorted_out)
    nothing = np.full(new, -1, np.int64)
    return Remains(
        first_of=shop.first_of,
        job_of=shop.job_of,
        mode_first=shop.mode_first,
        mode_machine=shop.mode_machine,
        mode_ticks=shop.mode_ticks,
        ready=release,
        free=_free(shop, sorted_out, floor),
        stop_first=stop_first,
        stop_from=stops[0],
        stop_until=stops[1],
        stands=np.concatenate([stands, np.zeros(new, np.int64)]),
        mode_was=np.concatenate([prepared.mode, nothing]),
        start_was=np.concatenate([prepared.start, begin]),
        end_was=np.concatenate([ends, begin + length]),
        before_was=np.concatenate([prepared.before, nothing]),
        due=shop.due,
        weight=shop.weight,
        release=release,
        parts=shop.parts,
    )


def _with_pauses(prepared: PreparedPlan, sorted_out: Sorted, floor: int) -> Ints:
    """Return the ends when what runs on a machine that stops pauses."""
    ends = prepared.end.copy()
    machine = prepared.shop.mode_machine[prepared.mode]
    for name, windows in sorted_out.down.items():
        here = machine == prepared.shop.machines.index(name)
        for o in np.flatnonzero(here & (prepared.start < floor)).tolist():
            ends[o] = stopped(windows, int(prepared.start[o]), int(prepared.end[o]))
    return ends


def _meant(shop: FlexibleShop, size: int, floor: int) -> tuple[Ints, Ints]:
    """Return for each new operation when it could begin at the earliest, and its least time."""
    begin = np.zeros(shop.size - size, np.int64)
    length = np.zeros(shop.size - size, np.int64)
    for o in range(size, shop.size):
        j = shop.job_of[o]
        ready = max(floor, int(shop.release[j]))
        if o > shop.first_of[j]:
            ready = int(begin[o - 1 - size] + length[o - 1 - size])
        begin[o - size] = ready
        length[o - size] = shop.mode_ticks[shop.mode_first[o] : shop.mode_first[o + 1]].min()
    return begin, length


def _free(shop: FlexibleShop, sorted_out: Sorted, floor: int) -> Ints:
    """Return from when on each machine takes something new."""
    free = np.maximum(shop.free_from, floor)
    for machine, windows in sorted_out.down.items():
        at = shop.machines.index(machine)
        for start, until in windows:
            if start <= free[at]:
                free[at] = max(free[at], until)
    return free


def _stops(shop: FlexibleShop, sorted_out: Sorted) -> tuple[Ints, Ints]:
    """Return where each machine's stops begin in a table (2, stops) of begins and ends."""
    listed = [sorted_out.down.get(machine, ()) for machine in shop.machines]
    first = np.concatenate([[0], np.cumsum([len(windows) for windows in listed])])
    table = np.asarray([w for windows in listed for w in windows], dtype=np.int64).reshape(-1, 2)
    return first.astype(np.int64), np.ascontiguousarray(table.T)
