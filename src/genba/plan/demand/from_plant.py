"""A plant and its orders, with what runs on the floor now, as a scheduling problem."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from genba.errors import PlanError
from genba.plan.demand.locations import Locations
from genba.plan.demand.open_lots import OpenLot, open_lots
from genba.plan.demand.openings import Openings, advance
from genba.plan.demand.scale import Scale
from genba.plan.demand.setup import SetupTimes
from genba.plan.demand.situation import MachineState, Situation
from genba.plan.demand.tariff import energy_of
from genba.plan.demand.ways import Chain, Factors, Ways
from genba.plan.problem import (
    Energy,
    Fixed,
    Job,
    Machine,
    Operation,
    Problem,
    SetupMatrix,
    Staff,
)
from genba.plan.schedule import LeftOut
from genba.plant import US, Order, PackMLMode, Plant
from genba.plant.storages import storages
from genba.plant.worktime import planned_busy_s

REPAIR_S = 3600.0
"""How long a machine that is down is taken to stay so, from now on, where nothing better is known.

Repair times are near enough to exponential: how long it has been down says little of the rest."""
OVERDUE_S = 60.0
"""When work that should have ended is taken to end."""
SPARE_S = 14 * 86_400.0
"""Working time that calendars are laid out for beyond what the work seems to need."""


def problem_of(
    plant: Plant,
    orders: Sequence[Order],
    now: int,
    situation: Situation | None = None,
    *,
    horizon_s: float | None = None,
    tick_s: float = 1.0,
    factors: Factors | None = None,
    power_kw: Mapping[str, float] | None = None,
    repair_s: float | Mapping[str, float] = REPAIR_S,
) -> tuple[Problem, tuple[LeftOut, ...]]:
    """Write orders of a plant as a problem.

    Parameters
    ----------
    plant : Plant
        Routings, set-ups, calendars, people, tools, layout, tariff.
    orders : sequence of Order
        What to make. Of orders that ``situation`` shows lots of, those lots are taken instead;
        orders that are done must not be among them.
    now : int
        Plant time of tick 0, microseconds UTC.
    situation : Situation, optional
        Where lots are, what runs, what is down. Without it the plant is empty, and idle.
    horizon_s : float, optional
        How far calendars are laid out; after that nothing works. Default: what the work needs at
        least, twice, and 14 days.
    tick_s : float
        Length of a tick.
    factors : mapping, optional
        Calibrated times: by machine or (machine, operation id), 1.1 for 10% longer than planned.
    power_kw : mapping, optional
        Mean power while a machine processes; without it energy costs nothing and has no cap.
    repair_s : float or mapping
        Time from now until a machine that is down works again, for all or by machine.

    Returns
    -------
    Problem
        Jobs are lots; operations are named ``<lot>/<operation>``.
    tuple of LeftOut
        Orders, lots, machines and vehicles that could not be planned with, one line each.

    Raises
    ------
    PlanError
        If a factor is not positive, or the horizon is not.
    """
    for key, factor in (factors or {}).items():
        if not factor > 0:
            raise PlanError(f"time factor {factor:g} of {key} cannot be; give a positive one")
    scale = Scale(now, tick_s)
    locations = Locations(plant)
    lots, left_out = open_lots(plant, orders, situation, now, locations)
    if horizon_s is None:
        horizon_s = _enough_s(plant, lots, now)
    if not horizon_s > 0:
        raise PlanError(f"a horizon of {horizon_s:g} s leaves no time to plan; give a longer one")
    until = now + round(horizon_s * US)
    openings = Openings(plant, scale, until)
    ways = Ways(plant, openings, locations, scale, factors or {}, power_kw or {})
    floor = _Floor(plant, scale, situation, openings, ways, repair_s)
    planned, reasons = _with_chains(plant, lots, ways, locations)
    left_out += reasons
    machines, setups = _machines(plant, planned, floor)
    transport, unseen = locations.transport(_stations(plant, planned, machines), scale, situation)
    problem = Problem(
        machines=machines,
        jobs=tuple(_job(plant, lot, scale, locations) for lot, _ in planned),
        operations=tuple(
            operation for lot, chain in planned for operation in floor.operations(lot, chain)
        ),
        setups=setups,
        staff=_staff(plant, openings),
        tools={tool.id: tool.count for tool in plant.tools},
        transport=transport,
        energy=energy_of(plant, scale, until) if power_kw else Energy(),
        calendars=openings.calendars,
        tick_s=tick_s,
        zero=now,
    )
    dropped = (LeftOut(machine, f"{why}; planned without") for machine, why in ways.dropped.items())
    return problem, (*left_out, *dropped, *unseen)


def _with_chains(
    plant: Plant, lots: Iterable[OpenLot], ways: Ways, locations: Locations
) -> tuple[list[tuple[OpenLot, Chain]], list[LeftOut]]:
    """Pair each lot with its ways; an order of which a lot has none is told once."""
    sink = storages(plant)[1] if locations.there_are else None
    planned: list[tuple[OpenLot, Chain]] = []
    told: dict[str, LeftOut] = {}
    for lot in lots:
        chain = ways.chain(lot.product, lot.step, lot.origin, sink)
        if chain.steps:
            able = any(way.equipment == lot.running for way in chain.steps[0])
            planned.append((lot if able else replace(lot, running=None), chain))
        else:
            told.setdefault(lot.order, LeftOut(lot.order, f"order {lot.order}: {chain.reason}"))
    return planned, list(told.values())


def _job(plant: Plant, lot: OpenLot, scale: Scale, locations: Locations) -> Job:
    return Job(
        id=lot.id,
        release=max(0, scale.after(lot.release)),
        due=scale.before(lot.due),
        weight=lot.weight,
        origin=lot.origin,
        destination=storages(plant)[1] if locations.there_are else None,
        order=lot.order,
    )


@dataclass(frozen=True)
class _Floor:
    """What machines do now, and what that means for the lots they work on."""

    plant: Plant
    scale: Scale
    situation: Situation | None
    openings: Openings
    ways: Ways
    repair_s: float | Mapping[str, float]

    def state(self, machine: str) -> MachineState | None:
        """What is known of a machine."""
        return None if self.situation is None else self.situation.machines_by_id.get(machine)

    def down_ticks(self, machine: str) -> int:
        """Return for how long it is taken to be down, or in maintenance, from now on."""
        seen = self.state(machine)
        if seen is None or (
            seen.able and seen.down_since is None and seen.mode != PackMLMode.MAINTENANCE
        ):
            return 0
        given = self.repair_s
        longest = given.get(machine, REPAIR_S) if isinstance(given, Mapping) else given
        return self.scale.length(longest)

    def remaining_ticks(self, machine: str) -> int:
        """Return the work that is left of what it does now, by planned times."""
        seen = self.state(machine)
        left_s = 0.0 if seen is None else (seen.free_at - self.scale.zero) / US
        return self.scale.length(max(OVERDUE_S, left_s))

    def end_of_work(self, machine: str) -> int:
        """Return when what it does now should end."""
        start, left = self.down_ticks(machine), self.remaining_ticks(machine)
        calendar = self.openings.of_machine(machine, machine in self.ways.batching)
        # What is under heat stays so when people go home.
        windows = None if machine in self.ways.batching else self.openings.windows(calendar)
        end = advance(windows, start, left)
        return start + left if end is None else end

    def operations(self, lot: OpenLot, chain: Chain) -> list[Operation]:
        """Return the operations that a lot still needs, one after the other."""
        made: list[Operation] = []
        for step, found in zip(lot.product.routing[lot.step :], chain.steps, strict=True):
            modes = tuple(self.ways.mode(step, way, lot.quantity) for way in found)
            families = {mode.family for mode in modes}
            batch = None
            if step.batch_parts is not None:
                batch = f"{step.id}/{'+'.join(sorted(f or '-' for f in families))}"
            operation = Operation(
                id=f"{lot.id}/{step.id}",
                job=lot.id,
                modes=modes,
                predecessors=(made[-1].id,) if made else (),
                parts=lot.quantity,
                batch=batch,
                batch_parts=step.batch_parts,
            )
            made.append(operation)
        if lot.running is not None and made:
            made[0] = self._running(lot.running, made[0])
        return made

    def _running(self, machine: str, operation: Operation) -> Operation:
        end = self.end_of_work(machine)
        mode = next(m for m in operation.modes if m.machine == machine)
        left = replace(mode, ticks=self.remaining_ticks(machine), skill=None)
        fixed = Fixed(machine, setup_start=0, start=0, end=end)
        return replace(operation, modes=(left,), fixed=fixed)


def _machines(
    plant: Plant, planned: Sequence[tuple[OpenLot, Chain]], floor: _Floor
) -> tuple[tuple[Machine, ...], tuple[SetupMatrix, ...]]:
    """Return the machines that take part, in the order of the plant file, and their set-ups."""
    families: dict[str, set[str]] = {}
    running: dict[str, str | None] = {}
    for lot, chain in planned:
        for ways in chain.steps:
            for way in ways:
                listed = families.setdefault(way.equipment, set())
                if way.setup_family is not None:
                    listed.add(way.setup_family)
        if lot.running is not None:
            on_it = (way for way in chain.steps[0] if way.equipment == lot.running)
            running[lot.running] = next(on_it).setup_family
    machines, setups = [], []
    for unit in plant.equipment:
        if unit.id not in families:
            continue
        seen = floor.state(unit.id)
        family = running.get(unit.id) or (None if seen is None else seen.family)
        known = families[unit.id] | ({family} if family is not None else set())
        matrix = _matrix(plant, unit.id, sorted(known), floor.scale)
        if matrix is not None:
            setups.append(matrix)
        machines.append(
            Machine(
                id=unit.id,
                calendar=floor.openings.of_machine(unit.id, unit.id in floor.ways.batching),
                setup=None if matrix is None else matrix.id,
                family=family,
                setup_needs_job=True,
                free_from=_free_from(floor, unit.id, unit.id in running),
                # A station without a buffer still holds the lot in work.
                places=None if unit.input_buffer_lots is None else max(1, unit.input_buffer_lots),
            )
        )
    return tuple(machines), tuple(setups)


def _free_from(floor: _Floor, machine: str, runs_a_planned_lot: bool) -> int:
    seen = floor.state(machine)
    if runs_a_planned_lot:
        return 0  # what runs is fixed, and says so itself
    if seen is not None and seen.work:
        return floor.end_of_work(machine)
    return floor.down_ticks(machine)


def _matrix(
    plant: Plant, machine: str, families: Sequence[str], scale: Scale
) -> SetupMatrix | None:
    """Return a machine's set-up times; None where it never needs one."""
    looked_up = SetupTimes(plant)
    first = tuple(scale.length(looked_up.duration_s(machine, None, f)) for f in families)
    times = tuple(
        tuple(scale.length(looked_up.duration_s(machine, a, b)) for b in families) for a in families
    )
    if not any((*first, *(ticks for row in times for ticks in row))):
        return None
    return SetupMatrix(machine, tuple(families), times, first)


def _staff(plant: Plant, openings: Openings) -> tuple[Staff, ...]:
    return tuple(
        Staff(
            person.id,
            frozenset(person.skills),
            person.count,
            openings.of_people(person.calendar),
        )
        for person in plant.people
    )


def _stations(
    plant: Plant, planned: Iterable[tuple[OpenLot, Chain]], machines: Iterable[Machine]
) -> list[str]:
    """Return every place that a lot may be at, in the order of the plant file."""
    places = {machine.id for machine in machines}
    places |= {lot.origin for lot, _ in planned if lot.origin is not None}
    places |= {storage for storage in storages(plant) if storage is not None}
    listed = [unit.id for unit in plant.equipment if unit.id in places]
    return [*listed, *sorted(places - set(listed))]


def _enough_s(plant: Plant, lots: Sequence[OpenLot], now: int) -> float:
    """Return a horizon that all work fits in with room to spare, however it is spread.

    The busiest machine's work, shared evenly among alternatives, at the share of the week that the
    least working calendar is open.
    """
    load_s: dict[str, float] = {}
    for lot in lots:
        for operation in lot.product.routing[lot.step :]:
            parts = 1 if operation.batch_parts is not None else lot.quantity
            for way in operation.alternatives:
                share_s = way.cycle_s * parts / len(operation.alternatives)
                load_s[way.equipment] = load_s.get(way.equipment, 0.0) + share_s
    end = now + round(SPARE_S * US)
    hours = (planned_busy_s(calendar, now, end) for calendar in plant.calendars)
    open_share = min((busy / SPARE_S for busy in hours if busy), default=1.0)
    last_s = max((lot.release for lot in lots), default=now) / US - now / US
    return last_s + 2 * max(load_s.values(), default=0.0) / open_share + SPARE_S
