"""Vehicles drive VDA 5050 orders, never meet, and reject what they cannot do."""

import json
from importlib.resources import files
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genba.plant import US, Plant, VehicleKind
from genba.plant.load import load_plant
from genba.testbed.board import Board
from genba.testbed.construction import build_crew
from genba.testbed.files import reference_files
from genba.testbed.floor import Floor
from genba.testbed.ledger import Ledger
from genba.testbed.lots import Lot
from genba.testbed.physics_file import Physics, VehiclePhysics
from genba.testbed.randomness import Chance
from genba.testbed.stations import Station
from genba.testbed.traffic import Reservations, Roads
from genba.testbed.unit.process import Part
from genba.testbed.vehicle_message import state_message
from genba.testbed.vehicles import Transporter

PLANT: Plant = load_plant(reference_files()[0])
CALM = VehiclePhysics(breakdowns=None)


class Yard:
    """Vehicles on the reference layout, with a station at every machine and no machines."""

    def __init__(self) -> None:
        physics = Physics(machines={})
        chance = Chance(1)
        start = min(order.release for order in PLANT.orders)
        self.floor = Floor(PLANT, physics, chance, build_crew(PLANT, physics, chance, start), start)
        self.roads = Roads(PLANT.layout)
        self.ledger = Ledger()
        for node in PLANT.layout.nodes:
            if node.station:
                self.floor.stations[node.station] = Station(node.station, 2, None)
        reservations = Reservations()
        self.vehicles = {
            vehicle.id: Transporter(
                self.floor,
                vehicle,
                CALM,
                self.roads,
                reservations,
                Board(vehicle.id, PLANT.equipment_by_id[vehicle.id].signals, self.floor.outbox),
                self.ledger,
            )
            for vehicle in PLANT.vehicles
        }

    def lot(self, name: str, station: str) -> Lot:
        order = PLANT.orders[0]
        product = PLANT.products_by_id[order.product]
        lot = Lot(name, order, product, 1, [Part(f"{name}.1", product.id)])
        self.floor.stations[station].put(lot, self.floor.around.now)
        return lot

    def tick(self, seconds: int = 1) -> None:
        for _ in range(seconds):
            self.floor.around.now += US
            for vehicle in self.vehicles.values():
                vehicle.tick()
            spots = [v.spot for v in self.vehicles.values()]
            assert len(set(spots)) == len(spots), f"vehicles meet: {spots}"

    def until_done(self, *vehicles: Transporter, limit_s: int = 1500) -> None:
        for _ in range(limit_s):
            if not any(v.busy for v in vehicles):
                return
            self.tick()
        pytest.fail(f"{[v.id for v in vehicles if v.busy]} still busy after {limit_s} s")

    def transport(
        self, vehicle: Transporter, load: str, *, pick: str, drop: str, order: str = "T-1"
    ) -> dict[str, Any]:
        kind = vehicle.kind
        pick_node = self.roads.serving(kind, pick)[0]
        drop_node = self.roads.serving(kind, drop)[0]
        to_pick = self.roads.route(kind, vehicle.node, pick_node)
        onward = self.roads.route(kind, pick_node, drop_node)
        assert to_pick is not None
        assert onward is not None
        ways = to_pick + onward
        nodes: list[dict[str, Any]] = [
            {"nodeId": vehicle.node, "sequenceId": 0, "released": True, "actions": []}
        ]
        edges = []
        for index, way in enumerate(ways, start=1):
            nodes.append(
                {"nodeId": way.end, "sequenceId": 2 * index, "released": True, "actions": []}
            )
            edges.append(
                {
                    "edgeId": way.edge.id,
                    "sequenceId": 2 * index - 1,
                    "released": True,
                    "actions": [],
                }
            )
        for index, kind_of_action in ((len(to_pick), "pick"), (len(ways), "drop")):
            nodes[index]["actions"].append(
                {
                    "actionId": f"{order}-{kind_of_action}",
                    "actionType": kind_of_action,
                    "blockingType": "HARD",
                    "actionParameters": [{"key": "loadId", "value": load}],
                }
            )
        return {"orderId": order, "orderUpdateId": 0, "nodes": nodes, "edges": edges}


def statuses(vehicle: Transporter) -> list[str]:
    return [action.status for action in vehicle.actions]


def test_a_transport_order_moves_the_lot() -> None:
    yard = Yard()
    amr = yard.vehicles["amr-1"]
    lot = yard.lot("L-1", "store")
    amr.order(json.dumps(yard.transport(amr, "L-1", pick="store", drop="mill-1")))
    assert amr.busy
    assert statuses(amr) == ["WAITING", "WAITING"]
    yard.until_done(amr)
    assert statuses(amr) == ["FINISHED", "FINISHED"]
    assert lot.place == "mill-1"
    assert amr.node == "mill-1"
    assert amr.ahead == []
    assert yard.floor.stations["store"].lots == {}
    assert amr.charge < 1.0


def test_speed_and_acceleration_stay_within_the_vehicle_s() -> None:
    yard = Yard()
    amr = yard.vehicles["amr-1"]
    yard.lot("L-1", "store")
    amr.order(yard.transport(amr, "L-1", pick="store", drop="dock"))
    before = amr.speed_m_s
    fastest = 0.0
    while amr.busy:
        yard.tick()
        assert amr.speed_m_s <= amr.vehicle.speed_m_s + 1e-9
        assert amr.speed_m_s - before <= CALM.acceleration_m_s2 + 1e-9
        before = amr.speed_m_s
        fastest = max(fastest, before)
    assert fastest == pytest.approx(amr.vehicle.speed_m_s)


def test_a_pick_waits_for_its_load_and_then_takes_it() -> None:
    yard = Yard()
    amr = yard.vehicles["amr-1"]
    amr.order(yard.transport(amr, "L-9", pick="store", drop="mill-1"))
    yard.tick(300)
    assert amr.node.startswith("store")
    assert statuses(amr) == ["WAITING", "WAITING"]
    yard.lot("L-9", "store")
    yard.until_done(amr)
    assert statuses(amr) == ["FINISHED", "FINISHED"]


def test_a_drop_at_a_full_station_fails_and_keeps_the_load() -> None:
    yard = Yard()
    amr = yard.vehicles["amr-1"]
    lot = yard.lot("L-1", "store")
    for name in ("X-1", "X-2"):
        yard.lot(name, "mill-1")
    amr.order(yard.transport(amr, "L-1", pick="store", drop="mill-1"))
    yard.until_done(amr)
    assert statuses(amr) == ["FINISHED", "FAILED"]
    assert amr.loads == [lot]
    assert lot.place == "amr-1"
    assert "no free place" in amr.actions[1].result


def broken(order: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {**order, **changes}


def with_action(order: dict[str, Any], kind: str) -> dict[str, Any]:
    action = {"actionId": "a", "actionType": kind, "blockingType": "HARD"}
    return broken(order, nodes=[{**order["nodes"][0], "actions": [action]}], edges=[])


def over_edge(order: dict[str, Any], edge: str) -> dict[str, Any]:
    return broken(order, edges=[{**order["edges"][0], "edgeId": edge}, *order["edges"][1:]])


@pytest.mark.parametrize(
    ("kind", "spoil"),
    [
        ("validationError", lambda order: "{not json"),
        ("validationError", lambda order: {"orderId": "T"}),
        ("validationError", lambda order: broken(order, edges=order["edges"][:-1])),
        ("validationError", lambda order: broken(order, orderId="")),
        (
            "noRouteError",
            lambda order: broken(order, nodes=[{**order["nodes"][0], "nodeId": "moon"}], edges=[]),
        ),
        ("noRouteError", lambda order: over_edge(order, "c0_c1")),
        ("noRouteError", lambda order: over_edge(order, "nowhere")),
        (
            "orderError",
            lambda order: broken(order, nodes=order["nodes"][3:], edges=order["edges"][3:]),
        ),
        ("orderError", lambda order: with_action(order, "fly")),
        ("orderError", lambda order: with_action(order, "pick")),
    ],
)
def test_bad_orders_are_rejected_with_an_error_in_the_state(kind: str, spoil: Any) -> None:
    yard = Yard()
    amr = yard.vehicles["amr-1"]
    amr.order(spoil(yard.transport(amr, "L-1", pick="store", drop="mill-1")))
    assert not amr.busy
    assert amr.order_id == ""
    assert [error["errorType"] for error in amr.errors] == [kind]
    yard.tick(5)
    assert amr.node == "park-1"


def test_a_second_order_is_rejected_while_the_first_goes_on() -> None:
    yard = Yard()
    amr = yard.vehicles["amr-1"]
    yard.lot("L-1", "store")
    amr.order(yard.transport(amr, "L-1", pick="store", drop="mill-1", order="T-1"))
    amr.order(yard.transport(amr, "L-1", pick="store", drop="mill-2", order="T-2"))
    assert amr.order_id == "T-1"
    assert amr.errors[0]["errorType"] == "orderError"
    yard.until_done(amr)
    assert amr.node == "mill-1"


def test_it_stands_at_the_end_of_the_base_until_an_update_releases_more() -> None:
    yard = Yard()
    amr = yard.vehicles["amr-1"]
    lot = yard.lot("L-1", "store")
    order = yard.transport(amr, "L-1", pick="store", drop="mill-1")
    picked = next(i for i, node in enumerate(order["nodes"]) if node["actions"])
    whole = {**order, "orderUpdateId": 1}
    whole["nodes"], whole["edges"] = order["nodes"][picked:], order["edges"][picked:]
    horizon = [
        node if i <= picked else {**node, "released": False}
        for i, node in enumerate(order["nodes"])
    ]
    ways = [
        edge if i < picked else {**edge, "released": False} for i, edge in enumerate(order["edges"])
    ]
    amr.order({**order, "nodes": horizon, "edges": ways})
    yard.tick(600)
    assert statuses(amr) == ["FINISHED", "WAITING"]
    assert amr.node == order["nodes"][picked]["nodeId"]
    assert amr.busy
    amr.order({**whole, "nodes": whole["nodes"][1:], "edges": whole["edges"][1:]})
    assert amr.errors[0]["errorType"] == "orderUpdateError"
    amr.order(whole)
    yard.until_done(amr)
    assert statuses(amr) == ["FINISHED", "FINISHED"]
    assert lot.place == "mill-1"


def test_cancel_pause_and_resume() -> None:
    yard = Yard()
    amr = yard.vehicles["amr-1"]
    yard.lot("L-1", "store")
    amr.order(yard.transport(amr, "L-1", pick="store", drop="mill-1"))
    yard.tick(20)
    amr.instant_actions({"actions": [{"actionId": "p", "actionType": "startPause"}]})
    here = amr.position
    yard.tick(30)
    assert amr.position == here
    assert amr.busy
    amr.instant_actions({"actions": [{"actionId": "r", "actionType": "stopPause"}]})
    amr.instant_actions({"actions": [{"actionId": "c", "actionType": "cancelOrder"}]})
    yard.until_done(amr, limit_s=60)
    assert statuses(amr) == ["FAILED", "FAILED"]
    assert [a.status for a in amr.instant] == ["FINISHED"] * 3


def test_instant_actions_show_in_the_state_of_both_versions_until_a_new_order() -> None:
    yard = Yard()
    connections = {c.id: c for c in PLANT.connections}
    yard.lot("L-1", "furnace")
    yard.lot("L-2", "furnace")
    for name, key in (("amr-1", "actionStates"), ("hoist-1", "instantActionStates")):
        vehicle = yard.vehicles[name]

        def shown(
            vehicle: Transporter = vehicle, name: str = name, key: str = key
        ) -> dict[str, str]:
            message = state_message(vehicle, connections[name], "hall", yard.floor.around.now)
            return {state["actionId"]: state["actionStatus"] for state in message[key]}

        cancel = {"actions": [{"actionId": f"c-{name}", "actionType": "cancelOrder"}]}
        vehicle.instant_actions(cancel)
        assert shown()[f"c-{name}"] == "FAILED"
        error = vehicle.errors[-1]
        assert error["errorType"] == "noOrderToCancel"
        assert {"referenceKey": "actionId", "referenceValue": f"c-{name}"} in error[
            "errorReferences"
        ]
        lot = "L-1" if name == "amr-1" else "L-2"
        vehicle.order(yard.transport(vehicle, lot, pick="furnace", drop="grinder", order=name))
        assert vehicle.busy
        assert (f"c-{name}" in shown()) == (key == "instantActionStates")
        vehicle.instant_actions({"actions": [{"actionId": "again", "actionType": "cancelOrder"}]})
        assert shown()["again"] == "FINISHED"


def test_a_rejected_message_is_referred_to_by_its_ids() -> None:
    yard = Yard()
    amr = yard.vehicles["amr-1"]
    amr.order({"orderId": "T-9", "orderUpdateId": 3, "nodes": []})
    assert amr.errors[-1]["errorReferences"] == [
        {"referenceKey": "topic", "referenceValue": "order"},
        {"referenceKey": "orderId", "referenceValue": "T-9"},
        {"referenceKey": "orderUpdateId", "referenceValue": "3"},
    ]
    amr.order("{")
    assert amr.errors[-1]["errorReferences"] == [
        {"referenceKey": "topic", "referenceValue": "order"}
    ]
    amr.instant_actions({"actions": [{"actionId": "x"}]})
    assert {"referenceKey": "actionId", "referenceValue": "x"} in amr.errors[-1]["errorReferences"]


def test_an_idle_vehicle_makes_way_and_an_order_finds_it_on_its_way_home() -> None:
    yard = Yard()
    first, second = yard.vehicles["amr-1"], yard.vehicles["amr-2"]
    for vehicle in (first, second):
        vehicle.parks_itself = False
    yard.lot("L-1", "store")
    first.order(yard.transport(first, "L-1", pick="store", drop="mill-1", order="T-1"))
    yard.until_done(first)
    yard.tick(60)
    assert first.node == "mill-1"
    yard.lot("L-2", "store")
    second.order(yard.transport(second, "L-2", pick="store", drop="mill-1", order="T-2"))
    order = yard.transport(first, "L-1", pick="mill-1", drop="dock", order="T-3")
    while not first.going_home:
        yard.tick()
        assert second.busy
    yard.tick(12)
    first.order(order)
    assert first.errors == []
    yard.until_done(first, second)
    assert statuses(first) == statuses(second) == ["FINISHED", "FINISHED"]


def test_a_new_order_gives_back_the_node_that_was_asked_for_ahead() -> None:
    yard = Yard()
    amr = yard.vehicles["amr-1"]
    yard.lot("L-1", "store")
    yard.lot("L-2", "eol")
    amr.order(yard.transport(amr, "L-1", pick="store", drop="cell-2", order="T-1"))
    yard.until_done(amr)
    while amr.reservations.holder("c5") != amr.id:
        yard.tick()
    assert amr.going_home
    assert amr.spot == "cell-2_c4"
    amr.order(yard.transport(amr, "L-2", pick="eol", drop="mill-1", order="T-2"))
    assert amr.reservations.holder("c5") is None
    yard.until_done(amr)


def test_the_hoist_has_its_own_ways() -> None:
    roads = Roads(PLANT.layout)
    assert roads.route(VehicleKind.HOIST, "hoist-grinder", "hoist-mill-3") is not None
    assert roads.route(VehicleKind.HOIST, "hoist-grinder", "store-1") is None
    assert roads.route(VehicleKind.AMR, "park-1", "hoist-mill-3") is None
    assert roads.serving(VehicleKind.HOIST, "furnace") == ["hoist-furnace"]
    assert roads.between(VehicleKind.AMR, "a1", "a0") is None


def test_states_are_valid_against_the_published_schemas() -> None:
    yard = Yard()
    schemas = files("genba.connect") / "schemas" / "vda5050"
    connections = {c.id: c for c in PLANT.connections}
    yard.lot("L-1", "furnace")
    for name, version in (("amr-1", "2.1.0"), ("hoist-1", "3.0.0")):
        vehicle = yard.vehicles[name]
        schema = json.loads((schemas / version / "state.schema").read_text("utf-8"))
        validator = jsonschema.Draft202012Validator(schema)
        for step in range(4):
            message = state_message(vehicle, connections[name], "hall", yard.floor.around.now)
            assert [e.message for e in validator.iter_errors(message)] == []
            if step == 0:
                pick = "furnace"
                drop = "grinder"
                vehicle.order(yard.transport(vehicle, "L-1", pick=pick, drop=drop))
            if step == 1:
                vehicle.order("{")
                vehicle.instant_actions({"actions": [{"actionId": "s", "actionType": "honk"}]})
            if step == 2:
                vehicle.break_down(30.0)
            yard.tick(40)
        vehicle.instant_actions({"actions": [{"actionId": "c", "actionType": "cancelOrder"}]})


STATIONS = ("store", "press-1", "mill-1", "mill-2", "mill-3", "furnace", "cell-1", "pack", "dock")


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(STATIONS), st.sampled_from(STATIONS), st.integers(0, 45)),
        min_size=4,
        max_size=20,
    )
)
def test_no_two_vehicles_meet_and_all_arrive(moves: list[tuple[str, str, int]]) -> None:
    """Whatever is asked of them, at whatever pace: also while they drive home."""
    yard = Yard()
    amrs = [v for v in yard.vehicles.values() if v.kind is VehicleKind.AMR]
    for station in yard.floor.stations.values():
        station.places = None
    waiting = [(f"L-{n}", *move) for n, move in enumerate(moves) if move[0] != move[1]]
    lots = {name: yard.lot(name, pick) for name, pick, *_ in waiting}
    goals = {name: drop for name, _, drop, _ in waiting}
    pause = 0
    for _ in range(12_000):
        pause -= 1
        for amr in amrs:
            if waiting and amr.available and pause <= 0:
                name, pick, drop, pause = waiting.pop()
                amr.order(yard.transport(amr, name, pick=pick, drop=drop, order=f"T-{name}"))
                assert amr.busy, amr.errors
        yard.tick()
        if not waiting and not any(amr.busy for amr in amrs):
            break
    assert {name: lot.place for name, lot in lots.items()} == goals
