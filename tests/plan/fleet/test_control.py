"""A fleet under control never collides, locks or loses a task, whatever goes wrong."""

import json
import random
from dataclasses import replace

from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.plan.fleet.layouts import amr, grid, layouts, ring

from genba.connect.vda5050_schema import checker
from genba.plan.fleet.control import FleetControl, Message
from genba.plan.fleet.course import Report
from genba.plan.fleet.itinerary import Itinerary, Stop, Visit
from genba.plan.fleet.network import Network
from genba.plan.fleet.precedence import precedence
from genba.plan.fleet.rehearsal import Rehearsal, Trouble
from genba.plan.fleet.tasks import TransportTask
from genba.plant import Layout, VehicleKind

CALM = Trouble(slowest=1.0, pause_per_way=0.0)
LONG_S = 4000.0


def stations(layout: Layout) -> Layout:
    """Let every node but the chargers serve a station of the same name."""
    nodes = tuple(n if n.charger else n.model_copy(update={"station": n.id}) for n in layout.nodes)
    return layout.model_copy(update={"nodes": nodes})


def can_pass(layout: Layout) -> bool:
    """Whether nobody can be shut in: without any one node, the others that drive hang together.

    Elsewhere there are tasks that cannot be done at all, such as getting past three others out of
    a dead end. A bay beside a ring shuts nobody in, as it is for one.
    """
    network = Network(layout)
    passed = [n.id for n in layout.nodes if not n.charger]
    return all(
        len(reached(network, set(passed) - {gone})) == len(passed) - 1 for gone in passed
    ) or any(edge.one_way for edge in layout.edges)


def reached(network: Network, nodes: set[str]) -> set[str]:
    found, todo = set(), [min(nodes)]
    while todo:
        here = todo.pop()
        if here not in found:
            found.add(here)
            todo += [w.end for w in network.exits(VehicleKind.AMR, here) if w.end in nodes]
    return found


def live(
    layout: Layout, count: int, jobs: int, trouble: Trouble, seed: int
) -> tuple[Rehearsal, list[TransportTask], list[Message]]:
    """Let a fleet do random transports until all are done or nothing happens any more."""
    rng = random.Random(seed)
    network = Network(stations(layout))
    fleet = [amr(f"v{i}") for i in range(count)]
    served = [n.id for n in layout.nodes if not n.charger]
    pairs = [rng.sample(served, 2) for _ in range(jobs)]
    tasks = [TransportTask(f"t{i}", f"L{i}", a, b) for i, (a, b) in enumerate(pairs)]
    where = rng.sample([n.id for n in layout.nodes], count)
    lots = {task.lot: task.origin for task in tasks}
    rehearsal = Rehearsal(network, list(zip(fleet, where, strict=True)), lots, trouble, seed)
    control = FleetControl(network, fleet, {"v0": 3})
    told: list[Message] = []
    while rehearsal.now_s < LONG_S and not rehearsal.faults:
        left = rehearsal.open_tasks(tasks)
        if not left:
            break
        for message in control.tick(rehearsal.now_s, rehearsal.reports(), left):
            rehearsal.take(message.vehicle, message.text)
            told.append(message)
        rehearsal.tick()
    return rehearsal, tasks, told


@given(
    layouts().filter(can_pass), st.integers(1, 4), st.integers(1, 6),
    st.sampled_from([CALM, Trouble(), Trouble(breakdowns_per_h=6.0)]), st.integers(0, 10_000),
)  # fmt: skip
@settings(max_examples=25, deadline=None)
@example(ring(5, 2), 3, 10, Trouble(), 5)
def test_all_tasks_are_done_without_a_collision_or_a_deadlock(
    layout: Layout, count: int, jobs: int, trouble: Trouble, seed: int
) -> None:
    rehearsal, tasks, _ = live(layout, count, jobs, trouble, seed)
    assert rehearsal.faults == []
    assert rehearsal.open_tasks(tasks) == []


def test_orders_and_updates_are_valid_vda_5050_and_grow_by_stitching() -> None:
    rehearsal, tasks, told = live(grid(4, 3), 3, 6, Trouble(), 1)
    assert rehearsal.open_tasks(tasks) == []
    header = {
        "headerId": 1, "timestamp": "2026-01-05T06:00:00.000Z", "manufacturer": "m",
        "serialNumber": "s",
    }  # fmt: skip
    last: dict[str, dict[str, object]] = {}
    updates = horizons = 0
    for message in told:
        order = json.loads(str(message.text))
        major = 3 if message.vehicle == "v0" else 2
        version = {2: "2.1.0", 3: "3.0.0"}[major]
        assert checker(major, "order")({**header, "version": version, **order}) is None
        released = [node["released"] for node in order["nodes"]]
        assert released == sorted(released, reverse=True)
        horizons += not all(released)
        before = last.get(message.vehicle)
        if before is not None and before["orderId"] == order["orderId"]:
            updates += 1
            assert order["orderUpdateId"] == before["orderUpdateId"] + 1
            base = [node for node in before["nodes"] if node["released"]]
            joint, first = base[-1], order["nodes"][0]
            assert (first["nodeId"], first["sequenceId"]) == (joint["nodeId"], joint["sequenceId"])
            assert first["actions"] == []
        else:
            assert order["orderUpdateId"] == 0
            assert order["nodes"][0]["sequenceId"] == 0
        last[message.vehicle] = order
    assert updates > 3
    assert horizons > 3


def test_a_node_is_released_only_when_who_passes_it_before_has_left_it() -> None:
    first = Itinerary("a", (Visit("n", None, 0, 5), Visit("m", None, 15, float("inf"))))
    second = Itinerary("b", (Visit("l", None, 0, 20), Visit("n", None, 30, float("inf"))))
    assert precedence([first, second]) == {("b", 1): (("a", 1),)}


def control_on(layout: Layout, *names: str) -> FleetControl:
    return FleetControl(Network(stations(layout)), [amr(name) for name in names])


def test_a_vehicle_that_breaks_down_on_its_way_loses_its_task_to_another_one() -> None:
    control = control_on(grid(12, 2), "near", "far")
    task = TransportTask("t", "L", "n5-0", "n8-0")
    near, far = Report("near", "n0-0"), Report("far", "n11-1")
    (order,) = control.tick(0.0, [near, far], [task])
    assert (order.vehicle, order.task) == ("near", "t")
    near = replace(near, order_id=order.order_id, over=False, able=False)
    told = control.tick(1.0, [near, far], [task])
    assert [(m.vehicle, m.text is None, m.task) for m in told] == [
        ("near", True, ""), ("far", False, "t"),
    ]  # fmt: skip
    way = [node["nodeId"] for node in json.loads(str(told[1].text))["nodes"]]
    assert "n0-0" not in way


def test_an_idle_vehicle_makes_way_only_when_somebody_needs_its_place() -> None:
    corridor_with_a_bay = grid(3, 2, frozenset({3, 5}))
    control = control_on(corridor_with_a_bay, "runs", "idle")
    reports = [Report("runs", "n0-0"), Report("idle", "n1-0")]
    assert control.tick(0.0, reports, []) == []
    told = control.tick(1.0, reports, [TransportTask("t", "L", "n0-0", "n2-0")])
    orders = {m.vehicle: json.loads(str(m.text)) for m in told}
    assert [n["nodeId"] for n in orders["idle"]["nodes"]] == ["n1-0", "n1-1"]
    assert [n["released"] for n in orders["runs"]["nodes"]] == [True, False, False]


def test_a_vehicle_is_sent_to_charge_where_it_is_told_to() -> None:
    control = control_on(ring(4, 2), "v")
    charge = {"v": (Stop("charge", frozenset({"b0"})),)}
    (order,) = control.tick(0.0, [Report("v", "r3")], [], charge)
    nodes = json.loads(str(order.text))["nodes"]
    assert [n["nodeId"] for n in nodes] == ["r3", "r0", "b0"]
    assert nodes[-1]["actions"][0]["actionType"] == "startCharging"


def test_the_rehearsal_sees_what_is_wrong_with_orders() -> None:
    network = Network(stations(grid(3, 1)))
    fleet = [(amr("a"), "n0-0"), (amr("b"), "n1-0")]
    rehearsal = Rehearsal(network, fleet, {}, CALM, 1)
    there = {"nodeId": "n1-0", "sequenceId": 2, "released": True, "actions": []}
    here = {"nodeId": "n0-0", "sequenceId": 0, "released": True, "actions": []}
    rehearsal.take("b", json.dumps({"orderId": "x", "orderUpdateId": 0, "nodes": [here]}))
    assert "its order begins at n0-0" in rehearsal.faults[-1]
    rehearsal.take("a", json.dumps({"orderId": "y", "orderUpdateId": 0, "nodes": [here, there]}))
    rehearsal.tick()
    assert "a and b collide at n1-0" in rehearsal.faults[-1]
    rehearsal.take("a", json.dumps({"orderId": "y", "orderUpdateId": 1, "nodes": [here]}))
    assert "its base ends at" in rehearsal.faults[-1]
