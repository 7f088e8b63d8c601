"""Shortest ways on the layout, by time, for each kind of vehicle (Dijkstra, 1959)."""

import heapq
from dataclasses import dataclass

from genba.plant import Edge, Layout, Vehicle, VehicleKind


@dataclass(frozen=True, slots=True)
class Route:
    """Nodes in the order of driving, and the edges between them."""

    nodes: tuple[str, ...]
    edges: tuple[Edge, ...]
    duration_s: float


class Roadmap:
    """Answers route questions and remembers the answers; a layout does not change while running."""

    def __init__(self, layout: Layout) -> None:
        self._position = {node.id: (node.x_m, node.y_m) for node in layout.nodes}
        self._exits: dict[tuple[VehicleKind, str], list[tuple[Edge, str]]] = {}
        for edge in layout.edges:
            for kind in edge.kinds:
                self._exits.setdefault((kind, edge.start), []).append((edge, edge.end))
                if not edge.one_way:
                    self._exits.setdefault((kind, edge.end), []).append((edge, edge.start))
        self._known: dict[tuple[VehicleKind, float, str], dict[str, Route]] = {}
        self._stations: dict[str, list[str]] = {}
        for node in layout.nodes:
            if node.station is not None:
                self._stations.setdefault(node.station, []).append(node.id)
        self.chargers = tuple(node.id for node in layout.nodes if node.charger)

    def nodes_of(self, station: str) -> tuple[str, ...]:
        """Return the nodes at which a piece of equipment is served."""
        return tuple(self._stations.get(station, ()))

    def route(self, vehicle: Vehicle, start: str, end: str) -> Route | None:
        """Return the fastest way for a vehicle, None where there is none."""
        key = (vehicle.kind, vehicle.speed_m_s, start)
        if key not in self._known:
            self._known[key] = self._from(*key)
        return self._known[key].get(end)

    def to_station(self, vehicle: Vehicle, start: str, station: str) -> Route | None:
        """Return the fastest way to any node of a station."""
        routes = [self.route(vehicle, start, node) for node in self.nodes_of(station)]
        return min(
            (route for route in routes if route is not None),
            key=lambda route: (route.duration_s, route.nodes),
            default=None,
        )

    def _from(self, kind: VehicleKind, speed_m_s: float, start: str) -> dict[str, Route]:
        routes: dict[str, Route] = {}
        if start not in self._position:
            return routes
        queue: list[tuple[float, tuple[str, ...], tuple[Edge, ...]]] = [(0.0, (start,), ())]
        while queue:
            duration_s, nodes, edges = heapq.heappop(queue)
            here = nodes[-1]
            if here in routes:
                continue
            routes[here] = Route(nodes, edges, duration_s)
            for edge, there in self._exits.get((kind, here), ()):
                if there not in routes:
                    step_s = self._duration_s(edge, speed_m_s)
                    heapq.heappush(queue, (duration_s + step_s, (*nodes, there), (*edges, edge)))
        return routes

    def _duration_s(self, edge: Edge, speed_m_s: float) -> float:
        length_m = edge.length_m
        if length_m is None:
            (x1, y1), (x2, y2) = self._position[edge.start], self._position[edge.end]
            length_m = ((x1 - x2) ** 2 + (y1 - y2) ** 2) ** 0.5
        return length_m / min(speed_m_s, edge.max_speed_m_s or speed_m_s)
