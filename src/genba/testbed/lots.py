"""Lots and orders as they really are."""

from dataclasses import dataclass, field

from genba.plant import Operation, Order, Product
from genba.testbed.unit.process import Part


def split_order(quantity: int, lot_size: int) -> list[int]:
    """Sizes of an order's lots: near equal, the first ones a part larger."""
    count = -(-quantity // lot_size)
    base, more = divmod(quantity, count)
    return [base + 1] * more + [base] * (count - more)


@dataclass(slots=True, eq=False)
class Lot:
    """Parts that travel together."""

    id: str
    order: Order
    product: Product
    quantity: int
    """Parts at birth."""
    parts: list[Part]
    scrapped: list[Part] = field(default_factory=list)
    step: int = 0
    """Index of the next operation in the routing."""
    place: str = ""
    """Equipment where it stands, or the vehicle that carries it."""
    since: int = 0
    """When it came there, microseconds UTC."""
    in_work: bool = False

    @property
    def next_operation(self) -> Operation | None:
        """What is to be done next; None when the routing is complete."""
        routing = self.product.routing
        return routing[self.step] if self.step < len(routing) else None


@dataclass(slots=True, eq=False)
class OrderBook:
    """What became of one order."""

    order: Order
    lots: list[Lot] = field(default_factory=list)
    material_at: int = 0
    """When its material is there, microseconds UTC."""
    kitted: bool = False
    open_lots: int = 0
    delivered_parts: int = 0
    delivered_at: int | None = None
    """When its last lot came, microseconds UTC; None also where all of it was scrapped."""

    def close_lot(self, parts: int, when: int) -> None:
        """A lot was delivered, or nothing is left of it."""
        self.open_lots -= 1
        self.delivered_parts += parts
        if self.open_lots == 0 and self.delivered_parts:
            self.delivered_at = when
