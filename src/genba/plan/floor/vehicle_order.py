"""VDA 5050 orders as JSON text, without the header that the driver adds.

Version 2.x demands ``startNodeId`` and ``endNodeId`` on edges; version 3.0 has neither, and takes
the ends from the neighboring nodes in the sequence.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from genba.plan.floor.roadmap import Route
from genba.plant import Edge


def order_text(
    order_id: str, legs: Sequence[tuple[Route, Sequence[Mapping[str, Any]]]], major: int
) -> str:
    """Write an order: drive each leg in turn, and do its actions at the end of it.

    Parameters
    ----------
    order_id : str
        Unique among the orders of this vehicle.
    legs : sequence of (Route, actions)
        Each leg starts where the one before ended. A leg of one node only does its actions.
    major : int
        Major version of VDA 5050 that the vehicle speaks: 2 or 3.
    """
    first = legs[0][0].nodes[0]
    nodes: list[dict[str, Any]] = [_node(first, 0)]
    edges: list[dict[str, Any]] = []
    for route, actions in legs:
        for edge, start, end in zip(route.edges, route.nodes, route.nodes[1:], strict=False):
            sequence = 2 * len(edges) + 1
            step: dict[str, Any] = {
                "edgeId": edge.id,
                "sequenceId": sequence,
                "released": True,
                "actions": [],
            }
            if major < 3:
                step |= {"startNodeId": start, "endNodeId": end}
            edges.append(step)
            nodes.append(_node(end, sequence + 1))
        nodes[-1]["actions"].extend(dict(action) for action in actions)
    order = {"orderId": order_id, "orderUpdateId": 0, "nodes": nodes, "edges": edges}
    return json.dumps(order, separators=(",", ":"))


@dataclass(frozen=True, slots=True)
class Step:
    """A node of an order, the edge that leads to it (None for the first) and what is done there."""

    node: str
    edge: Edge | None
    actions: Sequence[Mapping[str, Any]] = ()


def staged_order_text(
    order_id: str, update: int, steps: Sequence[Step], first: int, released: int, major: int
) -> str:
    """Write an order of which only the beginning, the *base*, is released; the rest is *horizon*.

    Parameters
    ----------
    order_id : str
        Unique among the orders of this vehicle.
    update : int
        ``orderUpdateId``: 0 for a new order, one more for each update of it.
    steps : sequence of Step
        A new order begins where the vehicle stands. An update begins with the last node of the base
        that the vehicle has (the node at which it is *stitched* on), named without its actions.
    first : int
        ``sequenceId`` of the first node; it goes on through all updates.
    released : int
        How many of the steps are base, at least 1.
    major : int
        Major version of VDA 5050 that the vehicle speaks: 2 or 3.
    """
    nodes: list[dict[str, Any]] = []
    edges: list[dict[str, Any]] = []
    for index, step in enumerate(steps):
        sequence, base = first + 2 * index, index < released
        nodes.append(
            {
                "nodeId": step.node,
                "sequenceId": sequence,
                "released": base,
                "actions": [dict(action) for action in step.actions],
            }
        )
        if step.edge is not None:
            edge: dict[str, Any] = {
                "edgeId": step.edge.id,
                "sequenceId": sequence - 1,
                "released": base,
                "actions": [],
            }
            if major < 3:
                edge |= {"startNodeId": steps[index - 1].node, "endNodeId": step.node}
            edges.append(edge)
    order = {"orderId": order_id, "orderUpdateId": update, "nodes": nodes, "edges": edges}
    return json.dumps(order, separators=(",", ":"))


def load_action(order_id: str, kind: str, lot: str) -> dict[str, Any]:
    """Return a ``pick`` or ``drop`` of a lot."""
    return {
        "actionType": kind,
        "actionId": f"{order_id}-{kind}",
        "blockingType": "HARD",
        "actionParameters": [{"key": "loadId", "value": lot}],
    }


def charge_action(order_id: str) -> dict[str, Any]:
    """Return a ``startCharging``; the vehicle stops by itself when it gets an order."""
    return {
        "actionType": "startCharging",
        "actionId": f"{order_id}-charge",
        "blockingType": "HARD",
        "actionParameters": [],
    }


def cancel_text(action_id: str) -> str:
    """Write the instant action that takes a vehicle's order back."""
    action = {"actionType": "cancelOrder", "actionId": action_id, "blockingType": "HARD"}
    return json.dumps({"actions": [action | {"actionParameters": []}]}, separators=(",", ":"))


def _node(node: str, sequence: int) -> dict[str, Any]:
    return {"nodeId": node, "sequenceId": sequence, "released": True, "actions": []}
