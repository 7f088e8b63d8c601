"""An order grows only where its base ends: no update leads a vehicle elsewhere.

The vehicle here takes orders as VDA 5050 says, to the letter, and holds what gets through to it
against a model of its own.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.guard.small_plant import Bench, order

from genba.plant import Decision, Write

Json = dict[str, Any]
STEPS = {"a": "b", "b": "c", "c": "b"}


@dataclass
class Amr:
    """A vehicle on the layout's nodes a, b and c, in front of a guard."""

    bench: Bench = field(default_factory=Bench)
    node: str = "a"
    sequence: int = 0
    order_id: str = ""
    update: int = 0
    ahead: list[Json] = field(default_factory=list)
    loads: list[str] = field(default_factory=list)
    statuses: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.bench.show_all()

    def show(self) -> None:
        listed = [{"actionId": i, "actionType": "", "actionStatus": s} for i, s in
                  self.statuses.items()]  # fmt: skip
        shown = {
            "node": self.node, "nodes_left": len(self.ahead), "loads": ",".join(self.loads),
            "order_id": self.order_id, "order_update": self.update, "actions": json.dumps(listed),
        }  # fmt: skip
        for name, value in shown.items():
            self.bench.show(f"amr.{name}", value)

    def ask(self, document: Json, name: str = "order", arrives: bool = True) -> str:
        """Put something to the guard; return its reasons, or let it out and take it."""
        proposal = self.bench.propose(
            Write(f"amr.{name}", json.dumps(document), "1"), kind="transport", equipment="amr"
        )
        verdict = self.bench.guard.decide(proposal)
        if verdict.decision is not Decision.ALLOWED:
            assert verdict.reasons
            return " | ".join(verdict.reasons)
        command = self.bench.guard.command(proposal, verdict)
        assert self.bench.guard.recheck(command, 0) == ()
        if arrives and name == "order":
            self.take(document)
        return ""

    def take(self, document: Json) -> None:
        """Take an order as VDA 5050 says; anything that it would reject fails the test."""
        nodes = document["nodes"]
        base = [node for node in self.ahead if node["released"]]
        joint = (base[-1]["nodeId"], base[-1]["sequenceId"]) if base else (self.node, self.sequence)
        if document["orderId"] == self.order_id:
            assert document["orderUpdateId"] > self.update
            assert (nodes[0]["nodeId"], nodes[0]["sequenceId"]) == joint
            self.ahead = [*base, *nodes[1:]]
        else:
            assert not self.ahead
            assert (nodes[0]["nodeId"], nodes[0]["sequenceId"]) == (self.node, 0)
            self.ahead, self.statuses, self.sequence = nodes[1:], {}, 0
            self.do(nodes[0])
        released = [node["released"] for node in self.ahead]
        assert released == sorted(released, reverse=True)
        self.order_id, self.update = document["orderId"], document["orderUpdateId"]
        self.show()

    def drive(self) -> None:
        """Drive to the next node of the base, if there is one."""
        if self.ahead and self.ahead[0]["released"]:
            node = self.ahead.pop(0)
            assert STEPS[self.node] == node["nodeId"]
            self.node, self.sequence = node["nodeId"], node["sequenceId"]
            self.do(node)
            self.show()

    def do(self, node: Json) -> None:
        for action in node["actions"]:
            assert action["actionId"] not in self.statuses
            self.statuses[action["actionId"]] = "FINISHED"
            load = action["actionParameters"][0]["value"]
            (self.loads.append if action["actionType"] == "pick" else self.loads.remove)(load)
            assert len(self.loads) <= 1

    def end(self) -> tuple[str, int]:
        base = [n for n in self.ahead if n["released"]]
        return (base[-1]["nodeId"], base[-1]["sequenceId"]) if base else (self.node, self.sequence)


def piece(start: str, sequence: int, count: int, released: int, **more: object) -> Json:
    """An order, or an update, over ``count`` nodes from one on; ``released`` of them are base."""
    path = [start]
    while len(path) < count:
        path.append(STEPS[path[-1]])
    document: Json = json.loads(order(*path))
    for index, node in enumerate(document["nodes"]):
        node["sequenceId"], node["released"] = sequence + 2 * index, index < released
    for index, edge in enumerate(document["edges"]):
        edge["sequenceId"] = sequence + 2 * index + 1
        edge["released"] = index + 1 < released
    return document | more


def handle(document: Json, index: int, kind: str, load: str, name: str) -> Json:
    parameters = [{"key": "loadId", "value": load}]
    action = {"actionType": kind, "actionId": name, "blockingType": "HARD",
              "actionParameters": parameters}  # fmt: skip
    document["nodes"][index]["actions"].append(action)
    return document


def begun() -> Amr:
    """A vehicle at the beginning of order T1: a is its base, b and c its horizon."""
    amr = Amr()
    assert amr.ask(piece("a", 0, 4, 2)) == ""
    return amr


def test_an_order_grows_by_updates_and_is_driven_as_it_is_released() -> None:
    amr = begun()
    amr.drive()
    amr.drive()
    assert (amr.node, len(amr.ahead)) == ("b", 2)
    assert amr.ask(piece("b", 2, 4, 3, orderUpdateId=1)) == ""
    for _ in range(5):
        amr.drive()
    assert (amr.node, amr.sequence, len(amr.ahead)) == ("b", 6, 1)
    # An update of one node takes the horizon away.
    assert amr.ask(piece("b", 6, 1, 1, orderUpdateId=2)) == ""
    assert amr.ahead == []


def test_an_update_may_come_while_the_base_is_driven() -> None:
    amr = Amr()
    assert amr.ask(piece("a", 0, 5, 3)) == ""
    assert amr.ask(piece("c", 4, 3, 3, orderUpdateId=1)) == ""
    assert [n["sequenceId"] for n in amr.ahead] == [2, 4, 6, 8]


@pytest.mark.parametrize(
    ("update", "reason"),
    [
        (piece("b", 2, 3, 3, orderUpdateId=0), "orderUpdateId 0 is not above 0"),
        (piece("a", 0, 3, 2, orderUpdateId=1), "begins where the base ends, at 'b' (sequenceId 2)"),
        (piece("c", 4, 3, 2, orderUpdateId=1), "begins where the base ends"),
        (piece("b", 4, 3, 2, orderUpdateId=1), "begins where the base ends"),
        (piece("b", 2, 3, 0, orderUpdateId=1), "its first node is not released"),
        (piece("b", 2, 3, 3, orderUpdateId=1, orderId="T9"), "which the vehicle has not"),
        (handle(piece("b", 2, 2, 2, orderUpdateId=1), 0, "pick", "L", "x"), "where the base ends"),
        (handle(piece("b", 2, 2, 2, orderUpdateId=1), 1, "drop", "L", "x"), "would not carry"),
    ],
)  # fmt: skip
def test_wrong_updates_are_refused_with_the_reason(update: Json, reason: str) -> None:
    assert reason in begun().ask(update)


def test_a_horizon_lies_behind_the_base() -> None:
    amr = begun()
    update = piece("b", 2, 4, 4, orderUpdateId=1)
    update["nodes"][2]["released"] = False
    assert "released behind one that is not" in amr.ask(update)
    update = piece("b", 2, 4, 3, orderUpdateId=1)
    update["edges"][2]["released"] = True
    assert "together with the node it leads to" in amr.ask(update)


def test_a_horizon_is_held_against_the_layout_too() -> None:
    amr = begun()
    update = piece("b", 2, 3, 2, orderUpdateId=1)
    update["nodes"][2]["nodeId"] = "d"
    assert "not for vehicles of kind amr" in amr.ask(
        update
        | {
            "edges": [
                update["edges"][0],
                update["edges"][1] | {"edgeId": "cd", "startNodeId": "c", "endNodeId": "d"},
            ]
        }
    )


def test_what_the_base_still_has_to_load_counts_for_an_update() -> None:
    amr = Amr()
    assert amr.ask(handle(piece("a", 0, 3, 2), 1, "pick", "L1", "p")) == ""
    second = handle(piece("b", 2, 3, 3, orderUpdateId=1), 1, "pick", "L2", "q")
    assert "would carry 2 loads" in amr.ask(second)
    again = handle(piece("b", 2, 3, 3, orderUpdateId=1), 2, "drop", "L1", "p")
    assert "'p' was released already" in amr.ask(again)
    assert amr.ask(handle(piece("b", 2, 3, 3, orderUpdateId=1), 2, "drop", "L1", "d")) == ""


def test_nothing_is_stitched_to_an_order_that_failed_was_canceled_or_ended_elsewhere() -> None:
    failed = Amr()
    assert failed.ask(handle(piece("a", 0, 3, 2), 1, "pick", "L1", "p")) == ""
    failed.statuses["p"] = "FAILED"
    failed.show()
    assert "has failed" in failed.ask(piece("b", 2, 2, 2, orderUpdateId=1))
    canceled = begun()
    cancel = {"actionType": "cancelOrder", "actionId": "1", "blockingType": "HARD"}
    assert canceled.ask({"actions": [cancel]}, "instant") == ""
    canceled.ahead = []
    canceled.show()
    assert "nothing is known of order 'T1'" in canceled.ask(piece("b", 2, 2, 2, orderUpdateId=1))
    assert canceled.ask(piece("a", 0, 2, 2, orderId="T2")) == ""
    stopped = begun()
    stopped.ahead = []
    stopped.show()
    assert "ended the order at 'a'" in stopped.ask(piece("b", 2, 2, 2, orderUpdateId=1))


def test_an_order_of_before_a_restart_is_not_updated() -> None:
    amr = begun()
    amr.bench = Bench()
    amr.bench.show_all()
    amr.show()
    assert "nothing is known" in amr.ask(piece("b", 2, 2, 2, orderUpdateId=1))


@pytest.mark.parametrize("name", ["order_id", "order_update", "actions", "nodes_left"])
def test_an_update_needs_fresh_news_of_what_the_vehicle_has(name: str) -> None:
    amr = begun()
    assert amr.ask(piece("b", 2, 2, 2, orderUpdateId=1), arrives=False) == ""
    amr.bench.show(f"amr.{name}", None)
    assert f"amr.{name} has bad quality" in amr.ask(piece("b", 2, 2, 2, orderUpdateId=2))


def test_an_update_that_got_lost_is_sent_again_under_a_new_id() -> None:
    amr = begun()
    assert amr.ask(piece("b", 2, 3, 3, orderUpdateId=1), arrives=False) == ""
    assert "not above 1" in amr.ask(piece("b", 2, 3, 3, orderUpdateId=1))
    assert amr.ask(piece("b", 2, 3, 3, orderUpdateId=2)) == ""


def _set(plural: str, index: int, key: str, value: object) -> Callable[[Json], None]:
    def mutate(document: Json) -> None:
        if len(document[plural]) > index:
            document[plural][index][key] = value

    return mutate


HOSTILE = [
    *(_set("nodes", i, "released", r) for i in (0, 1, 2) for r in (True, False, 1)),
    *(_set("edges", i, "released", r) for i in (0, 1) for r in (True, False)),
    *(_set("nodes", i, "nodeId", n) for i in (0, 1) for n in ("a", "b", "c", "d", "", None)),
    *(_set("nodes", i, "sequenceId", n) for i in (0, 1) for n in (-2, 0, 2, 3, 10**30, "2")),
    *(_set("edges", 0, key, "bc") for key in ("edgeId", "startNodeId")),
    _set("edges", 0, "sequenceId", 0),
    *(lambda d, u=u: d.update(orderUpdateId=u) for u in (0, 1, 2, True, -1, 10**30, "1")),
    *(lambda d, o=o: d.update(orderId=o) for o in ("T1", "T2", "")),
    lambda d: d["nodes"].reverse(),
    lambda d: d["nodes"].pop() if len(d["nodes"]) > 1 else None,
    lambda d: d["edges"].clear(),
    lambda d: d["nodes"][0].update(actions=[{"actionId": ["p"]}]),
    lambda d: handle(d, -1, "pick", "L1", "p1"),
    lambda d: handle(d, -1, "drop", "L1", "p2"),
]


def _shifted(place: str, by: int) -> Callable[[Json], None]:
    """An order that is right in itself, and begins elsewhere."""

    def mutate(document: Json) -> None:
        first = document["nodes"][0]["sequenceId"]
        first = first if isinstance(first, int) else 0
        document.update(piece(place, max(0, first + by), len(document["nodes"]), 2) | {
            key: document[key] for key in ("orderId", "orderUpdateId")
        })  # fmt: skip

    return mutate


def _with_a_hole(document: Json) -> None:
    """Release the last node, and not the one before it."""
    for index, node in enumerate(document["nodes"]):
        node["released"] = index != len(document["nodes"]) - 2
    for index, edge in enumerate(document["edges"], start=1):
        edge["released"] = document["nodes"][index]["released"]


HOSTILE += [_with_a_hole, *(_shifted(n, by) for n in "abc" for by in (-2, 0, 2))]


@given(
    st.lists(
        st.one_of(
            st.just(("drive",)),
            st.tuples(st.just("cancel")),
            st.tuples(
                st.just("order"), st.integers(1, 4), st.integers(1, 4), st.booleans(),
                st.lists(st.sampled_from(HOSTILE), max_size=2), st.integers(0, 10),
            ),
        ),
        max_size=12,
    )
)  # fmt: skip
@settings(max_examples=300, deadline=None)
def test_whatever_is_let_out_is_as_the_standard_demands(steps: list[tuple[Any, ...]]) -> None:
    amr, number, lost = Amr(), 0, 0
    for step in steps:
        if step[0] == "drive":
            amr.drive()
        elif step[0] == "cancel":
            number += 1
            action = {"actionType": "cancelOrder", "actionId": f"c{number}", "blockingType": "HARD"}
            assert amr.ask({"actions": [action]}, "instant") == ""
            amr.ahead = []
            amr.show()
        else:
            _, count, released, grows, mutations, chance = step
            if grows and amr.order_id:
                node, sequence = amr.end()
                newest = max(amr.update, lost) + 1
                document = piece(
                    node, sequence, count, released, orderId=amr.order_id, orderUpdateId=newest
                )
            else:
                number += 1
                document = piece(amr.node, 0, count, released, orderId=f"T{number + 10}")
            for mutate in mutations:
                mutate(document)
            arrives = chance > 1
            if amr.ask(document, arrives=arrives) == "" and not arrives:
                lost = document["orderUpdateId"]
