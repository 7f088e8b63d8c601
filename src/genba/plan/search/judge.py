"""What an order with chosen ways is worth, where machines, routings, set-ups, calendars are all.

The lean judge times in exactly the way of the decoder that fills no gaps, and only from the first
position that changed. Compiled. Everything else is timed by the decoder and only read here.
"""

from typing import NamedTuple

import numpy as np

from genba.jit import compiled, inner
from genba.plan.timing import columns as c
from genba.plan.timing.columns import NEVER
from genba.plan.timing.compile import Floats, Ints, Tables
from genba.plan.timing.place import Board
from genba.plan.timing.time import earliest
from genba.plan.timing.value import MISSING, Pricing, cost_of_milliwatt, worth

NOW, TRY, BEST = 0, 1, 2
"""Rows of a walk: where it stands, what is tried, the best so far."""


class Walk(NamedTuple):
    """Where a search stands. Rows: :data:`NOW`, :data:`TRY`, :data:`BEST`."""

    order: Ints
    """(3, operations): operations in turn; respects the routings."""
    place: Ints
    """(3, operations): position of each operation in the order."""
    way: Ints
    """(3, operations): row in the table of ways; -1 leaves the choice to the decoder."""
    start: Ints
    """(3, operations): begin of processing."""
    end: Ints
    """(3, operations)"""
    setup: Ints
    """(3, operations): set-up ticks."""
    before: Ints
    """(3, operations): the one before on the machine, -1: none."""
    cost: Floats
    """(3, jobs): what each job adds to the worth."""
    last: Ints
    """(machines,): room for the judge."""
    job_end: Ints
    """(jobs,): room for the judge."""
    block: Ints
    """(operations,): room for the moves."""
    mark: Ints
    """(operations,): room for the moves, all 0 between them."""


class Lean(NamedTuple):
    """Columns of the tables that the fast judge reads, each for itself: they fit the cache."""

    job: Ints
    release: Ints
    due: Ints
    machine: Ints
    ticks: Ints
    family: Ints
    members: Ints
    """Operations job by job; ``members_at`` (jobs + 1) tells where each job's begin."""
    members_at: Ints
    fixed: Ints
    """(operations, 4): 1 where it is fixed, then start, end and set-up ticks."""
    is_lean: Ints
    """(1,): whether machines, routings, set-ups and calendars are all there is."""


def walk_of(tables: Tables) -> Walk:
    """Make room for a search."""
    count, jobs = len(tables.operations), len(tables.jobs)
    order, place, way, start, end, setup, before = np.zeros((7, 3, count), dtype=np.int64)
    return Walk(
        order,
        place,
        way,
        start,
        end,
        setup,
        before,
        np.zeros((3, jobs)),
        np.zeros(len(tables.machines), dtype=np.int64),
        np.zeros(jobs, dtype=np.int64),
        np.zeros(count, dtype=np.int64),
        np.zeros(count, dtype=np.int64),
    )


def lean_of(tables: Tables) -> Lean:
    """Write the columns of the fast judge."""
    operations, ways = tables.operations, tables.ways
    is_lean = (
        len(tables.pools) == 0
        and not tables.shape[0]
        and bool((operations[:, c.O_BATCH] < 0).all())
    )
    counts = np.bincount(operations[:, c.O_JOB], minlength=len(tables.jobs))
    return Lean(
        operations[:, c.O_JOB].copy(),
        tables.jobs[:, c.J_RELEASE].copy(),
        tables.jobs[:, c.J_DUE].copy(),
        ways[:, c.W_MACHINE].copy(),
        ways[:, c.W_TICKS].copy(),
        ways[:, c.W_FAMILY].copy(),
        np.argsort(operations[:, c.O_JOB], kind="stable"),
        np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
        np.stack(
            [
                operations[:, c.O_FIXED] >= 0,
                operations[:, c.O_FIXED_START],
                operations[:, c.O_FIXED_END],
                operations[:, c.O_FIXED_TICKS],
            ],
            axis=1,
        ).astype(np.int64),
        np.array([is_lean], dtype=np.int64),
    )


@compiled
def judge(t: Tables, f: Lean, pricing: Pricing, w: Walk, first: int) -> float:
    """Time row :data:`TRY` of a lean walk and return its worth; up to ``first`` it is as it stands.

    Machines, routings, set-ups and calendars are all that is looked at.
    """
    order, way = w.order[TRY], w.way[TRY]
    start, end, setup, before = w.start[TRY], w.end[TRY], w.setup[TRY], w.before[TRY]
    goals, last, job_end = pricing.goals, w.last, w.job_end
    last[:] = -1
    for job in range(len(job_end)):
        job_end[job] = f.release[job]
    value, reference = 0.0, pricing.reference
    for at in range(len(order)):
        operation = order[at]
        wanted, job = way[operation], f.job[operation]
        machine = f.machine[wanted]
        if at < first:
            start[operation], end[operation] = w.start[NOW, operation], w.end[NOW, operation]
            setup[operation], before[operation] = w.setup[NOW, operation], w.before[NOW, operation]
        elif f.fixed[operation, 0]:
            before[operation] = last[machine]
            start[operation], end[operation] = f.fixed[operation, 1], f.fixed[operation, 2]
            setup[operation] = f.fixed[operation, 3]
            if last[machine] >= 0 and not f.fixed[last[machine], 0]:
                setup_start = t.operations[operation, c.O_FIXED_SETUP]
                if end[last[machine]] > setup_start:
                    return MISSING  # what is fixed does not give way
        else:
            ready = f.release[job]
            for link in range(t.before_at[operation], t.before_at[operation + 1]):
                ready = max(ready, end[t.before[link]])
            previous = last[machine]
            before[operation] = previous
            free, family = t.machines[machine, c.M_FREE], t.machines[machine, c.M_FAMILY]
            if previous >= 0:  # what is fixed may end before the machine is free
                free, family = max(free, end[previous]), f.family[way[previous]]
            change = 0
            if t.machines[machine, c.M_MATRIX] >= 0 and f.family[wanted] >= 0:
                row = t.machines[machine, c.M_MATRIX]
                row += (family + 1) * t.machines[machine, c.M_FAMILIES]
                change = t.setups[row + f.family[wanted]]
            setup[operation] = change
            needs_job = t.machines[machine, c.M_NEEDS_JOB]
            calendar = t.machines[machine, c.M_CALENDAR]
            if calendar < 0:
                begin = max(ready, free) + change if needs_job else max(ready, free + change)
                start[operation], end[operation] = begin, begin + f.ticks[wanted]
            else:
                setup_from = max(free, ready) if needs_job else free
                _, begin, finish = earliest(
                    calendar,
                    calendar,
                    calendar,
                    t.windows,
                    t.windows_at,
                    setup_from,
                    ready,
                    change,
                    f.ticks[wanted],
                )
                if finish >= NEVER:
                    return MISSING
                start[operation], end[operation] = begin, finish
        last[machine] = operation
        job_end[job] = max(job_end[job], end[operation])
        # Only what is needed is handed on: all tables would take longer than the sums themselves.
        moved = _change(reference, pricing.changes, operation, machine, start, before)
        value += goals[2] * setup[operation] + goals[4] * moved
        if goals[3] > 0 and t.ways[wanted, c.W_POWER] > 0:
            value += goals[3] * _energy(t, f, pricing, w, operation)
    return value + _of_jobs(f, pricing, w, job_end)


@inner
def _change(
    reference: Ints, changes: Floats, operation: int, machine: int, start: Ints, before: Ints
) -> float:
    """Return what it costs that an operation is not done as in the reference."""
    if reference[operation, 0] < 0:
        return 0.0
    price = abs(start[operation] - reference[operation, 2]) / 1000.0
    if machine != reference[operation, 0]:
        price += changes[0]
    if before[operation] != reference[operation, 1]:
        price += changes[1]
    return float(price)


@inner
def _energy(t: Tables, f: Lean, pricing: Pricing, w: Walk, operation: int) -> float:
    """Return what the energy of one operation costs."""
    way, start, end = w.way[TRY, operation], w.start[TRY, operation], w.end[TRY, operation]
    calendar = t.machines[f.machine[way], c.M_CALENDAR]
    cost = cost_of_milliwatt(pricing.prices, t, calendar, start, end)
    return float(t.ways[way, c.W_POWER] * cost)


@inner
def _of_jobs(f: Lean, pricing: Pricing, w: Walk, job_end: Ints) -> float:
    """Return what the ends of jobs cost, and write down which job costs what."""
    goals, value, latest, final = pricing.goals, 0.0, -1, -NEVER
    for job in range(len(job_end)):
        end = job_end[job]
        late = max(0, end - f.due[job])
        cost = goals[1] * pricing.jobs[job, 0] * late
        cost += goals[5] * pricing.jobs[job, 1] * (end - f.release[job])
        cost += goals[6] * end / len(job_end)
        w.cost[TRY, job] = cost
        value += cost
        if end > final:
            latest, final = job, end
    if latest >= 0 and goals[0] > 0:
        value += goals[0] * final
        w.cost[TRY, latest] += goals[0] * final
    return value


@compiled
def read(t: Tables, b: Board, pricing: Pricing, w: Walk, missing: int) -> float:
    """Read row :data:`TRY` of a walk from what the decoder has placed; return its worth."""
    count = len(t.operations)
    for operation in range(count):
        p = b.placed[operation]
        w.before[TRY, operation] = -1
        if p[c.S_WAY] < 0:
            w.start[TRY, operation] = w.end[TRY, operation] = NEVER
            w.setup[TRY, operation] = 0
        else:
            w.start[TRY, operation], w.end[TRY, operation] = p[c.S_START], p[c.S_END]
            w.setup[TRY, operation] = p[c.S_TICKS]
            w.before[TRY, operation] = b.placed[p[c.S_LEADER], c.S_BEFORE]
    latest = 0
    for job in range(len(t.jobs)):
        end = b.jobs[job, c.K_TIME]
        if b.trips[count + job, c.L_KIND] >= 0:
            end = b.trips[count + job, c.L_END]
        w.job_end[job] = end
        late = max(0, end - t.jobs[job, c.J_DUE])
        cost = pricing.goals[1] * pricing.jobs[job, 0] * late
        cost += pricing.goals[5] * pricing.jobs[job, 1] * (end - t.jobs[job, c.J_RELEASE])
        w.cost[TRY, job] = cost + pricing.goals[6] * end
        if end > w.job_end[latest]:
            latest = job
    if len(t.jobs) > 0:
        w.cost[TRY, latest] += pricing.goals[0] * w.job_end[latest]
    return float(worth(t, b, pricing, missing))
