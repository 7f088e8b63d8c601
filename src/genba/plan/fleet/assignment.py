"""Which vehicle does which tasks in which order.

Regret insertion (Potvin and Rousseau, EJOR 1993): of the tasks that are left, the one goes next
that would lose most if it did not get its best vehicle. Then tasks are taken out one by one and put
back where they cost least, until nothing gets better. Driving times are those of free roads; what
vehicles cost one another in traffic is for the router to say.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from genba.plan.fleet.itinerary import Stop
from genba.plan.fleet.network import Network
from genba.plan.fleet.tasks import Carrier, TransportTask

LATE_PRICE = 20.0
"""What a second after the due time costs, in seconds of waiting."""
DRIVE_PRICE = 0.05
"""What a second of driving costs, in seconds of waiting: it decides between equals."""
MOST_STOPS = 8
"""Stops that are planned ahead for one vehicle; what lies further off is planned again anyway."""
NO_BETTER = 1e-6
"""Cost by which something must be better, so that rounding does not go round in circles."""
ROUNDS = 4
"""How often all tasks are tried elsewhere."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """The stops of one vehicle, with what they cost."""

    stops: tuple[Stop, ...]
    cost: float


Offers = dict[str, Schedule | None]
"""For each vehicle its schedule with one task more, None where it cannot do it."""


class Assigner:
    """Plans tasks onto vehicles; one instance for one question.

    Parameters
    ----------
    network : Network
        Ways and driving times.
    carriers : sequence of Carrier
        The vehicles; those that take no tasks get only what they carry.
    """

    def __init__(self, network: Network, carriers: Sequence[Carrier]) -> None:
        self._network = network
        self._carriers = {carrier.vehicle.id: carrier for carrier in carriers}
        self._zero_s = min((carrier.free_s for carrier in carriers), default=0.0)
        self._tasks: dict[str, TransportTask] = {}
        self._stops_of: dict[tuple[str, str], tuple[Stop, ...] | None] = {}

    def assign(self, tasks: Sequence[TransportTask]) -> dict[str, tuple[Stop, ...]]:
        """Return the stops of each vehicle in order; tasks that nobody can do are left out.

        The order of ``tasks`` breaks ties. What a vehicle carries, it keeps.
        """
        self._tasks = {task.id: task for task in tasks}
        schedules = {
            vehicle: Schedule(carrier.first, self._cost(carrier, carrier.first))
            for vehicle, carrier in self._carriers.items()
        }
        offers = {task.id: self._offers(task, schedules) for task in tasks}
        while offers:
            task_id = max(offers, key=lambda name: _regret(offers[name], schedules))
            found = _cheapest(offers.pop(task_id), schedules)
            if found is None:
                continue
            _, vehicle, schedules[vehicle] = found
            for name, offer in offers.items():
                offer[vehicle] = self._insert(vehicle, self._tasks[name], schedules[vehicle])
        self._improve(schedules)
        return {vehicle: schedule.stops for vehicle, schedule in schedules.items()}

    def _improve(self, schedules: dict[str, Schedule]) -> None:
        for _ in range(ROUNDS):
            better = False
            for task in self._tasks.values():
                better |= self._try_elsewhere(task, schedules)
            if not better:
                break

    def _try_elsewhere(self, task: TransportTask, schedules: dict[str, Schedule]) -> bool:
        owner = next(
            (v for v, s in schedules.items() if any(stop.task == task.id for stop in s.stops)), None
        )
        if owner is None:
            return False
        kept = tuple(stop for stop in schedules[owner].stops if stop.task != task.id)
        without = Schedule(kept, self._cost(self._carriers[owner], kept))
        saved = schedules[owner].cost - without.cost
        changed = {**schedules, owner: without}
        found = _cheapest(self._offers(task, changed), changed)
        if found is None or found[0] >= saved - NO_BETTER:
            return False
        schedules[owner] = without
        schedules[found[1]] = found[2]
        return True

    def _offers(self, task: TransportTask, schedules: Mapping[str, Schedule]) -> Offers:
        """Return the best insertion into each vehicle's schedule."""
        return {
            vehicle: self._insert(vehicle, task, schedule)
            for vehicle, schedule in schedules.items()
        }

    def _insert(self, vehicle: str, task: TransportTask, schedule: Schedule) -> Schedule | None:
        carrier = self._carriers[vehicle]
        new = self._needed(carrier, task)
        stops = schedule.stops
        if new is None or len(stops) + len(new) > MOST_STOPS:
            return None
        best: Schedule | None = None
        for places in _places(len(carrier.first), len(stops), len(new)):
            merged = list(stops)
            for place, stop in zip(reversed(places), reversed(new), strict=True):
                merged.insert(place, stop)
            if not _fits(carrier, merged):
                continue
            cost = self._cost(carrier, merged)
            if cost < (math.inf if best is None else best.cost):
                best = Schedule(tuple(merged), cost)
        return best

    def _needed(self, carrier: Carrier, task: TransportTask) -> tuple[Stop, ...] | None:
        """Return the stops that a task means for a vehicle, None where it cannot do it."""
        key = (carrier.vehicle.id, task.id)
        if key not in self._stops_of:
            self._stops_of[key] = self._make_stops(carrier, task)
        return self._stops_of[key]

    def _make_stops(self, carrier: Carrier, task: TransportTask) -> tuple[Stop, ...] | None:
        vehicle = carrier.vehicle
        handling_s = self._network.handling_s(vehicle)
        there = self._network.serving(vehicle.kind, task.destination)
        drop = Stop("drop", there, handling_s, task=task.id, lot=task.lot)
        if task.origin == vehicle.id:
            return (drop,) if there and carrier.moves else None
        if task.origin in self._carriers or not carrier.takes_tasks:
            return None
        here = self._network.serving(vehicle.kind, task.origin)
        if not here or not there:
            return None
        return Stop("pick", here, handling_s, task.ready_s, task.id, task.lot), drop

    def _cost(self, carrier: Carrier, stops: Sequence[Stop]) -> float:
        """Play the stops through on free roads; infinite where one cannot be reached."""
        time_s, cost = carrier.free_s, 0.0
        # Of the nodes of a station the nearest is not always the best for what comes after: all
        # are kept, with how much later than at the nearest one the vehicle would be there.
        places = {carrier.node: 0.0}
        for stop in stops:
            reached = self._onward(carrier, places, stop)
            drive_s = min(reached.values(), default=math.inf)
            if drive_s == math.inf:
                return math.inf
            places = {node: later - drive_s for node, later in reached.items()}
            time_s = max(time_s + drive_s, stop.earliest_s) + stop.duration_s
            cost += DRIVE_PRICE * drive_s
            task = self._tasks.get(stop.task)
            if stop.kind == "drop" and task is not None:
                late_s = max(0.0, time_s - task.due_s)
                cost += task.weight * (time_s - self._zero_s + LATE_PRICE * late_s)
        return cost

    def _onward(
        self, carrier: Carrier, places: Mapping[str, float], stop: Stop
    ) -> dict[str, float]:
        between_s = self._network.between_s
        return {
            node: min(
                later + between_s(carrier.vehicle, start, node) for start, later in places.items()
            )
            for node in stop.nodes
        }


def _cheapest(
    offers: Offers, schedules: Mapping[str, Schedule]
) -> tuple[float, str, Schedule] | None:
    """Return what the best insertion costs, with its vehicle."""
    return min(
        (
            (offer.cost - schedules[vehicle].cost, vehicle, offer)
            for vehicle, offer in offers.items()
            if offer is not None
        ),
        key=lambda found: found[:2],
        default=None,
    )


def _regret(offers: Offers, schedules: Mapping[str, Schedule]) -> float:
    """Return what is lost if a task does not get its best vehicle; without a second, most."""
    costs = sorted(o.cost - schedules[v].cost for v, o in offers.items() if o is not None)
    return costs[1] - costs[0] if len(costs) > 1 else math.inf


def _places(first: int, count: int, new: int) -> list[tuple[int, ...]]:
    """Return where the new stops can go among ``count``, in order, after the ``first``."""
    if new == 1:
        return [(place,) for place in range(first, count + 1)]
    return [(a, b) for a in range(first, count + 1) for b in range(a, count + 1)]


def _fits(carrier: Carrier, stops: Sequence[Stop]) -> bool:
    """Whether the vehicle never carries more than it can."""
    carried = len(carrier.loads)
    for stop in stops:
        carried += {"pick": 1, "drop": -1}.get(stop.kind, 0)
        if carried > carrier.vehicle.capacity_lots:
            return False
    return True
