"""Small lines for the tests of the simulation, each with one thing that matters."""

from collections.abc import Mapping, Sequence

from genba.plant import US, parse_time
from genba.twin.distribution import AS_PLANNED, Distribution, constant
from genba.twin.line import Crew, Line, Machine, Product, Step, Travel, Vehicle, Way
from genba.twin.state import LotPhase, LotState, State

NOW = parse_time("2026-01-05T06:00:00Z")
HOUR = 3600 * US


def way(machine: str, cycle_s: float, **more: object) -> Way:
    return Way(machine, cycle_s, **more)


def serial(
    cycles: Sequence[float],
    places: int | None = None,
    factor: Distribution = AS_PLANNED,
    **more: object,
) -> Line:
    """Machines one after another, m0, m1 ..., for one product of lots of ten."""
    machines = tuple(Machine(f"m{n}", places=places) for n in range(len(cycles)))
    steps = tuple(
        Step(f"op{n}", (way(f"m{n}", cycle, factor=factor),)) for n, cycle in enumerate(cycles)
    )
    return Line("serial", machines, (Product("A", 10, steps),), **more)


def lot(name: str, quantity: int = 10, **more: object) -> LotState:
    fields = {"product": "A", "due": NOW + 8 * HOUR, "order": name, "release": NOW, **more}
    return LotState(name, quantity=quantity, **fields)


def ahead(name: str, release_s: float, quantity: int = 10, **more: object) -> LotState:
    release = NOW + round(release_s * US)
    return lot(name, quantity, release=release, phase=LotPhase.AHEAD, **more)


def state(*lots: LotState, **more: object) -> State:
    return State(NOW, lots, **more)


def carried(line: Line, travel_s: float, handling_s: float, vehicles: int = 1) -> Line:
    """The line with a source, a sink, and vehicles that take as long between any two places."""
    places = ("store", *(machine.id for machine in line.machines), "dock")
    rows = tuple(
        tuple(0.0 if a == b else travel_s for b in range(len(places))) for a in range(len(places))
    )
    fleet = tuple(
        Vehicle(f"v{n}", "amr", constant(handling_s), home="store") for n in range(vehicles)
    )
    times: Mapping[str, tuple[tuple[float, ...], ...]] = {v.id: rows for v in fleet}
    return Line(
        line.id,
        line.machines,
        line.products,
        crews=line.crews,
        tools=line.tools,
        vehicles=fleet,
        travel=Travel(places, times),
        source="store",
        sink="dock",
        calendars=line.calendars,
    )


def crew(count: int = 1, skill: str = "setting", **more: object) -> Crew:
    return Crew("people", frozenset({skill}), count, **more)
