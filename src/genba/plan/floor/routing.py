"""What a lot needs next, and on which machines that can be done."""

from genba.plan.demand.setup import SetupTimes
from genba.plan.demand.situation import Lot, LotPhase, MachineState
from genba.plant import Alternative, Operation, Plant


class Routings:
    """Looks up operations and alternatives of lots."""

    def __init__(self, plant: Plant) -> None:
        self._products = plant.products_by_id
        self._setups = SetupTimes(plant)

    def is_complete(self, lot: Lot) -> bool:
        """Whether all operations are done."""
        return lot.step >= len(self._products[lot.product].routing)

    def operation(self, lot: Lot) -> Operation:
        """Return the next operation; only for lots that are not complete."""
        return self._products[lot.product].routing[lot.step]

    def can(self, lot: Lot, machine: str) -> bool:
        """Whether a machine can do what the lot needs next."""
        return not self.is_complete(lot) and any(
            way.equipment == machine for way in self.operation(lot).alternatives
        )

    def way(self, lot: Lot, machine: str) -> Alternative:
        """Return how a machine would do it; only where it :meth:`can`."""
        return next(w for w in self.operation(lot).alternatives if w.equipment == machine)

    def family_at(self, lot: Lot, step: int, machine: str) -> str | None:
        """Return the set-up family of one of a lot's operations on a machine that can do it."""
        ways = self._products[lot.product].routing[step].alternatives
        return next((way.setup_family for way in ways if way.equipment == machine), None)

    def setup_s(self, machine: str, before: str | None, after: str | None) -> float:
        """Return the planned change-over time."""
        return self._setups.duration_s(machine, before, after)

    def alike(self, first: Lot, other: Lot, machine: str) -> bool:
        """Whether two lots may share a batch: same operation, same set-up family."""
        return (
            self.operation(first).id == self.operation(other).id
            and self.way(first, machine).setup_family == self.way(other, machine).setup_family
        )

    def comes_to(self, lot: Lot, machine: str) -> bool:
        """Whether a lot that is in work now will need the machine next."""
        routing = self._products[lot.product].routing
        return (
            lot.phase is LotPhase.IN_WORK
            and lot.step + 1 < len(routing)
            and any(way.equipment == machine for way in routing[lot.step + 1].alternatives)
        )

    def work_s(self, lot: Lot, machine: MachineState, family: str | None) -> float:
        """Planned time with set-up after ``family``; a batch's is shared out by parts."""
        operation, way = self.operation(lot), self.way(lot, machine.id)
        setup_s = self._setups.duration_s(machine.id, family, way.setup_family)
        if operation.batch_parts is None:
            return setup_s + lot.quantity * way.cycle_s
        return setup_s + way.cycle_s * lot.quantity / operation.batch_parts
