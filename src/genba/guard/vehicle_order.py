"""VDA 5050 orders and instant actions: well formed, drivable on this layout, not overloading."""

import json
from collections.abc import Iterable
from typing import Any

from genba.guard.knowledge import Knowledge
from genba.guard.released import Released, load_of
from genba.plant import Edge, Node, Plant, Role, Signal, Vehicle

ORDER_ACTIONS = frozenset({"pick", "drop", "startCharging", "stopCharging", "wait"})
"""Actions that an order may ask for at a node."""

INSTANT_ACTIONS = frozenset(
    {
        "cancelOrder", "startPause", "stopPause", "stateRequest", "factsheetRequest",
        "startCharging", "stopCharging",
    }
)  # fmt: skip
"""Predefined instant actions (VDA 5050, table of predefined actions) that change no map."""

ORDER_FIELDS = frozenset(
    {
        "orderId", "orderUpdateId", "orderDescription", "nodes", "edges",
        "headerId", "timestamp", "version", "manufacturer", "serialNumber",
    }
)  # fmt: skip
NODE_FIELDS = frozenset({"nodeId", "sequenceId", "released", "actions", "nodeDescription"})
EDGE_FIELDS = frozenset(
    {
        "edgeId", "sequenceId", "released", "actions", "edgeDescription",
        "startNodeId", "endNodeId", "maxSpeed", "maximumSpeed",
    }
)  # fmt: skip
"""What an order may say. Positions, trajectories, corridors and the like would lead a vehicle
elsewhere than over the nodes and edges of the layout, which is all that can be checked here."""

BLOCKING = frozenset({"NONE", "SINGLE", "SOFT", "HARD"})
_SINGLE_SINCE = 3

Json = dict[str, Any]


class VehicleOrders:
    """Checks what is sent to vehicles against the layout and what vehicles carry."""

    def __init__(self, plant: Plant) -> None:
        self._plant = plant
        self._nodes: dict[str, Node] = {node.id: node for node in plant.layout.nodes}
        self._edges: dict[str, Edge] = {edge.id: edge for edge in plant.layout.edges}
        self._major = {v.id: _major_version(plant, v.id) for v in plant.vehicles}
        self._released = Released()

    def order_refusals(
        self, equipment: str, text: str, knowledge: Knowledge, now: int
    ) -> list[str]:
        """Return what speaks against an order (JSON text without header); empty if nothing does."""
        vehicle = self._plant.vehicles_by_id.get(equipment)
        if vehicle is None:
            return [f"{equipment} is no vehicle of this plant"]
        order = _parsed(text)
        shape = _shape_of_order(order)
        if shape:
            return [f"order for {equipment}: {reason}" for reason in shape]
        present = self._update if self._is_update(equipment, order, knowledge) else self._present
        reasons = [
            *_sequence(order),
            *self._path(vehicle, order),
            *self._actions(vehicle, order),
            *present(vehicle, order, knowledge, now),
        ]
        return [f"order for {equipment}: {reason}" for reason in reasons]

    def let_out(self, signal: Signal, text: str, knowledge: Knowledge) -> None:
        """Note what goes out to a vehicle now, after nothing spoke against it."""
        vehicle, message = signal.equipment, _parsed(text)
        if signal.role is Role.VEHICLE_INSTANT_ACTIONS:
            if any(action["actionType"] == "cancelOrder" for action in message["actions"]):
                self._released.ends(vehicle)
        elif self._is_update(vehicle, message, knowledge):
            shown = self._newest(vehicle, Role.VEHICLE_ORDER_UPDATE, knowledge)
            self._released.grows(vehicle, message, shown)
        else:
            self._released.begins(vehicle, message)

    def instant_refusals(self, equipment: str, text: str) -> list[str]:
        """Return what speaks against instant actions (JSON text without header)."""
        if equipment not in self._plant.vehicles_by_id:
            return [f"{equipment} is no vehicle of this plant"]
        message = _parsed(text)
        actions = message.get("actions") if isinstance(message, dict) else None
        if not isinstance(actions, list) or not actions:
            return [f"instant actions for {equipment}: there is no list 'actions'"]
        reasons = []
        for action in actions:
            reason = _shape_of_action(action, INSTANT_ACTIONS, self._major[equipment])
            if reason:
                reasons.append(f"instant actions for {equipment}: {reason}")
        return reasons

    def _path(self, vehicle: Vehicle, order: Json) -> list[str]:
        """Check that nodes and edges exist, connect, and are for this kind of vehicle."""
        nodes, edges = order["nodes"], order["edges"]
        reasons = [
            f"node '{node['nodeId']}' is not on the layout"
            for node in nodes
            if node["nodeId"] not in self._nodes
        ]
        for index, step in enumerate(edges[: len(nodes) - 1]):
            edge = self._edges.get(step["edgeId"])
            if edge is None:
                reasons.append(f"edge '{step['edgeId']}' is not on the layout")
                continue
            start, end = nodes[index]["nodeId"], nodes[index + 1]["nodeId"]
            if not _leads(edge, start, end):
                reasons.append(f"edge '{edge.id}' does not lead from '{start}' to '{end}'")
            if vehicle.kind not in edge.kinds:
                reasons.append(f"edge '{edge.id}' is not for vehicles of kind {vehicle.kind}")
            reasons += self._edge_details(vehicle, edge, step, start, end)
        return reasons

    def _edge_details(
        self, vehicle: Vehicle, edge: Edge, step: Json, start: str, end: str
    ) -> Iterable[str]:
        """Check fields that VDA 5050 2.x demands and 3.0 no longer has, and the speed."""
        demanded = self._major[vehicle.id] < 3
        for field, expected in (("startNodeId", start), ("endNodeId", end)):
            if (demanded or field in step) and step.get(field) != expected:
                yield f"edge '{edge.id}' needs {field} '{expected}'"
        for field in ("maxSpeed", "maximumSpeed"):
            speed = step.get(field)
            if speed is None:
                continue
            most = min(vehicle.speed_m_s, edge.max_speed_m_s or vehicle.speed_m_s)
            if not isinstance(speed, int | float) or isinstance(speed, bool) or speed <= 0:
                yield f"edge '{edge.id}' has a {field} that is no speed"
            elif speed > most:
                yield f"edge '{edge.id}' asks for more than {most:g} m/s"

    def _actions(self, vehicle: Vehicle, order: Json) -> list[str]:
        reasons, seen = [], set()
        for node in order["nodes"]:
            for action in node["actions"]:
                reason = _shape_of_action(action, ORDER_ACTIONS, self._major[vehicle.id])
                if reason:
                    reasons.append(reason)
                elif action["actionId"] in seen:
                    reasons.append(f"action id '{action['actionId']}' is there twice")
                else:
                    seen.add(action["actionId"])
        if any(edge["actions"] for edge in order["edges"]):
            reasons.append("actions on edges are not allowed")
        return reasons

    def _is_update(self, vehicle: str, order: Json, knowledge: Knowledge) -> bool:
        """Whether a vehicle would take this for an update of the order that it has.

        Vehicles that do not tell their ``orderUpdateId`` get none.
        """
        if (vehicle, Role.VEHICLE_ORDER_UPDATE) not in self._plant.roles:
            return False
        shown = self._newest(vehicle, Role.VEHICLE_ORDER_ID, knowledge)
        return bool(shown == order["orderId"])

    def _present(self, vehicle: Vehicle, order: Json, knowledge: Knowledge, now: int) -> list[str]:
        """Check a new order against where the vehicle stands, what it does and what it carries."""
        reasons: list[str] = []
        here = self._value(vehicle, Role.VEHICLE_NODE, knowledge, now, reasons)
        left = self._value(vehicle, Role.VEHICLE_NODES_LEFT, knowledge, now, reasons)
        loads = self._value(vehicle, Role.VEHICLE_LOADS, knowledge, now, reasons)
        grows = (vehicle.id, Role.VEHICLE_ORDER_UPDATE) in self._plant.roles
        if grows:
            # Without it nobody could say that this is no update of what the vehicle has.
            self._value(vehicle, Role.VEHICLE_ORDER_ID, knowledge, now, reasons)
        if reasons:
            return reasons
        first = order["nodes"][0]
        if first["nodeId"] != here:
            reasons.append(f"it begins at '{first['nodeId']}', and the vehicle is at '{here}'")
        if first["sequenceId"] != 0:
            reasons.append("the sequence of nodes does not begin with 0")
        if left != 0:
            reasons.append("the vehicle has not finished its present order")
        if grows and order["orderUpdateId"] > 0:
            reasons.append(f"it updates order '{order['orderId']}', which the vehicle has not")
        return reasons + _load_problems(vehicle, order, _names(loads))

    def _update(self, vehicle: Vehicle, order: Json, knowledge: Knowledge, now: int) -> list[str]:
        """Check an update against the base that the vehicle has, by what it shows."""
        reasons: list[str] = []
        name = self._value(vehicle, Role.VEHICLE_ORDER_ID, knowledge, now, reasons)
        shown = self._value(vehicle, Role.VEHICLE_ORDER_UPDATE, knowledge, now, reasons)
        here = self._value(vehicle, Role.VEHICLE_NODE, knowledge, now, reasons)
        left = self._value(vehicle, Role.VEHICLE_NODES_LEFT, knowledge, now, reasons)
        loads = self._value(vehicle, Role.VEHICLE_LOADS, knowledge, now, reasons)
        states = self._value(vehicle, Role.VEHICLE_ACTIONS, knowledge, now, reasons)
        if reasons:
            return reasons
        base = self._released.base(vehicle.id, str(name), shown) if _is_count(shown) else None
        if base is None:
            return [
                f"nothing is known of order '{name}' (update {shown}), which the vehicle has; "
                "cancel it and send a new one"
            ]
        newest = self._released.newest(vehicle.id, str(name))
        if order["orderUpdateId"] <= newest:
            reasons.append(f"orderUpdateId {order['orderUpdateId']} is not above {newest}")
        reasons += base.seam_problems(order)
        if left == 0 and here != base.node:
            reasons.append(f"the vehicle ended the order at '{here}', its base at '{base.node}'")
        done = _statuses(states)
        if any(done.get(action["actionId"]) == "FAILED" for action in base.actions):
            reasons.append("an action of the order has failed, which ended it")
        carried = base.carried_after(_names(loads), done)
        return reasons + _load_problems(vehicle, order, carried)

    def _newest(self, vehicle: str, role: Role, knowledge: Knowledge) -> Any:
        signal = self._plant.roles.get((vehicle, role))
        return None if signal is None else knowledge.newest(signal.id)

    def _value(
        self, vehicle: Vehicle, role: Role, knowledge: Knowledge, now: int, reasons: list[str]
    ) -> Any:
        signal = self._plant.roles.get((vehicle.id, role))
        if signal is None:
            reasons.append(f"{vehicle.id} has no signal with role {role}")
            return None
        known = knowledge.known(signal.id, now)
        if known.sample is None:
            reasons.append(known.why_not)
            return None
        return known.sample.value


def _sequence(order: Json) -> list[str]:
    """Check that nodes and edges count up by turns, and that a base comes before any horizon."""
    nodes, edges = order["nodes"], order["edges"]
    reasons = []
    if len(edges) != len(nodes) - 1:
        reasons.append(f"{len(nodes)} nodes need {len(nodes) - 1} edges, not {len(edges)}")
    first = nodes[0]["sequenceId"]
    if first % 2 or [node["sequenceId"] for node in nodes] != [
        first + 2 * index for index in range(len(nodes))
    ]:
        reasons.append("the sequence of nodes is not 0, 2, 4 ... or a part of that")
    if [edge["sequenceId"] for edge in edges] != [
        first + 2 * index + 1 for index in range(len(edges))
    ]:
        reasons.append("the sequence of edges is not between that of their nodes")
    released = [node["released"] for node in nodes]
    if not released[0]:
        reasons.append("its first node is not released")
    if released != sorted(released, reverse=True):
        reasons.append("a node is released behind one that is not")
    if [edge["released"] for edge in edges] != released[1:]:
        reasons.append("an edge is not released, or held back, together with the node it leads to")
    return reasons


def _statuses(states: object) -> dict[str, str]:
    """Return how far actions are, by their ids, from VDA 5050 ``actionStates``."""
    listed = _parsed(str(states))
    return {
        str(state.get("actionId")): str(state.get("actionStatus"))
        for state in (listed if isinstance(listed, list) else ())
        if isinstance(state, dict)
    }


def _names(loads: object) -> list[str]:
    return [load for load in str(loads).split(",") if load]


def _load_problems(vehicle: Vehicle, order: Json, carried: list[str]) -> list[str]:
    """Play picks and drops through: never more loads than places, and only drop what is carried."""
    reasons = []
    for node in order["nodes"]:
        for action in node["actions"]:
            if not isinstance(action, dict) or action.get("actionType") not in ("pick", "drop"):
                continue
            load = load_of(action)
            if not load:
                reasons.append(f"a {action['actionType']} at '{node['nodeId']}' names no loadId")
            elif action["actionType"] == "pick":
                carried = [*carried, load]
                if len(carried) > vehicle.capacity_lots:
                    reasons.append(
                        f"it would carry {len(carried)} loads, at most {vehicle.capacity_lots}"
                    )
            elif load not in carried:
                reasons.append(f"it drops '{load}', which it would not carry")
            else:
                carried = [other for other in carried if other != load]
    return reasons


def _leads(edge: Edge, start: str, end: str) -> bool:
    return (edge.start, edge.end) == (start, end) or (
        not edge.one_way and (edge.end, edge.start) == (start, end)
    )


def _parsed(text: str) -> Any:
    """Return what JSON text says; None, which is no message, where it is no JSON."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _shape_of_order(order: object) -> list[str]:
    """Check the fields that both VDA 5050 2.x and 3.0 demand of an order, and their types."""
    if not isinstance(order, dict):
        return ["it is no JSON object"]
    reasons = []
    if not isinstance(order.get("orderId"), str) or not order["orderId"]:
        reasons.append("it has no orderId")
    if not _is_count(order.get("orderUpdateId")):
        reasons.append("orderUpdateId is no number from 0")
    for plural, key in (("nodes", "nodeId"), ("edges", "edgeId")):
        parts = order.get(plural)
        if not isinstance(parts, list):
            reasons.append(f"there is no list '{plural}'")
        elif not all(_is_part(part, key) for part in parts):
            reasons.append(f"one of its {plural} lacks {key}, sequenceId, released or actions")
    if isinstance(order.get("nodes"), list) and not order["nodes"]:
        reasons.append("it has no node")
    return reasons or _foreign_fields(order)


def _foreign_fields(order: Json) -> list[str]:
    """Return the fields of an order that could lead a vehicle away from the layout."""
    foreign = set(order) - ORDER_FIELDS
    foreign.update(name for node in order["nodes"] for name in set(node) - NODE_FIELDS)
    foreign.update(name for edge in order["edges"] for name in set(edge) - EDGE_FIELDS)
    return [f"field '{name}' is not allowed" for name in sorted(foreign)]


def _is_part(part: object, key: str) -> bool:
    return (
        isinstance(part, dict)
        and isinstance(part.get(key), str)
        and _is_count(part.get("sequenceId"))
        and isinstance(part.get("released"), bool)
        and isinstance(part.get("actions"), list)
    )


def _shape_of_action(action: object, known: frozenset[str], major: int) -> str:
    if not isinstance(action, dict):
        return "an action is no JSON object"
    kind = action.get("actionType")
    if not isinstance(kind, str) or kind not in known:
        return f"action {kind!r} is not allowed"
    if not isinstance(action.get("actionId"), str) or not action["actionId"]:
        return f"action '{kind}' has no actionId"
    blocking = str(action.get("blockingType"))
    if blocking not in BLOCKING or (blocking == "SINGLE" and major < _SINGLE_SINCE):
        return f"action '{kind}' has blockingType '{blocking}'"
    parameters = action.get("actionParameters", [])
    if not isinstance(parameters, list):
        return f"action '{kind}' has actionParameters that are no list"
    return ""


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _major_version(plant: Plant, vehicle: str) -> int:
    """Return the major VDA 5050 version that a vehicle speaks, from its connection's options."""
    signal = plant.roles.get((vehicle, Role.VEHICLE_ORDER))
    for connection in plant.connections:
        if signal is not None and connection.id == signal.connection:
            return int(str(connection.options.get("version", "2")).split(".")[0])
    return 2
