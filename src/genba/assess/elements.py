"""The elements of ISO 22400-2: what is summed before any ratio is taken."""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Self

Amount = float | None
"""A number, or None where the plant file or the record does not say."""


@dataclass(frozen=True, slots=True)
class Elements:
    """Times in seconds, quantities in parts, energy in kWh, money in the plant's currency.

    Names and meaning follow ISO 22400-2:2014, clause 5; times of a work unit are read from its
    PackML state and mode. 0 means that there was none, ``None`` that it is not known, and a sum
    with something unknown in it is unknown.

    Attributes
    ----------
    planned_busy_s : PBT, the calendar's working time without breaks.
    production_s : APT, state execute, in and outside planned time.
    setup_s : AUST, mode set-up, in and outside planned time.
    delay_s : ADET, interrupted with a job (suspended, held, aborted), in planned time.
    down_s : ADOT, without a job though it was planned (idle, complete, stopped).
    maintenance_s : in maintenance or by hand, in planned time; neither busy nor down.
    unknown_s : planned time with no state known (link down, nothing recorded).
    execution_s : AOET, from an order's first start to its last end in the period.
    working_s : the time that throughput is counted over: a machine's planned time, a shift's
        working time, an order's execution time.
    planned_run_s : sum of PRI times PQ, planned run time of what was produced.
    good, scrap, rework : GQ, SQ, RQ. A part is good or scrap once per step; rework counts passes.
    output : good parts that left the group: of a machine its good parts, of everything larger
        the good parts of the last step of each routing.
    finished : good parts of the last step of a routing.
    throughput : what throughput counts: PQ of a machine or an order, else what was finished.
    machine_cost, energy_cost, material_cost, people_cost : in the plant's currency.
    """

    planned_busy_s: Amount = None
    production_s: Amount = None
    setup_s: Amount = None
    delay_s: Amount = None
    down_s: Amount = None
    maintenance_s: Amount = None
    unknown_s: Amount = None
    execution_s: Amount = None
    working_s: Amount = None
    planned_run_s: Amount = None
    good: Amount = None
    scrap: Amount = None
    rework: Amount = None
    output: Amount = None
    finished: Amount = None
    throughput: Amount = None
    energy_kwh: Amount = None
    energy_cost: Amount = None
    carbon_kg: Amount = None
    machine_cost: Amount = None
    material_cost: Amount = None
    people_cost: Amount = None

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
        """Machine, energy, material and people together."""
        parts = (self.machine_cost, self.energy_cost, self.material_cost, self.people_cost)
        return sum_of(parts)

    def __add__(self, other: Self) -> "Elements":
        return Elements(
            **{f.name: add(getattr(self, f.name), getattr(other, f.name)) for f in fields(self)}
        )


def add(first: Amount, second: Amount) -> Amount:
    """Add; unknown where one of both is."""
    return None if first is None or second is None else first + second


def sum_of(amounts: Iterable[Amount]) -> Amount:
    """Add up; unknown where one of them is, or where there are none."""
    listed = list(amounts)
    known = [amount for amount in listed if amount is not None]
    return sum(known) if listed and len(known) == len(listed) else None


def total(parts: Iterable[Elements]) -> Elements:
    """Sum elements one by one; ratios are taken from the result, never averaged."""
    listed = list(parts)
    return Elements(
        **{f.name: sum_of(getattr(part, f.name) for part in listed) for f in fields(Elements)}
    )
