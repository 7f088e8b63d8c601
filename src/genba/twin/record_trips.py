"""What vehicles did, from their VDA 5050 state: trips, handling, driving time, standing still."""

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

from genba.plant import US, Plant, Role
from genba.twin.record_machines import spans_of
from genba.twin.recording import Activity, Stopped, Trip
from genba.twin.renewal import Spans
from genba.twin.trace import Trace

_LEAST_STOP_S = 30.0
"""An error that lasts less is a refused order, not a vehicle that stands still."""

Told = Mapping[tuple[str, Role], Trace]
Vehicles = tuple[list[Trip], dict[tuple[str, Activity], Spans], list[Stopped], int]


def read_trips(plant: Plant, told: Told, start: int, end: int) -> Vehicles:
    """Read what every vehicle did in ``[start, end)``.

    Returns
    -------
    trips, driving, stops, failed
        Carried-out orders; driving time between stops; stops; how many orders failed.
    """
    stations = {n.id: n.station for n in plant.layout.nodes if n.station is not None}
    trips: list[Trip] = []
    driving: dict[tuple[str, Activity], Spans] = {}
    stops: list[Stopped] = []
    failed = 0
    for vehicle in plant.vehicles:
        if any(
            (vehicle.id, role) not in told for role in (Role.VEHICLE_ORDER_ID, Role.VEHICLE_ACTIONS)
        ):
            continue
        for trip in _orders(vehicle.id, told, stations, start, end):
            failed += trip is None
            trips += [] if trip is None else [trip]
        still = list(_standing(vehicle.id, told, start, end))
        stops += [s for s in still if s.end < end]
        driving[vehicle.id, Activity.DOWN] = _driving(vehicle.id, told, still, start, end)
    return sorted(trips, key=lambda t: (t.ordered, t.vehicle)), driving, stops, failed


def _orders(
    vehicle: str, told: Told, stations: Mapping[str, str], start: int, end: int
) -> Iterator[Trip | None]:
    """Yield one trip for each order that picks and drops; None for one that failed."""
    actions, nodes = told[vehicle, Role.VEHICLE_ACTIONS], told.get((vehicle, Role.VEHICLE_NODE))
    loads = told.get((vehicle, Role.VEHICLE_LOADS))
    if nodes is None:
        return
    for begin, until, _, order in told[vehicle, Role.VEHICLE_ORDER_ID].spans(start, end):
        if not order:
            continue
        times = _action_times(actions, begin, until)
        if any(status == "FAILED" for _, status in times):
            yield None
        wanted = (("pick", "RUNNING"), ("pick", "FINISHED"), ("drop", "RUNNING"))
        if any(key not in times for key in (*wanted, ("drop", "FINISHED"))):
            continue
        picking, picked, dropping = (times[key] for key in wanted)

        def place(when: int) -> str:
            node = nodes.text_at(when) or ""
            return stations.get(node, node)

        yield Trip(
            vehicle=vehicle,
            lot=(loads.text_at(picked) or None) if loads is not None else None,
            origin=place(begin - 1),
            pick_at=place(picking),
            drop_at=place(dropping),
            ordered=begin,
            picking=picking,
            picked=picked,
            dropping=dropping,
            dropped=times["drop", "FINISHED"],
        )


def _action_times(actions: Trace, start: int, end: int) -> dict[tuple[str, str], int]:
    """When each kind of action first showed each status in ``[start, end)``."""
    found: dict[tuple[str, str], int] = {}
    for begin, _, _, text in actions.spans(start, end):
        for action in _listed(text):
            key = (str(action.get("actionType")), str(action.get("actionStatus")))
            found.setdefault(key, begin)
    return found


def _listed(text: str) -> Sequence[Mapping[str, object]]:
    try:
        listed = json.loads(text or "[]")
    except ValueError:
        return ()
    return [a for a in listed if isinstance(a, dict)] if isinstance(listed, list) else ()


def _standing(vehicle: str, told: Told, start: int, end: int) -> Iterator[Stopped]:
    """Spans in which a vehicle shows errors and stays at its node."""
    errors, nodes = told.get((vehicle, Role.VEHICLE_ERRORS)), told.get((vehicle, Role.VEHICLE_NODE))
    if errors is None or nodes is None:
        return
    for begin, until, count, _ in errors.spans(start, end):
        length_s = (until - begin) / US
        stays = nodes.text_at(begin) == nodes.text_at(until - 1)
        if count > 0 and stays and length_s >= _LEAST_STOP_S:
            yield Stopped(vehicle, begin, until, Activity.DOWN, length_s)


def _driving(vehicle: str, told: Told, still: Sequence[Stopped], start: int, end: int) -> Spans:
    """Driving time between stops: nodes are left to reach, and nothing is picked or dropped."""
    left = told.get((vehicle, Role.VEHICLE_NODES_LEFT))
    if left is None:
        return Spans()
    lengths: list[float] = []
    cuts = [start, *(s.start for s in still), end]
    for begin, until in pairwise(cuts):
        drove = sum(b - a for a, b, count, _ in left.spans(begin, until) if count > 0) / US
        drove -= _handled(told[vehicle, Role.VEHICLE_ACTIONS], begin, until)
        drove -= sum(s.end - s.start for s in still if begin <= s.start < until) / US
        lengths.append(max(drove, 0.0))
    return spans_of(lengths)


def _handled(actions: Trace, start: int, end: int) -> float:
    return sum(
        (until - begin) / US
        for begin, until, _, text in actions.spans(start, end)
        if any(action.get("actionStatus") == "RUNNING" for action in _listed(text))
    )
