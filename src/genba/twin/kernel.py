"""The event kernel: one future of the line, deterministic by its seed.

:func:`begin` draws what is hidden at the start and sets the timers; :func:`run` lets time pass, as
often as wanted. What a timer stands for follows from its number: machines, machines again (waiting
for a fuller batch, for the plan, for a repair that takes long), vehicles, calendars, then releases,
the next look at lots that block, and outages.
"""

# mypy: disable-error-code="no-any-return"
# Fields of records have no types of their own.

import math

import numpy as np

from genba.jit import compiled
from genba.twin.carrying import call_up_all, move_lots, take_vehicle_out, vehicle_due
from genba.twin.draws import OF_LIFE, OF_REPAIR, bits, draw, draw_left
from genba.twin.floor import (
    enlist,
    enter,
    is_able,
    join_queue,
    mark,
    note,
    rank,
    stays,
    want_away,
)
from genba.twin.hours import account, worked
from genba.twin.reach import (
    World,
    asked_at,
    calendar_at,
    lot_at,
    machine_at,
    outage_at,
    release_at,
    stop_at,
    timer_at,
    vehicle_at,
    way_at,
    whole_at,
    window_at,
)
from genba.twin.records import (
    AHEAD,
    CALLED,
    CREW,
    DOWN,
    FAILED,
    FREE,
    IDLE,
    OUTAGE,
    RELEASED,
    REPAIR,
    RESTS,
    RUN,
    SETUP,
    STANDS,
    STOPPED,
    WAITING,
)
from genba.twin.rules import REROUTE_AFTER_S
from genba.twin.stopping import let_go, stop_machine, try_repair
from genba.twin.timers import clear_timers, set_timer, settle_first, take_first
from genba.twin.working import (
    begin_run,
    draw_work,
    finish,
    give_up_waiting,
    resume,
    run_on,
    serve_waiters,
    try_setup,
    try_start,
    wear,
)

LEAST_LEFT = 0.05
"""What is left at least of a job, in cycles, that has run longer than was drawn for it."""


@compiled
def _machine_due(w: World, m: int, time: float, seed: np.uint64) -> None:
    machine = machine_at(w, m)
    account(w, m, time)
    if machine.phase == SETUP:
        let_go(w, m)
        begin_run(w, m, time, seed)
    elif machine.phase == RUN:
        wear(w, m, machine.segment)
        if machine.stop >= 0:
            stop_machine(w, m, machine.stop, time, seed)
        else:
            finish(w, m, time, seed)
    elif machine.phase == REPAIR:
        let_go(w, m)
        stop = stop_at(w, machine.stop)
        word = bits(seed, OF_LIFE, stop.key, stop.count)
        stop.left, stop.age = draw(w, stop.every, word), 0.0
        resume(w, m, time)
    elif machine.phase == OUTAGE:
        resume(w, m, time)


@compiled
def _machine_waited(w: World, m: int) -> None:
    if machine_at(w, m).phase == FREE:
        mark(w, m)
    elif not is_able(w, m):
        give_up_waiting(w, m)


@compiled
def _calendar_due(w: World, c: int, time: float) -> None:
    """Open or close a calendar; those who work by it look for work."""
    calendar = calendar_at(w, c)
    unit = 2 * whole_at(w, 0).machines + whole_at(w, 0).vehicles + c
    if calendar.open == 1:
        calendar.open = 0
        calendar.at += 1
        at = window_at(w, calendar.at).begin if calendar.at < calendar.last else math.inf
        set_timer(w, unit, at)
        return
    calendar.open = 1
    set_timer(w, unit, window_at(w, calendar.at).end)
    whole_at(w, 0).crew_due = 1
    for m in range(whole_at(w, 0).machines):
        if machine_at(w, m).calendar == c and machine_at(w, m).phase == FREE:
            mark(w, m)


@compiled
def _release_due(w: World, unit: int, time: float) -> None:
    at = whole_at(w, 0).released
    while at < whole_at(w, 0).releases and lot_at(w, release_at(w, at).index).release <= time:
        enter(w, release_at(w, at).index, time)
        note(w, time, RELEASED, whole_at(w, 0).machines, release_at(w, at).index)
        at += 1
    whole_at(w, 0).released = at
    following = (
        lot_at(w, release_at(w, at).index).release if at < whole_at(w, 0).releases else math.inf
    )
    set_timer(w, unit, following)


@compiled
def _outage_due(w: World, unit: int, time: float) -> None:
    """Take a machine or vehicle out until a given time, whatever it does."""
    at = whole_at(w, 0).outages_begun
    outage = outage_at(w, at)
    whole_at(w, 0).outages_begun = at + 1
    following = outage_at(w, at + 1).start if at + 1 < whole_at(w, 0).outages else math.inf
    set_timer(w, unit, following)
    m, end = outage.unit, outage.end
    if m >= whole_at(w, 0).machines:
        take_vehicle_out(w, m - whole_at(w, 0).machines, time, end)
        return
    machine = machine_at(w, m)
    if machine.phase == OUTAGE:
        leaf = (whole_at(w, 0).leaves) + m
        set_timer(w, m, max(end, timer_at(w, leaf).time))
        return
    account(w, m, time)
    if machine.phase == RUN:
        calendar = -1 if machine.through == 1 else machine.calendar
        begin = min(machine.run_from, time)
        wear(w, m, min(machine.segment, worked(w, calendar, begin, time)))
    elif machine.phase == SETUP:
        machine.left -= min(machine.left, worked(w, machine.calendar, machine.run_from, time))
    elif machine.phase in (CREW, DOWN):
        whole_at(w, 0).waiters -= 1
    let_go(w, m)
    machine.phase, machine.state, machine.down_since = OUTAGE, FAILED, time
    note(w, time, STOPPED, m, machine.job)
    set_timer(w, m, end)
    set_timer(w, whole_at(w, 0).machines + m, time + REROUTE_AFTER_S)


@compiled
def _settle(w: World, time: float, seed: np.uint64) -> None:
    """Let everything begin that can begin now."""
    while True:
        whole = whole_at(w, 0)
        if whole.asked > 0:
            m = asked_at(w, whole.asked_first).index
            whole.asked -= 1
            following = whole.asked_first + 1
            whole.asked_first = following if following < whole.machines else 0
            try_start(w, m, time, seed)
        elif whole.crew_due == 1:
            serve_waiters(w, time)
        elif whole.due_floor + whole.due_fresh > 0 and (
            whole.vehicles == 0 or whole.free_vehicles > 0
        ):
            move_lots(w, time, seed)
        else:
            return


@compiled
def run(w: World, seed: np.uint64, until: float, most_events: int) -> int:
    """Let time pass until ``until``, or until ``most_events`` more things have happened.

    Returns
    -------
    int
        Events so far. What happens exactly at ``until`` has happened.
    """
    machines, vehicles = whole_at(w, 0).machines, whole_at(w, 0).vehicles
    calendars = whole_at(w, 0).calendars
    first_calendar = 2 * machines + vehicles
    release = first_calendar + calendars
    nudge, outage = release + 1, release + 2
    last = whole_at(w, 0).events + most_events
    while whole_at(w, 0).events < last:
        time = timer_at(w, 1).time
        if time > until:
            break
        unit = take_first(w)
        whole_at(w, 0).now = time
        whole_at(w, 0).events += 1
        if unit < machines:
            _machine_due(w, unit, time, seed)
        elif unit < 2 * machines:
            _machine_waited(w, unit - machines)
        elif unit < first_calendar:
            vehicle_due(w, unit - 2 * machines, time, seed)
        elif unit < release:
            _calendar_due(w, unit - first_calendar, time)
        elif unit == release:
            _release_due(w, unit, time)
        elif unit == nudge:
            call_up_all(w)
        elif unit == outage:
            _outage_due(w, unit, time)
        _settle(w, time, seed)
        settle_first(w, unit)
    else:
        return int(whole_at(w, 0).events)
    whole_at(w, 0).now = until
    for m in range(machines):
        account(w, m, until)
    return int(whole_at(w, 0).events)


@compiled
def _begin_machine(w: World, m: int, seed: np.uint64) -> None:
    """Set the timer of what a machine was doing."""
    machine = machine_at(w, m)
    for s in range(machine.stops_from, machine.stops_to):
        stop = stop_at(w, s)
        word = bits(seed, OF_LIFE, stop.key, 0)
        stop.left = draw_left(w, stop.every, word, stop.age)
    if machine.job >= 0 and math.isnan(machine.work):
        cycle = way_at(w, machine.way).cycle
        drawn = draw_work(w, m, cycle, seed)
        machine.work = max(drawn - max(0.0, machine.segment), min(drawn, LEAST_LEFT * cycle))
    if machine.phase in (RUN, OUTAGE):
        if machine.phase == RUN:
            run_on(w, m, 0.0)
        else:
            machine.state, machine.down_since = FAILED, 0.0
            set_timer(w, m, machine.left)
            set_timer(w, whole_at(w, 0).machines + m, REROUTE_AFTER_S)
    elif machine.phase == CREW:
        machine.state, machine.asked = WAITING, 0.0
        whole_at(w, 0).waiters += 1
        try_setup(w, m, 0.0)
    elif machine.phase == DOWN:
        machine.state, machine.asked, machine.down_since = FAILED, 0.0, 0.0
        stop = stop_at(w, machine.stop)
        machine.skill = stop.skill
        word = bits(seed, OF_REPAIR, stop.key, 0)
        machine.left = draw(w, stop.duration, word)
        whole_at(w, 0).waiters += 1
        set_timer(w, whole_at(w, 0).machines + m, REROUTE_AFTER_S)
        try_repair(w, m, 0.0)
    else:
        machine.state = IDLE
        mark(w, m)


@compiled
def _begin_lot(w: World, lot: int) -> None:
    """Let a lot stand where it is, or count it where it is headed."""
    record = lot_at(w, lot)
    machines = whole_at(w, 0).machines
    if record.phase == STANDS:
        rank(w, lot)
        if record.place == machines and record.op == record.first_op:
            since = record.since
            enter(w, lot, since)
        elif record.place < machines and stays(w, lot, record.place, 0.0):
            join_queue(w, lot, record.place)
            enlist(w, lot, record.place)
        else:
            want_away(w, lot)
    elif record.phase >= CALLED and record.heading >= 0 and record.heading < machines:
        rank(w, lot)
        join_queue(w, lot, record.heading)
    elif record.phase != AHEAD:
        rank(w, lot)


@compiled
def begin(w: World, seed: np.uint64) -> None:
    """Draw what is hidden at the start, and set all timers. Once, on a fresh world."""
    machines, vehicles = whole_at(w, 0).machines, whole_at(w, 0).vehicles
    clear_timers(w)
    unit = 2 * machines + vehicles
    for c in range(whole_at(w, 0).calendars):
        calendar = calendar_at(w, c)
        calendar.at, calendar.open = calendar.first, 0
        if calendar.first < calendar.last:
            calendar.open = 1 if window_at(w, calendar.first).begin <= 0.0 else 0
            window = window_at(w, calendar.first)
            set_timer(w, unit + c, window.end if calendar.open == 1 else window.begin)
    unit += whole_at(w, 0).calendars
    if whole_at(w, 0).releases > 0:
        set_timer(w, unit, lot_at(w, release_at(w, 0).index).release)
    if whole_at(w, 0).outages > 0:
        set_timer(w, unit + 2, outage_at(w, 0).start)
    for m in range(machines):
        _begin_machine(w, m, seed)
    for v in range(vehicles):
        vehicle = vehicle_at(w, v)
        for s in range(vehicle.stops_from, vehicle.stops_to):
            stop = stop_at(w, s)
            word = bits(seed, OF_LIFE, stop.key, 0)
            stop.left = draw_left(w, stop.every, word, stop.age)
        if vehicle.phase == RESTS:
            whole_at(w, 0).free_vehicles += 1
        else:
            set_timer(w, 2 * machines + v, vehicle.due)
    for lot in range(whole_at(w, 0).lots):
        _begin_lot(w, lot)
    if vehicles == 0 or whole_at(w, 0).free_vehicles > 0:
        move_lots(w, 0.0, seed)
    _settle(w, 0.0, seed)
