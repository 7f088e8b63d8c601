"""What one vehicle is doing: its itinerary, how far it is with it, and how much is released."""

import math
from dataclasses import dataclass, field, replace

from genba.plan.fleet.itinerary import Itinerary, Stop, Visit
from genba.plan.fleet.network import Network
from genba.plan.fleet.orders import action_id, action_of
from genba.plan.fleet.tasks import Carrier
from genba.plan.floor.vehicle_order import Step, staged_order_text
from genba.plant import Vehicle


@dataclass(frozen=True, slots=True)
class Report:
    """What a vehicle says of itself, as VDA 5050 states do."""

    vehicle: str
    node: str
    """``lastNodeId``"""
    sequence: int = 0
    """``lastNodeSequenceId``"""
    order_id: str = ""
    update: int = 0
    """``orderUpdateId``"""
    finished: frozenset[str] = frozenset()
    """Ids of the order's actions that are finished."""
    over: bool = True
    """Whether no node is left to reach and no action to do."""
    able: bool = True
    """Whether it can drive: not broken down, and in automatic mode."""
    loads: tuple[str, ...] = ()
    listens: bool = True
    """Whether it can be told something now; if not, it goes on with what it has."""
    takes: bool = True
    """Whether it may be given new tasks."""


@dataclass(slots=True)
class OpenOrder:
    """An order that a vehicle has."""

    id: str
    stops: tuple[Stop, ...]
    """What it was made for."""
    first: int
    """``sequenceId`` of the first visit of the itinerary."""
    end: int
    """Index of the visit with which it ends."""
    update: int = -1
    """``orderUpdateId`` that was sent last."""
    sent_s: float = 0.0
    """When that was."""
    confirmed: int = -1
    """``orderUpdateId`` that the vehicle has shown last."""
    told: dict[int, int] = field(default_factory=dict)
    """Up to which visit each update released, from the one that was confirmed last on."""
    beyond: bool = False
    """Whether the vehicle was told a horizon."""
    astray: bool = False
    """Whether the vehicle was seen where this order does not lead: it had set out by itself."""
    canceled: bool = False
    canceled_s: float = -math.inf
    """When the vehicle was told so."""
    sent: set[Stop] = field(default_factory=set)
    """Stops whose actions were released."""


@dataclass(slots=True)
class Course:
    """One vehicle. ``reached`` and ``released`` are indices of visits of its itinerary."""

    vehicle: Vehicle
    itinerary: Itinerary
    since_s: float
    """When it came to the visit that it reached last, or ended a stop there."""
    moved_s: float = -math.inf
    """When it was seen to move without an order."""
    reached: int = 0
    released: int = 0
    finished: frozenset[str] = frozenset()
    able: bool = True
    loads: tuple[str, ...] = ()
    listens: bool = True
    takes: bool = True
    order: OpenOrder | None = None
    changed: bool = field(default=True)
    """Whether something has happened that asks for a new plan."""

    def follow(self, report: Report, now_s: float) -> None:
        """Take notice of a report."""
        before = self.able, self.loads, self.takes
        self.able, self.loads, self.takes = report.able, report.loads, report.takes
        self.changed |= before != (self.able, self.loads, self.takes)
        self.listens = report.listens
        order = self.order
        if order is None or order.id != report.order_id:
            return
        reached = (report.sequence - order.first) // 2
        possible = self.reached <= reached <= self.released
        if not possible or self.itinerary.visits[reached].node != report.node:
            # On its way to the first node it may still show where its last order ended.
            reached = self.reached
            order.astray |= report.node != self.node
        if reached > self.reached or report.finished != self.finished:
            self.reached, self.finished, self.since_s = reached, report.finished, now_s
        if report.update in order.told:
            order.confirmed = report.update
            order.told = {u: index for u, index in order.told.items() if u >= report.update}
        if report.over and (order.canceled or report.update == order.update):
            self.drop()

    def drop(self) -> None:
        """Have no order any more: what was released and not driven is canceled."""
        self.order, self.released, self.changed = None, self.reached, True

    @property
    def in_flight(self) -> bool:
        """Whether the vehicle does not show yet that it has what was sent last."""
        return self.order is not None and self.order.update > self.order.confirmed

    @property
    def node(self) -> str:
        """Where it was last."""
        return self.itinerary.visits[self.reached].node

    def late_s(self, network: Network, now_s: float) -> float:
        """Return how much later than planned its base will be done."""
        visits = self.itinerary.visits
        if self.released + 1 >= len(visits):
            return 0.0
        return self.base(network, now_s)[1] - visits[self.released].leave_s

    @property
    def to_do(self) -> tuple[Stop, ...]:
        """Stops of the order that are not finished."""
        order = self.order
        if order is None or order.canceled:
            return ()
        return tuple(s for s in order.stops if action_id(order.id, s) not in self.finished)

    @property
    def charges(self) -> tuple[Stop, ...]:
        """Stops ahead at which it should charge."""
        ahead = self.itinerary.visits[self.reached :]
        return tuple(stop for visit in ahead for stop in visit.stops if stop.kind == "charge")

    @property
    def missed(self) -> bool:
        """Whether a stop is planned at a node that was released without it."""
        passed = self.itinerary.visits[: self.released + 1]
        return self.order is not None and any(
            stop in self.to_do and stop not in self.order.sent
            for visit in passed
            for stop in visit.stops
            if self.order.update >= 0
        )

    def base(self, network: Network, now_s: float) -> tuple[Itinerary, float]:
        """Return what is released and not done, with times as expected now, and when it is over."""
        visits: list[Visit] = []
        to_do, ready_s, set_out_s = set(self.to_do), self.since_s, self.since_s
        for index in range(self.reached, self.released + 1):
            visit = self.itinerary.visits[index]
            arrive_s = ready_s
            if index > self.reached and visit.way is not None:
                set_out_s = ready_s
                arrive_s = max(now_s, set_out_s + network.drive_s(self.vehicle, visit.way))
                visits[-1] = replace(visits[-1], leave_s=set_out_s)
            stops = tuple(stop for stop in visit.stops if stop in to_do)
            ready_s = arrive_s
            for stop in stops:
                ready_s = max(now_s, max(ready_s, stop.earliest_s) + stop.duration_s)
            visits.append(Visit(visit.node, visit.way, arrive_s, math.inf, stops))
        return Itinerary(self.vehicle.id, tuple(visits)), max(now_s, ready_s)

    def carrier(self, network: Network, now_s: float) -> Carrier:
        """Return the vehicle as the planner sees it: free where its base ends."""
        committed, free_s = self.base(network, now_s)
        in_base = {stop for visit in committed.visits for stop in visit.stops}
        return Carrier(
            self.vehicle,
            committed.visits[-1].node,
            free_s,
            # What the base picks up or sets down is on the vehicle, or off it, when it is free.
            self._loads_after(in_base),
            self.takes and self.able,
            self.able,
            committed,
            claims=True,
            first=tuple(stop for stop in self.to_do if stop not in in_base),
        )

    def _loads_after(self, stops: set[Stop]) -> tuple[str, ...]:
        gone = {stop.lot for stop in stops if stop.kind == "drop"}
        taken = [s.lot for s in stops if s.kind == "pick" and s.lot not in self.loads]
        return tuple(lot for lot in (*self.loads, *sorted(taken)) if lot not in gone)

    def adopt(self, itinerary: Itinerary) -> None:
        """Go on with a new itinerary, which begins with the base."""
        if self.order is not None:
            self.order.first += 2 * self.reached
            self.order.told = {u: i - self.reached for u, i in self.order.told.items()}
            if not self.order.stops and not self.order.canceled:
                # Who only makes way, or goes to rest, begins a task without stopping.
                self.order.stops = first_task(itinerary, self.released - self.reached)
            self.order.end = _end(itinerary, self.to_do)
        self.itinerary = itinerary
        self.released -= self.reached
        self.reached = 0

    def open(self, order_id: str, stops: tuple[Stop, ...]) -> None:
        """Begin an order for some stops of the itinerary; without, for all of the way."""
        self.order = OpenOrder(order_id, stops, -2 * self.reached, _end(self.itinerary, stops))
        self.finished = frozenset()

    def release(self, until: int, major: int, now_s: float) -> str:
        """Release the visits up to an index; return the order, or its update, for that.

        An update begins with the end of the base that the vehicle has shown. So one that got lost
        is made up for by the next.
        """
        order = self.order
        assert order is not None  # noqa: S101 - the caller has opened one
        begin = order.update < 0
        joint = self.released if begin else order.told[order.confirmed]
        self.released, order.update, order.sent_s = until, order.update + 1, now_s
        order.told[order.update] = until
        for index in range(joint if begin else joint + 1, until + 1):
            order.sent.update(self.itinerary.visits[index].stops)
        steps = [
            Step(
                visit.node,
                visit.way.edge if visit.way is not None and index > joint else None,
                [
                    action
                    for stop in visit.stops
                    if stop in order.stops
                    and (index > joint or begin)
                    and (action := action_of(order.id, stop)) is not None
                ],
            )
            for index, visit in enumerate(self.itinerary.visits[: order.end + 1])
            if index >= joint
        ]
        order.beyond = until < order.end
        first = order.first + 2 * joint
        return staged_order_text(order.id, order.update, steps, first, until - joint + 1, major)


def first_task(itinerary: Itinerary, begin: int) -> tuple[Stop, ...]:
    """Return the stops from a visit on, up to where nothing is carried that they picked up.

    Where the itinerary is cut short before that: all there are.
    """
    carried = 0
    ahead = [stop for visit in itinerary.visits[begin:] for stop in visit.stops]
    stops = [stop for stop in ahead if stop.kind in ("pick", "drop")]
    for index, stop in enumerate(stops):
        carried += {"pick": 1, "drop": -1}[stop.kind]
        if carried <= 0:
            return tuple(stops[: index + 1])
    return tuple(stops)


def _end(itinerary: Itinerary, stops: tuple[Stop, ...]) -> int:
    """Return where the last of the stops is made; if one is missing, the end of the way."""
    last = len(itinerary.visits) - 1
    made = {
        stop: index
        for index, visit in enumerate(itinerary.visits)
        for stop in visit.stops
        if stop in stops
    }
    return max(made.values()) if stops and len(made) == len(set(stops)) else last
