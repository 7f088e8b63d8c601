"""What routings let a machine do."""

from dataclasses import dataclass

from genba.plant import Plant, Product


@dataclass(frozen=True, slots=True)
class Step:
    """What a machine does for one ``<product>/<operation>``."""

    product: Product
    cycle_s: float
    is_batch: bool
    is_first: bool
    is_last: bool


def steps_on(plant: Plant, equipment: str) -> dict[str, Step]:
    """All operations that routings let a machine do, by ``<product>/<operation>``."""
    found = {}
    for product in plant.products:
        for index, operation in enumerate(product.routing):
            for way in operation.alternatives:
                if way.equipment == equipment:
                    found[f"{product.id}/{operation.id}"] = Step(
                        product,
                        way.cycle_s,
                        operation.batch_parts is not None,
                        index == 0,
                        index == len(product.routing) - 1,
                    )
    return found
