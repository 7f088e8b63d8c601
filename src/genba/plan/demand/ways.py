"""Which machines can really do what a product needs, and why the others cannot."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from genba.plan.demand.locations import Locations
from genba.plan.demand.openings import Openings
from genba.plan.demand.scale import Scale, lasting
from genba.plan.demand.setup import SetupTimes
from genba.plan.problem import Mode
from genba.plant import Alternative, Operation, Plant, Product
from genba.plant.worktime import calendar_of

Factors = Mapping[str | tuple[str, str], float]
"""How much longer a machine takes than planned, or a (machine, operation): the latter wins."""


@dataclass(frozen=True, slots=True)
class Chain:
    """The ways of each operation that is left; empty with a reason where there is none."""

    steps: tuple[tuple[Alternative, ...], ...] = ()
    reason: str = ""


class Ways:
    """Answers for products of one plant; every answer is found once and remembered."""

    def __init__(
        self,
        plant: Plant,
        openings: Openings,
        locations: Locations,
        scale: Scale,
        factors: Factors,
        power_kw: Mapping[str, float],
    ) -> None:
        self._plant = plant
        self._openings = openings
        self._locations = locations
        self._scale = scale
        self._factors = factors
        self._power_kw = power_kw
        self._setups = SetupTimes(plant)
        self._able: dict[tuple[str, int], tuple[tuple[Alternative, ...], str]] = {}
        self._chains: dict[tuple[str, int, str | None, str | None], Chain] = {}
        self._shut: dict[str, str | None] = {}
        self.dropped: dict[str, str] = {}
        """Machines that nothing can be planned on, with the reason."""

    @cached_property
    def batching(self) -> frozenset[str]:
        """Machines that treat batches."""
        return frozenset(
            way.equipment
            for product in self._plant.products
            for operation in product.routing
            if operation.batch_parts is not None
            for way in operation.alternatives
        )

    def chain(
        self, product: Product, step: int, origin: str | None, destination: str | None
    ) -> Chain:
        """Return the ways of the operations from ``step`` on, for a lot that is at ``origin``.

        Ways are left out that no vehicle could bring a lot to, or away from.
        """
        key = (product.id, step, origin, destination)
        if key not in self._chains:
            self._chains[key] = self._find(product, step, origin, destination)
        return self._chains[key]

    def mode(self, operation: Operation, way: Alternative, quantity: int) -> Mode:
        """Return one way in a problem's words, for ``quantity`` parts."""
        return Mode(
            machine=way.equipment,
            ticks=self._scale.length(self.run_s(operation, way, quantity)),
            family=way.setup_family,
            tools=way.tools,
            skill=way.skill if self._plant.people else None,
            power_kw=self._power_kw.get(way.equipment, 0.0),
        )

    def run_s(self, operation: Operation, way: Alternative, quantity: int) -> float:
        """Return the time without set-up; a batch takes as long whatever is in it."""
        factor = self._factors.get(
            (way.equipment, operation.id), self._factors.get(way.equipment, 1.0)
        )
        return way.cycle_s * factor * (1 if operation.batch_parts is not None else quantity)

    # -- which machines are able --------------------------------------------------------------

    def _find(
        self, product: Product, step: int, origin: str | None, destination: str | None
    ) -> Chain:
        steps: list[tuple[Alternative, ...]] = []
        for index in range(step, len(product.routing)):
            ways, why = self._ways(product, index)
            if not ways:
                return Chain(reason=why)
            steps.append(ways)
        return self._in_reach(product, step, steps, origin, destination)

    def _ways(self, product: Product, index: int) -> tuple[tuple[Alternative, ...], str]:
        key = (product.id, index)
        if key not in self._able:
            operation = product.routing[index]
            able, reasons = [], []
            for way in operation.alternatives:
                why = self._cannot(product, operation, way)
                if why is None:
                    able.append(way)
                else:
                    reasons.append(why)
            text = f"no machine can do '{operation.id}' of {product.id}: {'; '.join(reasons)}"
            self._able[key] = tuple(able), text
        return self._able[key]

    def _cannot(self, product: Product, operation: Operation, way: Alternative) -> str | None:
        """Say why a machine cannot do an operation, and the mend; None where it can."""
        machine = way.equipment
        if machine not in self._plant.equipment_by_id:
            return f"there is no machine {machine}, add it"
        if machine not in self._shut:
            self._shut[machine] = self._is_shut(machine)
        shut = self._shut[machine]
        if shut is not None:
            self.dropped[machine] = shut
            return shut
        owned = {tool.id for tool in self._plant.tools}
        missing = [tool for tool in way.tools if tool not in owned]
        if missing:
            return f"{machine} needs the tool '{missing[0]}', which the plant does not own, add it"
        if way.skill is not None and self._plant.people and not self._has_people(way.skill):
            return (
                f"{machine} needs the skill '{way.skill}', and nobody at work has it, add a person"
            )
        most = operation.batch_parts
        if most is not None and product.lot_size > most:
            return (
                f"a batch on {machine} holds {most} parts and a lot up to {product.lot_size}, "
                "lower lot_size"
            )
        return self._never_fits(product, operation, way)

    def _is_shut(self, machine: str) -> str | None:
        calendar = self._openings.of_machine(machine, machine in self.batching)
        if self._openings.windows(calendar) == ():
            found = calendar_of(self._plant, self._plant.equipment_by_id[machine])
            name = "" if found is None else f" '{found.id}'"
            return f"the calendar{name} of {machine} has no working time, add shifts"
        if self._locations.there_are and not self._locations.on_layout(machine):
            return (
                f"{machine} is at no node of the layout, so no vehicle comes there, "
                f"add a node with station: {machine}"
            )
        return None

    def _has_people(self, skill: str) -> bool:
        return any(
            skill in person.skills
            and self._openings.windows(self._openings.of_people(person.calendar)) != ()
            for person in self._plant.people
        )

    def _never_fits(self, product: Product, operation: Operation, way: Alternative) -> str | None:
        """Say so where work that is not interrupted is longer than any stretch of working time."""
        machine = way.equipment
        windows = self._openings.windows(
            self._openings.of_machine(machine, machine in self.batching)
        )
        if machine not in self.batching or windows is None:
            return None
        setup_s = self._setups.duration_s(machine, None, way.setup_family)
        needed = self._scale.length(self.run_s(operation, way, product.lot_size))
        needed += self._scale.length(setup_s)
        longest = max(end - start for start, end in windows)
        if needed <= longest:
            return None
        tick_s = self._scale.tick_s
        return (
            f"it takes {lasting(needed * tick_s)} in one piece on {machine}, whose longest stretch "
            f"of working time is {lasting(longest * tick_s)}, lengthen a shift"
        )

    # -- which of them lots can come to -------------------------------------------------------

    def _in_reach(
        self,
        product: Product,
        step: int,
        steps: Sequence[tuple[Alternative, ...]],
        origin: str | None,
        destination: str | None,
    ) -> Chain:
        if not self._locations.there_are:
            return Chain(tuple(steps))
        forward: list[tuple[Alternative, ...]] = []
        places = [] if origin is None else [origin]
        for index, ways in enumerate(steps):
            there = tuple(way for way in ways if self._any_way(places, [way.equipment]))
            if not there:
                goals = [way.equipment for way in ways]
                return Chain(
                    reason=_no_way(product, product.routing[step + index].id, places, goals)
                )
            forward.append(there)
            places = [way.equipment for way in there]
        backward: list[tuple[Alternative, ...]] = []
        goals = [] if destination is None else [destination]
        for ways in reversed(forward):
            on = tuple(way for way in ways if self._any_way([way.equipment], goals))
            if not on:
                return Chain(reason=_no_way(product, "", [way.equipment for way in ways], goals))
            backward.append(on)
            goals = [way.equipment for way in on]
        return Chain(tuple(reversed(backward)))

    def _any_way(self, origins: Sequence[str], goals: Sequence[str]) -> bool:
        """Whether a vehicle can go from one of the places to one of the others; none: anywhere."""
        return (
            not origins
            or not goals
            or any(self._locations.trip_s(a, b) is not None for a in origins for b in goals)
        )


def _no_way(product: Product, operation: str, origins: Sequence[str], goals: Sequence[str]) -> str:
    to = f"for '{operation}' of {product.id}" if operation else f"with {product.id}"
    return (
        f"no vehicle can go from {' or '.join(origins)} to {' or '.join(goals)} {to}; "
        "add an edge to the layout"
    )
