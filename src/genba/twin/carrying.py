"""Where lots go next and which vehicle takes them, inside the kernel.

The rules are those of a conventional plant: the machine that would be done first, if it has a
place; the vehicle that would be done first; what is on the floor before what would enter it. A lot
that a plan sends to a machine goes there. Without vehicles lots are carried in no time.
"""

# mypy: disable-error-code="no-any-return"
# Fields of records have no types of their own.

import math

import numpy as np

from genba.jit import compiled
from genba.twin.draws import OF_DRIVE, OF_HANDLE, OF_LIFE, OF_REPAIR, bits, draw
from genba.twin.floor import (
    PLANNED_RANK,
    arrive,
    call_up,
    delist,
    free_place,
    is_able,
    is_long_down,
    join_queue,
    note,
    planned_machine,
    planned_work,
    way_on,
)
from genba.twin.lookup import fastest_s, travel_s
from genba.twin.reach import (
    World,
    due_at,
    list_at,
    lot_at,
    machine_at,
    op_at,
    stop_at,
    timer_at,
    vehicle_at,
    waiting_at,
    way_at,
    whole_at,
)
from genba.twin.records import AWAY, BRINGS, CALLED, CARRIED, CREW, FETCHES, PICKED, RESTS
from genba.twin.rules import EARLY_S, MOST_FRESH, PARK_AFTER_S, REST_AFTER_S
from genba.twin.timers import set_timer


@compiled
def welcome(w: World, m: int, fresh: bool) -> bool:
    """Whether machine ``m`` has a place; one that enters the floor leaves one for the others."""
    machine = machine_at(w, m)
    if not fresh:
        return machine.load < machine.places
    return machine.places - machine.load >= min(2, machine.places) and machine.queue < MOST_FRESH


@compiled
def goal_of(w: World, lot: int, time: float, fresh: bool) -> int:
    """Return the station that a lot should go to; -1 where there is none now."""
    record = lot_at(w, lot)
    op, here = op_at(w, record.op), record.place
    machines = whole_at(w, 0).machines
    if op.ways_from == op.ways_to:
        return machines + 1
    planned = planned_machine(w, lot)
    if planned >= 0 and not is_long_down(w, planned, time):
        return planned if is_able(w, planned) and welcome(w, planned, fresh) else -1
    best, goal = math.inf, -1
    single = op.ways_to - op.ways_from == 1
    for way in range(op.ways_from, op.ways_to):
        m = way_at(w, way).machine
        travel = fastest_s(w, here, m)
        if travel < 0.0 or m == here or not is_able(w, m) or not welcome(w, m, fresh):
            continue
        if single:
            return m
        machine = machine_at(w, m)
        family = way_at(w, way).family
        if family >= 0 and waiting_at(w, m * whole_at(w, 0).families + family).count == 0:
            family = machine.family
        busy = max(0.0, machine.free_at - time) + machine.backlog
        done = max(busy, travel) + planned_work(w, lot, way, family)
        if done < best:
            best, goal = done, m
    return goal


@compiled
def _whereabouts(w: World, v: int, time: float) -> int:
    """Where an idle vehicle is: some time after its last move it is at home."""
    vehicle = vehicle_at(w, v)
    if vehicle.home >= 0 and vehicle.home != vehicle.at:
        way_home = travel_s(w, v, vehicle.at, vehicle.home)
        if 0.0 <= way_home <= time - vehicle.since - REST_AFTER_S:
            return vehicle.home
    return vehicle.at


@compiled
def _delay(w: World, v: int, seed: np.uint64, driven: float) -> float:
    """Count driving time towards a vehicle's breakdowns; return how long those hold it up."""
    vehicle = vehicle_at(w, v)
    vehicle.driven += driven
    lost = 0.0
    for s in range(vehicle.stops_from, vehicle.stops_to):
        stop = stop_at(w, s)
        stop.left -= driven
        if stop.left <= 0.0:
            stop.count += 1
            lost += draw(w, stop.duration, bits(seed, OF_REPAIR, stop.key, stop.count))
            stop.left = draw(w, stop.every, bits(seed, OF_LIFE, stop.key, stop.count))
    return lost


@compiled
def _trip_s(w: World, v: int, seed: np.uint64, a: int, b: int, factor: float, turn: int) -> float:
    """Drive from ``a`` to ``b`` and pick up or set down there; draws by the vehicle's moves."""
    vehicle = vehicle_at(w, v)
    driving = travel_s(w, v, a, b) * factor
    handling = draw(
        w,
        vehicle.handling,
        bits(seed, OF_HANDLE, vehicle.key, 2 * vehicle.moves + turn),
    )
    return driving + handling + _delay(w, v, seed, driving)


@compiled
def drive_factor(w: World, lot: int, seed: np.uint64) -> float:
    """Real over free driving time of the move that a lot's next operation asks for."""
    record = lot_at(w, lot)
    return draw(w, whole_at(w, 0).drive_factor, bits(seed, OF_DRIVE, record.key, record.op))


@compiled
def _call(w: World, lot: int, goal: int, time: float, seed: np.uint64) -> bool:
    """Send the vehicle that would be done first; False where none can go."""
    record = lot_at(w, lot)
    best, chosen, start = math.inf, -1, -1
    for v in range(whole_at(w, 0).vehicles):
        if vehicle_at(w, v).phase != RESTS:
            continue
        at = _whereabouts(w, v, time)
        empty, loaded = travel_s(w, v, at, record.place), travel_s(w, v, record.place, goal)
        if empty >= 0.0 and loaded >= 0.0 and empty + loaded < best:
            best, chosen, start = empty + loaded, v, at
    if chosen < 0:
        return False
    vehicle = vehicle_at(w, chosen)
    vehicle.phase, vehicle.lot = FETCHES, lot
    whole_at(w, 0).free_vehicles -= 1
    trip = _trip_s(w, chosen, seed, start, record.place, drive_factor(w, lot, seed), 0)
    vehicle.at = record.place
    set_timer(w, 2 * whole_at(w, 0).machines + chosen, time + trip)
    return True


@compiled
def _nudge(w: World, time: float) -> None:
    """Let all lots be looked at again at a time, or before."""
    whole = whole_at(w, 0)
    set_timer(w, whole.nudge, min(timer_at(w, whole.leaves + whole.nudge).time, time))


@compiled
def send(w: World, lot: int, goal: int, time: float, seed: np.uint64) -> bool:
    """Take a lot out of its list and on its way to a station, where a place is kept for it."""
    machines, carried = whole_at(w, 0).machines, whole_at(w, 0).vehicles > 0
    if carried and not _call(w, lot, goal, time, seed):
        return False
    record = lot_at(w, lot)
    origin = record.place
    delist(w, lot)
    record.phase, record.heading = CALLED, goal
    if goal < machines:
        machine_at(w, goal).load += 1
        join_queue(w, lot, goal)
        if whole_at(w, 0).parks == 1 and machine_at(w, goal).load >= machine_at(w, goal).places:
            _nudge(w, time + PARK_AFTER_S)
    if not carried:
        if origin < machines:
            free_place(w, origin)
        arrive(w, lot, goal, time)
    return True


@compiled
def vehicle_due(w: World, v: int, time: float, seed: np.uint64) -> None:
    """Let a vehicle have picked up or set down what it was sent for, or be back."""
    vehicle = vehicle_at(w, v)
    unit = 2 * whole_at(w, 0).machines + v
    lot = vehicle.lot
    if vehicle.phase == FETCHES:
        record = lot_at(w, lot)
        note(w, time, PICKED, v, lot)
        if record.place < whole_at(w, 0).machines:
            free_place(w, record.place)
        record.phase = CARRIED
        vehicle.phase = BRINGS
        factor = drive_factor(w, lot, seed)
        trip = _trip_s(w, v, seed, record.place, record.heading, factor, 1)
        set_timer(w, unit, time + trip)
        return
    if vehicle.phase == BRINGS:
        goal = lot_at(w, lot).heading
        vehicle.at = goal
        vehicle.moves += 1
        arrive(w, lot, goal, time)
    vehicle.phase, vehicle.lot, vehicle.since = RESTS, -1, time
    whole_at(w, 0).free_vehicles += 1
    if whole_at(w, 0).starved == 1:
        whole_at(w, 0).starved = 0
        call_up_all(w)


@compiled
def take_vehicle_out(w: World, v: int, time: float, end: float) -> None:
    """Let a vehicle stand still until ``end``; one that is on its way loses that time."""
    vehicle = vehicle_at(w, v)
    unit = 2 * whole_at(w, 0).machines + v
    due = timer_at(w, whole_at(w, 0).leaves + unit).time
    if vehicle.phase == RESTS:
        vehicle.phase = AWAY
        whole_at(w, 0).free_vehicles -= 1
        set_timer(w, unit, end)
    elif vehicle.phase == AWAY:
        set_timer(w, unit, max(end, due))
    else:
        set_timer(w, unit, due + end - time)


@compiled
def _parking(w: World, lot: int, time: float) -> int:
    """Clear a full station of a lot that can go nowhere; so no ring of full stations locks."""
    record = lot_at(w, lot)
    machines = whole_at(w, 0).machines
    if whole_at(w, 0).parks == 0 or record.place >= machines:
        return -1
    machine = machine_at(w, record.place)
    if machine.load < machine.places:
        return -1
    if time >= record.since + PARK_AFTER_S:
        return machines if fastest_s(w, record.place, machines) >= 0.0 else -1
    _nudge(w, record.since + PARK_AFTER_S)
    return -1


@compiled
def _move_one(w: World, number: int, time: float, seed: np.uint64) -> bool:
    """Send on the most urgent lot of a list that can be moved; False where none can.

    What is in one list could go to the same machines: where there is no place for the first there
    is none for the others. A vehicle that can go may still be there for one of the others.
    """
    whole = whole_at(w, 0)
    fresh = number >= whole.fresh_lists
    lot = list_at(w, number).first
    while lot >= 0:
        following = lot_at(w, lot).next
        if fresh and lot_at(w, lot).rank < 0.0:
            begin = lot_at(w, lot).rank + PLANNED_RANK - EARLY_S
            if begin > time:
                _nudge(w, begin)
                return False
        goal = goal_of(w, lot, time, fresh)
        if goal < 0 and not fresh:
            goal = _parking(w, lot, time)
        if goal >= 0 and goal != lot_at(w, lot).place:
            if send(w, lot, goal, time, seed):
                return True
            whole.starved = 1
        if fresh or whole.parks == 0:
            return False
        lot = following
    return False


@compiled
def _first_due(w: World, begin: int, count: int) -> int:
    """Return the position of the list that holds the most urgent lot."""
    best, chosen = math.inf, begin
    for k in range(begin, begin + count):
        lot = list_at(w, due_at(w, k).index).first
        if lot < 0:
            return k
        if lot_at(w, lot).rank < best:
            best, chosen = lot_at(w, lot).rank, k
    return chosen


@compiled
def move_lots(w: World, time: float, seed: np.uint64) -> None:
    """Send on whatever should move, most urgent first, as long as there are vehicles.

    What is on the floor goes before what would enter it.
    """
    whole = whole_at(w, 0)
    while whole.vehicles == 0 or whole.free_vehicles > 0:
        fresh = whole.due_floor == 0
        count = whole.due_fresh if fresh else whole.due_floor
        if count == 0:
            return
        begin = whole.lists if fresh else 0
        at = _first_due(w, begin, count)
        number = due_at(w, at).index
        if _move_one(w, number, time, seed):
            continue
        list_at(w, number).due = 0
        last = begin + (whole.due_fresh if fresh else whole.due_floor) - 1
        due_at(w, at).index = due_at(w, last).index
        if fresh:
            whole.due_fresh -= 1
        else:
            whole.due_floor -= 1


@compiled
def call_up_all(w: World) -> None:
    """Let all lots that want to be moved be looked at."""
    for number in range(whole_at(w, 0).machines, whole_at(w, 0).lists):
        call_up(w, number)


@compiled
def is_coming(w: World, m: int, room: int) -> bool:
    """Whether a lot that fits into a batch with ``room`` parts left is on its way to ``m``."""
    for v in range(whole_at(w, 0).vehicles):
        lot = vehicle_at(w, v).lot
        if lot >= 0 and lot_at(w, lot).heading == m and lot_at(w, lot).parts <= room:
            return True
    for other in range(whole_at(w, 0).machines):
        machine = machine_at(w, other)
        if other == m or machine.phase < CREW or machine.job < 0:
            continue
        lot = machine.job
        while lot >= 0:
            record = lot_at(w, lot)
            if record.parts <= room and way_on(w, record.op + 1, m) >= 0:
                return True
            lot = record.next
    return False
