"""The state of a plant at a recorded moment, as a twin starts from it."""

from collections.abc import Mapping
from dataclasses import dataclass

from genba.plant import US, Plant, Role
from genba.twin.build import location_near
from genba.twin.line import Line, Machine, Stop, Stoppage, Way
from genba.twin.recording import Activity, Arrival, Piece, Recording, Trip
from genba.twin.state import LotPhase, LotState, MachineNow, State, VehicleNow
from genba.twin.trace import Trace

_SOON_S = 5.0
"""What should be over already is over this soon."""
_BREAKS = (Activity.DOWN, Activity.HELD)


def state_at(recording: Recording, line: Line, when: int, until: int) -> State:
    """Return what was on the line at ``when``, and what came from outside until ``until``.

    Of what lies after ``when`` it uses the arrivals of material, and where vehicles that were under
    way had been sent: both were known, or are not for the twin to foretell.

    Parameters
    ----------
    recording : Recording
        That holds ``when``.
    line : Line
        Whose machines and vehicles are told of; calibrated, so that what is left of a job is
        reckoned with real times.
    when, until : int
        Microseconds UTC.
    """
    told = _by_role(recording)
    trips = {t.vehicle: t for t in recording.trips if t.ordered <= when < t.dropped}
    lots = tuple(
        _lot(recording, arrival, lot, there, when, told, trips, line)
        for arrival in recording.arrivals
        for lot, _, there in arrival.lots
        if there <= until and not _is_done(recording, lot, when)
    )
    by_id = {lot.id: lot for lot in lots}
    return State(
        time=when,
        lots=tuple(sorted(lots, key=lambda lot: lot.id)),
        machines=tuple(
            _machine(recording, machine, line, when, told, by_id) for machine in line.machines
        ),
        vehicles=tuple(
            _vehicle(recording.plant, line, v.id, when, told, trips.get(v.id), by_id)
            for v in line.vehicles
        ),
    )


Told = Mapping[tuple[str, Role], Trace]


def _by_role(recording: Recording) -> Told:
    return {
        key: recording.traces[signal.id]
        for key, signal in recording.plant.roles.items()
        if signal.id in recording.traces
    }


def _names(trace: Trace | None, when: int) -> tuple[str, ...]:
    text = None if trace is None else trace.text_at(when)
    return tuple(name for name in (text or "").split(",") if name)


# -- lots -----------------------------------------------------------------------------------------


def _is_done(recording: Recording, lot: str, when: int) -> bool:
    return any(d.lot == lot and d.time <= when for d in recording.done)


def _lot(
    recording: Recording,
    arrival: Arrival,
    lot: str,
    there: int,
    when: int,
    told: Told,
    trips: Mapping[str, Trip],
    line: Line,
) -> LotState:
    parts = next(parts for name, parts, _ in arrival.lots if name == lot)
    step = 0
    since = there
    place: str | None = None
    routing = [s.operation for s in line.products_by_id[arrival.product].steps]
    for booked in recording.booked:
        if booked.lot == lot and booked.end <= when:
            parts -= booked.scrap
            place, since = booked.machine, booked.end
            if booked.good + booked.scrap >= booked.parts and booked.operation in routing:
                step = routing.index(booked.operation) + 1
    phase = LotPhase.AHEAD if there > when else LotPhase.WAITING
    for machine in line.machines:
        if lot in _names(told.get((machine.id, Role.LOTS)), when):
            place, phase = machine.id, LotPhase.IN_WORK
    if phase is LotPhase.WAITING:
        place, phase, since = _standing(recording.plant, lot, when, told, trips, place, since)
    return LotState(
        id=lot,
        product=arrival.product,
        quantity=max(parts, 0),
        due=arrival.due,
        order=arrival.order,
        weight=arrival.weight,
        release=there if there > when else arrival.release,
        step=step,
        place=None if place == line.source else place,
        phase=phase,
        since=min(since, when),
    )


def _standing(
    plant: Plant,
    lot: str,
    when: int,
    told: Told,
    trips: Mapping[str, Trip],
    place: str | None,
    since: int,
) -> tuple[str | None, LotPhase, int]:
    """Where a lot stands or moves, by the vehicles' loads and the stations' scanners."""
    for vehicle, trip in trips.items():
        if trip.lot == lot:
            carried = trip.picked <= when
            return (vehicle if carried else trip.pick_at), LotPhase.MOVING, trip.ordered
    for vehicle in plant.vehicles_by_id:
        if lot in _names(told.get((vehicle, Role.VEHICLE_LOADS)), when):
            return vehicle, LotPhase.MOVING, when
    for unit in plant.equipment:
        trace = told.get((unit.id, Role.STATION))
        if trace is not None and lot in _names(trace, when):
            return unit.id, LotPhase.WAITING, max(since, _came(trace, lot, when))
    return place, LotPhase.WAITING, since


def _came(station: Trace, lot: str, when: int) -> int:
    """When a scanner began to read a lot that it reads now."""
    came = when
    index = int(station.times.searchsorted(when, side="right")) - 1
    while index >= 0 and lot in str(station.texts[index] or "").split(","):
        came = int(station.times[index])
        index -= 1
    return came


# -- machines -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Work:
    """The job on a machine: since when, what it did of it, how it is done."""

    lots: tuple[str, ...]
    start: int
    pieces: tuple[Piece, ...]
    way: Way
    parts: int
    batch: bool

    def spent_s(self, activity: Activity) -> float:
        return sum(p.length_s for p in self.pieces if p.activity is activity)


def _machine(
    recording: Recording,
    machine: Machine,
    line: Line,
    when: int,
    told: Told,
    lots: Mapping[str, LotState],
) -> MachineNow:
    pieces = tuple(_until(recording.pieces.get(machine.id, ()), when))
    doing = pieces[-1] if pieces else None
    work = _work(machine, line, when, told, lots, pieces)
    family = _family_before(recording, machine.id, line, when if work is None else work.start)
    setup_left_s = run_left_s = None
    run_done_s = 0.0
    if work is not None:
        planned = 0.0
        if work.way.family is not None and work.way.family != family:
            planned = machine.setups.get((family, work.way.family), 0.0)
        run_done_s = work.spent_s(Activity.RUN)
        if run_done_s == 0 and planned > 0:
            whole = planned * machine.setup_factor.mean
            setup_left_s = max(whole - work.spent_s(Activity.SETUP), _SOON_S)
        else:
            family = work.way.family or family
            run_left_s = _run_left_s(work, told, machine.id, when)
    down = doing is not None and doing.activity in (*_BREAKS, Activity.SERVICE)
    return MachineNow(
        id=machine.id,
        family=family,
        lots=() if work is None else work.lots,
        setup_left_s=setup_left_s,
        run_left_s=run_left_s,
        run_done_s=run_done_s,
        down=down,
        down_left_s=_down_left_s(machine, doing) if down and doing is not None else None,
        ages_s=tuple(_age_s(machine, stoppage, pieces) for stoppage in machine.stoppages),
    )


def _until(pieces: tuple[Piece, ...], when: int) -> list[Piece]:
    return [
        p if p.end <= when else Piece(p.start, when, p.activity, p.kwh)
        for p in pieces
        if p.start < when
    ]


def _work(
    machine: Machine,
    line: Line,
    when: int,
    told: Told,
    lots: Mapping[str, LotState],
    pieces: tuple[Piece, ...],
) -> _Work | None:
    trace = told.get((machine.id, Role.LOTS))
    names = tuple(n for n in _names(trace, when) if n in lots)
    if trace is None or not names:
        return None
    index = int(trace.times.searchsorted(when, side="right")) - 1
    while index > 0 and trace.texts[index - 1] == trace.texts[index]:
        index -= 1
    start = int(trace.times[index])
    first = lots[names[0]]
    steps = line.products_by_id[first.product].steps
    ways = [
        (step, way)
        for step in steps[first.step : first.step + 1] or steps
        for way in step.ways
        if way.machine == machine.id
    ]
    if not ways:
        return None
    step, way = ways[0]
    inside = tuple(p for p in pieces if p.end > start)
    parts = sum(lots[name].quantity for name in names)
    return _Work(names, start, inside, way, parts, step.batch_parts is not None)


def _family_before(recording: Recording, machine: str, line: Line, when: int) -> str | None:
    """Set-up family of the last job that ended there before ``when``."""
    products = {a.order: a.product for a in recording.arrivals}
    for booked in reversed(recording.booked):
        if booked.machine == machine and booked.end <= when:
            product = products.get(booked.lot.rpartition("-")[0])
            way = line.ways.get((product or "", booked.operation, machine))
            if way is None:
                way = next(
                    (
                        w
                        for (_, operation, name), w in line.ways.items()
                        if (operation, name) == (booked.operation, machine)
                    ),
                    None,
                )
            if way is not None and way.family is not None:
                return way.family
    return None


def _run_left_s(work: _Work, told: Told, machine: str, when: int) -> float | None:
    """Run time that is left, by the parts that are counted; None where nothing counts them."""
    done_s = work.spent_s(Activity.RUN)
    if work.batch:
        return max(work.way.cycle_s * work.way.factor.mean - done_s, _SOON_S)
    counters = [told.get((machine, role)) for role in (Role.GOOD_COUNT, Role.SCRAP_COUNT)]
    if counters[0] is None:
        return None
    counted = sum(round(c.counted(work.start, when)) for c in counters if c is not None)
    last = max(int(c.times[c.times <= when][-1]) for c in counters if c is not None)
    since_s = sum(
        (p.end - max(p.start, last)) / US
        for p in work.pieces
        if p.activity is Activity.RUN and p.end > last
    )
    part_s = work.way.cycle_s * work.way.factor.mean
    left = part_s * max(work.parts - counted, 0) - min(since_s, part_s)
    return max(left, _SOON_S)


def _like(machine: Machine, activity: Activity, length_s: float) -> Stoppage | None:
    """The stoppage of a machine that a recorded stop is most like, by its kind and length."""
    kind = Stop.BREAKDOWN if activity in _BREAKS else Stop.SERVICE
    found = [s for s in machine.stoppages if s.kind is kind and s.duration_s.mean > 0]

    def distance(stoppage: Stoppage) -> float:
        ratio = max(length_s, 1.0) / stoppage.duration_s.mean
        return max(ratio, 1 / ratio)

    return min(found, key=distance, default=None)


def _down_left_s(machine: Machine, doing: Piece) -> float | None:
    """What is left of a stop; None, to be drawn, of a breakdown that has just begun."""
    like = _like(machine, doing.activity, doing.length_s)
    if like is None or doing.activity is Activity.DOWN:
        return None
    return max(like.duration_s.mean - doing.length_s, _SOON_S)


def _age_s(machine: Machine, stoppage: Stoppage, pieces: tuple[Piece, ...]) -> float:
    """Running time since the last stop of a sort, as far as the record goes back."""
    age = 0.0
    for piece in reversed(pieces):
        if piece.activity is Activity.RUN:
            age += piece.length_s
        elif (
            piece.activity in (*_BREAKS, Activity.SERVICE)
            and _like(machine, piece.activity, piece.length_s) is stoppage
        ):
            break
    return age


# -- vehicles -------------------------------------------------------------------------------------


def _vehicle(
    plant: Plant,
    line: Line,
    vehicle: str,
    when: int,
    told: Told,
    trip: Trip | None,
    lots: Mapping[str, LotState],
) -> VehicleNow:
    node = told.get((vehicle, Role.VEHICLE_NODE))
    here = None if node is None else node.text_at(when)
    at = location_near(plant, line, vehicle, here) if here else None
    errors = told.get((vehicle, Role.VEHICLE_ERRORS))
    if trip is None or trip.lot not in lots:
        if errors is None or not (errors.value_at(when) or 0) > 0:
            return VehicleNow(vehicle, at)
        return VehicleNow(vehicle, at, away=True, left_s=_away_s(line, vehicle, errors, when))
    carries = trip.picked <= when
    handling_s = line.vehicles_by_id[vehicle].handling_s.mean
    origin, target, since = (
        (trip.pick_at, trip.drop_at, trip.picked)
        if carries
        else (trip.origin, trip.pick_at, trip.ordered)
    )
    whole = handling_s + _drive_s(line, vehicle, origin, target)
    return VehicleNow(
        vehicle,
        at=trip.pick_at,
        lot=trip.lot,
        heading=trip.drop_at,
        carries=carries,
        left_s=max(whole - (when - since) / US, _SOON_S),
        away=False,
    )


def _away_s(line: Line, vehicle: str, errors: Trace, when: int) -> float:
    """What is left of the time that a vehicle stands still with errors, by how long that lasts."""
    index = int(errors.times.searchsorted(when, side="right")) - 1
    while index > 0 and errors.values[index - 1] > 0:
        index -= 1
    stoppages = line.vehicles_by_id[vehicle].stoppages
    whole = stoppages[0].duration_s.mean if stoppages else 0.0
    return max(whole - (when - int(errors.times[index])) / US, _SOON_S)


def _drive_s(line: Line, vehicle: str, origin: str, target: str) -> float:
    places = line.travel.locations
    table = line.travel.times.get(vehicle)
    if table is None or target not in places:
        return 0.0
    reach = places.index(target)
    if origin in places:
        return max(table[places.index(origin)][reach], 0.0) * line.travel.factor.mean
    times = [row[reach] for row in table if row[reach] >= 0]
    return sum(times) / len(times) * line.travel.factor.mean if times else 0.0
