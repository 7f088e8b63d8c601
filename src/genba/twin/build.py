"""The line as the plant file tells it: planned times, no scatter, no breakdowns.

What only a recording can tell (how long things really take, what fails, what power is drawn) is
filled in by calibration.
"""

import heapq
import math
from collections.abc import Iterable

from genba import plant as vocabulary
from genba.errors import TwinError
from genba.plant import Edge, Layout, Plant, VehicleKind
from genba.plant.storages import storages
from genba.plant.worktime import calendar_of
from genba.twin.distribution import constant
from genba.twin.line import Crew, Line, Machine, Product, Step, Tariff, Travel, Vehicle, Way

Ways = dict[str, list[tuple[str, float]]]
"""Neighbors of each node with the driving time in seconds."""


def build_line(plant: Plant) -> Line:
    """Return the line that a plant file describes, with everything as planned.

    Machines are the equipment that some product can be made on; where storages or the layout are
    missing, lots come from nowhere or move in no time.

    Raises
    ------
    TwinError
        If no product names a machine.
    """
    products = tuple(_product(product) for product in plant.products)
    used = dict.fromkeys(w.machine for p in products for s in p.steps for w in s.ways)
    if not used:
        raise TwinError(f"plant {plant.id} makes no product on any machine; add products")
    source, sink = storages(plant)
    machines = tuple(_machine(plant, products, name) for name in used)
    stations = [*used, *(place for place in (source, sink) if place is not None)]
    moved = bool(plant.layout.nodes) and source is not None
    vehicles = plant.vehicles if moved else ()
    return Line(
        id=plant.id,
        machines=machines,
        products=products,
        crews=tuple(
            Crew(p.id, frozenset(p.skills), p.count, p.calendar, p.hourly_cost)
            for p in plant.people
        ),
        tools={tool.id: tool.count for tool in plant.tools},
        vehicles=tuple(
            Vehicle(v.id, v.kind, constant(v.handling_s), _home(plant.layout, v)) for v in vehicles
        ),
        travel=travel_between(plant.layout, stations, vehicles) if vehicles else Travel(),
        source=source,
        sink=sink,
        calendars=plant.calendars,
        tariff=_tariff(plant),
        currency=plant.currency,
    )


def _product(product: vocabulary.Product) -> Product:
    return Product(
        product.id,
        product.lot_size,
        tuple(
            Step(
                operation.id,
                tuple(
                    Way(
                        machine=way.equipment,
                        cycle_s=way.cycle_s,
                        family=way.setup_family,
                        tools=way.tools,
                        skill=way.skill,
                    )
                    for way in operation.alternatives
                ),
                operation.batch_parts,
            )
            for operation in product.routing
        ),
        product.material_cost,
    )


def _machine(plant: Plant, products: Iterable[Product], name: str) -> Machine:
    unit = plant.equipment_by_id.get(name)
    if unit is None:
        raise TwinError(f"a product is made on '{name}', which plant {plant.id} has not; add it")
    families = dict.fromkeys(
        w.family for p in products for s in p.steps for w in s.ways
        if w.machine == name and w.family is not None
    )  # fmt: skip
    calendar = calendar_of(plant, unit)
    return Machine(
        id=name,
        calendar=None if calendar is None else calendar.id,
        places=unit.input_buffer_lots,
        setups={
            (before, after): seconds
            for before in (None, *families)
            for after in families
            if before != after and (seconds := _setup_s(plant, name, before, after)) > 0
        },
        hourly_cost=unit.hourly_cost,
        families=tuple(families),
    )


def _setup_s(plant: Plant, machine: str, before: str | None, after: str) -> float:
    """Return the planned change-over time: the most specific row of the plant file."""
    rows = {(r.before, r.after): r.duration_s for r in plant.setup_times if r.equipment == machine}
    known = before or "*"
    for key in ((known, after), ("*", after), (known, "*"), ("*", "*")):
        if key in rows:
            return rows[key]
    return 0.0


def _tariff(plant: Plant) -> Tariff:
    for tariff in plant.tariffs:
        if tariff.carrier == "electricity":
            return Tariff(plant.timezone, tariff.price_per_kwh)
    return Tariff(plant.timezone)


# Ways ------------------------------------------------------------------------------------------


def _home(layout: Layout, vehicle: vocabulary.Vehicle) -> str | None:
    stations = {node.id: node.station for node in layout.nodes}
    return None if vehicle.home is None else stations.get(vehicle.home) or vehicle.home


def travel_between(
    layout: Layout, stations: Iterable[str], vehicles: Iterable[vocabulary.Vehicle]
) -> Travel:
    """Return driving times on free ways between stations and the homes of vehicles (Dijkstra).

    A home at a station is that station; others are named by their node.
    """
    vehicles = tuple(vehicles)
    homes = (home for v in vehicles if (home := _home(layout, v)) is not None)
    locations = tuple(dict.fromkeys((*stations, *homes)))
    nodes = {
        place: [n.id for n in layout.nodes if n.station == place]
        or [n.id for n in layout.nodes if n.id == place]
        for place in locations
    }
    known: dict[tuple[VehicleKind, float], tuple[tuple[float, ...], ...]] = {}
    for vehicle in vehicles:
        key = vehicle.kind, vehicle.speed_m_s
        if key not in known:
            ways = _ways(layout, *key)
            reached = {node: _from(ways, node) for place in nodes.values() for node in place}
            known[key] = tuple(
                tuple(_shortest(reached, nodes[a], nodes[b]) if a != b else 0.0 for b in locations)
                for a in locations
            )
    return Travel(locations, {v.id: known[v.kind, v.speed_m_s] for v in vehicles})


def location_near(plant: Plant, line: Line, vehicle: str, node: str) -> str | None:
    """Return the location of the line that a vehicle reaches soonest from a node of the layout."""
    known = plant.vehicles_by_id.get(vehicle)
    if known is None:
        raise TwinError(f"there is no vehicle '{vehicle}' in plant {plant.id}")
    reached = _from(_ways(plant.layout, known.kind, known.speed_m_s), node)
    names = {n.id: n.station if n.station in line.travel.locations else n.id
             for n in plant.layout.nodes}  # fmt: skip
    found = [(s, place) for n, s in reached.items() if (place := names[n]) in line.travel.locations]
    return min(found)[1] if found else None


def _ways(layout: Layout, kind: VehicleKind, speed_m_s: float) -> Ways:
    position = {node.id: (node.x_m, node.y_m) for node in layout.nodes}
    found: Ways = {node.id: [] for node in layout.nodes}
    for edge in layout.edges:
        if kind in edge.kinds:
            seconds = _edge_m(edge, position) / min(speed_m_s, edge.max_speed_m_s or speed_m_s)
            found[edge.start].append((edge.end, seconds))
            if not edge.one_way:
                found[edge.end].append((edge.start, seconds))
    return found


def _edge_m(edge: Edge, position: dict[str, tuple[float, float]]) -> float:
    return edge.length_m or math.dist(position[edge.start], position[edge.end])


def _from(ways: Ways, start: str) -> dict[str, float]:
    reached: dict[str, float] = {}
    queue = [(0.0, start)]
    while queue:
        seconds, here = heapq.heappop(queue)
        if here in reached or here not in ways:
            continue
        reached[here] = seconds
        for there, step in ways[here]:
            if there not in reached:
                heapq.heappush(queue, (seconds + step, there))
    return reached


def _shortest(reached: dict[str, dict[str, float]], starts: list[str], ends: list[str]) -> float:
    return min(
        (seconds for a in starts for b in ends if (seconds := reached[a].get(b)) is not None),
        default=-1.0,
    )
