"""How an order becomes lots."""

from genba.plant import Order, Product


def split_order(order: Order, product: Product) -> list[tuple[str, int]]:
    """Split an order into lots of nearly equal size: ids ``<order>-01`` onward, and quantities.

    ``ceil(quantity / lot_size)`` lots; where the quantity does not divide, the first ones hold one
    part more. The same rule is printed on the order papers, so that everybody names lots alike.
    """
    count = -(-order.quantity // product.lot_size)
    base, more = divmod(order.quantity, count)
    return [(f"{order.id}-{n + 1:02d}", base + (1 if n < more else 0)) for n in range(count)]
