"""Layout and vehicles: every station can be reached, and every vehicle can be spoken to."""

from collections.abc import Iterable, Mapping
from itertools import pairwise

from genba.plant.checks.report import Path, Report
from genba.plant.logistics import VehicleKind
from genba.plant.model import Plant
from genba.plant.signal import Role

VEHICLE_INTERFACE = (
    *(Role.VEHICLE_ORDER, Role.VEHICLE_ORDER_ID, Role.VEHICLE_NODE),
    *(Role.VEHICLE_NODES_LEFT, Role.VEHICLE_ACTIONS),
)
FLEET_INTERFACE = (
    *(Role.VEHICLE_ORDER_UPDATE, Role.VEHICLE_SEQUENCE, Role.VEHICLE_LOADS),
    *(Role.VEHICLE_MODE, Role.VEHICLE_INSTANT_ACTIONS),
)
"""What more a vehicle needs that is led by updates of its order (``planning.fleet``)."""
Graph = Mapping[str, Iterable[str]]


def check_logistics(plant: Plant, report: Report) -> None:
    """Check the layout graph, vehicles, and the ways between the steps of each routing."""
    nodes = {node.id for node in plant.layout.nodes}
    for index, node in enumerate(plant.layout.nodes):
        if node.station is not None and node.station not in plant.equipment_by_id:
            report.unknown(
                ("layout", "nodes", index, "station"),
                "equipment",
                node.station,
                plant.equipment_by_id,
            )
    sound = True
    for index, edge in enumerate(plant.layout.edges):
        path: Path = ("layout", "edges", index)
        for field, end in (("start", edge.start), ("end", edge.end)):
            if end not in nodes:
                report.unknown((*path, field), "node", end, nodes)
                sound = False
        if edge.start == edge.end:
            report.error(path, f"it leads from {edge.start} to itself", "give it another end")
    _check_vehicles(plant, report, nodes)
    if sound and plant.vehicles and plant.layout.nodes:
        _check_ways(plant, report)


def _check_vehicles(plant: Plant, report: Report, nodes: set[str]) -> None:
    needed = (*VEHICLE_INTERFACE, *(FLEET_INTERFACE if plant.planning.fleet else ()))
    chargers = any(node.charger for node in plant.layout.nodes)
    for index, vehicle in enumerate(plant.vehicles):
        path: Path = ("vehicles", index)
        equipment = plant.equipment_by_id.get(vehicle.id)
        if equipment is None:
            report.error(
                (*path, "id"),
                f"there is no equipment '{vehicle.id}' to carry its signals",
                "add equipment of the same id with the vehicle_* roles",
            )
        else:
            played = {signal.role for signal in equipment.signals}
            missing = [role for role in needed if role not in played]
            if missing:
                report.error(
                    path, f"its signals lack {', '.join(missing)}", "add signals with these roles"
                )
        if vehicle.home is not None and vehicle.home not in nodes:
            report.unknown((*path, "home"), "node", vehicle.home, nodes)
        if vehicle.battery_kwh is not None and plant.layout.nodes and not chargers:
            report.warning(path, "it has a battery, and no node has a charger", "mark one: charger")


def _check_ways(plant: Plant, report: Report) -> None:
    graphs = {kind: _graph(plant, kind) for kind in {v.kind for v in plant.vehicles}}
    reach = {
        kind: {node: _reachable(graph, node) for node in graph} for kind, graph in graphs.items()
    }
    lost = _lost_stations(plant, reach)
    for index, node in enumerate(plant.layout.nodes):
        if node.station in lost:
            report.error(
                ("layout", "nodes", index),
                f"no vehicle can reach station '{node.station}' and come back",
                "add edges for the kind of a vehicle, or take one_way off",
            )
    at: dict[str, list[str]] = {}
    for node in plant.layout.nodes:
        if node.station is not None and node.station not in lost:
            at.setdefault(node.station, []).append(node.id)
    _check_routings(plant, report, reach, at)


def _graph(plant: Plant, kind: VehicleKind) -> dict[str, set[str]]:
    graph: dict[str, set[str]] = {node.id: set() for node in plant.layout.nodes}
    for edge in plant.layout.edges:
        if kind in edge.kinds:
            graph[edge.start].add(edge.end)
            if not edge.one_way:
                graph[edge.end].add(edge.start)
    return graph


def _reachable(graph: Graph, start: str) -> frozenset[str]:
    seen, open_nodes = {start}, [start]
    while open_nodes:
        for after in graph[open_nodes.pop()]:
            if after not in seen:
                seen.add(after)
                open_nodes.append(after)
    return frozenset(seen)


Reach = Mapping[VehicleKind, Mapping[str, frozenset[str]]]


def _lost_stations(plant: Plant, reach: Reach) -> set[str]:
    """Return stations that no vehicle can drive to from its home, or from any node, and back."""
    served: set[str] = set()
    for vehicle in plant.vehicles:
        ways = reach[vehicle.kind]
        if vehicle.home is not None:
            homes = [vehicle.home] if vehicle.home in ways else []
        else:
            homes = [max(ways, key=lambda node: len(ways[node]))]
        for home in homes:
            served |= {node for node in ways[home] if home in ways[node]}
    stations = {n.station for n in plant.layout.nodes if n.station is not None}
    reached = {n.station for n in plant.layout.nodes if n.station is not None and n.id in served}
    return stations - reached


def _check_routings(
    plant: Plant, report: Report, reach: Reach, at: Mapping[str, list[str]]
) -> None:
    """Check that lots can get from each step to the next."""
    told: set[str] = set()
    for index, product in enumerate(plant.products):
        for step, operation in enumerate(product.routing):
            for place, way in enumerate(operation.alternatives):
                machine = way.equipment
                if machine in plant.equipment_by_id and machine not in at and machine not in told:
                    told.add(machine)
                    if not any(node.station == machine for node in plant.layout.nodes):
                        report.warning(
                            ("products", index, "routing", step, "alternatives", place),
                            f"{machine} has no node in the layout",
                            f"add a node with station: {machine}, or vehicles cannot serve it",
                        )
        for step, (before, after) in enumerate(pairwise(product.routing)):
            for source in before.alternatives:
                for target in after.alternatives:
                    pair = f"{source.equipment} to {target.equipment}"
                    if pair in told or source.equipment == target.equipment:
                        continue
                    starts, ends = at.get(source.equipment), at.get(target.equipment)
                    if starts and ends and not _connected(reach, starts, ends):
                        told.add(pair)
                        report.error(
                            ("products", index, "routing", step + 1),
                            f"no vehicle can drive from {pair}",
                            "add edges between their nodes, for the kind of one vehicle",
                        )


def _connected(reach: Reach, starts: Iterable[str], ends: Iterable[str]) -> bool:
    return any(not ways[start].isdisjoint(ends) for ways in reach.values() for start in starts)
