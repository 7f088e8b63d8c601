"""Itineraries for the whole fleet, without conflict, each ending where it can stay for ever.

Prioritized planning (Erdmann and Lozano-Perez, 1987; revised by Cap, Novak, Kleiner and Selecky,
2015) over safe intervals: vehicles are planned one after the other among the bookings of those
before. One that finds no way is planned earlier in the next round, as in priority inheritance: so
an idle vehicle is pushed out of the way by the one that needs its place. Since every itinerary ends
where its vehicle can stay, all of them together can always be driven to their ends.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from genba.plan.fleet.bookings import Bookings
from genba.plan.fleet.itinerary import Hold, Itinerary, Stop, standing
from genba.plan.fleet.network import Network
from genba.plan.fleet.sipp import find_itinerary
from genba.plan.fleet.tasks import Carrier

ROUNDS = 12
"""Orders of priority that are tried."""


@dataclass(frozen=True, slots=True)
class Request:
    """One vehicle with the stops that it should make."""

    carrier: Carrier
    stops: tuple[Stop, ...] = ()
    stays: bool = False
    """Without stops: does not go to rest, but stays until somebody needs the place."""


@dataclass(frozen=True, slots=True)
class Routes:
    """Itineraries by vehicle, and what could not be planned."""

    itineraries: Mapping[str, Itinerary]
    cut_short: frozenset[str] = frozenset()
    """Vehicles that do not make all their stops: there is no way among the others."""
    stuck: frozenset[str] = frozenset()
    """Vehicles that stand in the way of another one and cannot leave. Usually there are none."""

    @property
    def rank(self) -> tuple[int, int]:
        """Smaller is better."""
        return len(self.stuck), len(self.cut_short)

    def first_stops(self, requests: "Sequence[Request]") -> int:
        """Count the vehicles that make at least the first of their stops."""
        return sum(
            any(request.stops[0] in v.stops for v in self.itineraries[name].visits)
            for request in requests
            if request.stops and (name := request.carrier.vehicle.id) in self.itineraries
        )

    def used_by_others(self, vehicle: str) -> frozenset[str]:
        """Nodes that the others come to."""
        return frozenset(
            visit.node
            for other, itinerary in self.itineraries.items()
            for visit in itinerary.visits
            if other != vehicle
        )


def route_all(network: Network, requests: Sequence[Request], jointly: bool = True) -> Routes:
    """Find itineraries without conflict.

    Parameters
    ----------
    network : Network
        The ways.
    requests : sequence of Request
        Every vehicle that is on the layout, the most urgent first.
    jointly : bool
        Whether to plan all at once where no order of priority serves everybody.

    Returns
    -------
    Routes
        Those of the first order of priority that serves everybody, else of the best one.
    """
    order = [request.carrier.vehicle.id for request in requests]
    by_id = {request.carrier.vehicle.id: request for request in requests}
    best = _undisturbed(network, requests)
    if best.rank == (0, 0):
        return best
    keep_off: dict[str, frozenset[str]] = {}
    tried: set[tuple[str, ...]] = set()
    while len(tried) < ROUNDS and tuple(order) not in tried:
        tried.add(tuple(order))
        routes = _in_order(network, [by_id[vehicle] for vehicle in order], keep_off)
        if routes.rank < best.rank:
            best = routes
        if routes.rank == (0, 0):
            break
        # Who stands in the way leaves first; else who found no way has the first choice.
        first = routes.stuck or routes.cut_short
        keep_off |= {vehicle: routes.used_by_others(vehicle) for vehicle in routes.stuck}
        order.sort(key=lambda vehicle: vehicle not in first)
    if jointly and best.rank != (0, 0):
        best = _or_jointly(network, requests, best)
    return _one_by_one(network, requests, best) if best.stuck else best


def _or_jointly(network: Network, requests: Sequence[Request], best: Routes) -> Routes:
    """Return the plan for all at once where it brings more vehicles to their next stops."""
    from genba.plan.fleet.joint import plan_jointly  # compiled functions: only where needed

    wishes = [(request.carrier, next(iter(request.stops), None)) for request in requests]
    found = plan_jointly(network, wishes)
    if found is None or _conflict(requests, found):
        return best
    cut_short = {
        r.carrier.vehicle.id
        for r in requests
        if sum(len(v.stops) for v in found[r.carrier.vehicle.id].visits) < len(r.stops)
    }
    routes = Routes(_whole(requests, found), frozenset(cut_short))
    if best.stuck or routes.first_stops(requests) > best.first_stops(requests):
        return routes
    return best


def _one_by_one(network: Network, requests: Sequence[Request], best: Routes) -> Routes:
    """Let everybody stay, and then let one after the other go who finds a way among the others."""
    found = {
        r.carrier.vehicle.id: standing(r.carrier.vehicle.id, r.carrier.node, r.carrier.free_s)
        for r in requests
    }
    if _conflict(requests, found):
        return best
    cut_short = set()
    for request in requests:
        vehicle = request.carrier.vehicle.id
        if not request.carrier.moves:
            continue
        itinerary, complete = _plan(network, _others(requests, found, vehicle), request, None)
        if itinerary is not None:
            found[vehicle] = itinerary
        if not complete:
            cut_short.add(vehicle)
    return Routes(_whole(requests, found), frozenset(cut_short))


def _conflict(requests: Sequence[Request], found: Mapping[str, Itinerary]) -> bool:
    """Whether somebody would use what another one holds."""
    return any(
        end_s > start_s and not others.is_free(place, start_s, end_s)
        for vehicle, itinerary in found.items()
        for others in (_others(requests, found, vehicle),)
        for place, start_s, end_s in itinerary.holds()
    )


def _others(requests: Sequence[Request], found: Mapping[str, Itinerary], vehicle: str) -> Bookings:
    """Book what all others hold."""
    bookings = Bookings()
    for request in requests:
        other = request.carrier.vehicle.id
        if other != vehicle:
            bookings.add(_holds_for_certain(request.carrier))
            bookings.add(found[other].holds())
    return bookings


def _whole(requests: Sequence[Request], found: Mapping[str, Itinerary]) -> dict[str, Itinerary]:
    return {r.carrier.vehicle.id: _then(r.carrier, found[r.carrier.vehicle.id]) for r in requests}


def _undisturbed(network: Network, requests: Sequence[Request]) -> Routes:
    """Plan round those that are at rest, or go there, in the order given for the others."""
    resting, others = [], []
    for request in requests:
        carrier = request.carrier
        if request.stops or carrier.node not in network.rests(carrier.vehicle.kind):
            others.append(request)
        elif carrier.committed is None:
            others.append(replace(request, carrier=replace(carrier, moves=False)))
        else:
            resting.append(request)
    return _in_order(network, [*resting, *others], {})


def _in_order(
    network: Network, requests: Sequence[Request], keep_off: Mapping[str, frozenset[str]]
) -> Routes:
    """Plan one vehicle after the other; ``keep_off`` says where those that are pushed may not."""
    bookings = Bookings()
    for request in requests:
        bookings.add(_holds_at_least(network, request.carrier))
    found: dict[str, Itinerary] = {}
    cut_short, stuck = set(), set()
    for request in requests:
        carrier = request.carrier
        vehicle = carrier.vehicle.id
        if not carrier.moves:
            found[vehicle] = _then(carrier, standing(vehicle, carrier.node, carrier.free_s))
            continue
        bookings.remove(_holds_at_least(network, carrier))
        itinerary, complete = _plan(network, bookings, request, keep_off.get(vehicle))
        if itinerary is None:
            stuck.add(vehicle)
            itinerary = standing(vehicle, carrier.node, carrier.free_s)
        elif not complete:
            cut_short.add(vehicle)
        bookings.add(_holds_for_certain(carrier))
        bookings.add(itinerary.holds())
        found[vehicle] = _then(carrier, itinerary)
    return Routes(found, frozenset(cut_short), frozenset(stuck))


def _plan(
    network: Network, bookings: Bookings, request: Request, keep_off: frozenset[str] | None
) -> tuple[Itinerary | None, bool]:
    """Find an itinerary with all stops, else with fewer; also tells whether all are made."""
    carrier = request.carrier
    rest = Stop("rest", network.rests(carrier.vehicle.kind))
    if request.stops:
        tries = [((*request.stops, rest), True), (request.stops, True)]
        tries += [(request.stops[:n], False) for n in range(len(request.stops) - 1, -1, -1)]
    elif keep_off is not None:
        anywhere, here_too = network.nodes.keys(), {carrier.node}
        goals = (
            rest.nodes - keep_off,
            anywhere - keep_off,
            rest.nodes - here_too,
            anywhere - here_too,
        )
        tries = [((replace(rest, nodes=frozenset(nodes) - here_too),), True) for nodes in goals]
    else:
        here = Stop("rest", frozenset({carrier.node}))
        stays = request.stays or carrier.node in rest.nodes
        tries = [((here,), True)] if stays else []
        tries += [((rest,), True), ((), True)]
    for stops, complete in tries:
        itinerary = find_itinerary(
            network, bookings, carrier.vehicle, carrier.node, carrier.free_s, stops
        )
        if itinerary is not None:
            return itinerary, complete
    return None, False


def _holds_for_certain(carrier: Carrier) -> Iterator[Hold]:
    """Return what a vehicle holds whatever is planned: until it is free, or for ever."""
    if carrier.committed is None:
        yield carrier.node, -math.inf, carrier.free_s if carrier.moves else math.inf
        return
    for place, start_s, end_s in carrier.committed.holds():
        if not carrier.moves:
            yield place, -math.inf, math.inf
        else:
            until_s = carrier.free_s if end_s == math.inf else end_s
            yield place, -math.inf if carrier.claims else start_s, until_s


def _holds_at_least(network: Network, carrier: Carrier) -> Iterator[Hold]:
    """Return what a vehicle holds that is not planned yet, if it has to leave: until it can."""
    yield from _holds_for_certain(carrier)
    exits = network.exits(carrier.vehicle.kind, carrier.node)
    if carrier.moves and exits:
        first_s = min(network.drive_s(carrier.vehicle, way) for way in exits)
        yield carrier.node, carrier.free_s, carrier.free_s + first_s


def _then(carrier: Carrier, itinerary: Itinerary) -> Itinerary:
    """Join what a vehicle is committed to and what was planned for the time after it."""
    if carrier.committed is None:
        return itinerary
    *before, joint = carrier.committed.visits
    first, *after = itinerary.visits
    stops = (*joint.stops, *first.stops)
    whole = replace(joint, leave_s=first.leave_s, stops=stops)
    return Itinerary(itinerary.vehicle, (*before, whole, *after))
