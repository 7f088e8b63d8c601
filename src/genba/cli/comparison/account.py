"""What a run came to, from the simulated plant's ledger: the truth that only comparisons read."""

from collections import Counter
from dataclasses import dataclass, fields
from typing import Any

from genba.plant import US, Plant
from genba.testbed.physics_file import Physics

_SHIFT_US = 8 * 3600 * US
_TESTING = "testing"


@dataclass(frozen=True, slots=True)
class Account:
    """Figures of one run; those of a good part are None where none was delivered.

    A part is good where it was delivered without a fault. Bad are all outcomes of cycles that were
    truly bad, found or not, testers left out, which count again what others made. Costs are all
    machines' hours, electricity by the tariff, spares, and the material of what was delivered or
    scrapped.
    """

    output: float
    """Good parts in 8 h."""
    work: float
    """Planned machine hours in the good parts of 8 h, which no easier mix of products raises."""
    defects: float | None
    """Bad parts to a thousand good ones."""
    cost: float | None
    """Of a good part, in the plant's currency."""
    making: float | None
    """The same without the material in good parts: what making costs, bad parts included."""
    energy: float | None
    """Of a good part, kWh."""
    tools: float | None
    """Spares of a good part, in the plant's currency."""
    unsafe: int


WORDS = {
    "output": "good parts in 8 h",
    "work": "planned hours in the good parts of 8 h",
    "defects": "bad of 1,000 good parts",
    "cost": "cost of a good part",
    "making": "the same without its material",
    "energy": "kWh of a good part",
    "tools": "tools and spares of a good part",
    "unsafe": "unsafe events",
}
FIGURES = [field.name for field in fields(Account)]


def account(plant: Plant, physics: Physics, ledger: dict[str, Any]) -> Account:
    """Sum a run up."""
    products = _good(ledger)
    good = sum(products.values())
    machines = ledger["machines"]
    bad = sum(
        books["truly_bad"]
        for name, books in machines.items()
        if physics.machines[name].process.kind != _TESTING
    )
    hours = (ledger["end"] - ledger["start"]) / US / 3600
    hourly = sum(plant.equipment_by_id[name].hourly_cost for name in machines)
    spares = sum(books["spares_cost"] for books in machines.values())
    cost = hours * hourly + ledger["energy"]["cost"] + spares + _material(plant, ledger)
    within = sum(n * plant.products_by_id[name].material_cost for name, n in products.items())
    work = sum(n * work_s(plant, name) for name, n in products.items()) / 3600

    def each(amount: float) -> float | None:
        return amount / good if good else None

    shifts = (ledger["end"] - ledger["start"]) / _SHIFT_US
    return Account(
        good / shifts,
        work / shifts,
        each(1000.0 * bad),
        each(cost),
        each(cost - within),
        each(ledger["energy"]["kwh"]),
        each(spares),
        ledger["safety"]["total"],
    )


def work_s(plant: Plant, product: str) -> float:
    """Give the planned machine seconds in one part, on the first alternative of each operation."""
    return sum(
        operation.alternatives[0].cycle_s / (operation.batch_parts or 1)
        for operation in plant.products_by_id[product].routing
    )


def _good(ledger: dict[str, Any]) -> Counter[str]:
    """Good parts that were delivered, by product."""
    good: Counter[str] = Counter()
    for row in ledger["orders"].values():
        good[row["product"]] += row["delivered"] - row["escaped"]
    return good


def _material(plant: Plant, ledger: dict[str, Any]) -> float:
    """Material of what left the plant, delivered or as scrap."""
    price = {product.id: product.material_cost for product in plant.products}
    delivered = sum(row["delivered"] * price[row["product"]] for row in ledger["orders"].values())
    scrapped = sum(row["scrap"] * price[row["product"]] for row in ledger["operations"])
    return float(delivered + scrapped)
