"""VDA 5050 orders as a vehicle takes them: read, checked against the layout, or rejected."""

import json
from dataclasses import dataclass, field
from typing import Any

from genba.plant import VehicleKind
from genba.testbed.traffic import Roads, Way

ACTIONS = frozenset({"pick", "drop", "startCharging", "stopCharging"})


class Rejected(Exception):
    """Why an order is not taken. ``kind`` is the VDA 5050 error type."""

    def __init__(self, kind: str, text: str) -> None:
        super().__init__(text)
        self.kind = kind


@dataclass(slots=True)
class Action:
    """One action and how far it is."""

    id: str
    type: str
    load: str
    status: str = "WAITING"
    result: str = ""
    remaining_s: float = 0.0
    waited_s: float = 0.0

    @property
    def over(self) -> bool:
        """Whether nothing more will come of it."""
        return self.status in {"FINISHED", "FAILED"}


@dataclass(slots=True)
class Stop:
    """A node of an order, with the way that leads to it (None for the first)."""

    node: str
    sequence: int
    released: bool
    way: Way | None
    edge_sequence: int
    speed_m_s: float | None
    actions: list[Action] = field(default_factory=list)


@dataclass(slots=True)
class TransportOrder:
    """An order that passed all checks."""

    id: str
    update: int
    stops: list[Stop]


def read_order(document: Any, roads: Roads, kind: VehicleKind) -> TransportOrder:
    """Read an order (text or parsed JSON) and check it against the layout.

    Raises
    ------
    Rejected
        If it is malformed, or asks for what the layout or the vehicle does not offer.
    """
    if isinstance(document, str):
        try:
            document = json.loads(document)
        except ValueError as error:
            raise Rejected("validationError", f"the order is not JSON: {error}") from None
    if not isinstance(document, dict):
        raise Rejected("validationError", "the order is not a JSON object")
    try:
        return _order(document, roads, kind)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise Rejected("validationError", f"the order lacks or garbles {error}") from None


def references(topic: str, document: Any) -> list[dict[str, str]]:
    """Say what an error is about, as VDA 5050 ("Error reference") proposes: topic, order, actions.

    ``document`` is a message that was refused, text or parsed, however garbled.
    """
    if isinstance(document, str):
        try:
            document = json.loads(document)
        except ValueError:
            document = {}
    fields = document if isinstance(document, dict) else {}
    found = [("topic", topic)]
    found += [(key, fields[key]) for key in ("orderId", "orderUpdateId") if key in fields]
    if topic == "instantActions" and isinstance(fields.get("actions"), list):
        actions = [action for action in fields["actions"] if isinstance(action, dict)]
        found += [("actionId", a["actionId"]) for a in actions if "actionId" in a]
    return [{"referenceKey": key, "referenceValue": str(value)} for key, value in found]


def read_instant_actions(document: Any) -> list[Action]:
    """Read instant actions (text or parsed JSON).

    Raises
    ------
    Rejected
        If they are malformed.
    """
    try:
        if isinstance(document, str):
            document = json.loads(document)
        return [Action(str(a["actionId"]), str(a["actionType"]), "") for a in document["actions"]]
    except (KeyError, TypeError, ValueError) as error:
        raise Rejected("validationError", f"the instant actions lack or garble {error}") from None


def _order(document: dict[str, Any], roads: Roads, kind: VehicleKind) -> TransportOrder:
    order_id, update = document["orderId"], document.get("orderUpdateId", 0)
    if not isinstance(order_id, str) or not order_id or not isinstance(update, int):
        raise Rejected("validationError", "orderId must be text and orderUpdateId a number")
    nodes = sorted(document["nodes"], key=lambda n: int(n["sequenceId"]))
    edges = sorted(document.get("edges", []), key=lambda e: int(e["sequenceId"]))
    if not nodes or len(edges) != len(nodes) - 1:
        raise Rejected("validationError", "an order has one edge fewer than nodes, and one node")
    stops: list[Stop] = []
    for index, node in enumerate(nodes):
        name, sequence = node["nodeId"], int(node["sequenceId"])
        if name not in roads.nodes:
            raise Rejected("noRouteError", f"there is no node {name}")
        stop = Stop(name, sequence, bool(node["released"]), None, sequence - 1, None)
        if index:
            _lead_to(stop, stops[-1], edges[index - 1], roads, kind)
        stop.actions = [_action(action) for action in node.get("actions", [])]
        stops.append(stop)
    ids = [action.id for stop in stops for action in stop.actions]
    if len(set(ids)) != len(ids):
        raise Rejected("orderError", "two actions have the same actionId")
    return TransportOrder(order_id, update, stops)


def _lead_to(
    stop: Stop, before: Stop, edge: dict[str, Any], roads: Roads, kind: VehicleKind
) -> None:
    sequence = int(edge["sequenceId"])
    if not before.sequence < sequence < stop.sequence:
        raise Rejected("validationError", f"sequenceId {sequence} is out of order")
    if edge["edgeId"] not in roads.edges:
        raise Rejected("noRouteError", f"there is no edge {edge['edgeId']}")
    way = roads.between(kind, before.node, stop.node)
    if way is None or way.edge.id != edge["edgeId"]:
        raise Rejected(
            "noRouteError", f"edge {edge['edgeId']} does not lead from {before.node} to {stop.node}"
        )
    stop.way = way
    stop.edge_sequence = sequence
    limit = edge.get("maximumSpeed", edge.get("maxSpeed"))
    stop.speed_m_s = float(limit) if limit else None


def _action(document: dict[str, Any]) -> Action:
    kind = document["actionType"]
    if kind not in ACTIONS:
        raise Rejected(
            "orderError", f"action {kind} is unknown; there are {', '.join(sorted(ACTIONS))}"
        )
    parameters = {p["key"]: p["value"] for p in document.get("actionParameters") or []}
    load = parameters.get("loadId", "")
    if kind in {"pick", "drop"} and not load:
        raise Rejected("orderError", f"action {kind} needs the parameter loadId")
    return Action(str(document["actionId"]), kind, str(load))
