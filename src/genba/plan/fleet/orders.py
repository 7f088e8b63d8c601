"""Itineraries as VDA 5050 orders."""

from collections.abc import Mapping, Sequence
from typing import Any

from genba.plan.fleet.itinerary import Itinerary, Stop, Visit
from genba.plan.floor.roadmap import Route
from genba.plan.floor.vehicle_order import charge_action, load_action

Leg = tuple[Route, Sequence[Mapping[str, Any]]]


def legs_of(itinerary: Itinerary, order_id: str, charger: bool) -> list[Leg]:
    """Cut an itinerary at its stops: each leg is a route with the actions at its end.

    ``charger``: the vehicle shall charge at the end.
    """
    legs: list[Leg] = []
    begin = 0
    visits = itinerary.visits
    for index, visit in enumerate(visits):
        last = index + 1 == len(visits)
        actions = [a for stop in visit.stops if (a := _action(order_id, stop)) is not None]
        if last and charger:
            actions.append(charge_action(order_id))
        if actions or last:
            legs.append((_route(visits[begin : index + 1]), actions))
            begin = index
    return legs


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


def _action(order_id: str, stop: Stop) -> dict[str, Any] | None:
    return load_action(order_id, stop.kind, stop.lot) if stop.kind in ("pick", "drop") else None


def _route(visits: Sequence[Visit]) -> Route:
    return Route(
        tuple(visit.node for visit in visits),
        tuple(visit.way.edge for visit in visits[1:] if visit.way is not None),
        visits[-1].arrive_s - visits[0].leave_s if len(visits) > 1 else 0.0,
    )


def until_stop(itinerary: Itinerary, kind: str) -> Itinerary | None:
    """Return an itinerary up to its first stop of a kind, None without one."""
    for index, visit in enumerate(itinerary.visits):
        for number, stop in enumerate(visit.stops):
            if stop.kind == kind:
                last = Visit(
                    visit.node, visit.way, visit.arrive_s, float("inf"), visit.stops[: number + 1]
                )
                return Itinerary(itinerary.vehicle, (*itinerary.visits[:index], last))
    return None
