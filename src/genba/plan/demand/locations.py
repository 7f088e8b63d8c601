"""How lots come from station to station, as a problem's transport."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from genba.plan.demand.scale import Scale
from genba.plan.demand.situation import Situation
from genba.plan.floor.roadmap import Roadmap
from genba.plan.problem import Transport
from genba.plan.problem import Vehicle as Carrier
from genba.plan.schedule import LeftOut
from genba.plant import Plant, Vehicle


@dataclass(frozen=True, slots=True)
class _Where:
    """Where a vehicle begins, and when it is free."""

    node: str | None
    free_s: float = 0.0


class Locations:
    """Answers how long transport takes, and builds the problem's transport.

    Vehicles alike in kind, speed and handling make one kind of the problem. A vehicle that stands
    where no lot is ever fetched begins at a location of its own, ``node:<id>``. Where nothing is
    known of the floor, vehicles begin at home; one without a home at the first node it can use.
    """

    def __init__(self, plant: Plant) -> None:
        self._plant = plant
        self._roadmap = Roadmap(plant.layout)
        self._kinds = _kinds(plant.vehicles)
        self._trips: dict[tuple[str, str, str], float | None] = {}

    @property
    def there_are(self) -> bool:
        """Whether transport takes part in planning: only where the plant has vehicles."""
        return bool(self._plant.vehicles)

    def on_layout(self, station: str) -> bool:
        """Whether a vehicle could be sent there at all."""
        return bool(self._roadmap.nodes_of(station))

    def trip_s(self, origin: str, destination: str) -> float | None:
        """Return the time of the fastest loaded trip with handling; None: no vehicle can go."""
        if origin == destination or not self.there_are:
            return 0.0
        times = (
            (self.drive_s(kind, origin, destination), 2 * like.handling_s)
            for kind, like in self._kinds.items()
        )
        return min(
            (drive + handling for drive, handling in times if drive is not None), default=None
        )

    def drive_s(self, kind: str, origin: str, destination: str) -> float | None:
        """Return the driving time of a kind of vehicle; None where it cannot go."""
        key = (kind, origin, destination)
        if key not in self._trips:
            like = self._kinds[kind]
            ends = self._nodes(destination)
            routes = (
                self._roadmap.route(like, start, end)
                for start in self._nodes(origin)
                for end in ends
            )
            self._trips[key] = min(
                (route.duration_s for route in routes if route is not None), default=None
            )
        return self._trips[key]

    def transport(
        self, stations: Iterable[str], scale: Scale, situation: Situation | None
    ) -> tuple[Transport | None, tuple[LeftOut, ...]]:
        """Build the transport between stations, with every vehicle that is known to be somewhere.

        Of a vehicle that cannot be planned with, the reason is returned.
        """
        if not self.there_are:
            return None, ()
        wanted = dict.fromkeys(s for s in stations if self.on_layout(s))
        carriers, left_out = [], []
        for vehicle in self._plant.vehicles:
            where = self._where(vehicle, situation)
            if where.node is None or where.node not in self._stops():
                left_out.append(LeftOut(vehicle.id, _unseen(vehicle, where, situation)))
                continue
            at = self._location(where.node, wanted)
            wanted.setdefault(at)
            carriers.append(
                Carrier(vehicle.id, self._kind_of(vehicle), at, scale.length(where.free_s))
            )
        names = tuple(wanted)
        kinds = {carrier.kind for carrier in carriers} or set(self._kinds)
        times = {kind: self._times(kind, names, scale) for kind in sorted(kinds)}
        handling = {kind: scale.length(2 * self._kinds[kind].handling_s) for kind in sorted(kinds)}
        return Transport(names, times, handling, tuple(carriers)), tuple(left_out)

    def _times(self, kind: str, names: Sequence[str], scale: Scale) -> tuple[tuple[int, ...], ...]:
        def ticks(origin: str, destination: str) -> int:
            drive = 0.0 if origin == destination else self.drive_s(kind, origin, destination)
            return -1 if drive is None else scale.length(drive)

        return tuple(tuple(ticks(a, b) for b in names) for a in names)

    def _nodes(self, location: str) -> tuple[str, ...]:
        if location.startswith("node:"):
            return (location.removeprefix("node:"),)
        return self._roadmap.nodes_of(location)

    def _stops(self) -> frozenset[str]:
        return frozenset(node.id for node in self._plant.layout.nodes)

    def _anywhere(self, vehicle: Vehicle) -> str | None:
        """Return the first node that a vehicle without a home can drive from."""
        ways = (edge for edge in self._plant.layout.edges if vehicle.kind in edge.kinds)
        ends = {node for edge in ways for node in (edge.start, edge.end)}
        return next((node.id for node in self._plant.layout.nodes if node.id in ends), None)

    def _location(self, node: str, wanted: Iterable[str]) -> str:
        return next(
            (name for name in wanted if node in self._roadmap.nodes_of(name)), f"node:{node}"
        )

    def _kind_of(self, vehicle: Vehicle) -> str:
        return next(kind for kind, like in self._kinds.items() if _alike(like, vehicle))

    def _where(self, vehicle: Vehicle, situation: Situation | None) -> _Where:
        """Return where a vehicle will be when it is free: it first brings what it carries."""
        if situation is None:
            return _Where(vehicle.home or self._anywhere(vehicle))
        seen = next((v for v in situation.vehicles if v.id == vehicle.id), None)
        if seen is None or seen.node is None:
            return _Where(None)
        goals = [situation.lots_by_id[n].heading for n in seen.loads if n in situation.lots_by_id]
        goal = next((g for g in goals if g is not None), None)
        route = goal and self._roadmap.to_station(vehicle, seen.node, goal)
        if not route:
            return _Where(seen.node)
        return _Where(route.nodes[-1], route.duration_s + vehicle.handling_s)


def _unseen(vehicle: Vehicle, where: _Where, situation: Situation | None) -> str:
    if situation is not None and where.node is None:
        return f"vehicle {vehicle.id} is not seen, and planned without; mend its connection"
    if where.node is None:
        return (
            f"vehicle {vehicle.id} is planned without: no edge of the layout is for "
            f"the kind {vehicle.kind}; add it to the kinds of edges"
        )
    return f"vehicle {vehicle.id} is at '{where.node}', which the layout does not have; correct it"


def _kinds(vehicles: Sequence[Vehicle]) -> dict[str, Vehicle]:
    """Name each sort of vehicle: by its kind where all of that kind are alike."""
    sorts: list[Vehicle] = []
    for vehicle in vehicles:
        if not any(_alike(vehicle, other) for other in sorts):
            sorts.append(vehicle)
    named: dict[str, Vehicle] = {}
    for sort in sorts:
        alone = sum(other.kind == sort.kind for other in sorts) == 1
        full = f"{sort.kind}, {sort.speed_m_s:g} m/s, {sort.handling_s:g} s"
        named[sort.kind.value if alone else full] = sort
    return named


def _alike(one: Vehicle, other: Vehicle) -> bool:
    return (one.kind, one.speed_m_s, one.handling_s) == (
        other.kind,
        other.speed_m_s,
        other.handling_s,
    )
