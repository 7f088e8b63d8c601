"""Earliest Due Date dispatching: what a competent plant does without an optimizer.

Lots in the order of their due dates (Jackson, 1955), with a look at set-ups among lots that are
about equally urgent; each takes the machine on which it would be done first among those that are
able; batches fill up with lots of the same operation and set-up family, within a bounded wait.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from genba.plan.demand.situation import Lot, LotPhase, MachineState, Situation
from genba.plan.floor.loads import Loads
from genba.plan.floor.moves import Moves
from genba.plan.floor.routing import Routings
from genba.plan.floor.transport import NearestVehicle
from genba.plant import US, Plant, Proposal, Role, Scalar, Write
from genba.twin.rules import BATCH_ENOUGH, BATCH_WAIT_S, FAMILY_WINDOW_S


class EarliestDueDate:
    """The plain planner: fast, simple, always there. Stateless: same situation, same proposals."""

    name = "plain"
    kinds = frozenset({"dispatch", "transport"})

    def __init__(self, plant: Plant) -> None:
        self._routings = Routings(plant)
        self._loads = Loads(plant, self._routings)
        self._jobs_of = Jobs(plant, self._routings, self.name)
        self._fleet = NearestVehicle(plant, self.name)
        self._moves = Moves(self._routings, self._fleet)

    def propose(self, situation: Situation) -> list[Proposal]:
        """Propose jobs for machines that are ready, and moves for lots that stand elsewhere."""
        lots = sorted(
            (lot for lot in situation.lots if lot.phase is not LotPhase.DONE), key=urgency
        )
        jobs = self._jobs(situation, lots)
        started = {lot for proposal in jobs for lot in str(proposal.context["lot"]).split(",")}
        moves = self._moves.wanted(situation, [lot for lot in lots if lot.id not in started])
        return [*jobs, *self._fleet.propose(situation, moves)]

    def _jobs(self, situation: Situation, lots: list[Lot]) -> list[Proposal]:
        tools = Counter(tool for machine in situation.machines for tool in machine.tools)
        jobs = []
        for machine in situation.machines:
            if not machine.ready:
                continue
            for first in self._in_turn(machine, lots, tools):
                together = self._together(first, machine.id, lots)
                if self._worth_waiting(situation, together, machine.id, lots):
                    continue
                tools.update(self._routings.way(first, machine.id).tools)
                names = ",".join(lot.id for lot in together)
                reason = f"{names} is due first of what waits at {machine.id}"
                jobs.append(self._jobs_of.proposal(situation, machine, together, reason))
                break
        return jobs

    def _in_turn(self, machine: MachineState, lots: list[Lot], tools: Counter[str]) -> list[Lot]:
        """Return the lots that could start here now, in the order in which they should."""
        here = self._jobs_of.startable(lots, machine.id, tools)
        if not here:
            return here
        limit = here[0].due + round(FAMILY_WINDOW_S * US)
        return sorted(
            here,
            key=lambda lot: (
                lot.due > limit
                or self._routings.way(lot, machine.id).setup_family != machine.family
            ),
        )

    def _together(self, first: Lot, machine: str, lots: list[Lot]) -> list[Lot]:
        """Return the lots of one job: one, or as many as the batch holds."""
        most = self._routings.operation(first).batch_parts
        if most is None:
            return [first]
        here = (lot for lot in lots if self._jobs_of.waits_at(lot, machine))
        return self._jobs_of.batch(first, here, machine, most)

    def _worth_waiting(
        self, situation: Situation, chosen: list[Lot], machine: str, lots: list[Lot]
    ) -> bool:
        """Whether a batch should wait for lots that are on their way to it, or a cheaper hour."""
        first = chosen[0]
        most = self._routings.operation(first).batch_parts
        if most is None:
            return False
        if self._loads.weighs(machine):
            return self._loads.waits_s(situation, machine, chosen, lots) > 0
        parts = sum(lot.quantity for lot in chosen)
        waited_s = (situation.time - min(lot.since for lot in chosen)) / US
        if parts >= BATCH_ENOUGH * most or waited_s >= BATCH_WAIT_S:
            return False
        return any(
            lot.quantity <= most - parts
            and (lot.heading == machine or self._routings.comes_to(lot, machine))
            for lot in lots
            if lot.place != machine
        )


class Jobs:
    """Says what could start on a machine now, and writes the proposal that starts it."""

    def __init__(self, plant: Plant, routings: Routings, source: str) -> None:
        self._plant = plant
        self._routings = routings
        self._source = source
        self._tool_count = {tool.id: tool.count for tool in plant.tools}

    def startable(self, lots: Iterable[Lot], machine: str, tools: Counter[str]) -> list[Lot]:
        """Return the lots, in their order, that wait at a machine and whose tools are free.

        ``tools`` counts those that are in use.
        """
        return [
            lot
            for lot in lots
            if self.waits_at(lot, machine)
            and all(
                tools[tool] < self._tool_count.get(tool, 1)
                for tool in self._routings.way(lot, machine).tools
            )
        ]

    def waits_at(self, lot: Lot, machine: str) -> bool:
        """Whether a lot stands at a machine that can do its next step, and nothing holds it."""
        return (
            lot.place == machine
            and lot.phase is LotPhase.WAITING
            and not lot.held
            and lot.heading is None
            and self._routings.can(lot, machine)
        )

    def batch(self, first: Lot, here: Iterable[Lot], machine: str, most: int) -> list[Lot]:
        """Return ``first`` with the lots that may share its batch, in their order, as they fit."""
        chosen, parts = [first], first.quantity
        for lot in here:
            fits = lot.id != first.id and parts + lot.quantity <= most
            if fits and self._routings.alike(first, lot, machine):
                chosen.append(lot)
                parts += lot.quantity
        return chosen

    def proposal(
        self, situation: Situation, machine: MachineState, lots: Sequence[Lot], reason: str
    ) -> Proposal:
        """Propose that a machine works on lots, all of which stand at it and need the same."""
        product, number = lots[0].product, machine.request + 1
        operation = self._routings.operation(lots[0])
        names = ",".join(lot.id for lot in lots)
        values: Mapping[Role, Scalar] = {
            Role.JOB_LOTS: names,
            Role.JOB_OPERATION: f"{product}/{operation.id}",
            Role.JOB_QUANTITY: sum(lot.quantity for lot in lots),
            Role.JOB_REQUEST: number,
        }
        signals = {role: self._plant.roles[machine.id, role] for role in values}
        return Proposal(
            id=f"{self._source}-dispatch-{machine.id}-{situation.time // 1000}",
            time=situation.time,
            kind="dispatch",
            equipment=machine.id,
            writes=tuple(
                Write(signals[role].id, value, signals[role].unit) for role, value in values.items()
            ),
            reason=reason,
            source=self._source,
            evidence=machine.evidence,
            context={
                "lot": names,
                "order": ",".join(dict.fromkeys(lot.order for lot in lots)),
                "product": product,
                "operation": operation.id,
                "job": number,
            },
        )


def urgency(lot: Lot) -> tuple[int, float, str]:
    """Sort key: due date, then weight, then id."""
    return lot.due, -lot.weight, lot.id
