"""What the twin expects of a plan: many futures from the present situation, before it is proposed.

The plan in force (or, without one, the plain rules) is simulated on the same futures, so that the
difference is that of the plans and not of chance.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from genba.plan.demand.situation import Lot, LotPhase, MachineState, Situation, VehicleState
from genba.plan.floor.instructions import Instructions
from genba.plant import US, PackMLMode, Plant, format_time
from genba.twin import Line, MachineNow, PlannedJob, Schedule, State, VehicleNow, state_of_orders
from genba.twin import LotPhase as TwinPhase
from genba.twin import LotState as TwinLot
from genba.twin.build import location_near

FUTURES = 60
AHEAD_S = 24 * 3600.0
BUSY_S = 60.0
"""How long a vehicle is taken to be busy of which it is not known with what."""
DOWN_S = 1800.0
"""How long a machine is taken to be down that the line knows no breakdowns of."""


@dataclass(frozen=True, slots=True)
class Foresight:
    """What comes of a plan, against what comes without it, over futures that pair up."""

    futures: int
    until: int
    """End of what was looked at, microseconds UTC."""
    tardiness_p50_h: float
    tardiness_p90_h: float
    """Weighted hours late."""
    output_p50: float
    """Good parts delivered."""
    saved_h: float
    """Mean weighted hours late that it saves."""
    saved_low_h: float
    saved_high_h: float
    """Their 95 % interval."""
    against: str
    """What it is compared with."""

    def __str__(self) -> str:
        less = "less" if self.saved_h >= 0 else "more"
        low, high = sorted((abs(self.saved_low_h), abs(self.saved_high_h)))
        if self.saved_low_h <= 0 <= self.saved_high_h:
            difference = f"not clearly different from {self.against}"
        else:
            difference = f"{low:.1f} to {high:.1f} h {less} than {self.against}"
        return (
            f"The twin expects, in {self.futures} futures until {format_time(self.until)}, "
            f"{self.tardiness_p50_h:.1f} weighted hours late (P90 {self.tardiness_p90_h:.1f}), "
            f"{difference}, and {self.output_p50:.0f} good parts"
        )


def foresee(
    plant: Plant,
    line: Line,
    situation: Situation,
    plan: Instructions,
    in_force: Instructions | None = None,
    *,
    horizon_s: float = AHEAD_S,
    futures: int = FUTURES,
    seed: int = 0,
) -> Foresight:
    """Simulate a plan from a situation, and what is in force beside it.

    Parameters
    ----------
    plant : Plant
        Whose layout says where vehicles are.
    line : Line
        Built from it, and calibrated where that could be done.
    situation : Situation
        Where everything is now.
    plan, in_force : Instructions
        The plan, and the one that is followed now; None: the plain rules decide.
    horizon_s, futures, seed
        How far, how often, and the first seed.

    Raises
    ------
    TwinError
        If the situation or a plan does not fit the line.
    """
    from genba.twin.future import futures as simulate
    from genba.twin.whatif import compare

    state = state_of(plant, line, situation)
    after, before = (
        simulate(line, state, horizon_s, futures, seed, schedule_of(followed, state))
        for followed in (plan, in_force)
    )
    saved = compare("tardiness_h", after, before)
    return Foresight(
        futures=futures,
        until=situation.time + round(horizon_s * US),
        tardiness_p50_h=after.p50("tardiness_h"),
        tardiness_p90_h=after.p90("tardiness_h"),
        output_p50=after.p50("output"),
        saved_h=saved.difference,
        saved_low_h=saved.low,
        saved_high_h=saved.high,
        against="the plain rules" if in_force is None else "the plan in force",
    )


def schedule_of(plan: Instructions | None, state: State) -> Schedule:
    """Return a plan as the twin takes it; lots that are not there any more are left out."""
    if plan is None:
        return ()
    return tuple(
        PlannedJob(step.lot, step.number, step.machine, step.start)
        for step in plan.steps
        if step.lot in state.lots_by_id
    )


def state_of(plant: Plant, line: Line, situation: Situation) -> State:
    """Return a situation as the twin takes it, orders that are still to come included.

    What a situation does not tell is taken as usual: a vehicle that is busy without a load fetches
    the nearest lot that one was told to fetch, and where there is none it is busy for a minute; a
    machine that is down is so for as long as its breakdowns last.
    """
    lots = {lot.id: lot for lot in situation.lots if lot.phase is not LotPhase.DONE}
    working = {name for m in situation.machines for name in m.work if name in lots}
    trips = _trips(plant, line, situation, lots)
    moving = {vehicle.lot for vehicle in trips if vehicle.lot is not None}
    upcoming = [order for order in situation.upcoming if order.product in line.products_by_id]
    return State(
        time=situation.time,
        lots=(
            *(_lot(lot, line, situation, working, moving, trips) for lot in lots.values()),
            *state_of_orders(line, upcoming, situation.time).lots,
        ),
        machines=tuple(
            _machine(machine, line, situation.time, lots)
            for machine in situation.machines
            if machine.id in line.machines_by_id
        ),
        vehicles=tuple(trips),
    )


def _lot(
    lot: Lot,
    line: Line,
    situation: Situation,
    working: set[str],
    moving: set[str],
    trips: Sequence[VehicleNow],
) -> TwinLot:
    phase = TwinPhase.WAITING
    if lot.id in working:
        phase = TwinPhase.IN_WORK
    elif lot.id in moving:
        phase = TwinPhase.MOVING
    place: str | None = lot.place
    stations = {*line.machines_by_id, line.source, line.sink}
    if place not in stations:
        carrier = next((v.at for v in trips if v.id == lot.place), None)
        place = carrier if carrier in line.travel.locations else line.source
    return TwinLot(
        id=lot.id,
        product=lot.product,
        quantity=lot.quantity,
        due=lot.due,
        order=lot.order,
        weight=lot.weight,
        release=situation.time,
        step=lot.step,
        place=place,
        phase=phase,
        since=lot.since or situation.time,
    )


def _machine(machine: MachineState, line: Line, now: int, lots: dict[str, Lot]) -> MachineNow:
    work = tuple(name for name in machine.work if name in lots)
    left_s = max(0.0, (machine.free_at - now) / US) if machine.free_at else None
    setup_s: float | None = None
    if work and machine.mode == PackMLMode.SETUP:
        setup_s = max(0.0, (left_s or 0.0) - _planned_run_s(line, machine.id, work, lots))
        left_s = None
    down_s: float | None = None
    if not machine.able and not line.machines_by_id[machine.id].stoppages:
        down_s = DOWN_S
    return MachineNow(
        id=machine.id,
        family=machine.family,
        lots=work,
        setup_left_s=setup_s,
        run_left_s=left_s if work else None,
        down=not machine.able,
        down_left_s=down_s,
    )


def _planned_run_s(line: Line, machine: str, work: Sequence[str], lots: dict[str, Lot]) -> float:
    """Return the planned run time of a job."""
    first = lots[work[0]]
    step = line.products_by_id[first.product].steps[first.step]
    way = next((way for way in step.ways if way.machine == machine), None)
    if way is None:
        return 0.0
    parts = 1 if step.batch_parts is not None else sum(lots[name].quantity for name in work)
    return way.cycle_s * parts


# Vehicles --------------------------------------------------------------------------------------


def _trips(
    plant: Plant, line: Line, situation: Situation, lots: dict[str, Lot]
) -> list[VehicleNow]:
    """Return what each vehicle does."""
    known = [v for v in situation.vehicles if v.id in line.vehicles_by_id]
    found: dict[str, VehicleNow] = {}
    for vehicle in known:
        at = None if vehicle.node is None else location_near(plant, line, vehicle.id, vehicle.node)
        load = next((lots[name] for name in vehicle.loads if name in lots), None)
        found[vehicle.id] = _alone(vehicle, line, at, load, situation.time)
    called = [
        lot for lot in lots.values()
        if lot.heading is not None and lot.place in line.travel.locations
        and not any(vehicle.lot == lot.id for vehicle in found.values())
    ]  # fmt: skip
    for lot in called:
        busy = [v for v in found.values() if v.away and v.at is not None]
        nearest = min(
            ((_drive_s(line, v.id, v.at, lot.place), v.id) for v in busy), default=(-1.0, "")
        )
        if nearest[0] >= 0 and lot.heading in line.travel.locations:
            found[nearest[1]] = VehicleNow(
                nearest[1], at=lot.place, lot=lot.id, heading=lot.heading, left_s=nearest[0]
            )
    return [found[vehicle.id] for vehicle in known]


def _alone(
    vehicle: VehicleState, line: Line, at: str | None, load: Lot | None, now: int
) -> VehicleNow:
    """Return what a vehicle does by what itself tells."""
    if load is not None and load.heading in line.travel.locations:
        left = _drive_s(line, vehicle.id, at, load.heading)
        return VehicleNow(
            vehicle.id, at=at, lot=load.id, heading=load.heading, carries=True, left_s=left
        )
    idle_s = (now - vehicle.idle_since) / US if vehicle.free and vehicle.idle_since else 0.0
    if vehicle.free or load is not None:
        return VehicleNow(vehicle.id, at=at, idle_s=max(0.0, idle_s))
    return VehicleNow(vehicle.id, at=at, away=True, left_s=BUSY_S)


def _drive_s(line: Line, vehicle: str, origin: str | None, target: str | None) -> float:
    """Return the time to drive there and handle a load; handling alone where that is unknown."""
    handling = line.vehicles_by_id[vehicle].handling_s.mean
    places = line.travel.locations
    if origin not in places or target not in places:
        return handling
    drive = line.travel.times[vehicle][places.index(origin)][places.index(target)]
    return max(0.0, drive) * line.travel.factor.mean + handling
