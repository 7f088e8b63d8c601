"""A line for the planner's tests: store, two saws, an oven for batches, dock; two AMRs, a hoist."""

from genba.plan import Lot, LotPhase, MachineState, Situation, VehicleState
from genba.plant import (
    US,
    Alternative,
    Connection,
    DataType,
    Edge,
    Equipment,
    Layout,
    Node,
    Operation,
    Plant,
    Product,
    Role,
    SetupFamily,
    SetupTime,
    Signal,
    SignalKind,
    Tool,
    Vehicle,
    VehicleKind,
    parse_time,
)

NOW = parse_time("2026-01-05T06:00:00Z")
HOUR = 3600 * US
JOB = {
    Role.JOB_LOTS: DataType.STRING,
    Role.JOB_OPERATION: DataType.STRING,
    Role.JOB_QUANTITY: DataType.INT,
    Role.JOB_REQUEST: DataType.INT,
}


def _setpoint(owner: str, role: Role, kind: DataType) -> Signal:
    return Signal(
        id=f"{owner}.{role.value}", equipment=owner, connection=owner, address=role.value,
        kind=SignalKind.SETPOINT, type=kind, role=role,
    )  # fmt: skip


def _machine(name: str) -> Equipment:
    return Equipment(
        id=name,
        input_buffer_lots=3,
        signals=tuple(_setpoint(name, role, kind) for role, kind in JOB.items()),
    )


def _vehicle(name: str) -> Equipment:
    return Equipment(
        id=name, kind="vehicle", signals=(_setpoint(name, Role.VEHICLE_ORDER, DataType.JSON),)
    )


def _way(machine: str, cycle_s: float, family: str, *tools: str) -> Alternative:
    return Alternative(equipment=machine, cycle_s=cycle_s, setup_family=family, tools=tools)


def _product(name: str, family: str, *tools: str) -> Product:
    return Product(
        id=name,
        lot_size=20,
        routing=(
            Operation(
                id="cut",
                alternatives=(_way("saw-1", 60, family, *tools), _way("saw-2", 60, family, *tools)),
            ),
            Operation(id="bake", batch_parts=40, alternatives=(_way("oven", 3600, "hot"),)),
        ),
    )


VEHICLES = (
    Vehicle(id="amr-1", home="p1"),
    Vehicle(id="amr-2", home="p2"),
    Vehicle(id="hoist", kind=VehicleKind.HOIST),
)
_STOPS = {"store": "n0", "saw-1": "n1", "saw-2": "n2", "oven": "n3", "dock": "n4"}
PLANT = Plant(
    id="line",
    connections=tuple(
        Connection(
            id=v.id, driver="vda5050", url="mqtt://192.0.2.1",
            options={"version": "3.0.0" if v.id == "hoist" else "2.1.0"},
        )
        for v in VEHICLES
    ),
    equipment=(
        Equipment(id="store", kind="storage"),
        *(_machine(name) for name in ("saw-1", "saw-2", "oven")),
        Equipment(id="dock", kind="storage"),
        *(_vehicle(v.id) for v in VEHICLES),
    ),
    products=(_product("A", "fa"), _product("B", "fb"), _product("C", "fc", "clamp")),
    setup_families=tuple(SetupFamily(id=f) for f in ("fa", "fb", "fc", "hot")),
    setup_times=(
        SetupTime(equipment="saw-1", duration_s=1200),
        SetupTime(equipment="saw-2", duration_s=1200),
        SetupTime(equipment="saw-2", before="fa", after="fb", duration_s=300),
    ),
    tools=(Tool(id="clamp", count=1),),
    vehicles=VEHICLES,
    layout=Layout(
        nodes=(
            *(
                Node(id=node, x_m=10.0 * i, y_m=0, station=station)
                for i, (station, node) in enumerate(_STOPS.items())
            ),
            Node(id="p1", x_m=5, y_m=5, charger=True),
            Node(id="p2", x_m=35, y_m=5, charger=True),
        ),
        edges=(
            Edge(id="e01", start="n0", end="n1"),
            Edge(id="e12", start="n1", end="n2"),
            Edge(id="e23", start="n2", end="n3", kinds=(VehicleKind.AMR, VehicleKind.HOIST)),
            Edge(id="e34", start="n3", end="n4", one_way=True),
            Edge(id="e40", start="n4", end="n0", one_way=True, length_m=100),
            Edge(id="p1in", start="n0", end="p1"),
            Edge(id="p2in", start="n3", end="p2"),
        ),
    ),
)  # fmt: skip


def lot(name: str, **more: object) -> Lot:
    fields = {
        "order": "O", "product": "A", "quantity": 10, "step": 0, "place": "store",
        "phase": LotPhase.WAITING, "due": NOW + 8 * HOUR, **more,
    }  # fmt: skip
    return Lot(id=name, **fields)


def machine(name: str, **more: object) -> MachineState:
    fields = {
        "state": 4, "mode": 1, "able": True, "ready": True, "places": 3, "free_at": NOW, **more,
    }  # fmt: skip
    return MachineState(id=name, **fields)


def vehicle(name: str, node: str, **more: object) -> VehicleState:
    kind = VehicleKind.HOIST if name == "hoist" else VehicleKind.AMR
    return VehicleState(id=name, kind=kind, node=node, **{"free": True, **more})


def situation(lots: list[Lot], **more: object) -> Situation:
    fields = {
        "machines": tuple(machine(name) for name in ("saw-1", "saw-2", "oven")),
        "vehicles": (vehicle("amr-1", "p1"), vehicle("amr-2", "p2")),
        **more,
    }
    return Situation(time=NOW, lots=tuple(lots), source="store", sink="dock", **fields)
