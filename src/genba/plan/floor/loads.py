"""When a batch that could start had better wait: for a fuller load, or for a cheaper hour.

A load takes its energy whether it is full or not, and energy costs by the hour. What waits costs
too. So the start that costs least is looked for, among the moments at which a price changes and
those at which more lots come; a lot whose order is near its due date waits for nothing.
"""

from collections.abc import Iterable, Sequence

from genba.plan.demand.situation import Lot, LotPhase, Situation
from genba.plan.floor.routing import Routings
from genba.plant import US, KwhPrice, LoadCost, Plant
from genba.plant.worktime import calendar_of, planned_intervals
from genba.twin.rules import FETCH_S, OVERDUE_S

_QUARTER_US = 900 * US
_QUEUES = 4.0
"""Times a lot's planned work that it takes to its delivery, with all that it waits for: a lot with
less time left than that is urgent."""
_WORTH = 0.05
"""Part of a load's energy that waiting has to save, so that nothing waits for next to nothing."""


class Loads:
    """Weighs energy against waiting, for the machines that ``planning.loads`` names."""

    def __init__(self, plant: Plant, routings: Routings) -> None:
        self._plant, self._routings = plant, routings
        self._costs = {cost.equipment: cost for cost in plant.planning.loads}
        self._price = KwhPrice.of(plant)

    def weighs(self, machine: str) -> bool:
        """Whether anything was said of the machine's loads."""
        return self._price is not None and machine in self._costs

    def waits_s(
        self, situation: Situation, machine: str, chosen: Sequence[Lot], lots: Iterable[Lot]
    ) -> float:
        """Say how long a batch should wait; 0: start it now.

        Parameters
        ----------
        chosen : sequence of Lot
            What would start now.
        lots : iterable of Lot
            All there are; those that are coming to the machine may join.
        """
        cost, first = self._costs[machine], chosen[0]
        cycle_s = self._routings.way(first, machine).cycle_s
        parts = sum(lot.quantity for lot in chosen)
        room = (self._routings.operation(first).batch_parts or parts) - parts
        coming = self._coming(situation, machine, first, lots)
        longest_s = self._longest_s(situation, machine, chosen, cycle_s, cost)

        def price(wait_s: float) -> float:
            start = situation.time + round(wait_s * US)
            each = self._mean(start, cycle_s) * cost.kwh
            joins = min(room, sum(lot.quantity for at_s, lot in coming if at_s <= wait_s))
            # Each part that joins takes its share of a later load off.
            saved = each * joins / (parts + room)
            return each - saved + cost.part_hour * parts * wait_s / 3600.0

        moments = [at_s for at_s, _ in coming]
        quarter = situation.time - situation.time % _QUARTER_US
        steps = range(1, int(longest_s // 900) + 2)
        moments += [(quarter + n * _QUARTER_US - situation.time) / US for n in steps]
        best = min((m for m in moments if 0 < m <= longest_s), key=price, default=0.0)
        least = _WORTH * self._mean(situation.time, cycle_s) * cost.kwh
        return best if price(0.0) - price(best) > least else 0.0

    def _mean(self, start: int, length_s: float) -> float:
        assert self._price is not None  # noqa: S101 - weighs() asked
        return self._price.means(start, [length_s])[0]

    def _coming(
        self, situation: Situation, machine: str, first: Lot, lots: Iterable[Lot]
    ) -> list[tuple[float, Lot]]:
        """Return the lots that will join, with the seconds until they are there."""
        found = []
        for lot in lots:
            if lot.held or lot.place == machine or lot.phase is LotPhase.DONE:
                continue
            if lot.heading == machine and self._routings.can(lot, machine):
                if self._routings.alike(first, lot, machine):
                    found.append((FETCH_S, lot))
            elif self._routings.comes_to(lot, machine):
                at = situation.machines_by_id.get(lot.place)
                left_s = 0.0 if at is None else (at.free_at - situation.time) / US
                found.append(((left_s if left_s > 0 else OVERDUE_S) + 2 * FETCH_S, lot))
        return found

    def _longest_s(
        self,
        situation: Situation,
        machine: str,
        chosen: Sequence[Lot],
        cycle_s: float,
        cost: LoadCost,
    ) -> float:
        """How long it may wait: by the plant file, the shift's end, and what is due."""
        waited_s = (situation.time - min(lot.since for lot in chosen)) / US
        patience_s = 60.0 * cost.wait_min - waited_s
        slack = (
            (lot.due - situation.time) / US - _QUEUES * self._work_left_s(lot) for lot in chosen
        )
        longest_s = min(patience_s, *slack)
        calendar = calendar_of(self._plant, self._plant.equipment_by_id[machine])
        if longest_s > 0 and calendar is not None:
            until = situation.time + round((longest_s + cycle_s) * US)
            end = situation.time
            for begin, close in planned_intervals(calendar, situation.time, until):
                if begin > end:
                    break
                end = max(end, close)
            longest_s = min(longest_s, (end - situation.time) / US - cycle_s)
        return max(0.0, longest_s)

    def _work_left_s(self, lot: Lot) -> float:
        """Planned time of all that a lot still needs, on the quickest machines."""
        routing = self._plant.products_by_id[lot.product].routing[lot.step :]
        return sum(
            min(way.cycle_s for way in step.alternatives)
            * (1 if step.batch_parts is not None else lot.quantity)
            for step in routing
        )
