"""Layouts for the fleet's tests, and a checker that shares nothing with the planner."""

import itertools
import math

from hypothesis import strategies as st

from genba.plan.fleet.itinerary import Itinerary
from genba.plant import Edge, Layout, Node, Vehicle


def grid(width: int, height: int, missing: frozenset[int] = frozenset()) -> Layout:
    """A grid of nodes 10 m apart, driven both ways, with some nodes left out."""
    nodes = {
        (x, y): Node(id=f"n{x}-{y}", x_m=10.0 * x, y_m=10.0 * y)
        for y in range(height)
        for x in range(width)
        if y * width + x not in missing
    }
    edges = [
        Edge(id=f"{a.id}_{b.id}", start=a.id, end=b.id)
        for (x, y), a in nodes.items()
        for b in (nodes.get((x + 1, y)), nodes.get((x, y + 1)))
        if b is not None
    ]
    return Layout(nodes=tuple(nodes.values()), edges=tuple(edges))


def ring(size: int, bays: int) -> Layout:
    """A one-way ring with bays beside it, each with a charger, in and out over the ring."""
    nodes = [
        Node(
            id=f"r{i}",
            x_m=30.0 * math.cos(2 * math.pi * i / size),
            y_m=30.0 * math.sin(2 * math.pi * i / size),
        )
        for i in range(size)
    ]
    edges = [
        Edge(id=f"r{i}r{(i + 1) % size}", start=f"r{i}", end=f"r{(i + 1) % size}", one_way=True)
        for i in range(size)
    ]
    for i in range(bays):
        spot = nodes[i * size // bays]
        nodes.append(Node(id=f"b{i}", x_m=1.5 * spot.x_m, y_m=1.5 * spot.y_m, charger=True))
        edges.append(Edge(id=f"{spot.id}b{i}", start=spot.id, end=f"b{i}"))
    return Layout(nodes=tuple(nodes), edges=tuple(edges))


def amr(name: str, **more: object) -> Vehicle:
    return Vehicle(id=name, handling_s=10.0, **more)


@st.composite
def layouts(draw: st.DrawFn) -> Layout:
    """Grids with holes, and one-way rings."""
    if draw(st.booleans()):
        return ring(draw(st.integers(4, 8)), draw(st.integers(2, 4)))
    width, height = draw(st.integers(3, 5)), draw(st.integers(3, 4))
    return grid(width, height, draw(st.frozensets(st.integers(0, width * height - 1), max_size=3)))


def conflicts(itineraries: list[Itinerary]) -> list[str]:
    """Name everything that two vehicles would use at the same time, from visits alone."""
    spans: dict[str, list[tuple[str, float, float]]] = {}
    for itinerary in itineraries:
        visits = itinerary.visits
        for index, visit in enumerate(visits):
            begin = visit.arrive_s if index == 0 else visits[index - 1].leave_s
            end = math.inf if index + 1 == len(visits) else visits[index + 1].arrive_s
            assert begin <= visit.arrive_s <= visit.leave_s <= end
            spans.setdefault(visit.node, []).append((itinerary.vehicle, begin, end))
    return [
        f"{a[0]} and {b[0]} at {node}: {a[1:]} {b[1:]}"
        for node, listed in spans.items()
        for a, b in itertools.combinations(listed, 2)
        if a[0] != b[0] and a[1] < b[2] - 1e-9 and b[1] < a[2] - 1e-9
    ]
