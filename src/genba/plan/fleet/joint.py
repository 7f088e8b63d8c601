"""Where planning one vehicle after the other fails: all of them at once, step by step.

Every vehicle is brought to its next stop (or lets others by) with LaCAM on the layout, in steps in
which nobody enters a node that somebody is just leaving. The order in which vehicles pass each node
is then kept, and gets the times that driving takes (the idea of MAPF-POST: Hoenig et al., ICAPS
2016). LaCAM is complete: if there is any way to bring all to the goals chosen here, it is found,
given time.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from genba.plan.fleet.graph import FAR, Distances, Graph, Ints, graph_of
from genba.plan.fleet.itinerary import Itinerary, Stop, Visit
from genba.plan.fleet.many_paths import find_paths
from genba.plan.fleet.network import Network, Way
from genba.plan.fleet.tasks import Carrier
from genba.plant import VehicleKind

MOST_STEPS = 20_000
TIME_LIMIT_S = 0.3
_KINDS = tuple(VehicleKind)
_STANDS = len(_KINDS)
"""The kind, in the graph, of vehicles that do not move."""

Wish = tuple[Carrier, Stop | None]
"""A vehicle and what it has to do next."""


def plan_jointly(network: Network, wishes: Sequence[Wish]) -> dict[str, Itinerary] | None:
    """Bring every vehicle to its next stop, the first ones with preference; None without a way.

    Itineraries begin where and when the carriers are free, and end at the stops.
    """
    places = {node: index for index, node in enumerate(network.nodes)}
    names = list(places)
    starts = np.array([places[carrier.node] for carrier, _ in wishes], np.int32)
    if len(set(starts.tolist())) < len(wishes):
        return None
    still = {node for carrier, _ in wishes if not carrier.moves for node in _blocked(carrier)}
    graph = _graph(network, places, still)
    kinds = np.array(
        [_KINDS.index(c.vehicle.kind) if c.moves else _STANDS for c, _ in wishes], np.int32
    )
    distances = Distances(graph)
    goals = _goals(wishes, places, names, starts, kinds, graph, distances)
    if np.any(distances.table[distances.rows(goals, kinds), starts] >= FAR):
        return None
    found = find_paths(
        graph,
        starts,
        goals,
        kinds=kinds,
        follow=False,
        most_steps=MOST_STEPS,
        time_limit_s=TIME_LIMIT_S,
        distances=distances,
    )
    if found is None:
        return None
    clocks = [_Clock(carrier.node, carrier.free_s) for carrier, _ in wishes]
    free_s: dict[str, float] = {}
    for before, after in zip(found.places.tolist(), found.places[1:].tolist(), strict=False):
        for (carrier, _), clock, a, b in zip(wishes, clocks, before, after, strict=True):
            if a != b:
                way = next(
                    w for w in network.exits(carrier.vehicle.kind, names[a]) if w.end == names[b]
                )
                clock.drive(way, network.drive_s(carrier.vehicle, way), free_s)
    return {
        carrier.vehicle.id: clock.itinerary(carrier.vehicle.id, stop)
        for (carrier, stop), clock in zip(wishes, clocks, strict=True)
    }


def _blocked(carrier: Carrier) -> set[str]:
    """Return what a vehicle that cannot move is in the way of."""
    holds = carrier.committed.holds() if carrier.committed is not None else ()
    return {carrier.node, *(place for place, _, end_s in holds if end_s == math.inf)}


def _graph(network: Network, places: dict[str, int], still: set[str]) -> Graph:
    """Build the layout without the nodes that are blocked; what stands has no edges at all."""
    edges: list[list[tuple[int, int]]] = [
        [
            (places[way.start], places[way.end])
            for node in places
            for way in network.exits(kind, node)
            if way.start not in still and way.end not in still
        ]
        for kind in _KINDS
    ]
    return graph_of(len(places), [*edges, []])


def _goals(
    wishes: Sequence[Wish],
    places: dict[str, int],
    names: list[str],
    starts: Ints,
    kinds: Ints,
    graph: Graph,
    distances: Distances,
) -> Ints:
    """Choose a node for each vehicle: of its stop if one is left and can be reached, else near."""
    goals = np.full(len(wishes), -1, np.int32)
    # Who cannot leave has no choice; who has a stop chooses before those that have none.
    leaves = [
        int(graph.starts[row + 1] - graph.starts[row]) > 0 for row in kinds * graph.places + starts
    ]
    turns = sorted(range(len(wishes)), key=lambda i: (leaves[i], wishes[i][1] is None))
    taken: set[int] = set()
    for i in turns:
        _, stop = wishes[i]
        wanted = {places[node] for node in stop.nodes} if stop is not None else set()
        everywhere = range(len(names)) if leaves[i] else [int(starts[i])]
        free = np.array([p for p in everywhere if p not in taken], np.int32)
        rows = distances.rows(free, np.full(len(free), kinds[i], np.int32))
        steps = distances.table[rows, starts[i]]
        order = sorted(
            range(len(free)), key=lambda k: (steps[k] >= FAR, free[k] not in wanted, steps[k])
        )
        goals[i] = free[order[0]]
        taken.add(int(goals[i]))
    return goals


@dataclass(slots=True)
class _Clock:
    """One vehicle's visits as they get their times."""

    node: str
    time_s: float
    visits: list[Visit] = field(default_factory=list)
    way: Way | None = None

    def drive(self, way: Way, drive_s: float, free_s: dict[str, float]) -> None:
        """Set out as soon as the next node and all crossings are free."""
        wait_s = (free_s.get(place, -math.inf) for place in (way.end, *way.crossings))
        set_out_s = max(self.time_s, *wait_s)
        self.visits.append(Visit(self.node, self.way, self.time_s, set_out_s))
        arrive_s = set_out_s + drive_s
        for place in (self.node, *way.crossings):
            free_s[place] = arrive_s
        self.node, self.way, self.time_s = way.end, way, arrive_s

    def itinerary(self, vehicle: str, stop: Stop | None) -> Itinerary:
        """Return what it does; in the end its stop, if it got there."""
        stops = (stop,) if stop is not None and self.node in stop.nodes else ()
        last = Visit(self.node, self.way, self.time_s, math.inf, stops)
        return Itinerary(vehicle, (*self.visits, last))
