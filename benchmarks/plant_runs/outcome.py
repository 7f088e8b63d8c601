"""What came of a run, from the testbed's ledger: the truth that only comparisons read."""

from dataclasses import dataclass
from typing import Any

from genba.cli.comparison.account import work_s
from genba.cli.comparison.living import Ledgers
from genba.plant import US, Plant


@dataclass(frozen=True, slots=True)
class Outcome:
    """Figures of one run."""

    parts_per_shift: float
    """Delivered parts per 8 h of the first day, when there is more work than capacity."""
    work_per_shift_h: float
    """Planned machine hours in the delivered parts per 8 h: output that no choice of easy products
    can raise."""
    weighted_tardiness_h: float
    """Weight times hours late, over the orders that were due by the end; what is not delivered
    counts as late until the end."""
    late_orders: int
    due_orders: int
    setup_share: float
    """Part of the machines' time that went into set-ups."""
    kwh_per_part: float
    unsafe: int


def outcome(plant: Plant, ledgers: Ledgers) -> Outcome:
    """Sum a run up: output over the first day, tardiness over all of it."""
    ledger = ledgers.day
    shifts = (ledger["end"] - ledger["start"]) / US / (8 * 3600)
    planned_s = {product.id: work_s(plant, product.id) for product in plant.products}
    rows = ledger["orders"].values()
    parts = sum(row["delivered"] for row in rows)
    work = sum(row["delivered"] * planned_s[row["product"]] for row in rows)
    seconds: dict[str, int] = {}
    for machine in ledger["machines"].values():
        for phase, count in machine["seconds"].items():
            seconds[phase] = seconds.get(phase, 0) + count
    end = ledgers.end["end"]
    due = [row for row in ledgers.end["orders"].values() if row["due"] <= end]
    late = [_late_h(row, end) * row["weight"] for row in due]
    return Outcome(
        parts_per_shift=parts / shifts,
        work_per_shift_h=work / shifts / 3600,
        weighted_tardiness_h=sum(late),
        late_orders=sum(hours > 0 for hours in late),
        due_orders=len(late),
        setup_share=seconds.get("setup", 0) / sum(seconds.values()),
        kwh_per_part=ledger["energy"]["kwh"] / parts if parts else float("nan"),
        unsafe=ledgers.end["safety"]["total"],
    )


def _late_h(row: dict[str, Any], end: int) -> float:
    done = row["delivered_at"] if row["delivered_at"] is not None else end
    return max(0.0, (done - row["due"]) / US / 3600)
