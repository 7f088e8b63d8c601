"""The stops of an itinerary as actions of a VDA 5050 order."""

from typing import Any

from genba.plan.fleet.itinerary import Stop
from genba.plan.floor.vehicle_order import charge_action, load_action


def action_of(order_id: str, stop: Stop) -> dict[str, Any] | None:
    """Return the action of a stop in an order that may have several; None for a mere halt."""
    if stop.kind == "charge":
        return charge_action(order_id) | {"actionId": action_id(order_id, stop)}
    if stop.kind not in ("pick", "drop"):
        return None
    return load_action(order_id, stop.kind, stop.lot) | {"actionId": action_id(order_id, stop)}


def action_id(order_id: str, stop: Stop) -> str:
    """Return the id of a stop's action: unique in the order, and beginning with the order's id."""
    return "-".join(part for part in (order_id, stop.task, stop.kind) if part)
