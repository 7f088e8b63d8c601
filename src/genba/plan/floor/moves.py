"""Where lots should go next: to the machine that would be done first, if it has a place."""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Protocol

from genba.plan.demand.situation import Lot, LotPhase, MachineState, Situation
from genba.plan.floor.routing import Routings
from genba.plan.floor.transport import Move
from genba.plant import US
from genba.twin.rules import MOST_FRESH, PARK_AFTER_S, REROUTE_AFTER_S


class Travel(Protocol):
    """Knows how long a transport takes."""

    def travel_s(self, origin: str, destination: str) -> float | None:
        """Estimate the time between two stations, None where there is no way."""
        ...


class Moves:
    """Finds the moves that are wanted; which vehicle does them is for another to say."""

    def __init__(self, routings: Routings, fleet: Travel) -> None:
        self._routings = routings
        self._fleet = fleet
        self._travel: dict[tuple[str, str], float | None] = {}

    def wanted(
        self,
        situation: Situation,
        lots: Sequence[Lot],
        planned: Callable[[Lot], str | None] = lambda _: None,
    ) -> list[Move]:
        """Return moves in the order in which they should be done.

        Parameters
        ----------
        situation : Situation
            The picture.
        lots : sequence of Lot
            Those that may be moved or wait for machines, most urgent first.
        planned : callable, optional
            The machine that a plan has for a lot's next operation, None where it has none. A lot
            goes to that one as long as it is able to work, and to no other.
        """
        stations = _Stations(situation, lots, self._routings)
        movable = [
            lot
            for lot in lots
            if not lot.held and lot.heading is None and lot.phase is not LotPhase.IN_WORK
        ]
        # What is on the floor goes before what would come onto it.
        movable.sort(key=lambda lot: lot.place == situation.source and lot.step == 0)
        moves = []
        for lot in movable:
            goal = self._goal(situation, lot, stations, planned(lot))
            if goal is not None and goal != lot.place:
                moves.append(Move(lot.id, lot.order, lot.place, goal))
                stations.expect(lot, goal)
        return moves

    def _goal(
        self, situation: Situation, lot: Lot, stations: "_Stations", planned: str | None
    ) -> str | None:
        if self._routings.is_complete(lot):
            return situation.sink
        here = situation.machines_by_id.get(lot.place)
        if here is not None and self._routings.can(lot, here.id):
            down_s = 0.0 if here.down_since is None else (situation.time - here.down_since) / US
            if down_s < REROUTE_AFTER_S and planned in (None, here.id):
                return None
        best: tuple[float, str] | None = None
        if planned is not None and not self._works(situation, planned):
            planned = None
        for way in self._routings.operation(lot).alternatives:
            machine = situation.machines_by_id.get(way.equipment)
            if planned not in (None, way.equipment):
                continue
            if machine is None or not machine.able or not stations.welcome(lot, machine):
                continue
            travel_s = self.travel_s(situation, lot.place, machine.id)
            if travel_s is None:
                continue
            busy_s = (machine.free_at - situation.time) / US + stations.backlog_s[machine.id]
            family = (
                way.setup_family if stations.knows(machine, way.setup_family) else machine.family
            )
            done_s = max(busy_s, travel_s) + self._routings.work_s(lot, machine, family)
            if best is None or (done_s, machine.id) < best:
                best = (done_s, machine.id)
        if best is not None:
            return best[1]
        return self._out_of_the_way(situation, lot, stations)

    def _out_of_the_way(self, situation: Situation, lot: Lot, stations: "_Stations") -> str | None:
        """Clear a full station of a lot that can go nowhere; so no ring of full stations locks."""
        waited_s = (situation.time - lot.since) / US
        blocks = lot.place in stations.free and stations.free[lot.place] < 1
        loaded = lot.phase is LotPhase.MOVING
        return situation.source if loaded or (blocks and waited_s > PARK_AFTER_S) else None

    def _works(self, situation: Situation, machine: str) -> bool:
        state = situation.machines_by_id.get(machine)
        return state is not None and state.able

    def travel_s(self, situation: Situation, origin: str, destination: str) -> float | None:
        """Estimate the transport time between two places; 0 from a vehicle, None without a way."""
        if any(vehicle.id == origin for vehicle in situation.vehicles):
            return 0.0
        key = (origin, destination)
        if key not in self._travel:
            self._travel[key] = self._fleet.travel_s(origin, destination)
        return self._travel[key]


class _Stations:
    """Places and work at each machine, counting what is on its way there."""

    def __init__(self, situation: Situation, lots: Sequence[Lot], routings: Routings) -> None:
        self._situation = situation
        self._routings = routings
        machines = situation.machines_by_id
        taken = {m.id: {*m.station, *m.work} for m in machines.values()}
        for lot in situation.lots:
            # A lot that was just set down is there before the scanner has said so.
            at = lot.heading or (lot.place if lot.phase is not LotPhase.MOVING else "")
            if at in taken:
                taken[at].add(lot.id)
        self.free: dict[str, float] = {
            m.id: (float("inf") if m.places is None else m.places) - len(taken[m.id])
            for m in machines.values()
        }
        self.backlog_s = dict.fromkeys(machines, 0.0)
        self._queue: Counter[str] = Counter()
        self._families: dict[str, set[str | None]] = {m.id: {m.family} for m in machines.values()}
        for lot in lots:
            goal = lot.heading or (lot.place if lot.phase is LotPhase.WAITING else "")
            if goal in machines and routings.can(lot, goal):
                self._count(lot, machines[goal])

    def welcome(self, lot: Lot, machine: MachineState) -> bool:
        """Whether a lot may be sent to a machine.

        There must be a place for it. A lot that only enters the floor leaves one for those that
        are under way, and does not join a queue: a rush order can still overtake it in the store.
        """
        if lot.step > 0 or lot.place != self._situation.source:
            return self.free[machine.id] >= 1
        return self.free[machine.id] >= min(2, machine.places or 2) and (
            self._queue[machine.id] < MOST_FRESH
        )

    def knows(self, machine: MachineState, family: str | None) -> bool:
        """Whether a machine is, or will be, set up for a family by what waits for it already."""
        return family in self._families[machine.id]

    def expect(self, lot: Lot, goal: str) -> None:
        """Count a lot that is to be sent there."""
        if goal in self.free:
            self.free[goal] -= 1
            self._count(lot, self._situation.machines_by_id[goal])

    def _count(self, lot: Lot, machine: MachineState) -> None:
        way = self._routings.way(lot, machine.id)
        family = way.setup_family if self.knows(machine, way.setup_family) else machine.family
        self.backlog_s[machine.id] += self._routings.work_s(lot, machine, family)
        self._families[machine.id].add(way.setup_family)
        self._queue[machine.id] += 1
