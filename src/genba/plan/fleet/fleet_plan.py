"""A plan for the whole fleet: tasks onto vehicles, and itineraries without conflict."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from genba.plan.fleet.assignment import Assigner
from genba.plan.fleet.itinerary import Itinerary, Stop
from genba.plan.fleet.network import Network
from genba.plan.fleet.router import Request, route_all
from genba.plan.fleet.tasks import Carrier, TransportTask
from genba.plan.schedule import LeftOut


@dataclass(frozen=True, slots=True)
class FleetPlan:
    """What every vehicle does, from now until it can stay where it is."""

    itineraries: Mapping[str, Itinerary]
    stops: Mapping[str, tuple[Stop, ...]]
    """New stops of each vehicle, in order, as assigned."""
    left_out: tuple[LeftOut, ...] = ()
    """Tasks that are not done in this plan."""
    cut_short: frozenset[str] = frozenset()
    """Vehicles that do not make all their stops: there is no way among the others."""
    stuck: frozenset[str] = frozenset()
    """Vehicles that stand in the way of another one and cannot leave."""


def plan_fleet(
    network: Network,
    carriers: Sequence[Carrier],
    tasks: Sequence[TransportTask],
    errands: Mapping[str, tuple[Stop, ...]] | None = None,
    jointly: bool = True,
) -> FleetPlan:
    """Assign tasks and route all vehicles.

    Parameters
    ----------
    network : Network
        The ways.
    carriers : sequence of Carrier
        Every vehicle that stands or drives on the layout.
    tasks : sequence of TransportTask
        The most urgent first.
    errands : mapping of str to stops
        What vehicles must do that is no task: ``charge`` or ``rest``. Vehicles that get no task and
        have no errand stay where they are unless they are in the way.
    jointly : bool
        See :func:`~genba.plan.fleet.router.route_all`.
    """
    errands = errands or {}
    stops = Assigner(network, [c for c in carriers if c.moves]).assign(tasks)
    requests = [
        Request(c, stops.get(c.vehicle.id) or errands.get(c.vehicle.id, ()), stays=True)
        for c in carriers
    ]
    # Who does the most urgent task has the first choice of the way, after those that have begun
    # one; who has none makes way.
    rank = {task.id: index for index, task in enumerate(tasks, start=1)} | {"": len(tasks) + 1}
    last = len(tasks) + 2
    requests.sort(key=lambda r: min((rank.get(s.task, 0) for s in r.stops), default=last))
    routes = route_all(network, requests, jointly)
    done = {
        stop.task
        for itinerary in routes.itineraries.values()
        for visit in itinerary.visits
        for stop in visit.stops
        if stop.kind == "drop"
    }
    left_out = (_why_not(network, carriers, t, stops) for t in tasks if t.id not in done)
    return FleetPlan(routes.itineraries, stops, tuple(left_out), routes.cut_short, routes.stuck)


def _why_not(
    network: Network,
    carriers: Sequence[Carrier],
    task: TransportTask,
    stops: Mapping[str, tuple[Stop, ...]],
) -> LeftOut:
    owner = next((v for v, s in stops.items() if any(stop.task == task.id for stop in s)), None)
    if owner is not None:
        return LeftOut(task.id, f"{owner} finds no way for {task.lot} now; others stand in it")
    for place in (task.origin, task.destination):
        if not any(c.vehicle.id == place or _serves(network, c, place) for c in carriers):
            reason = f"no vehicle comes to {place}; give it a node, and edges for a kind of vehicle"
            return LeftOut(task.id, reason)
    return LeftOut(task.id, f"no vehicle is free for {task.lot} now, or none can drive there")


def _serves(network: Network, carrier: Carrier, place: str) -> bool:
    return bool(network.serving(carrier.vehicle.kind, place))
