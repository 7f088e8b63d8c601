"""What a machine takes next, inside the kernel: by rules, or by a plan that is followed.

A plan bends as it does on the floor: a machine waits for what is planned first only as long as it
is worth it, and else takes the next of the plan that is there.
"""

# mypy: disable-error-code="no-any-return"
# Fields of records have no types of their own.

import math

from genba.jit import compiled
from genba.twin.carrying import is_coming, welcome
from genba.twin.floor import PLANNED_RANK, is_able, planned_machine, planned_work, way_on
from genba.twin.lookup import changeover, fastest_s
from genba.twin.reach import (
    World,
    list_at,
    lot_at,
    machine_at,
    op_at,
    planned_at,
    stock_at,
    tool_at,
    way_at,
    whole_at,
)
from genba.twin.records import AHEAD, DONE, STANDS, WORKED
from genba.twin.rules import (
    BATCH_ENOUGH,
    BATCH_WAIT_S,
    BEND_S,
    EARLY_S,
    FETCH_S,
    OVERDUE_S,
    WAIT_PART,
)
from genba.twin.timers import set_timer

LOOK_AGAIN_S = 60.0
"""How long a machine that waits for its plan waits until it looks again."""


@compiled
def _has_tools(w: World, way: int) -> bool:
    record = way_at(w, way)
    for t in range(record.tools_from, record.tools_to):
        if stock_at(w, tool_at(w, t).index).free <= 0:
            return False
    return True


@compiled
def choose(w: World, m: int) -> int:
    """Return the lot that should start here now; -1 where none can.

    By plan the one that is first in the plan. Else of those due not much later than the most
    urgent one the most urgent that needs no set-up.
    """
    first = -1
    limit = 0.0
    family = machine_at(w, m).family
    lot = list_at(w, m).first
    while lot >= 0:
        record = lot_at(w, lot)
        way = way_on(w, record.op, m)
        if _has_tools(w, way):
            if first < 0:
                if record.rank < 0.0 or way_at(w, way).family == family:
                    return lot
                first, limit = lot, record.due + whole_at(w, 0).family_window
            elif record.due <= limit and way_at(w, way).family == family:
                return lot
        lot = record.next
    return first


@compiled
def _comes_in(w: World, m: int, planned: int, time: float) -> float:
    """Estimate when the lot of a planned job will be at its machine; infinity: that is far off."""
    job = planned_at(w, planned)
    lot = lot_at(w, job.lot)
    if lot.op == job.op:
        travel = fastest_s(w, lot.place, m)
        if lot.heading == m:
            return travel
        if lot.place == m or travel < 0.0:
            return math.inf  # what stands there and was not taken lacks something else: a tool
        fresh = lot.op == lot.first_op and lot.place == whole_at(w, 0).machines
        soon = not fresh or job.start - EARLY_S <= time
        return FETCH_S + travel if soon and welcome(w, m, fresh) else math.inf
    if lot.op == job.op - 1 and lot.phase == WORKED and is_able(w, lot.place):
        left = machine_at(w, lot.place).free_at - time
        return (left if left > 0.0 else OVERDUE_S) + fastest_s(w, lot.place, m)
    return math.inf


@compiled
def _worth(w: World, m: int, lot: int, planned: int) -> float:
    """How long it is worth to wait for a planned job rather than begin with ``lot``."""
    machine = machine_at(w, m)
    way = way_on(w, lot_at(w, lot).op, m)
    own, wanted = way_at(w, way).family, way_at(w, way_on(w, planned_at(w, planned).op, m)).family
    more = changeover(w, m, machine.family, own) + changeover(w, m, own, wanted)
    more -= changeover(w, m, machine.family, wanted)
    return max(0.0, more) + WAIT_PART * planned_work(w, lot, way, machine.family)


@compiled
def _set_up_for(w: World, m: int, first: int) -> int:
    """Return the first lot here that a machine is set up for; ``first`` where that is far off."""
    family, limit = machine_at(w, m).family, lot_at(w, first).rank + BEND_S
    lot = first
    while lot >= 0 and lot_at(w, lot).rank <= limit:
        way = way_on(w, lot_at(w, lot).op, m)
        fits = way_at(w, way).family == family and planned_machine(w, lot) == m
        if fits and _has_tools(w, way):
            return lot
        lot = lot_at(w, lot).next
    return first


@compiled
def follow(w: World, m: int, lot: int, time: float) -> int:
    """Return what a machine should begin of its plan; ``lot`` is the first of it that is there.

    -1: it waits for what the plan has before that, which is about to come. Where the order bends
    anyway, the first one that needs no set-up: the set-up for ``lot`` might be made once more.
    """
    machine = machine_at(w, m)
    while machine.plan_next < machine.plan_to:
        job = planned_at(w, machine.plan_next)
        ahead = lot_at(w, job.lot)
        begun = ahead.op == job.op and ahead.phase == WORKED
        if ahead.op <= job.op and ahead.phase != DONE and not begun:
            break
        machine.plan_next += 1
    start = lot_at(w, lot).rank + PLANNED_RANK
    bent = False
    for planned in range(machine.plan_next, machine.plan_to):
        job = planned_at(w, planned)
        if job.start >= start:
            break
        ahead = lot_at(w, job.lot)
        if ahead.op > job.op or ahead.phase in (DONE, AHEAD) or job.lot == lot:
            continue
        bent = True
        if _comes_in(w, m, planned, time) <= _worth(w, m, lot, planned):
            return -1
    return _set_up_for(w, m, lot) if bent else lot


@compiled
def _batch(w: World, m: int, first: int) -> int:
    """Mark the lots of a batch with ``first`` (phase WORKED), most urgent first; count parts."""
    op = op_at(w, lot_at(w, first).op)
    family = way_at(w, way_on(w, lot_at(w, first).op, m)).family
    lot_at(w, first).phase = WORKED
    parts = lot_at(w, first).parts
    lot = list_at(w, m).first
    while lot >= 0:
        record = lot_at(w, lot)
        if (
            lot != first
            and parts + record.parts <= op.batch
            and op_at(w, record.op).sort == op.sort
            and way_at(w, way_on(w, record.op, m)).family == family
        ):
            record.phase = WORKED
            parts += record.parts
        lot = record.next
    return parts


@compiled
def _oldest(w: World, m: int) -> float:
    oldest = math.inf
    lot = list_at(w, m).first
    while lot >= 0:
        if lot_at(w, lot).phase == WORKED:
            oldest = min(oldest, lot_at(w, lot).since)
        lot = lot_at(w, lot).next
    return oldest


@compiled
def wait_until(w: World, m: int, time: float) -> None:
    """Ask a machine again at a time."""
    set_timer(w, whole_at(w, 0).machines + m, time)


@compiled
def gather(w: World, m: int, first: int, time: float) -> bool:
    """Choose the lots of a batch; False where it is worth waiting for more."""
    parts = _batch(w, m, first)
    most = op_at(w, lot_at(w, first).op).batch
    oldest = _oldest(w, m)
    if (
        parts >= BATCH_ENOUGH * most
        or time >= oldest + BATCH_WAIT_S
        or not is_coming(w, m, most - parts)
    ):
        return True
    lot = list_at(w, m).first
    while lot >= 0:
        lot_at(w, lot).phase = STANDS
        lot = lot_at(w, lot).next
    wait_until(w, m, oldest + BATCH_WAIT_S)
    return False
