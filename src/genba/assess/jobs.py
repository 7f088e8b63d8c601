"""Which operation a machine did at a time: from its record, its job, or the lots in it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from genba.assess.runs import operation_rows
from genba.assess.series import LONGEST_US, Records, Series, text_at
from genba.assess.steps import Step, steps_on
from genba.plant import US, Plant, Role

AFTER_US = 24 * 3600 * US
"""Operations are recorded when they end: those of a period may end this much later."""


@dataclass(frozen=True, slots=True)
class Job:
    """One recorded operation; ``name`` is ``<product>/<operation>``."""

    start: int
    end: int
    name: str


class Jobs:
    """Tells the step of a routing that a machine did at any time in a period."""

    def __init__(
        self,
        plant: Plant,
        recorded: Mapping[str, Sequence[Job]],
        released: Mapping[str, str] | None = None,
    ) -> None:
        """``released`` holds the products of orders that came in at run time, by their ids."""
        self._recorded = recorded
        self._steps = {unit.id: steps_on(plant, unit.id) for unit in plant.equipment}
        self._products = {
            **{order.id: order.product for order in plant.orders},
            **(released or {}),
        }

    def step(self, equipment: str, of: Mapping[Role, Series | None], when: int) -> Step | None:
        """Return what a machine did at ``when``, or None where that is not known.

        In this order: the recorded operation, the operation that the machine was told, the
        product of the lots in it, the only thing that it can do. The last part is counted at the
        moment in which the lots leave, so that what held just before is asked for.
        """
        before = when - 1
        steps = self._steps.get(equipment, {})
        for name in (
            self._by_record(equipment, when),
            text_at(of.get(Role.JOB_OPERATION), before),
            self._by_lots(steps, text_at(of.get(Role.LOTS), before)),
        ):
            if name and name in steps:
                return steps[name]
        return next(iter(steps.values())) if len(steps) == 1 else None

    def _by_record(self, equipment: str, when: int) -> str | None:
        for job in self._recorded.get(equipment, ()):
            if job.start <= when <= job.end:
                return job.name
        return None

    def _by_lots(self, steps: Mapping[str, Step], lots: str | None) -> str | None:
        """Lots are called ``<order>-<nn>``; a product that comes here once tells the step."""
        if not lots:
            return None
        product = self._products.get(lots.split(",")[0].rpartition("-")[0])
        names = [name for name, step in steps.items() if step.product.id == product]
        return names[0] if len(names) == 1 else None


def read_jobs(records: Records, plant: Plant, start: int, end: int) -> Jobs:
    """Read the operations that ran in ``[start, end)`` and have ended since."""
    recorded: dict[str, list[Job]] = {}
    for row in operation_rows(records, start, end + AFTER_US):
        job = Job(row["start"], row["end"], f"{row['product']}/{row['operation']}")
        recorded.setdefault(row["equipment"], []).append(job)
    return Jobs(plant, recorded, _released(records, plant, end))


def _released(records: Records, plant: Plant, end: int) -> dict[str, str]:
    """Products of the orders that order desks announced before ``end``, by the orders' ids."""
    desks = [signal.id for (_, role), signal in plant.roles.items() if role is Role.ORDER_RELEASED]
    if not desks:
        return {}
    announced = records.samples(desks, end - LONGEST_US, end).column("text").to_pylist()
    products = {}
    for text in announced:
        try:
            order = json.loads(text or "null")
        except ValueError:
            continue  # what is no order was a finding when it came
        if isinstance(order, dict) and "id" in order and "product" in order:
            products[str(order["id"])] = str(order["product"])
    return products
