"""No vehicle gets an order that it cannot drive, or that overloads it."""

import json

import pytest
from tests.guard.small_plant import Bench, order

from genba.plant import Decision, Write


@pytest.fixture
def bench() -> Bench:
    bench = Bench()
    bench.show_all()
    return bench


def verdict(bench: Bench, vehicle: str, text: str, name: str = "order") -> tuple[Decision, str]:
    proposal = bench.propose(Write(f"{vehicle}.{name}", text, "1"), kind="transport")
    found = bench.guard.decide(proposal)
    return found.decision, " | ".join(found.reasons)


def test_a_transport_along_the_layout_is_allowed(bench: Bench) -> None:
    text = order("a", "b", "c", pick=("b", "L1"), drop=("c", "L1"))
    assert verdict(bench, "amr", text) == (Decision.ALLOWED, "")
    text = order("c", "d", pick=("c", "L2"), drop=("d", "L2"), major=3)
    assert verdict(bench, "hoist", text) == (Decision.ALLOWED, "")


def test_an_order_of_one_node_is_allowed(bench: Bench) -> None:
    assert verdict(bench, "amr", order("a"))[0] is Decision.ALLOWED


def _more(plural: str, **fields: object) -> str:
    text = json.loads(order("a", "b"))
    text[plural][0].update(fields)
    return json.dumps(text)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[]", "no JSON object"),
        ("{}", "no orderId"),
        (order("a", "b", orderId=""), "no orderId"),
        (order("a", "b", orderUpdateId=-1), "orderUpdateId"),
        (order("a", "b", nodes=[]), "no node"),
        (order("a", "b", nodes=5), "no list 'nodes'"),
        (order("a", "b", edges=[{"edgeId": "ab"}]), "one of its edges"),
        (order("a", "b", edges=[]), "need 1 edges"),
        (order("a", "x"), "node 'x' is not on the layout"),
        (order("a", "c"), "edge 'ac' is not on the layout"),
        (order("a", "b", "a"), "edge 'ba' is not on the layout"),
        (order("a", "b", "c", "d"), "not for vehicles of kind amr"),
        (order("b", "c"), "the vehicle is at 'a'"),
        (order("a", "b", major=3), "needs startNodeId"),
        (order("a", "b", drop=("b", "L1")), "would not carry"),
        (order("a", "b", pick=("b", "")), "names no loadId"),
        (order("a", "b").replace('"sequenceId": 2', '"sequenceId": 3'), "sequence of nodes"),
        (order("a", "b").replace("true", "false", 1), "not released"),
        (order("a", "b", pick=("b", "L1")).replace("pick", "explode"), "'explode' is not allowed"),
        (order("a", "b", pick=("b", "L1")).replace("HARD", "SINGLE"), "blockingType"),
        (order("a", "b", zoneSetId="z"), "field 'zoneSetId' is not allowed"),
        (_more("nodes", nodePosition={"x": 900.0, "y": 0.0, "mapId": "m"}), "field 'nodePosition'"),
        (_more("edges", trajectory={"degree": 1}), "field 'trajectory' is not allowed"),
        (_more("edges", corridor={"leftWidth": 9.0, "rightWidth": 9.0}), "field 'corridor'"),
        (order("a", "b").replace('"ab"', '"bc"'), "does not lead from 'a' to 'b'"),
    ],
)
def test_other_orders_are_refused(bench: Bench, text: str, reason: str) -> None:
    decision, told = verdict(bench, "amr", text)
    assert decision is Decision.REFUSED
    assert reason in told


def test_a_one_way_edge_is_not_driven_backward(bench: Bench) -> None:
    bench.show("amr.node", "b")
    edge = {"edgeId": "ab", "sequenceId": 1, "released": True, "actions": []}
    text = order("b", "a", edges=[{**edge, "startNodeId": "b", "endNodeId": "a"}])
    assert "does not lead" in verdict(bench, "amr", text)[1]


@pytest.mark.parametrize("speed", [0.6, 0, -1, "fast", True, 1e999])
def test_no_speed_above_the_edges(bench: Bench, speed: object) -> None:
    document = json.loads(order("a", "b", "c"))
    document["edges"][1]["maxSpeed"] = speed
    assert verdict(bench, "amr", json.dumps(document))[0] is Decision.REFUSED
    document["edges"][1]["maxSpeed"] = 0.4
    assert verdict(bench, "amr", json.dumps(document))[0] is Decision.ALLOWED


def test_no_vehicle_carries_more_than_it_can(bench: Bench) -> None:
    bench.show("amr.loads", "L0")
    assert "would carry 2 loads" in verdict(bench, "amr", order("a", "b", pick=("b", "L1")))[1]
    text = order("a", "b", "c", drop=("b", "L0"), pick=("c", "L1"))
    assert verdict(bench, "amr", text)[0] is Decision.ALLOWED


def test_a_vehicle_ends_its_order_before_it_gets_another(bench: Bench) -> None:
    bench.show("amr.nodes_left", 2)
    assert "has not finished" in verdict(bench, "amr", order("a", "b"))[1]


def test_a_vehicle_that_was_not_heard_of_gets_none() -> None:
    bench = Bench()
    assert "never observed" in verdict(bench, "amr", order("a", "b"))[1]


def test_only_predefined_instant_actions(bench: Bench) -> None:
    action = {"actionType": "cancelOrder", "actionId": "1", "blockingType": "HARD"}
    good = json.dumps({"actions": [action]})
    assert verdict(bench, "amr", good, "instant")[0] is Decision.ALLOWED
    for bad in (
        {},
        {"actions": []},
        {"actions": ["cancelOrder"]},
        {"actions": [{**action, "actionType": "initPosition"}]},
        {"actions": [{**action, "actionId": ""}]},
        {"actions": [{**action, "blockingType": ["HARD"]}]},
    ):
        assert verdict(bench, "amr", json.dumps(bad), "instant")[0] is Decision.REFUSED
