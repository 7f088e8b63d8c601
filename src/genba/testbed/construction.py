"""Puts the two files together: boards, stations, machines, vehicles, people."""

from pydantic import ValidationError

from genba.errors import TestbedError
from genba.plant import Plant, Role, SignalKind
from genba.testbed.board import Board
from genba.testbed.floor import Floor
from genba.testbed.ledger import Ledger
from genba.testbed.machine import Machine
from genba.testbed.people import Crew
from genba.testbed.physics_file import Physics, VehiclePhysics
from genba.testbed.randomness import Chance
from genba.testbed.shifts import WorkingTime
from genba.testbed.stations import Station
from genba.testbed.traffic import Reservations, Roads
from genba.testbed.unit import build_process, check_recipe
from genba.testbed.vehicles import Transporter

_FRAME_SETPOINTS = {
    Role.HEARTBEAT,
    Role.JOB_LOTS,
    Role.JOB_OPERATION,
    Role.JOB_QUANTITY,
    Role.JOB_REQUEST,
}


def build_crew(plant: Plant, physics: Physics, chance: Chance, start: int) -> Crew:
    """The people of the plant file, each with their calendar."""
    calendars = {calendar.id: calendar for calendar in plant.calendars}
    return Crew(
        [(p, WorkingTime(calendars.get(p.calendar or ""), start)) for p in plant.people],
        chance.stream("crew"),
        physics.crew.pace_sigma,
    )


def build_stations(floor: Floor, boards: dict[str, Board]) -> tuple[str | None, str | None]:
    """Make every place where lots stand; returns the store's and the dock's id.

    The store is the storage that kits material, the dock the one that ships: of two storages the
    one whose id or name speaks of a dock or of shipping ships.
    """
    store = dock = None
    for equipment in floor.plant.equipment:
        board = boards.get(equipment.id)
        if equipment.kind == "storage":
            floor.stations[equipment.id] = Station(equipment.id, None, board)
            words = f"{equipment.id} {equipment.name}".lower()
            if "dock" in words or "ship" in words:
                dock = equipment.id
            else:
                store = store or equipment.id
        elif equipment.id in floor.physics.machines:
            places = equipment.input_buffer_lots
            floor.stations[equipment.id] = Station(equipment.id, places or 4, board)
    return store, dock


def build_machines(floor: Floor, boards: dict[str, Board], ledger: Ledger) -> dict[str, Machine]:
    """Make every machine that ``physics.yaml`` describes.

    Raises
    ------
    TestbedError
        If the two files do not fit each other.
    """
    machines: dict[str, Machine] = {}
    for name, physics in floor.physics.machines.items():
        equipment = floor.plant.equipment_by_id.get(name)
        if equipment is None or name not in boards:
            raise TestbedError(
                f"machine {name} of physics.yaml is no equipment with signals in plant.yaml; "
                "add it there, or take it out"
            )
        process = build_process(physics.process, floor.chance.stream(f"{name}.process"))
        board = boards[name]
        known = set(process.setpoints) | {"inspect_every"}
        for short, signal in board.signals.items():
            if (
                signal.kind is SignalKind.SETPOINT
                and signal.role not in _FRAME_SETPOINTS
                and short not in known
            ):
                raise TestbedError(
                    f"{signal.id} in plant.yaml is a setpoint that process "
                    f"{physics.process.kind} does not have; it has {', '.join(sorted(known))}"
                )
        _check_recipes(floor, name, physics.process.kind)
        machines[name] = Machine(
            floor, equipment, physics, process, board, floor.stations[name], ledger
        )
    wanted = {
        alternative.equipment
        for product in floor.plant.products
        for operation in product.routing
        for alternative in operation.alternatives
    }
    missing = sorted(wanted - set(machines))
    if missing:
        raise TestbedError(
            f"routings use {', '.join(missing)}, which physics.yaml does not describe; "
            "add them under machines"
        )
    return machines


def _check_recipes(floor: Floor, machine: str, kind: str) -> None:
    """See that every operation of a machine has the recipe that its process needs."""
    for product in floor.plant.products:
        for operation in product.routing:
            if all(a.equipment != machine for a in operation.alternatives):
                continue
            name = f"{product.id}/{operation.id}"
            try:
                check_recipe(kind, floor.physics.recipes.get(name, {}))
            except ValidationError as error:
                first = error.errors()[0]
                field = ".".join(str(step) for step in first["loc"])
                raise TestbedError(
                    f"physics.yaml: recipes: {name}: {field}: {first['msg']}; "
                    f"{machine} does this with a process of kind {kind}"
                ) from None


def build_vehicles(
    floor: Floor,
    boards: dict[str, Board],
    roads: Roads,
    reservations: Reservations,
    ledger: Ledger,
) -> dict[str, Transporter]:
    """Make every vehicle of the plant file.

    Raises
    ------
    TestbedError
        If a vehicle has no equipment with signals, or no node to stand on.
    """
    vehicles: dict[str, Transporter] = {}
    for vehicle in floor.plant.vehicles:
        if vehicle.id not in boards:
            raise TestbedError(f"vehicle {vehicle.id} has no equipment with signals in plant.yaml")
        if vehicle.home is None or vehicle.home not in roads.nodes:
            raise TestbedError(f"vehicle {vehicle.id} needs a home node of the layout")
        physics = floor.physics.vehicles.get(vehicle.kind.value, VehiclePhysics())
        vehicles[vehicle.id] = Transporter(
            floor, vehicle, physics, roads, reservations, boards[vehicle.id], ledger
        )
    return vehicles
