"""Earliest Due Date dispatching: what a competent plant does without an optimizer.

Lots in the order of their due dates (Jackson, 1955); each takes the machine on which it would be
done first among those that are able; batches fill up with lots of the same operation.
"""

from collections import Counter
from collections.abc import Mapping

from genba.plan.setup import SetupTimes
from genba.plan.situation import Lot, LotPhase, MachineState, Situation
from genba.plan.transport import Move, NearestVehicle
from genba.plant import US, Alternative, Operation, Plant, Proposal, Role, Scalar, Write

REROUTE_AFTER_S = 1800.0
"""How long a lot waits at a machine that has broken down before it is taken to another one."""


class EarliestDueDate:
    """The plain planner: fast, simple, always there. Stateless: same situation, same proposals."""

    name = "plain"
    kinds = frozenset({"dispatch", "transport"})

    def __init__(self, plant: Plant) -> None:
        self._plant = plant
        self._setups = SetupTimes(plant)
        self._fleet = NearestVehicle(plant, self.name)
        self._tool_count = {tool.id: tool.count for tool in plant.tools}
        self._travel: dict[tuple[str, str], float] = {}

    def propose(self, situation: Situation) -> list[Proposal]:
        """Propose jobs for machines that are ready, and moves for lots that stand elsewhere."""
        lots = sorted(
            (lot for lot in situation.lots if lot.phase is not LotPhase.DONE), key=_urgency
        )
        jobs = self._jobs(situation, lots)
        started = {lot for proposal in jobs for lot in str(proposal.context["lot"]).split(",")}
        moves = self._moves(situation, [lot for lot in lots if lot.id not in started])
        return [*jobs, *self._fleet.propose(situation, moves)]

    # -- jobs ---------------------------------------------------------------------------------

    def _jobs(self, situation: Situation, lots: list[Lot]) -> list[Proposal]:
        tools = Counter(tool for machine in situation.machines for tool in machine.tools)
        jobs = []
        for machine in situation.machines:
            if not machine.ready:
                continue
            here = [lot for lot in lots if self._waits_at(lot, machine.id)]
            for first in here:
                operation, way = self._next(first, machine.id)
                if any(tools[tool] >= self._tool_count.get(tool, 1) for tool in way.tools):
                    continue
                together = self._together(first, operation, here)
                if self._worth_waiting(operation, together, machine, lots):
                    continue
                tools.update(way.tools)
                jobs.append(self._job(situation, machine, operation, together))
                break
        return jobs

    def _waits_at(self, lot: Lot, machine: str) -> bool:
        return (
            lot.place == machine
            and lot.phase is LotPhase.WAITING
            and not lot.held
            and lot.heading is None
            and self._way(lot, machine) is not None
        )

    def _together(self, first: Lot, operation: Operation, here: list[Lot]) -> list[Lot]:
        """Return the lots of one job: one, or as many of the same operation as the batch holds."""
        if operation.batch_parts is None:
            return [first]
        chosen, parts = [first], first.quantity
        for lot in here:
            same = lot.product == first.product and lot.step == first.step
            if same and lot.id != first.id and parts + lot.quantity <= operation.batch_parts:
                chosen.append(lot)
                parts += lot.quantity
        return chosen

    def _worth_waiting(
        self, operation: Operation, chosen: list[Lot], machine: MachineState, lots: list[Lot]
    ) -> bool:
        """Whether a batch with room should wait for lots that a vehicle is already bringing."""
        if operation.batch_parts is None:
            return False
        room = operation.batch_parts - sum(lot.quantity for lot in chosen)
        first = chosen[0]
        return any(
            lot.heading == machine.id
            and (lot.product, lot.step) == (first.product, first.step)
            and lot.quantity <= room
            for lot in lots
        )

    def _job(
        self,
        situation: Situation,
        machine: MachineState,
        operation: Operation,
        lots: list[Lot],
    ) -> Proposal:
        product, number = lots[0].product, machine.request + 1
        names = ",".join(lot.id for lot in lots)
        values: Mapping[Role, Scalar] = {
            Role.JOB_LOTS: names,
            Role.JOB_OPERATION: f"{product}/{operation.id}",
            Role.JOB_QUANTITY: sum(lot.quantity for lot in lots),
            Role.JOB_REQUEST: number,
        }
        signals = {role: self._plant.roles[machine.id, role] for role in values}
        return Proposal(
            id=f"{self.name}-dispatch-{machine.id}-{situation.time // 1000}",
            time=situation.time,
            kind="dispatch",
            equipment=machine.id,
            writes=tuple(
                Write(signals[role].id, value, signals[role].unit) for role, value in values.items()
            ),
            reason=f"{names} is due first of what waits at {machine.id}",
            source=self.name,
            evidence=machine.evidence,
            context={
                "lot": names,
                "order": ",".join(dict.fromkeys(lot.order for lot in lots)),
                "product": product,
                "operation": operation.id,
                "job": number,
            },
        )

    # -- moves --------------------------------------------------------------------------------

    def _moves(self, situation: Situation, lots: list[Lot]) -> list[Move]:
        """Return where lots should go, most urgent first; never to a station without a place."""
        places = _Places(situation)
        backlog = self._backlog(situation, lots)
        moves = []
        for lot in lots:
            if lot.held or lot.heading is not None or lot.phase is LotPhase.IN_WORK:
                continue
            goal = self._goal(situation, lot, places, backlog)
            if goal is not None and goal != lot.place:
                moves.append(Move(lot.id, lot.order, lot.place, goal))
                if goal in places.free:
                    places.take(goal)
                    backlog[goal] += self._work_s(situation.machines_by_id[goal], lot)
        return moves

    def _goal(
        self, situation: Situation, lot: Lot, places: "_Places", backlog: dict[str, float]
    ) -> str | None:
        routing = self._plant.products_by_id[lot.product].routing
        if lot.step >= len(routing):
            return situation.sink
        here = situation.machines_by_id.get(lot.place)
        if here is not None and self._way(lot, here.id) is not None:
            down_s = 0.0 if here.down_since is None else (situation.time - here.down_since) / US
            if down_s < REROUTE_AFTER_S:
                return None
        best: tuple[float, str] | None = None
        for way in routing[lot.step].alternatives:
            machine = situation.machines_by_id.get(way.equipment)
            if machine is None or not machine.able or not places.for_lot(lot, machine):
                continue
            travel_s = self._travel_s(lot.place, machine.id)
            if travel_s is None:
                continue
            start_s = max((machine.free_at - situation.time) / US + backlog[machine.id], travel_s)
            done_s = start_s + self._work_s(machine, lot)
            if best is None or (done_s, machine.id) < best:
                best = (done_s, machine.id)
        return best[1] if best else None

    def _backlog(self, situation: Situation, lots: list[Lot]) -> dict[str, float]:
        """Return seconds of work that already waits at, or is on its way to, each machine."""
        backlog = dict.fromkeys(situation.machines_by_id, 0.0)
        for lot in lots:
            goal = lot.heading or (lot.place if lot.phase is LotPhase.WAITING else None)
            if goal in backlog and self._way(lot, goal) is not None:
                backlog[goal] += self._work_s(situation.machines_by_id[goal], lot)
        return backlog

    def _work_s(self, machine: MachineState, lot: Lot) -> float:
        """Planned time of a lot's next operation, with its set-up; a batch's is shared out."""
        operation, way = self._next(lot, machine.id)
        setup_s = self._setups.duration_s(machine.id, machine.family, way.setup_family)
        if operation.batch_parts is None:
            return setup_s + lot.quantity * way.cycle_s
        return setup_s + way.cycle_s * lot.quantity / operation.batch_parts

    def _travel_s(self, origin: str, destination: str) -> float | None:
        if origin in self._plant.vehicles_by_id:
            return 0.0
        key = (origin, destination)
        if key not in self._travel:
            found = self._fleet.travel_s(origin, destination)
            if found is None:
                return None
            self._travel[key] = found
        return self._travel[key]

    # -- routings -----------------------------------------------------------------------------

    def _way(self, lot: Lot, machine: str) -> Alternative | None:
        """Return how a machine would do a lot's next operation, None where it cannot."""
        routing = self._plant.products_by_id[lot.product].routing
        if lot.step >= len(routing):
            return None
        ways = routing[lot.step].alternatives
        return next((way for way in ways if way.equipment == machine), None)

    def _next(self, lot: Lot, machine: str) -> tuple[Operation, Alternative]:
        operation = self._plant.products_by_id[lot.product].routing[lot.step]
        return operation, next(w for w in operation.alternatives if w.equipment == machine)


class _Places:
    """Free places at stations: lots that stand there, are in work there or head there hold one."""

    def __init__(self, situation: Situation) -> None:
        heading = Counter(lot.heading for lot in situation.lots if lot.heading is not None)
        self._source = situation.source
        self._all = {m.id: m.places for m in situation.machines}
        self.free: dict[str, float] = {
            m.id: (float("inf") if m.places is None else m.places)
            - len({*m.station, *m.work})
            - heading[m.id]
            for m in situation.machines
        }

    def for_lot(self, lot: Lot, machine: MachineState) -> bool:
        """Whether a lot may go there. Fresh lots leave one place for those that are under way.

        So a lot in the middle of its routing, or a rush order, is not shut out by a station full
        of lots that have only just begun; and no ring of full stations waits for itself.
        """
        spare = 1 if lot.place == self._source and (self._all[machine.id] or 2) > 1 else 0
        return self.free[machine.id] > spare

    def take(self, machine: str) -> None:
        """Reserve a place."""
        self.free[machine] -= 1


def _urgency(lot: Lot) -> tuple[int, float, str]:
    return lot.due, -lot.weight, lot.id
