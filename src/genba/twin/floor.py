"""Where lots stand in the kernel: lists by urgency, and what a place at a machine counts."""

# mypy: disable-error-code="no-any-return"
# Fields of records have no types of their own.

import numpy as np

from genba.jit import compiled
from genba.twin.lookup import setup_s
from genba.twin.reach import (
    World,
    asked_at,
    bound_at,
    due_at,
    list_at,
    log_at,
    lot_at,
    machine_at,
    op_at,
    target_at,
    waiting_at,
    way_at,
    whole_at,
)
from genba.twin.records import BLOCKED, DONE, DOWN, DROPPED, LEFT, OUTAGE, REPAIR, STANDS
from genba.twin.rules import REROUTE_AFTER_S

PLANNED_RANK = 1e12
"""What sets planned lots before others in rank: their rank is their planned start less this."""


@compiled
def note(w: World, time: float, what: int, unit: int, lot: int) -> None:
    """Write into the log, while it has room."""
    row = whole_at(w, 0).logged
    if row < whole_at(w, 0).log_rows:
        entry = log_at(w, row)
        entry.time, entry.what, entry.unit, entry.lot = time, what, unit, lot
        if lot >= 0:
            entry.op, entry.parts = lot_at(w, lot).op, lot_at(w, lot).parts
        else:
            entry.op, entry.parts = -1, 0
        whole_at(w, 0).logged = row + 1


@compiled
def mark(w: World, m: int) -> None:
    """Let a machine be asked whether it can start something."""
    machine = machine_at(w, m)
    if machine.dirty == 0:
        machine.dirty = 1
        whole = whole_at(w, 0)
        last = whole.asked_first + whole.asked
        asked_at(w, last if last < whole.machines else last - whole.machines).index = m
        whole.asked += 1


@compiled
def call_up(w: World, number: int) -> None:
    """Let the lots of a list be looked at: one of them could perhaps be moved now."""
    record = list_at(w, number)
    if record.due == 1 or record.first < 0:
        return
    record.due = 1
    whole = whole_at(w, 0)
    if number < whole.fresh_lists:
        due_at(w, whole.due_floor).index = number
        whole.due_floor += 1
    else:
        due_at(w, whole.lists + whole.due_fresh).index = number
        whole.due_fresh += 1


@compiled
def call_up_for(w: World, m: int) -> None:
    """Let all lots be looked at that could go to machine ``m``."""
    machine = machine_at(w, m)
    for k in range(machine.bound_from, machine.bound_to):
        call_up(w, bound_at(w, k).index)


@compiled
def enlist(w: World, lot: int, number: int) -> None:
    """Put a lot into a list by rank, behind its equals."""
    record = lot_at(w, lot)
    rank = record.rank
    after = list_at(w, number).last
    while after >= 0 and lot_at(w, after).rank > rank:
        after = lot_at(w, after).before
    following = list_at(w, number).first if after < 0 else lot_at(w, after).next
    record.before, record.next, record.list = after, following, number
    if after < 0:
        list_at(w, number).first = lot
    else:
        lot_at(w, after).next = lot
    if following < 0:
        list_at(w, number).last = lot
    else:
        lot_at(w, following).before = lot


@compiled
def delist(w: World, lot: int) -> None:
    """Take a lot out of the list it is in."""
    record = lot_at(w, lot)
    number = record.list
    if number < 0:
        return
    if record.before < 0:
        list_at(w, number).first = record.next
    else:
        lot_at(w, record.before).next = record.next
    if record.next < 0:
        list_at(w, number).last = record.before
    else:
        lot_at(w, record.next).before = record.before
    record.next = record.before = record.list = -1


@compiled
def way_on(w: World, op: int, m: int) -> int:
    """How machine ``m`` does an operation; -1 where it cannot."""
    record = op_at(w, op)
    for way in range(record.ways_from, record.ways_to):
        if way_at(w, way).machine == m:
            return way
    return -1


@compiled
def planned_machine(w: World, lot: int) -> int:
    """Machine that the plan sends a lot's next operation to; -1 where nothing is planned."""
    record = lot_at(w, lot)
    return record.plan if record.plan < 0 else int(target_at(w, record.plan + record.op).machine)


@compiled
def rank(w: World, lot: int) -> None:
    """Say how urgent a lot's next operation is: by plan its start, else by the lot's due date.

    Planned lots go before others; both ranks only have to be in order.
    """
    record = lot_at(w, lot)
    if record.plan >= 0 and target_at(w, record.plan + record.op).machine >= 0:
        record.rank = target_at(w, record.plan + record.op).start - PLANNED_RANK
    else:
        record.rank = record.urgency


@compiled
def is_able(w: World, m: int) -> bool:
    """Whether a machine is not down."""
    phase = machine_at(w, m).phase
    return phase not in (DOWN, REPAIR, OUTAGE)


@compiled
def is_long_down(w: World, m: int, time: float) -> bool:
    """Whether a machine is down for so long that its lots go elsewhere."""
    return not is_able(w, m) and time >= machine_at(w, m).down_since + REROUTE_AFTER_S


@compiled
def stays(w: World, lot: int, m: int, time: float) -> bool:
    """Whether a lot that stands at machine ``m`` has its next operation there."""
    op = lot_at(w, lot).op
    if is_long_down(w, m, time):
        return False
    planned = planned_machine(w, lot)
    if planned >= 0 and planned != m and not is_long_down(w, planned, time):
        return False
    return way_on(w, op, m) >= 0


@compiled
def planned_work(w: World, lot: int, way: int, family: int) -> float:
    """Planned seconds of a lot on a way after a family, a batch's shared out by parts."""
    record = way_at(w, way)
    setup = 0.0
    if record.family >= 0 and record.family != family:
        setup = setup_s(w, record.machine, family, record.family)
    parts = np.float64(lot_at(w, lot).parts)
    batch = op_at(w, lot_at(w, lot).op).batch
    return setup + (record.cycle * parts if batch == 0 else record.cycle * parts / batch)


@compiled
def join_queue(w: World, lot: int, m: int) -> None:
    """Count a lot among those that wait or head for machine ``m``."""
    machine, record = machine_at(w, m), lot_at(w, lot)
    way = way_on(w, record.op, m)
    if way < 0:
        return
    family = way_at(w, way).family
    before = machine.family
    if family >= 0:
        if waiting_at(w, m * whole_at(w, 0).families + family).count > 0:
            before = family
        waiting_at(w, m * whole_at(w, 0).families + family).count += 1
    record.family = family
    record.backlog = planned_work(w, lot, way, before)
    machine.backlog += record.backlog
    machine.queue += 1


@compiled
def quit_queue(w: World, lot: int, m: int) -> None:
    """Undo :func:`join_queue`."""
    machine, record = machine_at(w, m), lot_at(w, lot)
    if record.family >= 0:
        waiting_at(w, m * whole_at(w, 0).families + record.family).count -= 1
    machine.backlog -= record.backlog
    machine.queue -= 1
    record.family, record.backlog = -1, 0.0
    for k in range(machine.bound_fresh, machine.bound_to):
        call_up(w, bound_at(w, k).index)


@compiled
def leave(w: World, lot: int, time: float) -> None:
    """Let a lot be done: delivered, or all of it scrapped."""
    record = lot_at(w, lot)
    record.phase, record.done_at = DONE, time
    note(w, time, LEFT, record.place, lot)


@compiled
def free_place(w: World, m: int) -> None:
    """Give back a place at machine ``m``."""
    machine = machine_at(w, m)
    machine.load -= 1
    call_up_for(w, m)
    if machine.state == BLOCKED:
        mark(w, m)


@compiled
def want_away(w: World, lot: int) -> None:
    """Let a lot that stands somewhere wait to be moved."""
    machines = whole_at(w, 0).machines
    planned = planned_machine(w, lot)
    number = machines + (planned if planned >= 0 else machines + lot_at(w, lot).op)
    enlist(w, lot, number)
    call_up(w, number)


@compiled
def arrive(w: World, lot: int, place: int, time: float) -> None:
    """Set a lot down where a place is kept for it."""
    record = lot_at(w, lot)
    machines = whole_at(w, 0).machines
    record.place, record.heading, record.since, record.phase = place, -1, time, STANDS
    note(w, time, DROPPED, place, lot)
    if place == machines + 1:
        leave(w, lot, time)
        return
    if place < machines and stays(w, lot, place, time):
        enlist(w, lot, place)
        mark(w, place)
        return
    if place < machines and way_on(w, record.op, place) >= 0:
        quit_queue(w, lot, place)
    want_away(w, lot)


@compiled
def enter(w: World, lot: int, time: float) -> None:
    """Release a lot at the source, or let one that stands there wait to enter the floor."""
    record = lot_at(w, lot)
    machines = whole_at(w, 0).machines
    record.phase, record.place, record.since = STANDS, machines, time
    rank(w, lot)
    planned = planned_machine(w, lot)
    number = whole_at(w, 0).fresh_lists + (planned if planned >= 0 else machines + record.product)
    enlist(w, lot, number)
    call_up(w, number)
