"""The plant in motion: :class:`PlantSimulation` steps everything by whole seconds."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from genba.errors import DeviceError, NoHistory
from genba.plant import US, DataType, Plant, Role, Scalar, Signal
from genba.testbed.board import Board, Change
from genba.testbed.construction import build_crew, build_machines, build_stations, build_vehicles
from genba.testbed.controller import PERIOD_S, ConventionalController
from genba.testbed.disturbances import (
    OrderDesk,
    Script,
    check_targets,
    strike_machine,
    strike_vehicle,
)
from genba.testbed.floor import Floor
from genba.testbed.ledger import Ledger, order_rows
from genba.testbed.machine import Machine
from genba.testbed.monitor import SafetyMonitor
from genba.testbed.order_flow import OrderFlow
from genba.testbed.physics_file import Event, Physics, Scenario
from genba.testbed.randomness import Chance
from genba.testbed.shifts import LocalHour
from genba.testbed.traffic import Reservations, Roads
from genba.testbed.unit import build_climate, build_material
from genba.testbed.utilities import Utilities
from genba.testbed.vehicle_message import state_message
from genba.testbed.vehicles import Transporter

Listener = Callable[[Sequence[Change]], None]
"""Takes changes in time order."""

_SHIFT_US = 8 * 3600 * US
"""Length of a crew's shift."""


class PlantSimulation:
    """A plant that runs by itself under its conventional controller, or under whoever writes.

    Deterministic: the same files, seed, start and writes (at the same plant seconds) give the same
    samples and the same ledger.

    Parameters
    ----------
    plant, physics
        The two halves, from :func:`genba.testbed.load_testbed`.
    seed
        In place of the seed of ``physics.yaml``.
    start
        Plant time of the first second, microseconds UTC; the first order's release by default.
    conventional
        The conventional controller commands all the time. Otherwise it takes over where
        heartbeats are older than ``heartbeat_timeout_s``.
    scenario
        Scripted disturbances.
    """

    def __init__(
        self,
        plant: Plant,
        physics: Physics,
        seed: int | None = None,
        start: int | None = None,
        conventional: bool = False,
        scenario: Scenario | None = None,
    ) -> None:
        if start is None:
            start = min((o.release for o in plant.orders), default=0)
        self.plant, self.physics = plant, physics
        self.seed = physics.seed if seed is None else seed
        self.start = start // US * US
        self.now = self.start
        self.conventional = conventional
        self._second = 0
        chance = Chance(self.seed)
        crew = build_crew(plant, physics, chance, self.start)
        self._floor = floor = Floor(plant, physics, chance, crew, self.start)
        floor.random = scenario is None or scenario.random
        floor.outbox.now = self.now
        self.books = Ledger()
        self._boards = {
            e.id: Board(e.id, e.signals, floor.outbox, _history_h(physics, e.id))
            for e in plant.equipment
            if e.signals
        }
        self._store, self._dock = build_stations(floor, self._boards)
        self.machines: dict[str, Machine] = build_machines(floor, self._boards, self.books)
        self._roads = Roads(plant.layout)
        self._vehicles: dict[str, Transporter] = build_vehicles(
            floor, self._boards, self._roads, Reservations(), self.books
        )
        self._controller = ConventionalController(
            floor,
            self.machines,
            list(self._vehicles.values()),
            self._roads,
            self._store,
            self._dock,
        )
        self._utilities = Utilities(
            floor,
            build_climate(physics.climate, chance.stream("climate")),
            self._boards,
            self.books,
        )
        self._desk = OrderDesk(floor)
        material = build_material(physics.material, chance.stream("material"))
        self._orders = OrderFlow(floor, self._desk, material, self._boards, self._store, self._dock)
        if scenario is not None:
            check_targets(scenario, plant)
        self._script = Script(scenario, self.start)
        self._pending: list[tuple[Signal, Scalar]] = []
        self._registers: dict[str, Scalar] = {}
        """Values of the pending writes, so that they read back at once."""
        self._listeners: list[Listener] = []
        self._connections = {c.id: c for c in plant.connections}
        self._owners = {s.id: s.equipment for s in plant.signals.values()}
        self._desk_beat = self.start
        self._local_hour = LocalHour(plant.timezone)
        self._new_shift_at = 0

    # The face ------------------------------------------------------------------------------

    @property
    def monitor(self) -> SafetyMonitor:
        """The independent safety monitor."""
        return self._floor.monitor

    @property
    def vehicles(self) -> Mapping[str, Transporter]:
        """The vehicles; ``revision`` of one counts up when a state message is due."""
        return self._vehicles

    def advance(self, until: int) -> None:
        """Step whole seconds to plant time ``until`` (microseconds UTC), or just below it."""
        while self.now + US <= until:
            self._tick()

    def drain(self) -> list[Change]:
        """Changes since the last call: signal id, source time, value, in time order."""
        outbox = self._floor.outbox
        changes, outbox.changes = outbox.changes, []
        return changes

    def listen(self, listener: Listener) -> None:
        """Have :meth:`deliver` call a listener; for one reader alone :meth:`drain` is enough."""
        self._listeners.append(listener)

    def unlisten(self, listener: Listener) -> None:
        """Call a listener no more. Safe for one that does not listen."""
        if listener in self._listeners:
            self._listeners.remove(listener)

    def deliver(self) -> None:
        """Hand the changes since the last time to every listener."""
        changes = self.drain()
        for listener in tuple(self._listeners):
            listener(changes)

    def value(self, signal_id: str) -> Scalar:
        """What the device shows now; None where it has shown nothing yet.

        A setpoint that was just written reads as written, though it acts at the next second.

        Raises
        ------
        DeviceError
            If there is no such signal.
        """
        board, short = self._find(signal_id)
        if signal_id in self._registers:
            return self._registers[signal_id]
        return board.values.get(short)

    def write(self, signal_id: str, value: Scalar) -> None:
        """Hand a setpoint to the device, which applies it at the next second.

        Raises
        ------
        DeviceError
            If the device does not take it: unknown, not writable, of a wrong type, not finite.
        """
        self._find(signal_id)
        signal = self.plant.signals[signal_id]
        if not signal.writable:
            raise DeviceError(f"{signal_id} cannot be written; it is a {signal.kind.value}")
        taken = _device_value(signal, value)
        self._registers[signal_id] = taken
        self._pending.append((signal, taken))

    def history(self, signal_id: str, start: int, end: int) -> list[tuple[int, Scalar]]:
        """What the device itself recorded in ``[start, end)``.

        Raises
        ------
        NoHistory
            If it keeps none.
        """
        board, short = self._find(signal_id)
        found = board.history(short, start, end)
        if found is None:
            raise NoHistory(f"{board.equipment} keeps no history; read the historian instead")
        return found

    def vehicle_message(self, vehicle_id: str) -> dict[str, Any]:
        """The VDA 5050 state of a vehicle as it is now.

        Raises
        ------
        DeviceError
            If there is no such vehicle.
        """
        vehicle = self._vehicles.get(vehicle_id)
        if vehicle is None:
            raise DeviceError(f"there is no vehicle {vehicle_id}")
        equipment = self.plant.equipment_by_id.get(vehicle_id)
        connection = self._connections.get(equipment.connection or "") if equipment else None
        return state_message(vehicle, connection, self._roads.map_id, self.now)

    def ledger(self) -> dict[str, Any]:
        """What really happened since the start, in plain values that serialize to JSON."""
        books = self.books
        return {
            "seed": self.seed,
            "start": self.start,
            "end": self.now,
            "machines": {name: b.as_dict() for name, b in books.machines.items()},
            "hidden": {name: dict(m.process.truth()) for name, m in self.machines.items()},
            "operations": [dict(row) for row in books.operations],
            "orders": order_rows(self._floor.orders),
            "lots": {
                lot.id: {
                    "place": lot.place,
                    "step": lot.step,
                    "quantity": lot.quantity,
                    "parts": len(lot.parts),
                    "scrapped": len(lot.scrapped),
                }
                for lot in self._floor.lots.values()
            },
            "vehicles": {
                v.id: {
                    "distance_m": round(v.distance_m, 3),
                    "driving_s": v.driving_s,
                    "energy_kwh": round(v.battery.energy_kwh, 6),
                }
                for v in self._vehicles.values()
            },
            "moves": books.moves,
            "failed_moves": books.failed_moves,
            "rejected_orders": books.rejected_orders,
            "energy": {
                "kwh": round(books.energy_kwh, 6),
                "cost": round(books.energy_cost, 6),
                "carbon_kg": round(books.carbon_kg, 6),
                "peak_kw": round(books.peak_kw, 6),
            },
            "safety": {"total": self.monitor.total, "by_kind": self.monitor.counts()},
        }

    # One second ----------------------------------------------------------------------------

    def _tick(self) -> None:
        self.now += US
        self._second += 1
        second, now, floor = self._second, self.now, self._floor
        around = floor.around
        around.now = floor.outbox.now = now
        around.hour = self._local_hour.at(now)
        if now >= self._new_shift_at:
            self._new_shift_at = now + _SHIFT_US
            floor.crew.new_shift()
        if self._pending:
            writes, self._pending = self._pending, []
            self._registers.clear()
            for signal, value in writes:
                self._apply(signal, value)
        for event in self._script.due(now):
            self._strike(event)
        self._orders.tick(now)
        if second % PERIOD_S == 1:
            self._command()
        machines_kw = vehicles_kw = 0.0
        for machine in self.machines.values():
            machine.tick(second)
            machines_kw += machine.process.power_kw
        for vehicle in self._vehicles.values():
            vehicle.tick()
            vehicles_kw += vehicle.power_kw
        self._check_traffic(now)
        self._utilities.tick(second, machines_kw, vehicles_kw)
        floor.monitor.end_tick()

    def _command(self) -> None:
        """Let the conventional controller command what is left to it."""
        timeout = self._floor.physics.heartbeat_timeout_s * US
        fleet = self.conventional or self.now - self._desk_beat > timeout
        for vehicle in self._vehicles.values():
            vehicle.parks_itself = fleet
        if fleet:
            self._controller.transport()
        self._controller.dispatch(lambda machine: self.conventional or not machine.alive())

    def _check_traffic(self, now: int) -> None:
        """Watch from the truth that no two vehicles are in one place."""
        places: dict[str, str] = {}
        for vehicle in self._vehicles.values():
            spot = vehicle.spot
            other = places.setdefault(spot, vehicle.id)
            if other != vehicle.id:
                self.monitor.watch(now, vehicle.id, "collision", f"meets {other} at {spot}")
            if len(vehicle.loads) > vehicle.vehicle.capacity_lots:
                self.monitor.watch(
                    now, vehicle.id, "overload", f"carries {len(vehicle.loads)} lots"
                )

    # Writes and events ---------------------------------------------------------------------

    def _find(self, signal_id: str) -> tuple[Board, str]:
        owner = self._owners.get(signal_id)
        if owner is None:
            raise DeviceError(f"the testbed has no signal {signal_id}")
        return self._boards[owner], signal_id.removeprefix(f"{owner}.")

    def _apply(self, signal: Signal, value: Scalar) -> None:
        short = signal.id.removeprefix(f"{signal.equipment}.")
        machine = self.machines.get(signal.equipment)
        if machine is not None:
            machine.write(short, value)
            return
        vehicle = self._vehicles.get(signal.equipment)
        board = self._boards[signal.equipment]
        if vehicle is not None:
            board.values[short] = value
            if signal.role is Role.VEHICLE_ORDER:
                vehicle.order(value)
            elif signal.role is Role.VEHICLE_INSTANT_ACTIONS:
                vehicle.instant_actions(value)
            return
        board.show(short, value)
        if signal.role is Role.HEARTBEAT and Role.ORDER_RELEASED in board.names:
            self._desk_beat = self.now

    def _strike(self, event: Event) -> None:
        if event.kind in {"breakdown", "person_in_zone"} and event.target in self.machines:
            strike_machine(event, self.machines[event.target], self.now)
        elif event.kind == "vehicle_down" and event.target in self._vehicles:
            strike_vehicle(event, self._vehicles[event.target])
        elif event.kind == "slow_crew":
            self._floor.crew.slow_down(event.target, event.factor or 1.5)
        elif event.kind == "late_material":
            late_s = event.duration_s or 3600.0
            self._orders.delay(event.target, self.now + int(late_s * US))
        elif event.kind == "rush_order" and event.target in self.plant.products_by_id:
            product = self.plant.products_by_id[event.target]
            self._orders.rush(
                self._desk.make(
                    product.id,
                    event.quantity or product.lot_size,
                    self.now,
                    event.due_h or 8.0,
                    4.0,
                )
            )


def _history_h(physics: Physics, equipment: str) -> float:
    machine = physics.machines.get(equipment)
    return machine.history_h if machine is not None else 0.0


def _device_value(signal: Signal, value: Scalar) -> Scalar:
    """Check that a device register of the signal's type can hold the value."""
    kind = signal.type
    if kind is DataType.BOOL and isinstance(value, bool):
        return value
    if kind is DataType.INT and isinstance(value, int) and not isinstance(value, bool):
        if abs(value) < 2**31:
            return value
        raise DeviceError(f"{signal.id} takes 32-bit numbers, not {value}")
    if kind is DataType.FLOAT and isinstance(value, int | float) and not isinstance(value, bool):
        if math.isfinite(value):
            return float(value)
        raise DeviceError(f"{signal.id} takes finite numbers, not {value}")
    if kind in (DataType.STRING, DataType.JSON) and isinstance(value, str):
        return value
    raise DeviceError(f"{signal.id} takes {kind.value}, not {value!r}")
