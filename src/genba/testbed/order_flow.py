"""From order to truck: material comes, lots are laid out, finished ones are delivered."""

from genba.plant import US, Order, Role, format_time
from genba.testbed.board import Board
from genba.testbed.disturbances import OrderDesk
from genba.testbed.floor import Floor
from genba.testbed.lots import Lot, OrderBook, split_order
from genba.testbed.unit.process import MaterialModel, Part

SHIPPED_AFTER_US = 900 * US
"""Time after which the truck has taken a lot from the dock."""


class OrderFlow:
    """Keeps the order books. ``tick`` once a second."""

    def __init__(
        self,
        floor: Floor,
        desk: OrderDesk,
        material: MaterialModel,
        boards: dict[str, Board],
        store: str | None,
        dock: str | None,
    ) -> None:
        self._floor = floor
        self._desk = desk
        self._material = material
        self._store, self._dock = store, dock
        self._delivered: set[str] = set()
        self._to_kit: list[OrderBook] = []
        self._desks = [board for board in boards.values() if Role.ORDER_RELEASED in board.names]
        for order in floor.plant.orders:
            self.take(order)
        for board in self._desks:
            board.show(board.names.get(Role.HEARTBEAT, ""), 0)
        if dock in boards:
            boards[dock].show("delivered", 0)

    def take(self, order: Order, delay_s: float | None = None) -> None:
        """Enter an order; its material comes with the release, or late."""
        book = OrderBook(order)
        delay = self._desk.material_delay_s() if delay_s is None else delay_s
        book.material_at = order.release + int(delay * US)
        self._floor.orders[order.id] = book
        self._to_kit.append(book)
        self._to_kit.sort(key=lambda b: b.material_at)

    def rush(self, order: Order) -> None:
        """Enter an order that has just come in, and announce it at the desk."""
        self.take(order, 0.0)
        document = order.model_dump(mode="json", exclude={"release", "due"})
        document |= {"release": format_time(order.release), "due": format_time(order.due)}
        for board in self._desks:
            board.announce(board.names[Role.ORDER_RELEASED], document)

    def delay(self, order: str, until: int) -> None:
        """Make an order's material late, unless it is there already."""
        book = self._floor.orders.get(order)
        if book is not None and not book.kitted:
            book.material_at = until
            self._to_kit.sort(key=lambda b: b.material_at)

    def tick(self, now: int) -> None:
        """Let one second pass."""
        rush = self._desk.rush_order(now)
        if rush is not None:
            self.rush(rush)
        while self._to_kit and self._to_kit[0].material_at <= now:
            self._kit(self._to_kit.pop(0), now)
        if self._dock is not None:
            self._ship(self._dock, now)

    def _kit(self, book: OrderBook, now: int) -> None:
        """Material is there: lay out the lots in the store."""
        order = book.order
        product = self._floor.plant.products_by_id[order.product]
        for number, size in enumerate(split_order(order.quantity, product.lot_size), start=1):
            lot_id = f"{order.id}-{number:02d}"
            parts = [
                Part(
                    serial=f"{lot_id}.{index:02d}",
                    product=product.id,
                    features=dict(self._material.features(product.id, now)),
                )
                for index in range(1, size + 1)
            ]
            lot = Lot(lot_id, order, product, size, parts)
            self._floor.lots[lot_id] = lot
            book.lots.append(lot)
            book.open_lots += 1
            if self._store is not None:
                self._floor.stations[self._store].put(lot, now)
        book.kitted = True

    def _ship(self, dock: str, now: int) -> None:
        """Count what was set down at the dock as delivered; later the truck has it."""
        station = self._floor.stations[dock]
        for lot in list(station.lots.values()):
            if lot.id not in self._delivered:
                self._delivered.add(lot.id)
                self._floor.orders[lot.order.id].close_lot(len(lot.parts), lot.since)
                if station.board is not None:
                    station.board.show("delivered", len(self._delivered))
            if now - lot.since >= SHIPPED_AFTER_US:
                station.take(lot)
