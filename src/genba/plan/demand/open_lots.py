"""Which lots are to be planned: those on the floor, and those that orders will be split into."""

from collections.abc import Sequence
from dataclasses import dataclass

from genba.plan.demand.locations import Locations
from genba.plan.demand.lots import split_order
from genba.plan.demand.situation import Lot, LotPhase, Situation
from genba.plan.schedule import LeftOut
from genba.plant import US, Order, Plant, Product
from genba.plant.checks.report import near
from genba.plant.storages import storages

MOST_LOTS = 10_000
"""Lots that one order may be split into; more is a slip of the pen."""


@dataclass(frozen=True, slots=True)
class OpenLot:
    """A lot that still needs operations. Times in microseconds UTC."""

    id: str
    order: str
    product: Product
    quantity: int
    due: int
    weight: float
    release: int
    step: int = 0
    origin: str | None = None
    """Where it is at its release; None where transport is not planned."""
    running: str | None = None
    """Machine that works on it now."""


def open_lots(
    plant: Plant,
    orders: Sequence[Order],
    situation: Situation | None,
    now: int,
    locations: Locations,
) -> tuple[list[OpenLot], list[LeftOut]]:
    """Return the lots to plan, by due date, and the orders that cannot be split into any.

    An order of which ``situation`` shows a lot has been split already: its lots are those.
    """
    source, _ = storages(plant)
    found: list[OpenLot] = []
    left_out: list[LeftOut] = []
    begun: set[str] = set()
    if situation is not None:
        begun = {lot.order for lot in situation.lots}
        for lot in situation.lots:
            product = plant.products_by_id.get(lot.product)
            if product is None:
                left_out.append(_unknown(plant, "lot", lot.id, lot.product))
            elif lot.phase is not LotPhase.DONE and lot.step < len(product.routing):
                found.append(_on_the_floor(plant, lot, product, situation, locations))
    for order in orders:
        product = plant.products_by_id.get(order.product)
        if order.id in begun:
            continue
        if product is None:
            left_out.append(_unknown(plant, "order", order.id, order.product))
        elif order.quantity > MOST_LOTS * product.lot_size:
            left_out.append(_too_many(order, product))
        else:
            found += [
                OpenLot(
                    *(name, order.id, product, quantity),
                    *(order.due, order.weight, max(order.release, now)),
                    origin=source if locations.there_are else None,
                )
                for name, quantity in split_order(order, product)
            ]
    return sorted(found, key=lambda lot: (lot.due, lot.id)), left_out


def _on_the_floor(
    plant: Plant, lot: Lot, product: Product, situation: Situation, locations: Locations
) -> OpenLot:
    """Take a lot from where it is, or from where a vehicle was told to take it."""
    origin: str | None = lot.place or situation.source
    release = situation.time
    ways = {way.equipment for way in product.routing[lot.step].alternatives}
    running = lot.place if lot.phase is LotPhase.IN_WORK and lot.place in ways else None
    if lot.place in plant.vehicles_by_id:
        carrier = next((v for v in situation.vehicles if v.id == lot.place), None)
        node = None if carrier is None else carrier.node
        origin = f"node:{node}" if node is not None else situation.source
    if lot.heading is not None and running is None:
        trip_s = locations.trip_s(origin, lot.heading) if origin is not None else None
        origin, release = lot.heading, release + round((trip_s or 0.0) * US)
    return OpenLot(
        *(lot.id, lot.order, product, lot.quantity),
        *(lot.due, lot.weight, release, lot.step),
        origin=origin if locations.there_are else None,
        running=running,
    )


def _unknown(plant: Plant, what: str, name: str, product: str) -> LeftOut:
    mend = near(product, plant.products_by_id, "product")
    return LeftOut(name, f"{what} {name} is for '{product}', which the plant does not make; {mend}")


def _too_many(order: Order, product: Product) -> LeftOut:
    lots = -(-order.quantity // product.lot_size)
    return LeftOut(
        order.id,
        f"order {order.id} would be {lots:,} lots of {product.lot_size} {product.id}; "
        f"correct its quantity of {order.quantity:,}, or the product's lot_size",
    )
