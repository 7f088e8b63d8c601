"""Fitting a new order to where a vehicle is, and an update to the order that it has."""

from collections.abc import Sequence

from genba.plant import VehicleKind
from genba.testbed.traffic import Roads, Way
from genba.testbed.transport_order import Rejected, Stop


def join(
    stops: list[Stop], node: str, way: Way | None, roads: Roads, kind: VehicleKind
) -> list[Stop]:
    """Fit a new order to a vehicle that stands on ``node``, or drives home along ``way``.

    On its way home it has perhaps gone on since the order was made. It then joins the order at the
    node that it is about to reach, or drives round to the order's first node.

    Raises
    ------
    Rejected
        If the order begins where the vehicle is not and cannot get.
    """
    first = stops[0]
    if way is None:
        if first.node != node:
            text = f"the order starts at {first.node}, the vehicle stands at {node}"
            raise Rejected("orderError", text)
        return stops
    for index, stop in enumerate(stops):
        if stop.node == way.end:
            return stops[index:]
        if stop.actions:
            break
    lead = roads.route(kind, way.end, first.node)
    if not lead:
        raise Rejected("noRouteError", f"{first.node} cannot be reached from {way.end}")
    first.way = lead[-1]
    here = Stop(way.end, 0, True, way, 0, None)
    return [here, *(Stop(w.end, 0, True, w, 0, None) for w in lead[:-1]), *stops]


def extend(ahead: Sequence[Stop], stops: Sequence[Stop], node: str) -> list[Stop]:
    """Append an order update at the end of the base; what was only planned is replaced.

    Raises
    ------
    Rejected
        If the update does not begin where the base ends.
    """
    base = [stop for stop in ahead if stop.released]
    joint = base[-1].node if base else node
    if stops[0].node != joint:
        raise Rejected("orderUpdateError", f"the update must begin at {joint}")
    return [*base, *stops[1:]]
