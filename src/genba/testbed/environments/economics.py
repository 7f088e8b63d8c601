"""What parts are worth: the reward of every environment, in the plant's currency."""

from dataclasses import dataclass

from genba.errors import TestbedError
from genba.plant import Operation, Plant, Product


@dataclass(frozen=True, slots=True)
class Economics:
    """Factors that turn what happened into money; the plant file has the prices.

    Raises
    ------
    TestbedError
        If a factor is negative.
    """

    margin: float = 3.0
    """Value that an operation adds to a good part, over its planned machine cost."""
    complaint: float = 2.0
    """Cost of a bad part that is delivered or passes the last test, over the cost of scrap."""
    hazard: float = 2000.0
    """Charged for each unsafe thing that happens."""

    def __post_init__(self) -> None:
        for name in ("margin", "complaint", "hazard"):
            if not getattr(self, name) >= 0.0:
                raise TestbedError(
                    f"economics: {name} is {getattr(self, name)}; it must be 0 or more"
                )

    def worth(self, plant: Plant, product: Product, operation: str) -> "Worth":
        """Price one part of a product at one operation of its routing.

        Scrap costs the material and the planned machine time up to and with the operation. The
        plant file has one sum for material; it is taken to come in evenly along the routing.

        Raises
        ------
        TestbedError
            If the product has no such operation.
        """
        spent, material = 0.0, product.material_cost / len(product.routing)
        for step in product.routing:
            own = planned_cost(plant, step)
            spent += own + material
            if step.id == operation:
                return Worth(self.margin * own, spent, self.complaint * spent)
        raise TestbedError(
            f"product {product.id} has no operation {operation}; it has "
            f"{', '.join(step.id for step in product.routing)}"
        )


@dataclass(frozen=True, slots=True)
class Worth:
    """Money per part: what a good one adds, what a bad one costs that is found, or is not."""

    good: float
    scrap: float
    complaint: float


def planned_cost(plant: Plant, step: Operation) -> float:
    """Machine cost of one part at an operation, on the first of its machines."""
    first = step.alternatives[0]
    hourly = plant.equipment_by_id[first.equipment].hourly_cost
    return hourly * first.cycle_s / 3600.0 / (step.batch_parts or 1)


def price_per_kwh(plant: Plant, hour: float) -> float:
    """Price of electricity at a local hour; 0 for a plant without a tariff."""
    return plant.tariffs[0].price_per_kwh[int(hour) % 24] if plant.tariffs else 0.0
