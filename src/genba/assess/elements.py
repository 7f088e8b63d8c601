"""The elements of ISO 22400-2: what is summed before any ratio is taken."""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Self

Amount = float | None
"""A number, or None where nothing was recorded that it could be computed from."""


@dataclass(frozen=True, slots=True)
class Elements:
    """Times in seconds, quantities in parts, energy in kWh, money in the plant's currency.

    Names and meaning follow ISO 22400-2:2014, clause 5; times of a work unit are read from its
    PackML state and mode. ``None`` means that the plant file or the record does not say.

    Attributes
    ----------
    planned_busy_s : PBT, the calendar's working time without breaks.
    production_s : APT, running a job (mode production, state execute).
    setup_s : AUST, mode set-up.
    delay_s : ADET, interrupted: aborted, held, suspended, stopped.
    maintenance_s : planned maintenance mode, which is neither busy nor delay.
    idle_s : ready with nothing to do.
    unknown_s : no state known (link down, nothing recorded).
    execution_s : AOET, from an order's first start to its last end.
    planned_run_s : sum of PRI times PQ, planned run time of what was produced.
    good, scrap, rework : GQ, SQ, RQ. A part is good or scrap once; rework counts passes.
    """

    planned_busy_s: Amount = None
    production_s: Amount = None
    setup_s: Amount = None
    delay_s: Amount = None
    maintenance_s: Amount = None
    idle_s: Amount = None
    unknown_s: Amount = None
    execution_s: Amount = None
    planned_run_s: Amount = None
    good: Amount = None
    scrap: Amount = None
    rework: Amount = None
    energy_kwh: Amount = None
    energy_cost: Amount = None
    carbon_kg: Amount = None
    machine_cost: Amount = None
    material_cost: Amount = None

    @property
    def produced(self) -> Amount:
        """PQ: good and scrap parts."""
        return add(self.good, self.scrap)

    @property
    def processing_s(self) -> Amount:
        """AUPT: production and set-up."""
        return add(self.production_s, self.setup_s)

    @property
    def busy_s(self) -> Amount:
        """AUBT: processing and delays."""
        return add(self.processing_s, self.delay_s)

    @property
    def cost(self) -> Amount:
        """Machine, energy and material together, of what is known."""
        return add(add(self.machine_cost, self.energy_cost), self.material_cost)

    def __add__(self, other: Self) -> "Elements":
        return Elements(
            **{f.name: add(getattr(self, f.name), getattr(other, f.name)) for f in fields(self)}
        )


def add(first: Amount, second: Amount) -> Amount:
    """Add what is known; nothing known stays None."""
    if first is None or second is None:
        return second if first is None else first
    return first + second


def total(parts: Iterable[Elements]) -> Elements:
    """Sum elements one by one; ratios are taken from the result, never averaged."""
    result = Elements()
    for part in parts:
        result = result + part
    return result
