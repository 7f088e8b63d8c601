"""Keeps the money of a whole plant: what each stretch of time earned."""

from typing import Any

from genba.testbed.environments.economics import Economics, Worth
from genba.testbed.simulation import PlantSimulation


class Account:
    """Turns the ledger's truth into rewards, stretch by stretch."""

    def __init__(self, simulation: PlantSimulation, economics: Economics) -> None:
        self._simulation = simulation
        self._economics = economics
        self._worths: dict[tuple[str, str], Worth] = {}
        self._rows = 0
        self._before = 0.0
        self._operations = 0.0
        """What operations that have ended earned so far, scrap taken off."""

    def settle(self) -> float:
        """What was earned since the last call, in the plant's currency."""
        now = self._balance()
        earned, self._before = now - self._before, now
        return earned

    def truth(self) -> dict[str, Any]:
        """Counts since the start."""
        books = self._simulation.books
        delivered, escaped, _ = self._delivered()
        return {
            "unsafe": self._simulation.monitor.counts(),
            "delivered": delivered,
            "escaped": escaped,
            "scrapped": sum(machine.scrap for machine in books.machines.values()),
            "energy_kwh": books.energy_kwh,
        }

    def _balance(self) -> float:
        """All that was earned since the start."""
        books = self._simulation.books
        for row in books.operations[self._rows :]:
            worth = self._worth(row["product"], row["operation"])
            self._operations += worth.good * row["good"] - worth.scrap * row["scrap"]
        self._rows = len(books.operations)
        spares = sum(machine.spares_cost for machine in books.machines.values())
        complaints = self._delivered()[2]
        hazards = self._economics.hazard * self._simulation.monitor.total
        return self._operations - complaints - books.energy_cost - spares - hazards

    def _delivered(self) -> tuple[int, int, float]:
        """Parts delivered, those of them with a fault, and what the complaints cost."""
        delivered = escaped = 0
        complaints = 0.0
        for row in self._simulation.ledger()["orders"].values():
            delivered += row["delivered"]
            if row["escaped"]:
                product = self._simulation.plant.products_by_id[row["product"]]
                worth = self._worth(product.id, product.routing[-1].id)
                escaped += row["escaped"]
                complaints += worth.complaint * row["escaped"]
        return delivered, escaped, complaints

    def _worth(self, product: str, operation: str) -> Worth:
        key = (product, operation)
        if key not in self._worths:
            plant = self._simulation.plant
            self._worths[key] = self._economics.worth(
                plant, plant.products_by_id[product], operation
            )
        return self._worths[key]
