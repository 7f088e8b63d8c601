"""What was released to vehicles: the base of each one's order, on which updates are stitched.

A VDA 5050 order has a *base*, which the vehicle drives, and a *horizon*, which it must not drive
yet. An update begins where the base ends. A vehicle tells which order and update it has, and not
what that says; so what went out to it is kept here.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Base:
    """What of an order is released, as of one update."""

    node: str
    """Where it ends."""
    sequence: int
    actions: tuple[Json, ...]
    """Everything that is to be done on it, in order, from the beginning of the order on."""

    def seam_problems(self, order: Json) -> list[str]:
        """Check that an update begins where the base ends, and repeats nothing of it."""
        first = order["nodes"][0]
        reasons = []
        if (first["nodeId"], first["sequenceId"]) != (self.node, self.sequence):
            reasons.append(
                f"an update begins where the base ends, at '{self.node}' (sequenceId "
                f"{self.sequence}), and not at '{first['nodeId']}' ({first['sequenceId']})"
            )
        if first["actions"]:
            reasons.append("it names actions where the base ends, and those were released already")
        used = {action["actionId"] for action in self.actions}
        for action in (action for node in order["nodes"] for action in node["actions"]):
            name = action.get("actionId") if isinstance(action, dict) else None
            if str(name) in used:
                reasons.append(f"action id '{name}' was released already")
        return reasons

    def carried_after(self, carried: list[str], done: Mapping[str, str]) -> list[str]:
        """Return what a vehicle carries when all of it is done; ``done`` are action statuses."""
        for action in self.actions:
            load = load_of(action)
            if done.get(action["actionId"]) == "FINISHED":
                continue
            if action["actionType"] == "pick" and load not in carried:
                carried = [*carried, load]
            elif action["actionType"] == "drop":
                carried = [other for other in carried if other != load]
        return carried


@dataclass(slots=True)
class _Order:
    id: str
    bases: dict[int, Base] = field(default_factory=dict)
    """By ``orderUpdateId``: the one that the vehicle showed last, and what went out since."""


class Released:
    """The bases of the orders that went out, by vehicle; only of the newest order of each.

    Nothing is known of what went out before a restart, or by another hand than this guard's.
    """

    def __init__(self) -> None:
        self._orders: dict[str, _Order] = {}

    def base(self, vehicle: str, order_id: str, update: int) -> Base | None:
        """Return the base that a vehicle has which shows this order and update."""
        order = self._orders.get(vehicle)
        return order.bases.get(update) if order is not None and order.id == order_id else None

    def newest(self, vehicle: str, order_id: str) -> int:
        """Return the highest ``orderUpdateId`` of an order that went out, -1 without any."""
        order = self._orders.get(vehicle)
        return max(order.bases) if order is not None and order.id == order_id else -1

    def begins(self, vehicle: str, order: Json) -> None:
        """Note an order that goes out."""
        first = Base(order["nodes"][0]["nodeId"], order["nodes"][0]["sequenceId"], ())
        base = _extended(first, order["nodes"])
        self._orders[vehicle] = _Order(order["orderId"], {order["orderUpdateId"]: base})

    def grows(self, vehicle: str, order: Json, shown: int) -> None:
        """Note an update that goes out to a vehicle that shows update ``shown`` of the order."""
        known = self._orders[vehicle]
        known.bases = {update: base for update, base in known.bases.items() if update >= shown}
        known.bases[order["orderUpdateId"]] = _extended(known.bases[shown], order["nodes"])

    def ends(self, vehicle: str) -> None:
        """Note that the order of a vehicle is taken back: nothing can be stitched to it."""
        self._orders.pop(vehicle, None)


def _extended(base: Base, nodes: Iterable[Json]) -> Base:
    released = [node for node in nodes if node["released"]]
    actions = (*base.actions, *(action for node in released for action in node["actions"]))
    return Base(released[-1]["nodeId"], released[-1]["sequenceId"], actions)


def load_of(action: Json) -> str:
    """Return the load that an action names, empty without one."""
    parameters = action.get("actionParameters")
    for parameter in parameters if isinstance(parameters, list) else ():
        if isinstance(parameter, dict) and parameter.get("key") == "loadId":
            value = parameter.get("value")
            return value if isinstance(value, str) else ""
    return ""
