"""Following a plan on a floor that does not keep to it: what to start now, what to move now.

The plan says in which order and where; the floor says what is possible. A machine that is ready
takes what the plan has first for it, waits for that where it is about to come, and else takes the
next of the plan that is there: the plan's order bends, a machine does not stand idle for it.
"""

from collections import Counter
from collections.abc import Mapping, Sequence

from genba.plan.demand.situation import Lot, LotPhase, MachineState, Situation
from genba.plan.floor.dispatch import Jobs, urgency
from genba.plan.floor.instructions import Instructions, Step
from genba.plan.floor.loads import Loads
from genba.plan.floor.moves import Moves
from genba.plan.floor.routing import Routings
from genba.plan.floor.transport import Move
from genba.plant import US, Plant, Proposal
from genba.twin.rules import (
    BATCH_ENOUGH,
    BATCH_WAIT_S,
    BEND_S,
    EARLY_S,
    FETCH_S,
    OVERDUE_S,
    WAIT_PART,
)


class Follower:
    """Turns instructions and a situation into jobs and moves. Stateless."""

    def __init__(self, plant: Plant, routings: Routings, moves: Moves, source: str) -> None:
        self._routings = routings
        self._loads = Loads(plant, routings)
        self._moves = moves
        self._jobs = Jobs(plant, routings, source)

    def jobs(
        self, situation: Situation, orders: Instructions, wanted: Sequence[Move] = ()
    ) -> list[Proposal]:
        """Propose a job for each machine that is ready and should not wait.

        ``wanted`` are the moves that are wanted now: what is to be fetched may be waited for.
        """
        coming = {move.lot: move.destination for move in wanted}
        tools = Counter(tool for machine in situation.machines for tool in machine.tools)
        found = []
        for machine in situation.machines:
            if not machine.ready:
                continue
            chosen = self._choice(situation, orders, machine, tools, coming)
            if chosen:
                tools.update(self._routings.way(chosen[0], machine.id).tools)
                reason = _reason(orders, chosen, machine)
                found.append(self._jobs.proposal(situation, machine, chosen, reason))
        return found

    def moves(self, situation: Situation, orders: Instructions) -> list[Move]:
        """Return the moves that are wanted now, the most urgent first."""
        lots = [lot for lot in situation.lots if lot.phase is not LotPhase.DONE]
        lots.sort(key=lambda lot: (_planned_start(orders, lot), *urgency(lot)))
        limit = situation.time + round(EARLY_S * US)
        near = [
            lot
            for lot in lots
            if lot.step > 0 or lot.place != situation.source or _planned_start(orders, lot) <= limit
        ]
        return self._moves.wanted(situation, near, lambda lot: _planned_machine(orders, lot))

    # -- what a machine takes -----------------------------------------------------------------

    def _choice(
        self,
        situation: Situation,
        orders: Instructions,
        machine: MachineState,
        tools: Counter[str],
        coming: Mapping[str, str],
    ) -> list[Lot]:
        here = self._here(situation, orders, machine, tools)
        if not here:
            return []
        first = self._first(situation, orders, machine, here, coming)
        if first is None:
            return []
        most = self._routings.operation(first).batch_parts
        if most is None:
            return [first]
        return self._batch(situation, orders, machine, first, here, most, coming)

    def _here(
        self,
        situation: Situation,
        orders: Instructions,
        machine: MachineState,
        tools: Counter[str],
    ) -> list[Lot]:
        """Return the lots that could start here now, in the plan's order; others after them."""
        lots = self._jobs.startable(situation.lots, machine.id, tools)
        lots.sort(key=lambda lot: (_start_on(orders, lot, machine.id), *urgency(lot)))
        return lots

    def _first(
        self,
        situation: Situation,
        orders: Instructions,
        machine: MachineState,
        here: list[Lot],
        coming: Mapping[str, str],
    ) -> Lot | None:
        """Return the lot to start, None to wait for one that the plan has before it."""
        chosen, bent = here[0], False
        begin = _start_on(orders, chosen, machine.id)
        for step in orders.by_machine.get(machine.id, ()):
            if step.start >= begin:
                break
            lot = situation.lots_by_id.get(step.lot)
            if lot is None or lot.step > step.number or lot.phase is LotPhase.DONE or lot.held:
                continue
            bent = True
            comes_s = self._comes_in_s(situation, lot, step, coming)
            if comes_s is not None and comes_s <= self._worth_s(chosen, lot, step, machine):
                return None
        return self._set_up_for(orders, machine, here) or chosen if bent else chosen

    def _set_up_for(
        self, orders: Instructions, machine: MachineState, here: list[Lot]
    ) -> Lot | None:
        """Return the first lot of the plan that needs no set-up now, where the order bends anyway.

        The set-up that the plan has next would be made for another lot, and perhaps once more.
        """
        limit = _start_on(orders, here[0], machine.id) + round(BEND_S * US)
        for lot in here:
            if _start_on(orders, lot, machine.id) <= limit and (
                self._routings.way(lot, machine.id).setup_family == machine.family
            ):
                return lot
        return None

    def _worth_s(self, chosen: Lot, first: Lot, step: Step, machine: MachineState) -> float:
        """Return how long it is worth to wait for ``first`` instead of starting ``chosen``."""
        family = self._routings.way(chosen, machine.id).setup_family
        wanted = self._routings.family_at(first, step.number, machine.id)
        more_s = (
            self._routings.setup_s(machine.id, machine.family, family)
            + self._routings.setup_s(machine.id, family, wanted)
            - self._routings.setup_s(machine.id, machine.family, wanted)
        )
        work_s = self._routings.work_s(chosen, machine, family)
        return max(0.0, more_s) + WAIT_PART * work_s

    def _comes_in_s(
        self, situation: Situation, lot: Lot, step: Step, coming: Mapping[str, str]
    ) -> float | None:
        """Estimate when a lot will be at its planned machine; None where that is far off."""
        if lot.step == step.number:
            # One that stands there and was not taken lacks something else: a tool.
            goal = lot.heading or coming.get(lot.id)
            if goal != step.machine:
                return None
            travel_s = self._moves.travel_s(situation, lot.place, step.machine)
            waits = lot.heading is None and lot.phase is not LotPhase.MOVING
            return travel_s if travel_s is None else travel_s + FETCH_S * waits
        if lot.step == step.number - 1 and lot.phase is LotPhase.IN_WORK:
            machine = situation.machines_by_id.get(lot.place)
            if machine is None or not machine.able:
                return None
            travel_s = self._moves.travel_s(situation, lot.place, step.machine)
            if travel_s is None:
                return None
            left_s = (machine.free_at - situation.time) / US
            return (left_s if left_s > 0 else OVERDUE_S) + travel_s
        return None

    # -- batches ------------------------------------------------------------------------------

    def _batch(
        self,
        situation: Situation,
        orders: Instructions,
        machine: MachineState,
        first: Lot,
        here: list[Lot],
        most: int,
        coming: Mapping[str, str],
    ) -> list[Lot]:
        """Return a batch of what is here in the plan's order; empty to wait for a fuller one."""
        chosen = self._jobs.batch(first, here, machine.id, most)
        if self._loads.weighs(machine.id):
            waits_s = self._loads.waits_s(situation, machine.id, chosen, situation.lots)
            return [] if waits_s > 0 else chosen
        parts = sum(lot.quantity for lot in chosen)
        waited_s = (situation.time - min(lot.since for lot in chosen)) / US
        if parts >= BATCH_ENOUGH * most or waited_s >= BATCH_WAIT_S:
            return chosen
        for lot in situation.lots:
            if lot.held or lot.place == machine.id or parts + lot.quantity > most:
                continue
            step = orders.by_lot.get((lot.id, lot.step))
            if step is None or step.machine != machine.id:
                step = orders.by_lot.get((lot.id, lot.step + 1))
            if step is None or step.machine != machine.id:
                continue
            comes_s = self._comes_in_s(situation, lot, step, coming)
            if comes_s is not None and waited_s + comes_s < BATCH_WAIT_S:
                return []
        return chosen


def _planned_machine(orders: Instructions, lot: Lot) -> str | None:
    step = orders.by_lot.get((lot.id, lot.step))
    return None if step is None else step.machine


def _planned_start(orders: Instructions, lot: Lot) -> int:
    """Return when the plan has a lot's next operation begin; what it does not know comes last."""
    step = orders.by_lot.get((lot.id, lot.step))
    return 2**62 if step is None else step.start


def _start_on(orders: Instructions, lot: Lot, machine: str) -> int:
    """Return when the plan has a lot begin on this machine; what it has elsewhere comes last."""
    step = orders.by_lot.get((lot.id, lot.step))
    return step.start if step is not None and step.machine == machine else 2**62


def _reason(orders: Instructions, lots: Sequence[Lot], machine: MachineState) -> str:
    names = ", ".join(lot.id for lot in lots)
    if _start_on(orders, lots[0], machine.id) < 2**62:
        return f"plan {orders.id} has {names} next at {machine.id}"
    return f"{names} is not in plan {orders.id} here, and what is in it is not near"
