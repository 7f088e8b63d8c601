"""Drives a fleet: plans, releases what is safe to drive, and plans again when things go wrong.

A node is released to a vehicle only when everybody who passes it before has left it
(:mod:`~genba.plan.fleet.precedence`). So at any time each place belongs to at most one vehicle,
which may stop there, be late, or break down without touching another one. Since what is released
is always driven, a new plan can be made at any time: it begins where the released part, the *base*
of VDA 5050, ends. Orders are one for each task; they grow by updates.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from genba.plan.fleet.course import Course, Report, first_task
from genba.plan.fleet.fleet_plan import plan_fleet
from genba.plan.fleet.itinerary import Stop, standing
from genba.plan.fleet.network import Network
from genba.plan.fleet.precedence import Event, precedence
from genba.plan.fleet.tasks import TransportTask
from genba.plan.schedule import LeftOut
from genba.plant import Vehicle

RELEASE_AHEAD_S = 25.0
"""How far ahead of a vehicle nodes are released, in driving time: enough not to brake for it, and
no more, since nobody else can be planned through them first."""
RETRY_S = 10.0
"""After which there is a new plan where the last one could not serve everybody."""
LATE_S = 30.0
"""How much later than planned a vehicle is before there is a new plan."""
SETTLE_S = 15.0
"""How long a vehicle has to stand that was seen to move without an order."""
RESEND_S = 15.0
"""How long a vehicle has to show that it has what was sent, before it is sent again."""


@dataclass(frozen=True, slots=True)
class Message:
    """What a vehicle should be told: an order or an update of it, as JSON text without header.

    ``text`` is None where its order should be canceled (the instant action ``cancelOrder``).
    """

    vehicle: str
    text: str | None
    order_id: str
    task: str = ""
    """Task that the order is for, empty where the vehicle only makes way or rests."""
    update: int = 0
    """``orderUpdateId``: 0 where the order begins."""
    goal: str = ""
    """Node where the order ends."""


class FleetControl:
    """Call :meth:`tick` with what vehicles report, every second or so, and send what it returns.

    Parameters
    ----------
    network : Network
        The ways.
    vehicles : sequence of Vehicle
        All that are on the layout.
    major : mapping of str to int
        Major version of VDA 5050 that each vehicle speaks; 2 where it is not named.
    jointly : bool
        Whether to look for a plan of all vehicles at once where one after the other finds none.
        That compiles functions when it is needed for the first time, which takes seconds.
    """

    def __init__(
        self,
        network: Network,
        vehicles: Sequence[Vehicle],
        major: Mapping[str, int] | None = None,
        jointly: bool = True,
    ) -> None:
        self._jointly = jointly
        self._network = network
        self._vehicles = {vehicle.id: vehicle for vehicle in vehicles}
        self._major = dict(major or {})
        self._courses: dict[str, Course] = {}
        self._before: Mapping[Event, tuple[Event, ...]] = {}
        self._known: Mapping[str, tuple[str, str]] = {}
        self._errands: Mapping[str, tuple[Stop, ...]] = {}
        self._planned_s = 0.0
        self._number = 0
        self._cut_short: frozenset[str] = frozenset()
        self._strays: dict[str, float] = {}
        self.left_out: tuple[LeftOut, ...] = ()
        """Tasks that the present plan does not do, with the reasons."""
        self.plans = 0
        """How many plans were made."""

    def tick(
        self,
        now_s: float,
        reports: Sequence[Report],
        tasks: Sequence[TransportTask],
        errands: Mapping[str, tuple[Stop, ...]] | None = None,
    ) -> list[Message]:
        """Follow the vehicles, plan if that is called for, and release what can be.

        Parameters
        ----------
        now_s : float
            The time.
        reports : sequence of Report
            The newest state of every vehicle that is heard of.
        tasks : sequence of TransportTask
            Everything that is not delivered yet, the most urgent first; what is :attr:`begun` may
            be among it. What a vehicle carries has that vehicle as its origin.
        errands : mapping of str to stops
            Vehicles that should charge or rest when they have no task.
        """
        told: list[Message | None] = [self._follow(report, now_s) for report in reports]
        self._miss({report.vehicle for report in reports})
        courses = self._courses.values()
        for course in courses:
            if not course.able and not course.loads:
                self._withdraw(course)
        if self._must_plan(now_s, tasks, errands or {}):
            self._plan(now_s, tasks, errands or {})
        for course in courses:
            if course.missed or (course.order is not None and course.order.astray):
                self._withdraw(course)
        told += [self._cancel(course, now_s) for course in courses]
        for course in courses:
            settled = now_s - course.moved_s > SETTLE_S
            if course.order is None and course.able and course.listens and settled:
                self._open(course)
        told += [self._release(course, now_s) for course in courses]
        return [message for message in told if message is not None]

    @property
    def begun(self) -> Mapping[str, str]:
        """The vehicle of each task that has begun: it does it unless it breaks down."""
        return {s.task: name for name, course in self._courses.items() for s in course.to_do}

    def _follow(self, report: Report, now_s: float) -> Message | None:
        """Take notice of a report; returns how to end an order of an earlier control's."""
        course = self._courses.get(report.vehicle)
        order = None if course is None else course.order
        other = order is None or order.id != report.order_id
        if other and not report.over:
            # Whoever does what somebody else has ordered is in the way where it was seen.
            report = replace(report, able=False)
        gone = other and order is not None and (order.confirmed >= 0 or not report.over)
        if course is None or gone or (order is None and course.node != report.node):
            # New, in other hands, or moved by hand: it is where it says.
            vehicle = self._vehicles[report.vehicle]
            here = standing(report.vehicle, report.node, now_s)
            moved_s = -math.inf if course is None else now_s
            course = self._courses[report.vehicle] = Course(vehicle, here, now_s, moved_s)
        course.follow(report, now_s)
        stray = course.order is None and not report.over and self._is_own(report)
        if not stray or not report.listens:
            return None
        if now_s - self._strays.get(report.vehicle, -math.inf) < RESEND_S:
            return None
        self._strays[report.vehicle] = now_s
        return Message(report.vehicle, None, report.order_id)

    def _is_own(self, report: Report) -> bool:
        return report.order_id.startswith(f"{report.vehicle}-")

    def _miss(self, reported: set[str]) -> None:
        """Take vehicles that are not heard of as broken down where they were seen last."""
        for name, course in self._courses.items():
            if name not in reported:
                course.changed |= course.able
                course.able = course.listens = False

    def _withdraw(self, course: Course) -> None:
        """Let nothing more be done of an order that cannot go on as it is.

        That is the order of a vehicle that has broken down before it picked anything up, one that
        has a stop at a node which was released for driving through, and one of a vehicle that has
        left where the order begins. What is released stays
        the vehicle's until it shows that the order is over.
        """
        if course.order is not None and course.order.update < 0:
            course.drop()
        elif course.order is not None:
            course.order.canceled = True

    def _cancel(self, course: Course, now_s: float) -> Message | None:
        """Tell a vehicle that its order was withdrawn, as soon as it listens."""
        order = course.order
        if order is None or not order.canceled or not course.listens:
            return None
        if order.confirmed < 0:
            if now_s - order.sent_s > RESEND_S:
                course.drop()
            return None
        if now_s - order.canceled_s < RESEND_S:
            return None
        order.canceled_s = now_s
        return Message(course.vehicle.id, None, order.id)

    # -- planning -----------------------------------------------------------------------------

    def _must_plan(
        self, now_s: float, tasks: Sequence[TransportTask], errands: Mapping[str, tuple[Stop, ...]]
    ) -> bool:
        if any(course.changed for course in self._courses.values()):
            return True
        begun = self.begun
        planned = {task: ends for task, ends in self._known.items() if task not in begun}
        if errands != self._errands or planned != _ends(t for t in tasks if t.id not in begun):
            return True
        since_s = now_s - self._planned_s
        if since_s > RETRY_S and (self._cut_short or self.left_out):
            return True
        return since_s > LATE_S and any(
            course.late_s(self._network, now_s) > LATE_S for course in self._courses.values()
        )

    def _plan(
        self, now_s: float, tasks: Sequence[TransportTask], errands: Mapping[str, tuple[Stop, ...]]
    ) -> None:
        begun = self.begun
        self._known, self._errands = _ends(tasks), errands
        carriers = [course.carrier(self._network, now_s) for course in self._courses.values()]
        left = [task for task in tasks if task.id not in begun]
        plan = plan_fleet(self._network, carriers, left, errands, self._jointly)
        for name, course in self._courses.items():
            course.adopt(plan.itineraries[name])
            course.changed = False
        self._before = precedence(plan.itineraries.values())
        self._planned_s, self.left_out, self._cut_short = now_s, plan.left_out, plan.cut_short
        self.plans += 1

    # -- orders -------------------------------------------------------------------------------

    def _open(self, course: Course) -> None:
        """Begin an order for the next task; without one, to make way or to go where it should."""
        stops = first_task(course.itinerary, course.reached) or course.charges
        goes = course.reached + 1 < len(course.itinerary.visits)
        if stops or (goes and (course.vehicle.id in self._errands or self._waited_for(course))):
            self._number += 1
            course.open(f"{course.vehicle.id}-{self._planned_s:.0f}-{self._number}", stops)

    def _waited_for(self, course: Course) -> bool:
        """Whether somebody needs the place where a vehicle stands."""
        leaves = (course.vehicle.id, course.reached + 1)
        return any(leaves in events for events in self._before.values())

    def _release(self, course: Course, now_s: float) -> Message | None:
        order = course.order
        if order is None or order.canceled or not course.able or not course.listens:
            return None
        lost = course.in_flight and now_s - order.sent_s > RESEND_S
        if lost and order.confirmed < 0:
            course.drop()
            return None
        if course.in_flight and not lost:
            return None
        until = course.released
        _, ready_s = course.base(self._network, now_s)
        while until < order.end and self._is_clear((course.vehicle.id, until + 1)):
            if until > course.reached and ready_s - now_s > RELEASE_AHEAD_S:
                break
            until += 1
            visit = course.itinerary.visits[until]
            if visit.way is not None:
                ready_s += self._network.drive_s(course.vehicle, visit.way)
            ready_s += sum(stop.duration_s for stop in visit.stops)
        ends_here = order.beyond and until == order.end
        if until == course.released and order.update >= 0 and not ends_here and not lost:
            return None
        text = course.release(until, self._major.get(course.vehicle.id, 2), now_s)
        task = next((stop.task for stop in order.stops), "")
        goal = course.itinerary.visits[order.end].node
        return Message(course.vehicle.id, text, order.id, task, order.update, goal)

    def _is_clear(self, event: Event) -> bool:
        """Whether everybody has left the places that an arrival needs."""
        return all(
            self._courses[vehicle].reached >= index
            for vehicle, index in self._before.get(event, ())
        )


def _ends(tasks: Iterable[TransportTask]) -> Mapping[str, tuple[str, str]]:
    return {task.id: (task.origin, task.destination) for task in tasks}
