"""A small plant for the guard's tests: an oven with a door, a press with a job, two vehicles."""

import itertools
import json

from genba.plant import (
    US,
    Autonomy,
    AutonomyRule,
    Connection,
    DataType,
    Edge,
    Equipment,
    Evidence,
    Interlock,
    Layout,
    Node,
    Plant,
    Proposal,
    Range,
    Role,
    Sample,
    Signal,
    SignalKind,
    Vehicle,
    VehicleKind,
    VirtualClock,
    Write,
    parse_time,
)

START = parse_time("2026-01-05T06:00:00Z")


def signal(owner: str, name: str, **more: object) -> Signal:
    return Signal(id=f"{owner}.{name}", equipment=owner, connection=owner, address=name, **more)


def _setpoint(owner: str, name: str, **more: object) -> Signal:
    return signal(owner, name, kind=SignalKind.SETPOINT, **more)


def _state(owner: str, name: str, kind: DataType, role: Role | None = None) -> Signal:
    return signal(owner, name, kind=SignalKind.STATE, type=kind, role=role)


OVEN = Equipment(
    id="oven",
    signals=(
        _setpoint("oven", "target", unit="Cel", range=Range(low=20.0, high=900.0), max_rate=5.0),
        _setpoint("oven", "fan", type=DataType.INT, range=Range(low=0, high=10)),
        _setpoint("oven", "light", type=DataType.BOOL),
        _setpoint("oven", "note", type=DataType.STRING),
        _setpoint("oven", "recipe", type=DataType.JSON),
        _setpoint("oven", "heartbeat", type=DataType.INT, role=Role.HEARTBEAT),
        signal("oven", "temperature", unit="Cel"),
        _state("oven", "door_open", DataType.BOOL),
    ),
)
PRESS = Equipment(
    id="press",
    signals=(
        _state("press", "state", DataType.INT, Role.STATE),
        _setpoint("press", "job_request", type=DataType.INT, role=Role.JOB_REQUEST),
    ),
)


def _vehicle(name: str) -> Equipment:
    return Equipment(
        id=name,
        signals=(
            _state(name, "node", DataType.STRING, Role.VEHICLE_NODE),
            _state(name, "nodes_left", DataType.INT, Role.VEHICLE_NODES_LEFT),
            _state(name, "loads", DataType.STRING, Role.VEHICLE_LOADS),
            _state(name, "order_id", DataType.STRING, Role.VEHICLE_ORDER_ID),
            _state(name, "order_update", DataType.INT, Role.VEHICLE_ORDER_UPDATE),
            _state(name, "actions", DataType.JSON, Role.VEHICLE_ACTIONS),
            _setpoint(name, "order", type=DataType.JSON, role=Role.VEHICLE_ORDER),
            _setpoint(name, "instant", type=DataType.JSON, role=Role.VEHICLE_INSTANT_ACTIONS),
        ),
    )


LAYOUT = Layout(
    nodes=tuple(Node(id=n, x_m=10.0 * i, y_m=0.0) for i, n in enumerate("abcd")),
    edges=(
        Edge(id="ab", start="a", end="b", one_way=True),
        Edge(id="bc", start="b", end="c", max_speed_m_s=0.5),
        Edge(id="cd", start="c", end="d", kinds=(VehicleKind.HOIST,)),
    ),
)

PLANT = Plant(
    id="small",
    connections=(
        Connection(id="oven", driver="opcua", url="opc.tcp://192.0.2.1:4840"),
        Connection(id="press", driver="opcua", url="opc.tcp://192.0.2.2:4840"),
        Connection(
            id="amr", driver="vda5050", url="mqtt://192.0.2.3", options={"version": "2.1.0"}
        ),
        Connection(
            id="hoist", driver="vda5050", url="mqtt://192.0.2.3", options={"version": "3.0.0"}
        ),
    ),
    equipment=(OVEN, PRESS, _vehicle("amr"), _vehicle("hoist")),
    vehicles=(Vehicle(id="amr"), Vehicle(id="hoist", kind=VehicleKind.HOIST)),
    layout=LAYOUT,
    interlocks=(
        Interlock(
            id="door", when="oven.door_open", signals=("oven.target",), allow="value <= 50",
            reason="the door is open",
        ),
        Interlock(id="hot", when="oven.temperature > 950", signals=("oven.target", "oven.fan")),
    ),
    autonomy=(
        AutonomyRule(level=Autonomy.AUTONOMOUS),
        AutonomyRule(equipment="press", kind="dispatch", level=Autonomy.APPROVE),
    ),
)  # fmt: skip


class Bench:
    """A guard with a clock that is moved by hand, and short ways to show and propose things."""

    def __init__(self, plant: Plant = PLANT) -> None:
        from genba.guard import Guard

        self.plant = plant
        self.clock = VirtualClock(START)
        self.guard = Guard(plant, self.clock)
        self._number = 0

    @property
    def now(self) -> int:
        return self.clock.now()

    def wait(self, seconds: float) -> None:
        self.clock.set(self.now + round(seconds * US))
        for connection in self.plant.connections:
            self.guard.heard(connection.id, self.now)

    def show(self, name: str, value: object, **more: int) -> Sample:
        sample = Sample(name, self.now, self.now, value, **more)
        self.guard.observe([sample])
        return sample

    def show_all(self) -> None:
        """Let every device show a harmless value."""
        self.show("oven.temperature", 200.0)
        self.show("oven.door_open", False)
        self.show("oven.target", 200.0)
        self.show("press.state", 4)
        for vehicle in ("amr", "hoist"):
            self.show(f"{vehicle}.node", "a" if vehicle == "amr" else "c")
            self.show(f"{vehicle}.nodes_left", 0)
            self.show(f"{vehicle}.loads", "")
            self.show(f"{vehicle}.order_id", "")
            self.show(f"{vehicle}.order_update", 0)
            self.show(f"{vehicle}.actions", "[]")

    def propose(self, *writes: Write, kind: str = "setpoint", **more: object) -> Proposal:
        self._number += 1
        fields = {
            "id": f"P-{self._number}",
            "time": self.now,
            "equipment": writes[0].signal.split(".")[0] if writes else "oven",
            "reason": "a test",
            "evidence": (Evidence("press.state", START, 4),),
            **more,
        }
        return Proposal(kind=kind, writes=writes, **fields)

    def evidence(self, name: str, value: object) -> Evidence:
        return Evidence(name, self.now, value)


def order(
    *path: str,
    pick: tuple[str, str] | None = None,
    drop: tuple[str, str] | None = None,
    major: int = 2,
    **more: object,
) -> str:
    """Write an order along nodes ``path``; ``pick`` and ``drop`` are (node, load)."""
    names = {("a", "b"): "ab", ("b", "c"): "bc", ("c", "b"): "bc", ("c", "d"): "cd"}
    nodes = [
        {"nodeId": n, "sequenceId": 2 * i, "released": True, "actions": []}
        for i, n in enumerate(path)
    ]
    for kind, told in (("pick", pick), ("drop", drop)):
        if told is not None:
            action = {
                "actionType": kind,
                "actionId": f"x-{kind}",
                "blockingType": "HARD",
                "actionParameters": [{"key": "loadId", "value": told[1]}],
            }
            nodes[path.index(told[0])]["actions"].append(action)
    edges = []
    for i, (start, end) in enumerate(itertools.pairwise(path)):
        edge = {
            "edgeId": names.get((start, end), f"{start}{end}"),
            "sequenceId": 2 * i + 1,
            "released": True,
            "actions": [],
        }
        if major < 3:
            edge |= {"startNodeId": start, "endNodeId": end}
        edges.append(edge)
    return json.dumps({"orderId": "T1", "orderUpdateId": 0, "nodes": nodes, "edges": edges, **more})
