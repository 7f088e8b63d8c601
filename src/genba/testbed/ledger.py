"""What really happened: the truth that runs are compared by. No signal shows it."""

from dataclasses import dataclass, field
from typing import Any

from genba.plant import US
from genba.testbed.job import Task
from genba.testbed.lots import OrderBook
from genba.testbed.unit.process import Phase


@dataclass(slots=True)
class MachineBooks:
    """Counts of one machine."""

    good: int = 0
    """Parts that the plant counted as good, whether they are or not."""
    scrap: int = 0
    rework: int = 0
    parts: int = 0
    """Cycles' outcomes, rework included."""
    truly_bad: int = 0
    breakdowns: int = 0
    energy_kwh: float = 0.0
    spares_cost: float = 0.0
    planned_run_s: float = 0.0
    """Planned cycle time of what was made."""
    setup_s: float = 0.0
    seconds: dict[Phase, int] = field(default_factory=lambda: dict.fromkeys(Phase, 0))
    maintenance: dict[str, int] = field(default_factory=dict)

    def count_maintenance(self, kind: str) -> None:
        """One more piece of planned work."""
        self.maintenance[kind] = self.maintenance.get(kind, 0) + 1

    def as_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "good": self.good,
            "scrap": self.scrap,
            "rework": self.rework,
            "parts": self.parts,
            "truly_bad": self.truly_bad,
            "breakdowns": self.breakdowns,
            "energy_kwh": round(self.energy_kwh, 6),
            "spares_cost": round(self.spares_cost, 6),
            "planned_run_s": round(self.planned_run_s, 6),
            "setup_s": round(self.setup_s, 6),
            "seconds": {phase.name.lower(): n for phase, n in self.seconds.items()},
            "maintenance": dict(self.maintenance),
        }


class Ledger:
    """Collects books of machines, operations, lots, orders and the whole plant's energy."""

    def __init__(self) -> None:
        self.machines: dict[str, MachineBooks] = {}
        self.operations: list[dict[str, Any]] = []
        self.scrapped_lots: list[str] = []
        self.moves = 0
        self.failed_moves = 0
        self.rejected_orders = 0
        self.energy_kwh = 0.0
        self.energy_cost = 0.0
        self.carbon_kg = 0.0
        self.peak_kw = 0.0

    def machine(self, machine: str) -> MachineBooks:
        """The books of one machine."""
        return self.machines.setdefault(machine, MachineBooks())

    def operation(self, machine: str, task: Task, now: int, energy_kwh: float) -> None:
        """A job has ended: one row per lot."""
        books = self.machines[machine]
        books.setup_s += task.setup_s
        share = 1.0 / len(task.lots)
        batch = task.batch_parts > 1
        for lot in task.lots:
            runs = task.good[lot.id] + task.scrap[lot.id]
            planned = task.alternative.cycle_s * (share if batch else runs)
            books.planned_run_s += planned
            self.operations.append(
                {
                    "lot": lot.id,
                    "order": lot.order.id,
                    "product": lot.product.id,
                    "operation": task.job.operation,
                    "equipment": machine,
                    "start": task.started,
                    "run_from": task.run_from,
                    "end": now,
                    "setup_s": task.setup_s * share,
                    "planned_setup_s": task.planned_setup_s * share,
                    "good": task.good[lot.id],
                    "scrap": task.scrap[lot.id],
                    "rework": task.rework[lot.id],
                    "energy_kwh": (energy_kwh - task.energy_from_kwh) * share,
                    "remote": task.remote,
                }
            )

    def meter(self, power_kw: float, price: float, carbon_g: float) -> None:
        """One second of the whole plant's power."""
        energy = power_kw / 3600.0
        self.energy_kwh += energy
        self.energy_cost += energy * price
        self.carbon_kg += energy * carbon_g / 1000.0
        self.peak_kw = max(self.peak_kw, power_kw)


def order_rows(books: dict[str, OrderBook]) -> dict[str, dict[str, Any]]:
    """Plain values of what became of each order."""
    rows: dict[str, dict[str, Any]] = {}
    for book in books.values():
        order, late = book.order, None
        if book.delivered_at is not None:
            late = (book.delivered_at - order.due) / US
        rows[order.id] = {
            "product": order.product,
            "quantity": order.quantity,
            "due": order.due,
            "weight": order.weight,
            "delivered": book.delivered_parts,
            "delivered_at": book.delivered_at,
            "lateness_s": late,
            "escaped": sum(
                bool(p.defects) for lot in book.lots if lot.place == "" for p in lot.parts
            ),
        }
    return rows
