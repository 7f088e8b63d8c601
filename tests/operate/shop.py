"""A shop for the tracker's tests: store, saw, dock, an order desk and one vehicle."""

from tests.operate.devices import SAW, plant, signal, state

from genba.plant import (
    Alternative,
    DataType,
    Equipment,
    Operation,
    Order,
    Plant,
    Product,
    Role,
    SetupTime,
    SignalKind,
    Vehicle,
    parse_time,
)

START = parse_time("2026-01-05T06:00:00Z")


def _counter(name: str, role: Role, kind: DataType = DataType.INT, unit: str = "1") -> object:
    return signal(name, kind=SignalKind.COUNTER, type=kind, role=role, unit=unit)


def _scanner(owner: str) -> Equipment:
    station = state("station", DataType.STRING, owner=owner, role=Role.STATION)
    return Equipment(id=owner, kind="storage", signals=(station,))


_VEHICLE = {
    "node": (Role.VEHICLE_NODE, DataType.STRING),
    "order_id": (Role.VEHICLE_ORDER_ID, DataType.STRING),
    "nodes_left": (Role.VEHICLE_NODES_LEFT, DataType.INT),
    "actions": (Role.VEHICLE_ACTIONS, DataType.JSON),
    "loads": (Role.VEHICLE_LOADS, DataType.STRING),
    "mode": (Role.VEHICLE_MODE, DataType.STRING),
}
_COUNTERS = (
    _counter("good", Role.GOOD_COUNT),
    _counter("scrap", Role.SCRAP_COUNT),
    _counter("energy", Role.ENERGY, DataType.FLOAT, "kWh"),
    signal("part", kind=SignalKind.EVENT, type=DataType.JSON, role=Role.PART),
)
_DESK = signal(
    "order", owner="desk", kind=SignalKind.EVENT, type=DataType.JSON, role=Role.ORDER_RELEASED
)
_WAY = Alternative(equipment="saw", cycle_s=40.0, setup_family="fa")


def _order(name: str, quantity: int, release: str) -> Order:
    return Order(
        id=name, product="P", quantity=quantity, release=f"2026-01-05T{release}:00Z",
        due="2026-01-05T14:00:00Z",
    )  # fmt: skip


SHOP: Plant = plant(
    equipment=(
        _scanner("store"),
        SAW.model_copy(update={"signals": (*SAW.signals, *_COUNTERS)}),
        _scanner("dock"),
        Equipment(id="desk", signals=(_DESK,)),
        Equipment(
            id="amr",
            kind="vehicle",
            signals=tuple(
                state(name, kind, owner="amr", role=role) for name, (role, kind) in _VEHICLE.items()
            ),
        ),
    ),
    products=(
        Product(
            id="P",
            lot_size=20,
            routing=(
                Operation(id="cut", alternatives=(_WAY,)),
                Operation(id="deburr", alternatives=(_WAY,)),
            ),
        ),
    ),
    setup_times=(SetupTime(equipment="saw", duration_s=90.0),),
    vehicles=(Vehicle(id="amr"),),
    orders=(_order("O-1", 30, "06:00"), _order("O-2", 8, "07:00")),
)
