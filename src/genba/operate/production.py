"""Orders and lots as the core knows them: where each lot is, and what it needs next."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from genba.plan import Lot, LotPhase, split_order
from genba.plant import US, Order, Plant, format_time
from genba.plant.storages import storages

Tell = Callable[[str, Mapping[str, Any]], None]
"""Takes a row for one of the historian's tables."""

KEPT_S = 2 * 86_400.0
"""How long an order is kept at hand after its last lot was done; the historian keeps it for good.
"""
_LOOK_S = 3600.0


@dataclass(slots=True)
class TrackedLot:
    """A lot, kept up to date."""

    id: str
    order: Order
    quantity: int
    place: str
    step: int = 0
    phase: LotPhase = LotPhase.WAITING
    heading: str | None = None
    since: int = 0
    """Source time of the newest sign of where it is, microseconds UTC."""
    started: bool = False


class Production:
    """Releases orders into lots, and follows lots by what scanners and vehicles report.

    Parameters
    ----------
    plant : Plant
        Products, orders known beforehand, storages.
    tell : Tell
        Takes rows for ``lots`` and ``events``.
    """

    def __init__(self, plant: Plant, tell: Tell) -> None:
        self._plant = plant
        self._tell = tell
        self.source, self.sink = storages(plant)
        self.orders: dict[str, Order] = {order.id: order for order in plant.orders}
        self.lots: dict[str, TrackedLot] = {}
        self._released: set[str] = set()
        self._standing: dict[str, frozenset[str]] = {}
        """What each scanner read last."""
        self._strangers: set[str] = set()
        self._over: set[str] = set()
        """Orders that are done for so long that only the historian knows more of them."""
        self._over_lots = self._over_parts = 0
        self._looked = 0

    # -- orders -------------------------------------------------------------------------------

    def learn_order(self, text: str, time: int) -> None:
        """Take an order that the order desk sent as JSON; one without sense becomes an event."""
        try:
            order = Order.model_validate(json.loads(text))
        except (ValueError, RecursionError) as error:
            why = f"an order was not understood: {str(error).splitlines()[0]}"
            self._event(f"E-order-{time}", time, "order_refused", "warning", why, text)
            return
        if order.product not in self._plant.products_by_id:
            why = f"order {order.id} is for product '{order.product}', which plant.yaml has not"
            self._event(f"E-order-{time}", time, "order_refused", "warning", why, text)
            return
        if order.id in self.orders or order.id in self._released:
            return
        self.orders[order.id] = order
        said = (
            f"order {order.id}: {order.quantity} of {order.product}, due {format_time(order.due)}"
        )
        self._event(f"E-order-{order.id}", time, "order", "info", said, text)

    def release(self, now: int) -> None:
        """Turn every order whose release time has come into lots."""
        for order in self.orders.values():
            if order.release <= now and order.id not in self._released:
                self._split(order, now)
        if not 0 <= now - self._looked < _LOOK_S * US:
            self._looked = now
            self._let_go(now - round(KEPT_S * US))

    def _let_go(self, before: int) -> None:
        """Forget orders all of whose lots were done ``before`` then: memory stays flat."""
        lots: dict[str, list[TrackedLot]] = {}
        for lot in self.lots.values():
            lots.setdefault(lot.order.id, []).append(lot)
        for order, listed in lots.items():
            if all(lot.phase is LotPhase.DONE and lot.since < before for lot in listed):
                self._over.add(order)
                self.orders.pop(order, None)
                for lot in listed:
                    del self.lots[lot.id]
                    self._over_lots += lot.quantity > 0
                    self._over_parts += lot.quantity

    def _split(self, order: Order, now: int) -> None:
        product = self._plant.products_by_id.get(order.product)
        self._released.add(order.id)
        if product is None:
            return
        for name, quantity in split_order(order, product):
            if name not in self.lots:
                lot = TrackedLot(name, order, quantity, place=self.source or "")
                self.lots[name] = lot
                self._status(lot, "released", now)

    # -- where lots are -----------------------------------------------------------------------

    def standing(self, equipment: str, names: Iterable[str], time: int) -> None:
        """Take what the scanner of a station reads now."""
        names = frozenset(names)
        self._standing[equipment] = names
        for lot in self._known(names, time):
            if time >= lot.since and lot.phase is not LotPhase.DONE:
                self.standing_at(lot, equipment, time)

    def in_work(self, equipment: str, names: Iterable[str], time: int) -> list[TrackedLot]:
        """Take that a machine works on these lots now."""
        lots = self._known(names, time)
        for lot in lots:
            lot.place, lot.phase, lot.heading = equipment, LotPhase.IN_WORK, None
            lot.since = max(lot.since, time)
            if not lot.started:
                lot.started = True
                self._status(lot, "started", time)
        return lots

    def carried(self, vehicle: str, names: Iterable[str], time: int) -> None:
        """Take what a vehicle carries now."""
        names = set(names)
        for lot in self._known(names, time):
            if time >= lot.since and lot.phase is not LotPhase.DONE:
                lot.place, lot.phase, lot.since = vehicle, LotPhase.MOVING, time
        for lot in self.lots.values():
            if lot.place == vehicle and lot.id not in names and lot.heading is not None:
                self.standing_at(lot, lot.heading, time)

    def standing_at(self, lot: TrackedLot, equipment: str, time: int) -> None:
        """Note that a lot was set down somewhere."""
        if lot.place != equipment or lot.heading == equipment:
            lot.heading = None
        lot.place, lot.phase, lot.since = equipment, LotPhase.WAITING, time
        if equipment == self.sink:
            lot.phase = LotPhase.DONE
            self._status(lot, "finished", time)

    def finish_operation(self, lot: TrackedLot, step: int, quantity: int, time: int) -> None:
        """Note that an operation ended: the next step, and how many parts are still good."""
        lot.step, lot.quantity = step, quantity
        if quantity <= 0:
            lot.quantity, lot.phase, lot.heading = 0, LotPhase.DONE, None
            lot.since = max(lot.since, time)
            self._status(lot, "scrapped", time)
        elif lot.phase is LotPhase.IN_WORK:
            lot.phase = LotPhase.WAITING

    def _known(self, names: Iterable[str], time: int) -> list[TrackedLot]:
        """Return the lots of these names; an order that others have begun is released here too."""
        found = []
        for name in names:
            if name not in self.lots:
                order = self.orders.get(name.rpartition("-")[0])
                if order is not None:
                    self._split(order, time)
            if name in self.lots:
                found.append(self.lots[name])
            elif name.rpartition("-")[0] in self._over:
                continue
            elif name not in self._strangers:
                self._strangers.add(name)
                said = f"lot {name} belongs to no known order; Genba leaves it alone"
                self._event(f"E-lot-{name}", time, "unknown_lot", "warning", said, "{}")
        return found

    # -- what others see ----------------------------------------------------------------------

    def view(self, busy: frozenset[str], unsettled: frozenset[str]) -> tuple[Lot, ...]:
        """Return the lots that are not done, as planning sees them."""
        return tuple(
            Lot(
                id=lot.id,
                order=lot.order.id,
                product=lot.order.product,
                quantity=lot.quantity,
                step=lot.step,
                place=lot.place,
                phase=lot.phase,
                due=lot.order.due,
                weight=lot.order.weight,
                heading=lot.heading,
                since=lot.since,
                held=lot.id in busy or lot.id in unsettled or not self._is_there(lot),
            )
            for lot in self.lots.values()
            if lot.phase is not LotPhase.DONE
        )

    def upcoming(self) -> tuple[Order, ...]:
        """Return the orders that are known and not released yet, by release."""
        orders = (order for order in self.orders.values() if order.id not in self._released)
        return tuple(sorted(orders, key=lambda order: (order.release, order.id)))

    def _is_there(self, lot: TrackedLot) -> bool:
        """Whether a lot that is said to wait at a scanner is read by it.

        Material that has not come yet, or a scanner that has not caught up: not to be moved.
        """
        read = self._standing.get(lot.place)
        return lot.phase is not LotPhase.WAITING or read is None or lot.id in read

    def counts(self) -> dict[str, int]:
        """Return how many lots there are, by what happens to them."""
        done = [lot for lot in self.lots.values() if lot.phase is LotPhase.DONE]
        return {
            "orders": len(self._released),
            "lots_open": len(self.lots) - len(done),
            "lots_in_work": sum(x.phase is LotPhase.IN_WORK for x in self.lots.values()),
            "lots_moving": sum(x.phase is LotPhase.MOVING for x in self.lots.values()),
            "lots_finished": sum(lot.quantity > 0 for lot in done) + self._over_lots,
            "parts_finished": sum(lot.quantity for lot in done) + self._over_parts,
        }

    # -- after a restart ----------------------------------------------------------------------

    def restore(
        self,
        order_texts: Iterable[str],
        lots: Iterable[Mapping[str, Any]],
        operations: Sequence[Mapping[str, Any]],
    ) -> None:
        """Rebuild from what the historian holds, oldest rows first."""
        for text in order_texts:
            order = Order.model_validate(json.loads(text))
            # plant.yaml may have changed since.
            if order.product in self._plant.products_by_id:
                self.orders.setdefault(order.id, order)
        for row in lots:
            self._released.add(row["order"])
            known = self.orders.get(row["order"])
            if known is None:
                continue
            lot = self.lots.setdefault(
                row["lot"], TrackedLot(row["lot"], known, row["quantity"], self.source or "")
            )
            lot.started |= row["status"] == "started"
            if row["status"] in ("finished", "scrapped"):
                lot.phase, lot.place = LotPhase.DONE, row["location"] or ""
                lot.since = round(row["time"].timestamp() * US)
                lot.quantity = row["quantity"]
        for row in operations:
            done = self.lots.get(row["lot"])
            if done is None or done.phase is LotPhase.DONE:
                continue
            done.quantity = row["quantity"] - row["scrap"]
            done.place = row["equipment"]
            if row["good"] + row["scrap"] >= row["quantity"]:
                routing = self._plant.products_by_id[done.order.product].routing
                names = [operation.id for operation in routing]
                if row["operation"] in names:
                    done.step = names.index(row["operation"]) + 1

    # -- rows ---------------------------------------------------------------------------------

    def _status(self, lot: TrackedLot, status: str, time: int) -> None:
        self._tell(
            "lots",
            {
                "id": f"L-{lot.id}-{status}",
                "time": time,
                "lot": lot.id,
                "order": lot.order.id,
                "product": lot.order.product,
                "quantity": lot.quantity,
                "status": status,
                "location": lot.place,
            },
        )

    def _event(self, name: str, time: int, kind: str, severity: str, text: str, data: str) -> None:
        self._tell(
            "events",
            {
                "id": name,
                "time": time,
                "equipment": None,
                "kind": kind,
                "severity": severity,
                "text": text,
                "data": data,
            },
        )
