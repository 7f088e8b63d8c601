"""Itineraries of a fleet keep out of each other's way, whatever the layout."""

import math

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.plan.fleet.layouts import amr, conflicts, grid, layouts, ring

from genba.plan.fleet.bookings import Bookings
from genba.plan.fleet.itinerary import Stop, standing
from genba.plan.fleet.network import Network
from genba.plan.fleet.router import Request, route_all
from genba.plan.fleet.sipp import find_itinerary
from genba.plan.fleet.tasks import Carrier
from genba.plant import Edge, Layout, Node


def stop(*nodes: str, duration_s: float = 0.0, earliest_s: float = -math.inf) -> Stop:
    return Stop("drop", frozenset(nodes), duration_s, earliest_s)


def test_a_vehicle_alone_takes_the_fastest_way_and_stops_as_long_as_it_must() -> None:
    network = Network(grid(3, 1))
    found = find_itinerary(
        network, Bookings(), amr("a", speed_m_s=2.0), "n0-0", 100.0,
        [stop("n2-0", duration_s=7.0, earliest_s=120.0), stop("n1-0")],
    )  # fmt: skip
    assert found is not None
    assert [v.node for v in found.visits] == ["n0-0", "n1-0", "n2-0", "n1-0"]
    assert [v.arrive_s for v in found.visits] == [100.0, 105.0, 110.0, 132.0]
    assert found.visits[2].leave_s == 127.0


def test_a_vehicle_waits_until_a_node_is_free() -> None:
    network = Network(grid(3, 1))
    bookings = Bookings()
    bookings.add([("n1-0", 5.0, 50.0)])
    found = find_itinerary(network, bookings, amr("a"), "n0-0", 0.0, [stop("n2-0")])
    assert found is not None
    assert [v.leave_s for v in found.visits[:-1]] == [50.0, 60.0]


def test_nobody_ends_where_another_one_will_come() -> None:
    network = Network(grid(3, 1))
    bookings = Bookings()
    bookings.add([("n2-0", 90.0, 95.0)])
    found = find_itinerary(network, bookings, amr("a"), "n0-0", 0.0, [stop("n2-0")])
    assert found is not None
    assert found.visits[-1].leave_s == math.inf
    assert found.visits[-1].node != "n2-0" or found.visits[-1].arrive_s >= 95.0


def test_edges_that_cross_are_not_used_at_the_same_time() -> None:
    corners = {"a": (0, 0), "b": (10, 10), "c": (10, 0), "d": (0, 10)}
    layout = Layout(
        nodes=tuple(Node(id=n, x_m=x, y_m=y) for n, (x, y) in corners.items()),
        edges=(Edge(id="ab", start="a", end="b"), Edge(id="cd", start="c", end="d")),
    )
    first, second = Carrier(amr("v"), "a", 0.0), Carrier(amr("w"), "c", 0.0)
    requests = [Request(first, (stop("b"),)), Request(second, (stop("d"),))]
    routes = route_all(Network(layout), requests)
    times = sorted(i.visits[-1].arrive_s for i in routes.itineraries.values())
    assert times[1] >= times[0] + math.sqrt(200)


def test_an_idle_vehicle_is_pushed_out_of_the_way() -> None:
    corridor_with_a_bay = grid(3, 2, frozenset({3, 5}))
    network = Network(corridor_with_a_bay)
    runs = Request(Carrier(amr("runs"), "n0-0", 0.0), (stop("n2-0"),))
    idle = Request(Carrier(amr("idle"), "n1-0", 0.0), stays=True)
    routes = route_all(network, [runs, idle])
    assert routes.rank == (0, 0)
    assert routes.itineraries["idle"].visits[-1].node == "n1-1"
    assert conflicts(list(routes.itineraries.values())) == []


def test_nobody_is_routed_through_a_vehicle_that_has_broken_down() -> None:
    network = Network(grid(3, 2))
    runs = Request(Carrier(amr("runs"), "n0-0", 0.0), (stop("n2-0"),))
    down = Request(Carrier(amr("down"), "n1-0", 0.0, moves=False))
    routes = route_all(network, [runs, down])
    assert "n1-0" not in [v.node for v in routes.itineraries["runs"].visits]
    corridor = route_all(Network(grid(3, 1)), [runs, down])
    assert corridor.cut_short == {"runs"}
    assert conflicts(list(corridor.itineraries.values())) == []


def test_what_a_vehicle_is_committed_to_stays_and_the_others_keep_off() -> None:
    network = Network(grid(3, 3))
    first = find_itinerary(network, Bookings(), amr("a"), "n0-0", 0.0, [stop("n2-0")])
    assert first is not None
    end_s = first.visits[-1].arrive_s
    routes = route_all(
        network,
        [
            Request(Carrier(amr("b"), "n2-0", 0.0), (stop("n0-0"),)),
            Request(Carrier(amr("a"), "n2-0", end_s, committed=first), (stop("n2-2"),)),
        ],
    )
    a = routes.itineraries["a"].visits
    assert a[: len(first.visits) - 1] == first.visits[:-1]
    assert routes.rank == (0, 0)
    assert conflicts(list(routes.itineraries.values())) == []


@given(layouts(), st.integers(2, 4), st.randoms(use_true_random=False))
@settings(max_examples=150, deadline=None)
def test_itineraries_never_conflict(layout: Layout, count: int, random) -> None:
    network = Network(layout)
    nodes = [node.id for node in layout.nodes]
    starts = random.sample(nodes, count)
    requests = [
        Request(
            Carrier(amr(f"v{i}"), start, 0.0, moves=random.random() > 0.1),
            tuple(stop(random.choice(nodes), duration_s=5.0) for _ in range(random.randint(0, 2))),
            stays=True,
        )
        for i, start in enumerate(starts)
    ]
    routes = route_all(network, requests)
    assert set(routes.itineraries) == {f"v{i}" for i in range(count)}
    assert routes.stuck == set()
    assert conflicts(list(routes.itineraries.values())) == []
    for request in requests:
        done = [s for v in routes.itineraries[request.carrier.vehicle.id].visits for s in v.stops]
        whole = [s for s in done if s in request.stops] == list(request.stops)
        cut = request.carrier.vehicle.id in routes.cut_short
        assert whole or cut or not request.carrier.moves


def test_a_full_ring_with_bays_empties_into_them() -> None:
    network = Network(ring(6, 3))
    requests = [
        Request(Carrier(amr(f"v{i}"), f"r{i}", 0.0), (stop(f"r{(i + 3) % 6}"),)) for i in range(3)
    ]
    routes = route_all(network, requests)
    assert routes.rank == (0, 0)
    assert {i.visits[-1].node for i in routes.itineraries.values()} == {"b0", "b1", "b2"}
    assert conflicts(list(routes.itineraries.values())) == []


def test_two_who_meet_in_a_corridor_pass_each_other_in_its_only_bay() -> None:
    """Whoever is planned first takes the way of the other: this needs both at once."""
    corridor_with_a_bay = grid(5, 2, frozenset({5, 6, 8, 9}))
    requests = [
        Request(Carrier(amr("east"), "n0-0", 0.0), (stop("n4-0"),)),
        Request(Carrier(amr("west"), "n4-0", 3.0), (stop("n0-0"),)),
    ]
    routes = route_all(Network(corridor_with_a_bay), requests)
    assert routes.rank == (0, 0)
    assert [i.visits[-1].node for i in routes.itineraries.values()] == ["n4-0", "n0-0"]
    assert conflicts(list(routes.itineraries.values())) == []


def test_standing_is_forever() -> None:
    assert list(standing("a", "n", 3.0).holds()) == [("n", 3.0, math.inf)]
