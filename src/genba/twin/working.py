"""What machines do, inside the kernel: choose a job, set up, run, stop, be repaired, finish."""

# mypy: disable-error-code="no-any-return"
# Fields of records have no types of their own.

import math

import numpy as np

from genba.jit import compiled
from genba.twin.choosing import LOOK_AGAIN_S, choose, follow, gather, wait_until
from genba.twin.draws import (
    OF_OVERHEAD,
    OF_PARTS,
    OF_RUN,
    OF_SCRAP,
    OF_SETUP,
    binomial,
    bits,
    draw,
    mix,
    normal,
)
from genba.twin.floor import (
    call_up_for,
    delist,
    enlist,
    free_place,
    join_queue,
    leave,
    mark,
    note,
    quit_queue,
    rank,
    stays,
    want_away,
    way_on,
)
from genba.twin.hours import account, end_of_joint_work, end_of_work, is_open
from genba.twin.lookup import fastest_s, setup_s
from genba.twin.reach import (
    World,
    bound_at,
    crew_at,
    dist_at,
    list_at,
    lot_at,
    machine_at,
    op_at,
    scrap_at,
    stock_at,
    stop_at,
    tool_at,
    way_at,
    whole_at,
)
from genba.twin.records import (
    BLOCKED,
    CREW,
    DOWN,
    FINISHED,
    FREE,
    IDLE,
    RESUMED,
    RUN,
    RUN_BEGUN,
    RUNNING,
    SETTING,
    SETUP,
    SETUP_BEGUN,
    STANDS,
    WAITING,
    WORKED,
)
from genba.twin.stopping import borrow, stop_machine, try_repair
from genba.twin.timers import set_timer

# People and tools ------------------------------------------------------------------------------


@compiled
def serve_waiters(w: World, time: float) -> None:
    """Give people who came free to the machines that wait, the longest-waiting first."""
    whole_at(w, 0).crew_due = 0
    tried, last = -math.inf, -1
    while whole_at(w, 0).waiters > 0:
        asked, chosen = math.inf, -1
        for m in range(whole_at(w, 0).machines):
            machine = machine_at(w, m)
            if machine.phase in (CREW, DOWN):
                later = machine.asked > tried or (machine.asked == tried and m > last)
                if later and machine.asked < asked:
                    asked, chosen = machine.asked, m
        if chosen < 0:
            return
        tried, last = asked, chosen
        if machine_at(w, chosen).phase == CREW:
            try_setup(w, chosen, time)
        else:
            try_repair(w, chosen, time)


@compiled
def _take_tools(w: World, way: int, count: int) -> None:
    """Take one of each tool (-1 gives them back, and lets machines that wait for them know)."""
    record = way_at(w, way)
    for t in range(record.tools_from, record.tools_to):
        stock_at(w, tool_at(w, t).index).free -= count
    if count < 0 and record.tools_to > record.tools_from:
        for m in range(whole_at(w, 0).machines):
            if list_at(w, m).first >= 0 and machine_at(w, m).phase == FREE:
                mark(w, m)


# A job -----------------------------------------------------------------------------------------


@compiled
def _rest(w: World, m: int, time: float) -> None:
    """Stand without a job: blocked where the station is full of what is finished here."""
    account(w, m, time)
    machine = machine_at(w, m)
    full = machine.load >= machine.places and list_at(w, m).first < 0
    machine.state = BLOCKED if full else IDLE


@compiled
def try_start(w: World, m: int, time: float, seed: np.uint64) -> None:
    """Begin the next job, if there is one that can be begun."""
    machine = machine_at(w, m)
    machine.dirty = 0
    if machine.phase != FREE:
        return
    first = choose(w, m) if is_open(w, machine.calendar) else -1
    if first >= 0 and lot_at(w, first).rank < 0.0:
        first = follow(w, m, first, time)
        if first < 0:
            wait_until(w, m, time + LOOK_AGAIN_S)
    if first >= 0:
        if op_at(w, lot_at(w, first).op).batch == 0:
            lot_at(w, first).phase = WORKED
        elif not gather(w, m, first, time):
            first = -1
    if first < 0:
        _rest(w, m, time)
        return
    _load(w, m, first, time, seed)


@compiled
def draw_work(w: World, m: int, cycle: float, seed: np.uint64) -> float:
    """Draw the run time of the job that machine ``m`` has taken."""
    machine = machine_at(w, m)
    way, lot = way_at(w, machine.way), lot_at(w, machine.job)
    key = mix(lot.key + np.uint64(lot.op))
    count = 1.0 if machine.through == 1 else np.float64(machine.parts)
    total = count
    if way.cv > 0.0:
        spread = way.cv * math.sqrt(count) * normal(bits(seed, OF_PARTS, key, 0))
        total = max(0.05 * count, count + spread)
    return cycle * total * draw(w, way.factor, bits(seed, OF_RUN, key, 0))


@compiled
def _load(w: World, m: int, first: int, time: float, seed: np.uint64) -> None:
    """Take the chosen lots into work: draw how long, take tools, ask for a setter."""
    machine = machine_at(w, m)
    way = way_on(w, lot_at(w, first).op, m)
    record, batch = way_at(w, way), op_at(w, lot_at(w, first).op).batch
    parts, cycle = 0, 0.0
    machine.job = last = -1
    lot = first if batch == 0 else list_at(w, m).first
    while lot >= 0:
        taken = lot_at(w, lot)
        following = taken.next
        if taken.phase == WORKED:
            delist(w, lot)
            quit_queue(w, lot, m)
            if last < 0:
                machine.job = lot
            else:
                lot_at(w, last).next = lot
            last = lot
            parts += taken.parts
            cycle = max(cycle, way_at(w, way_on(w, taken.op, m)).cycle)
            if taken.began_at < 0.0:
                taken.began_at = time
        if batch == 0:
            break
        lot = following
    machine.way, machine.parts = way, parts
    machine.through = 1 if batch > 0 else 0
    machine.kw = record.kw
    machine.work, machine.segment = draw_work(w, m, cycle, seed), -1.0
    setup = 0.0
    if record.family >= 0 and record.family != machine.family:
        setup = setup_s(w, m, machine.family, record.family)
    machine.free_at = time + setup + cycle * (1 if batch > 0 else parts)
    if record.tools_to > record.tools_from:
        _take_tools(w, way, 1)
    if setup <= 0.0:
        begin_run(w, m, time, seed)
        return
    key = bits(seed, OF_SETUP, machine.key, lot_at(w, machine.job).key) + np.uint64(record.family)
    machine.left = setup * draw(w, machine.setup_factor, mix(key))
    machine.skill, machine.asked = record.skill, time
    account(w, m, time)
    machine.state, machine.phase = WAITING, CREW
    whole_at(w, 0).waiters += 1
    try_setup(w, m, time)


@compiled
def try_setup(w: World, m: int, time: float) -> None:
    """Begin (or go on with) the set-up, if somebody is there who can do it."""
    machine = machine_at(w, m)
    calendar = -1
    if not is_open(w, machine.calendar):
        return
    if machine.skill >= 0:
        crew = borrow(w, machine.skill)
        if crew < 0:
            return
        machine.crew, calendar = crew, crew_at(w, crew).calendar
    whole_at(w, 0).waiters -= 1
    account(w, m, time)
    machine.phase, machine.state, machine.run_from = SETUP, SETTING, time
    note(w, time, SETUP_BEGUN, m, machine.job)
    end = end_of_joint_work(w, machine.calendar, calendar, time, machine.left)
    set_timer(w, m, end)


@compiled
def begin_run(w: World, m: int, time: float, seed: np.uint64) -> None:
    """The machine is set up: begin with the parts."""
    machine = machine_at(w, m)
    way = way_at(w, machine.way)
    if way.family >= 0 and way.family != machine.family:
        machine.setups += machine.phase == SETUP
        machine.family = way.family
    account(w, m, time)
    note(w, time, RUN_BEGUN, m, machine.job)
    begin = time
    if dist_at(w, way.overhead).a > 0.0 or dist_at(w, way.overhead).shape != 0:
        lot = lot_at(w, machine.job)
        key = mix(lot.key + np.uint64(lot.op))
        overhead = draw(w, way.overhead, bits(seed, OF_OVERHEAD, key, 0))
        begin = end_of_work(w, machine.calendar, time, overhead)
        # Not across closed hours: they may lie beyond the horizon, and would be counted already.
        if begin <= time + overhead + 1e-6:
            machine.state = IDLE
            account(w, m, begin)
    run_on(w, m, begin)


@compiled
def run_on(w: World, m: int, time: float) -> None:
    """Run on until the job is done or the next stop comes."""
    machine = machine_at(w, m)
    machine.segment, machine.stop = machine.work, -1
    for s in range(machine.stops_from, machine.stops_to):
        stop = stop_at(w, s)
        if stop.left < machine.segment and not (stop.service == 1 and machine.through == 1):
            machine.segment, machine.stop = max(0.0, stop.left), s
    machine.phase, machine.state, machine.run_from = RUN, RUNNING, time
    calendar = -1 if machine.through == 1 else machine.calendar
    set_timer(w, m, end_of_work(w, calendar, time, machine.segment))


@compiled
def wear(w: World, m: int, run: float) -> None:
    """Count running time towards the stops of a machine."""
    machine = machine_at(w, m)
    machine.work -= run
    for s in range(machine.stops_from, machine.stops_to):
        stop_at(w, s).left -= run
        stop_at(w, s).age += run


@compiled
def finish(w: World, m: int, time: float, seed: np.uint64) -> None:
    """End the job: scrap, and what the lots need next."""
    machine = machine_at(w, m)
    way = way_at(w, machine.way)
    lot = machine.job
    while lot >= 0:
        record = lot_at(w, lot)
        following = record.next
        record.next = -1
        scrapped = scrap_at(w, record.told + record.op).parts if record.told >= 0 else -1
        if scrapped < 0 and way.scrap > 0.0:
            key = mix(record.key + np.uint64(record.op))
            scrapped = binomial(record.parts, way.scrap, bits(seed, OF_SCRAP, key, 0))
        scrapped = min(max(scrapped, 0), record.parts)
        spoilt = min(machine.spoilt, record.parts - scrapped)
        machine.spoilt -= spoilt
        record.parts -= scrapped + spoilt
        note(w, time, FINISHED, m, lot)
        record.op += 1
        _hand_on(w, lot, m, time)
        lot = following
    if way.tools_to > way.tools_from:
        _take_tools(w, machine.way, -1)
    machine.job, machine.phase, machine.spoilt = -1, FREE, 0
    machine.jobs += 1
    for s in range(machine.stops_from, machine.stops_to):
        if stop_at(w, s).service == 1 and stop_at(w, s).left <= 0.0:
            stop_machine(w, m, s, time, seed)
            return
    mark(w, m)


@compiled
def _hand_on(w: World, lot: int, m: int, time: float) -> None:
    """Let a lot that was worked on wait for what comes next."""
    record = lot_at(w, lot)
    record.since, record.phase = time, STANDS
    complete = op_at(w, record.op).ways_from == op_at(w, record.op).ways_to
    if record.parts <= 0 or (complete and fastest_s(w, m, whole_at(w, 0).machines + 1) < 0.0):
        leave(w, lot, time)
        free_place(w, m)
        return
    rank(w, lot)
    if not complete and stays(w, lot, m, time):
        join_queue(w, lot, m)
        enlist(w, lot, m)
        mark(w, m)
        return
    want_away(w, lot)


# Stops -----------------------------------------------------------------------------------------


@compiled
def resume(w: World, m: int, time: float) -> None:
    """Work again: go on with the job, and take back the lots that had given up waiting."""
    machine = machine_at(w, m)
    account(w, m, time)
    wait_until(w, m, math.inf)
    note(w, time, RESUMED, m, machine.job)
    machine.phase, machine.down_since = FREE, math.inf
    for k in range(machine.bound_from, machine.bound_fresh):
        lot = list_at(w, bound_at(w, k).index).first
        while lot >= 0:
            following = lot_at(w, lot).next
            if lot_at(w, lot).place == m and stays(w, lot, m, time):
                delist(w, lot)
                join_queue(w, lot, m)
                enlist(w, lot, m)
            lot = following
    call_up_for(w, m)
    if machine.job < 0:
        machine.state = IDLE
        mark(w, m)
    elif machine.segment >= 0.0:
        run_on(w, m, time)
    else:
        machine.state, machine.phase, machine.asked = WAITING, CREW, time
        machine.skill = way_at(w, machine.way).skill
        whole_at(w, 0).waiters += 1
        try_setup(w, m, time)


@compiled
def give_up_waiting(w: World, m: int) -> None:
    """Let the lots that wait at a machine that is down for long go elsewhere."""
    lot = list_at(w, m).first
    while lot >= 0:
        following = lot_at(w, lot).next
        delist(w, lot)
        quit_queue(w, lot, m)
        want_away(w, lot)
        lot = following
    call_up_for(w, m)
