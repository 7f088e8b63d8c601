"""What could be otherwise: changes of a line and of what is on it, as values."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import TypeVar

from genba.errors import TwinError
from genba.plant import format_time
from genba.twin.line import Line, Vehicle, Way, Window
from genba.twin.policy import Outage, PlannedJob, Schedule
from genba.twin.state import LotPhase, LotState, State

Named = TypeVar("Named")


@dataclass(frozen=True)
class Situation:
    """All that a simulation starts from."""

    line: Line
    state: State
    schedule: Schedule = ()
    outages: tuple[Outage, ...] = ()


@dataclass(frozen=True, slots=True)
class MachineDown:
    """A machine does not work until ``until``, from ``start`` on (None: from now)."""

    machine: str
    until: int
    start: int | None = None

    def apply(self, now: Situation) -> Situation:
        """Return the changed situation."""
        _known("machine", self.machine, now.line.machines_by_id)
        start = now.state.time if self.start is None else self.start
        if self.until <= max(start, now.state.time):
            raise TwinError(
                f"{self.machine} down until {format_time(self.until)}: that is over already; "
                "name a later time"
            )
        return replace(now, outages=(*now.outages, Outage(self.machine, start, self.until)))

    def __str__(self) -> str:
        return f"{self.machine} down until {format_time(self.until)}"


@dataclass(frozen=True, slots=True)
class MachineSpeed:
    """A machine runs ``factor`` times as fast."""

    machine: str
    factor: float

    def apply(self, now: Situation) -> Situation:
        """Return the changed situation."""
        _known("machine", self.machine, now.line.machines_by_id)
        _positive(self.factor, "a speed factor")
        changed = {
            key: replace(way, cycle_s=way.cycle_s / self.factor)
            for key, way in now.line.ways.items()
            if way.machine == self.machine
        }
        return replace(now, line=now.line.with_ways(changed))

    def __str__(self) -> str:
        return f"{self.machine} at {self.factor:g} times its speed"


@dataclass(frozen=True, slots=True)
class MachineAdded:
    """One more machine that can do what ``like`` can, at the same place on the floor."""

    like: str

    def apply(self, now: Situation) -> Situation:
        """Return the changed situation."""
        line = now.line
        machine = _known("machine", self.like, line.machines_by_id)
        name = _fresh_name(f"{self.like}-copy", line.machines_by_id)

        def doubled(ways: Iterable[Way]) -> tuple[Way, ...]:
            ways = tuple(ways)
            return (*ways, *(replace(w, machine=name) for w in ways if w.machine == self.like))

        products = tuple(
            replace(p, steps=tuple(replace(s, ways=doubled(s.ways)) for s in p.steps))
            for p in line.products
        )
        travel = line.travel
        if self.like in travel.locations:
            at = travel.locations.index(self.like)
            times = {
                v: (*((*row, row[at]) for row in rows), (*rows[at], rows[at][at]))
                for v, rows in travel.times.items()
            }
            travel = replace(travel, locations=(*travel.locations, name), times=times)
        machines = (*line.machines, replace(machine, id=name))
        return replace(now, line=replace(line, machines=machines, products=products, travel=travel))

    def __str__(self) -> str:
        return f"one more machine like {self.like}"


@dataclass(frozen=True, slots=True)
class VehicleAdded:
    """One more vehicle like another one (its id), or like the first of a kind."""

    like: str

    def apply(self, now: Situation) -> Situation:
        """Return the changed situation."""
        line = now.line
        of_kind: dict[str, Vehicle] = {}
        for vehicle in line.vehicles:
            of_kind.setdefault(vehicle.kind, vehicle)
        model = _known("vehicle or kind", self.like, {**of_kind, **line.vehicles_by_id})
        name = _fresh_name(f"{model.kind}-more", line.vehicles_by_id)
        times = {**line.travel.times, name: line.travel.times[model.id]}
        changed = replace(
            line,
            vehicles=(*line.vehicles, replace(model, id=name)),
            travel=replace(line.travel, times=times),
        )
        return replace(now, line=changed)

    def __str__(self) -> str:
        return f"one more vehicle like {self.like}"


@dataclass(frozen=True, slots=True)
class VehicleRemoved:
    """A vehicle is not there. What it carries or fetches goes back to where it came from."""

    vehicle: str

    def apply(self, now: Situation) -> Situation:
        """Return the changed situation."""
        line, state = now.line, now.state
        _known("vehicle", self.vehicle, line.vehicles_by_id)
        if len(line.vehicles) == 1:
            raise TwinError(f"{self.vehicle} is the only vehicle; without any nothing could move")
        told = next((v for v in state.vehicles if v.id == self.vehicle), None)
        lots = state.lots
        if told is not None and told.lot is not None:
            place = told.at if told.carries else state.lots_by_id[told.lot].place
            place = place if place in {m.id for m in line.machines} else line.source
            lots = tuple(
                replace(lot, phase=LotPhase.WAITING, place=place) if lot.id == told.lot else lot
                for lot in lots
            )
        return replace(
            now,
            line=replace(line, vehicles=tuple(v for v in line.vehicles if v.id != self.vehicle)),
            state=replace(
                state,
                lots=lots,
                vehicles=tuple(v for v in state.vehicles if v.id != self.vehicle),
            ),
        )

    def __str__(self) -> str:
        return f"without vehicle {self.vehicle}"


@dataclass(frozen=True, slots=True)
class LotsScaled:
    """Lots that nothing was done to yet are cut (or joined) to ``factor`` times their lot size.

    The pieces keep the plan of the lot that they come from.
    """

    factor: float
    product: str | None = None
    """None: of all products."""

    def apply(self, now: Situation) -> Situation:
        """Return the changed situation."""
        _positive(self.factor, "a lot factor")
        if self.product is not None:
            _known("product", self.product, now.line.products_by_id)
        kept, groups = [], dict[tuple[str, str, int, int, str | None], list[LotState]]()
        for lot in now.state.lots:
            if self._touched(now.line, lot):
                kept.append(lot)
            else:
                key = (lot.order, lot.product, lot.release, lot.due, lot.place)
                groups.setdefault(key, []).append(lot)
        jobs: dict[str, list[PlannedJob]] = {}
        for job in now.schedule:
            jobs.setdefault(job.lot, []).append(job)
        schedule = [job for lot in kept for job in jobs.get(lot.id, ())]
        for lots in groups.values():
            pieces = self._pieces(lots, now.line.products_by_id[lots[0].product].lot_size)
            kept += pieces
            for number, piece in enumerate(pieces):
                parent = lots[min(number * len(lots) // len(pieces), len(lots) - 1)]
                schedule += [replace(job, lot=piece.id) for job in jobs.get(parent.id, ())]
        return replace(now, state=replace(now.state, lots=tuple(kept)), schedule=tuple(schedule))

    def _touched(self, line: Line, lot: LotState) -> bool:
        at_source = lot.place is None or lot.place == line.source
        return (
            (self.product is not None and lot.product != self.product)
            or lot.step > 0
            or lot.phase not in {LotPhase.AHEAD, LotPhase.WAITING}
            or not at_source
        )

    def _pieces(self, lots: list[LotState], lot_size: int) -> list[LotState]:
        quantity = sum(lot.quantity for lot in lots)
        count = max(1, math.ceil(quantity / max(1, round(lot_size * self.factor))))
        if self.factor < 1:
            count = max(count, len(lots))
        base, more = divmod(quantity, count)
        return [
            replace(lots[0], id=f"{lots[0].id}/{number + 1}", quantity=base + (number < more))
            for number in range(count)
            if base + (number < more) > 0
        ]

    def __str__(self) -> str:
        whose = "all products" if self.product is None else self.product
        return f"lots of {whose} at {self.factor:g} times their size"


@dataclass(frozen=True, slots=True)
class ExtraHours:
    """People and machines of a calendar also work in a window."""

    window: Window
    calendar: str | None = None
    """None: of all calendars."""

    def apply(self, now: Situation) -> Situation:
        """Return the changed situation."""
        known = {calendar.id: calendar for calendar in now.line.calendars}
        if self.calendar is not None:
            _known("calendar", self.calendar, known)
        if self.window[0] >= self.window[1]:
            raise TwinError(f"extra hours end ({format_time(self.window[1])}) before they begin")
        chosen = known if self.calendar is None else (self.calendar,)
        extra = {**now.line.extra, **{c: (*now.line.extra.get(c, ()), self.window) for c in chosen}}
        return replace(now, line=replace(now.line, extra=extra))

    def __str__(self) -> str:
        start, end = self.window
        return f"extra hours {format_time(start)} to {format_time(end)}"


@dataclass(frozen=True, slots=True)
class MorePeople:
    """``count`` more people of a group (fewer, where it is negative)."""

    crew: str
    count: int = 1

    def apply(self, now: Situation) -> Situation:
        """Return the changed situation."""
        found = _known("group of people", self.crew, {c.id: c for c in now.line.crews})
        if found.count + self.count < 0:
            raise TwinError(f"there are only {found.count} {self.crew}; take at most that many")
        crews = tuple(
            replace(c, count=c.count + self.count) if c.id == self.crew else c
            for c in now.line.crews
        )
        return replace(now, line=replace(now.line, crews=crews))

    def __str__(self) -> str:
        return f"{self.count:+d} {self.crew}"


@dataclass(frozen=True, slots=True)
class RushOrder:
    """One more order, released now and split into the usual lots."""

    product: str
    quantity: int
    due: int
    weight: float = 1.0
    id: str = "rush"

    def apply(self, now: Situation) -> Situation:
        """Return the changed situation."""
        product = _known("product", self.product, now.line.products_by_id)
        if self.quantity < 1:
            raise TwinError(f"a rush order of {self.quantity} parts makes no sense; name 1 or more")
        name = _fresh_name(self.id, {lot.order: lot for lot in now.state.lots})
        count = -(-self.quantity // product.lot_size)
        base, more = divmod(self.quantity, count)
        lots = tuple(
            LotState(
                id=f"{name}-{number + 1:02d}",
                product=product.id,
                quantity=base + (number < more),
                due=self.due,
                order=name,
                weight=self.weight,
                release=now.state.time,
                since=now.state.time,
            )
            for number in range(count)
        )
        return replace(now, state=replace(now.state, lots=(*now.state.lots, *lots)))

    def __str__(self) -> str:
        return f"rush order of {self.quantity} {self.product} due {format_time(self.due)}"


@dataclass(frozen=True, slots=True)
class OrderLate:
    """The material of an order that nothing was done to yet comes only at ``until``."""

    order: str
    until: int

    def apply(self, now: Situation) -> Situation:
        """Return the changed situation."""
        _known("order", self.order, {lot.order: lot for lot in now.state.lots})
        if self.until <= now.state.time:
            raise TwinError(f"{self.order} late until {format_time(self.until)}: that is over")
        lots = tuple(
            replace(lot, phase=LotPhase.AHEAD, release=self.until, place=None)
            if lot.order == self.order and not _entered(now.line, lot)
            else lot
            for lot in now.state.lots
        )
        return replace(now, state=replace(now.state, lots=lots))

    def __str__(self) -> str:
        return f"material of {self.order} late until {format_time(self.until)}"


Change = (
    MachineDown
    | MachineSpeed
    | MachineAdded
    | VehicleAdded
    | VehicleRemoved
    | LotsScaled
    | ExtraHours
    | MorePeople
    | RushOrder
    | OrderLate
)
"""Any change."""


def _entered(line: Line, lot: LotState) -> bool:
    waits = lot.phase in {LotPhase.AHEAD, LotPhase.WAITING}
    return lot.step > 0 or not waits or lot.place not in {None, line.source}


def changed(now: Situation, changes: Iterable[Change]) -> Situation:
    """Return the situation after all changes, in their order.

    Raises
    ------
    TwinError
        If one names what is not there, or makes no sense.
    """
    for change in changes:
        now = change.apply(now)
    return now


def unknown(what: str, name: str, known: Iterable[str]) -> TwinError:
    """Return the error for a name that is not there, with those that are nearest."""
    listed = list(known)
    near = get_close_matches(name, listed, n=3, cutoff=0.5) or listed[:5]
    return TwinError(f"there is no {what} '{name}'; there are {', '.join(near) or 'none'}")


def _known(what: str, name: str, known: Mapping[str, Named]) -> Named:
    if name not in known:
        raise unknown(what, name, known)
    return known[name]


def _positive(value: float, what: str) -> None:
    if not (math.isfinite(value) and value > 0):
        raise TwinError(f"{what} of {value} makes no sense; give one above 0")


def _fresh_name(name: str, taken: Iterable[str]) -> str:
    used = set(taken)
    if name not in used:
        return name
    return next(n for k in range(2, len(used) + 3) if (n := f"{name}-{k}") not in used)
