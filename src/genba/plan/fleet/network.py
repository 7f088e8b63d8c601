"""The layout as vehicles use it: ways per kind, driving times, and what cannot be used together.

A vehicle that stands *holds* its node. One that drives from ``u`` to ``v`` holds both from when it
sets out until it arrives, and every crossing on the way. So two vehicles never meet on an edge in
opposite directions, and one that breaks down anywhere holds all that it may be in the way of.
"""

import heapq
import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass

from genba.errors import PlanError
from genba.plant import Edge, Layout, Vehicle, VehicleKind

SHORTEST_M = 0.01
"""Edges between nodes that lie on one another still take some time, so that order is defined."""


@dataclass(frozen=True, slots=True)
class Way:
    """One direction of an edge. ``crossings`` are held while it is driven."""

    edge: Edge
    start: str
    end: str
    length_m: float
    crossings: tuple[str, ...] = ()


class Network:
    """Answers what leads where and how long it takes; remembers the answers.

    Parameters
    ----------
    layout : Layout
        Nodes and edges.
    vehicles : tuple of Vehicle
        Their homes are places to rest, as chargers are.
    acceleration_m_s2 : mapping of str to float
        By vehicle id, where it is known; then every stop costs ``speed / acceleration`` more.

    Raises
    ------
    PlanError
        If an edge leads to a node that the layout does not have.
    """

    def __init__(
        self,
        layout: Layout,
        vehicles: tuple[Vehicle, ...] = (),
        acceleration_m_s2: Mapping[str, float] | None = None,
    ) -> None:
        self.nodes = {node.id: node for node in layout.nodes}
        self._acceleration = dict(acceleration_m_s2 or {})
        self._exits: dict[tuple[VehicleKind, str], list[Way]] = {}
        self._entries: dict[tuple[VehicleKind, str], list[Way]] = {}
        crossings = _crossings(layout, self.nodes)
        for edge in layout.edges:
            for start, end in _directions(edge):
                for node in (start, end):
                    if node not in self.nodes:
                        raise PlanError(f"edge {edge.id}: node {node} is not on the layout; add it")
                way = Way(edge, start, end, self._length_m(edge), crossings.get(edge.id, ()))
                for kind in edge.kinds:
                    self._exits.setdefault((kind, start), []).append(way)
                    self._entries.setdefault((kind, end), []).append(way)
        chargers = {node.id for node in layout.nodes if node.charger}
        self._rests: dict[VehicleKind, frozenset[str]] = {}
        self._chargers: dict[VehicleKind, frozenset[str]] = {}
        for kind in VehicleKind:
            used = {name for name in self.nodes if (kind, name) in self._entries}
            homes = {v.home for v in vehicles if v.kind is kind and v.home in self.nodes}
            self._chargers[kind] = frozenset(chargers & used)
            self._rests[kind] = frozenset(name for name in (chargers & used) | homes if name)
        self._stations: dict[str, list[str]] = {}
        for point in layout.nodes:
            if point.station is not None:
                self._stations.setdefault(point.station, []).append(point.id)
        self._alone = {node: frozenset({node}) for node in self.nodes}
        self._known: dict[tuple[VehicleKind, float, frozenset[str]], dict[str, float]] = {}

    def exits(self, kind: VehicleKind, node: str) -> list[Way]:
        """Ways that leave a node, for a kind of vehicle."""
        return self._exits.get((kind, node), [])

    def serving(self, kind: VehicleKind, station: str) -> frozenset[str]:
        """Nodes at which vehicles of a kind serve a piece of equipment."""
        return frozenset(
            node
            for node in self._stations.get(station, ())
            if (kind, node) in self._entries or (kind, node) in self._exits
        )

    def rests(self, kind: VehicleKind) -> frozenset[str]:
        """Places where a vehicle may stand for long: homes and chargers."""
        return self._rests[kind]

    def chargers(self, kind: VehicleKind) -> frozenset[str]:
        """Chargers that a kind of vehicle can drive to."""
        return self._chargers[kind]

    def drive_s(self, vehicle: Vehicle, way: Way) -> float:
        """Driving time of a way at the speed that is allowed there, in seconds."""
        return way.length_m / min(vehicle.speed_m_s, way.edge.max_speed_m_s or vehicle.speed_m_s)

    def handling_s(self, vehicle: Vehicle) -> float:
        """Time that a stop for one load takes, braking and starting included where known."""
        acceleration = self._acceleration.get(vehicle.id)
        return vehicle.handling_s + (vehicle.speed_m_s / acceleration if acceleration else 0.0)

    def times_to(self, vehicle: Vehicle, goals: frozenset[str]) -> Mapping[str, float]:
        """Driving time from every node to the nearest goal; nodes without a way are left out."""
        key = (vehicle.kind, vehicle.speed_m_s, goals)
        if key not in self._known:
            self._known[key] = self._search(vehicle, goals)
        return self._known[key]

    def between_s(self, vehicle: Vehicle, start: str, end: str) -> float:
        """Driving time from node to node; infinite without a way."""
        return self.times_to(vehicle, self._alone[end]).get(start, math.inf)

    def _search(self, vehicle: Vehicle, goals: frozenset[str]) -> dict[str, float]:
        """Dijkstra (1959) backwards from the goals."""
        found: dict[str, float] = {}
        queue = [(0.0, goal) for goal in sorted(goals)]
        while queue:
            time_s, node = heapq.heappop(queue)
            if node in found:
                continue
            found[node] = time_s
            for way in self._entries.get((vehicle.kind, node), ()):
                if way.start not in found:
                    heapq.heappush(queue, (time_s + self.drive_s(vehicle, way), way.start))
        return found

    def _length_m(self, edge: Edge) -> float:
        if edge.length_m is not None:
            return edge.length_m
        a, b = self.nodes[edge.start], self.nodes[edge.end]
        return max(SHORTEST_M, math.hypot(a.x_m - b.x_m, a.y_m - b.y_m))


def _directions(edge: Edge) -> tuple[tuple[str, str], ...]:
    forth = (edge.start, edge.end)
    return (forth,) if edge.one_way else (forth, forth[::-1])


def _crossings(layout: Layout, nodes: Mapping[str, object]) -> dict[str, tuple[str, ...]]:
    """Name the crossing of every two edges of one kind that cross away from their ends."""
    spots = {node.id: (node.x_m, node.y_m) for node in layout.nodes}
    edges = [edge for edge in layout.edges if edge.start in nodes and edge.end in nodes]
    found: dict[str, list[str]] = {}
    for a, b in itertools.combinations(edges, 2):
        if not set(a.kinds) & set(b.kinds) or {a.start, a.end} & {b.start, b.end}:
            continue
        if _cross(spots[a.start], spots[a.end], spots[b.start], spots[b.end]):
            name = f"{a.id} x {b.id}"
            found.setdefault(a.id, []).append(name)
            found.setdefault(b.id, []).append(name)
    return {edge: tuple(names) for edge, names in found.items()}


Point = tuple[float, float]


def _cross(a: Point, b: Point, c: Point, d: Point) -> bool:
    """Whether the open segments ``ab`` and ``cd`` cross in one point."""
    return (_side(a, b, c) * _side(a, b, d) < 0) and (_side(c, d, a) * _side(c, d, b) < 0)


def _side(a: Point, b: Point, p: Point) -> float:
    return (b[0] - a[0]) * (p[1] - a[1]) - (b[1] - a[1]) * (p[0] - a[0])
