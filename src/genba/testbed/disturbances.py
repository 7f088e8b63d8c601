"""What goes wrong from outside: late material, rush orders, scripted scenarios."""

from difflib import get_close_matches

from genba.errors import TestbedError
from genba.plant import US, Order, Plant
from genba.testbed.floor import Floor
from genba.testbed.machine import Machine
from genba.testbed.physics_file import Event, Scenario
from genba.testbed.vehicles import Transporter


class OrderDesk:
    """Decides when material comes, and which rush orders come in."""

    def __init__(self, floor: Floor) -> None:
        self._floor = floor
        self._late = floor.chance.stream("late_material")
        self._rush = floor.chance.stream("rush_orders")
        self._count = 0
        rush = floor.physics.rush_orders
        self._gap_s = 86_400.0 / rush.per_day if rush is not None and rush.per_day else 1e12
        self._next = floor.start + int(self._rush.exponential(self._gap_s) * US)

    def material_delay_s(self) -> float:
        """How late the material of the next order is."""
        late = self._floor.physics.late_material
        if late is None:
            return 0.0
        # Both numbers are drawn for every order, so that orders do not shift each other's.
        strikes = self._late.chance(late.probability)
        delay = 3600.0 * self._late.lognormal(late.delay_median_h, late.delay_sigma)
        return delay if strikes and self._floor.random else 0.0

    def rush_order(self, now: int) -> Order | None:
        """A rush order that came in this second, or None."""
        rush = self._floor.physics.rush_orders
        if rush is None or now < self._next:
            return None
        self._next = now + int(self._rush.exponential(self._gap_s) * US)
        products = self._floor.plant.products
        product = products[self._rush.integer(0, len(products) - 1)]
        if not self._floor.random:
            return None
        quantity = max(1, round(product.lot_size * rush.quantity_lots))
        return self.make(product.id, quantity, now, rush.due_h, rush.weight)

    def make(self, product: str, quantity: int, now: int, due_h: float, weight: float) -> Order:
        """Write a rush order."""
        self._count += 1
        return Order(
            id=f"R-{self._count:04d}",
            product=product,
            quantity=quantity,
            release=now,
            due=now + int(due_h * 3600 * US),
            weight=weight,
            customer="rush",
        )


def check_targets(scenario: Scenario, plant: Plant) -> None:
    """Refuse events that would strike nothing. Orders may still come in, and are not checked.

    Raises
    ------
    TestbedError
        One line per event whose target the plant does not have.
    """
    machines = [unit.id for unit in plant.equipment if unit.signals]
    there = {
        "breakdown": ("machine", machines),
        "person_in_zone": ("machine", machines),
        "vehicle_down": ("vehicle", [vehicle.id for vehicle in plant.vehicles]),
        "rush_order": ("product", [product.id for product in plant.products]),
        "slow_crew": ("skill", list(plant.skills)),
    }
    wrong = []
    for number, event in enumerate(scenario.events, start=1):
        what, known = there.get(event.kind, ("", [event.target]))
        if event.target not in known:
            near = get_close_matches(event.target, known, n=3, cutoff=0.0)
            wrong.append(
                f"scenario: events[{number}].target: there is no {what} '{event.target}'; "
                f"write one such as {', '.join(near) or 'those of the plant file'}"
            )
    if wrong:
        raise TestbedError("\n".join(wrong))


class Script:
    """Plays a scenario's events at their times."""

    def __init__(self, scenario: Scenario | None, start: int) -> None:
        self._events: list[tuple[int, Event]] = []
        for event in scenario.events if scenario else ():
            when = event.at if event.at is not None else start + int((event.after_s or 0.0) * US)
            self._events.append((when, event))
        self._events.sort(key=lambda pair: pair[0])

    def due(self, now: int) -> list[Event]:
        """Events whose time has come."""
        found: list[Event] = []
        while self._events and self._events[0][0] <= now:
            found.append(self._events.pop(0)[1])
        return found


def strike_machine(event: Event, machine: Machine, now: int) -> None:
    """Break a machine down, or send a person into its zone."""
    if event.kind == "breakdown":
        machine.break_down(event.duration_s)
    elif machine.zone is not None:
        machine.zone.enter(now, event.duration_s or 60.0)


def strike_vehicle(event: Event, vehicle: Transporter) -> None:
    """Stop a vehicle."""
    vehicle.break_down(event.duration_s)
