"""Where vehicles may go: routes over the layout, and one vehicle per node."""

import heapq
import math
from dataclasses import dataclass

from genba.plant import Edge, Layout, Node, VehicleKind


@dataclass(frozen=True, slots=True)
class Way:
    """One direction of an edge."""

    edge: Edge
    start: str
    end: str
    length_m: float


class Roads:
    """The layout graph, per kind of vehicle."""

    def __init__(self, layout: Layout) -> None:
        self.map_id = layout.map_id
        self.nodes: dict[str, Node] = {node.id: node for node in layout.nodes}
        self.edges: dict[str, Edge] = {edge.id: edge for edge in layout.edges}
        self._ways: dict[tuple[VehicleKind, str], list[Way]] = {}
        self._between: dict[tuple[VehicleKind, str, str], Way] = {}
        for edge in layout.edges:
            ends = [(edge.start, edge.end)]
            if not edge.one_way:
                ends.append((edge.end, edge.start))
            for start, end in ends:
                way = Way(edge, start, end, edge.length_m or self._distance(start, end))
                for kind in edge.kinds:
                    self._ways.setdefault((kind, start), []).append(way)
                    self._between[kind, start, end] = way

    def between(self, kind: VehicleKind, start: str, end: str) -> Way | None:
        """The way from one node to its neighbor, or None."""
        return self._between.get((kind, start, end))

    def route(self, kind: VehicleKind, start: str, end: str) -> list[Way] | None:
        """Shortest way (Dijkstra 1959); None where there is none."""
        best = {start: 0.0}
        came: dict[str, Way] = {}
        heap = [(0.0, start)]
        while heap:
            distance, node = heapq.heappop(heap)
            if node == end:
                ways: list[Way] = []
                while node != start:
                    ways.append(came[node])
                    node = came[node].start
                return ways[::-1]
            if distance > best[node]:
                continue
            for way in self._ways.get((kind, node), ()):
                reached = distance + way.length_m
                if reached < best.get(way.end, 1e18):
                    best[way.end] = reached
                    came[way.end] = way
                    heapq.heappush(heap, (reached, way.end))
        return None

    def length_m(self, kind: VehicleKind, start: str, end: str) -> float:
        """Length of the shortest way, infinite where there is none."""
        ways = self.route(kind, start, end)
        return float("inf") if ways is None else sum(way.length_m for way in ways)

    def serving(self, kind: VehicleKind, station: str) -> list[str]:
        """Nodes at which vehicles of a kind reach a station."""
        return [
            node.id
            for node in self.nodes.values()
            if node.station == station and (kind, node.id) in self._ways
        ]

    def _distance(self, start: str, end: str) -> float:
        a, b = self.nodes[start], self.nodes[end]
        return max(0.01, math.hypot(a.x_m - b.x_m, a.y_m - b.y_m))


class Reservations:
    """Gives a node to one vehicle at a time.

    A vehicle waits only while it stands on a node of its own, and aisles are one-way rings with
    more nodes than vehicles, so that no ring can fill up and lock.
    """

    def __init__(self) -> None:
        self._holder: dict[str, str] = {}
        self.wanted: dict[str, str] = {}
        """Nodes that somebody waits for, with who does."""

    def holder(self, node: str) -> str | None:
        """The vehicle that has a node."""
        return self._holder.get(node)

    def claim(self, node: str, vehicle: str) -> bool:
        """Ask for a node."""
        holder = self._holder.setdefault(node, vehicle)
        if holder == vehicle:
            self.wanted.pop(node, None)
            return True
        self.wanted[node] = vehicle
        return False

    def release(self, node: str, vehicle: str) -> None:
        """Give a node back."""
        if self._holder.get(node) == vehicle:
            del self._holder[node]
