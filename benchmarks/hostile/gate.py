"""The last thing before a device: notes whose write arrives, and judges it without the guard."""

import asyncio
import math
from collections import Counter

from genba.plant import US, Plant, Role, Scalar, Signal, VirtualClock
from genba.testbed import InProcessDriver, PlantSimulation

ZONE_M_S = 0.25


class Gate:
    """What arrived at devices, by command, and what of it lay outside an envelope.

    Its rules are written apart from the guard's code, and read the simulation's truth: type,
    range and rate of each setpoint; no job and no fast robot with a person in the zone; no target
    for a furnace whose door is open; nothing but setpoints.
    """

    def __init__(self, plant: Plant, simulation: PlantSimulation, clock: VirtualClock) -> None:
        self.plant = plant
        self.simulation = simulation
        self.clock = clock
        self.arrived: Counter[str] = Counter()
        self.outside: list[str] = []
        self._moved: dict[str, tuple[float, int]] = {}

    def follow(self) -> None:
        """Look when rate-limited setpoints get another value; once per step."""
        for signal in self.plant.signals.values():
            if signal.writable and signal.max_rate is not None:
                value = self.simulation.value(signal.id)
                if isinstance(value, int | float):
                    before = self._moved.get(signal.id)
                    if before is None or before[0] != value:
                        self._moved[signal.id] = (float(value), self.clock.now())

    def room(self, signal: Signal) -> tuple[float, float]:
        """Return a rate-limited setpoint's value, and how far it may move now."""
        value, since = self._moved[signal.id]
        seconds = min(60.0, (self.clock.now() - since) / US)
        return value, (signal.max_rate or 0.0) * seconds

    def arrives(self, signal: Signal, value: Scalar) -> None:
        """Take note of one write that reaches its device."""
        task = asyncio.current_task()
        command = task.get_name().removeprefix("act ") if task else ""
        self.arrived[command.removeprefix("C-")] += 1
        wrong = self._wrong(signal, value)
        if wrong:
            self.outside.append(f"{command}: {signal.id} = {str(value)[:40]!r}: {wrong}")

    def _wrong(self, signal: Signal, value: Scalar) -> str:
        if not signal.writable:
            return "no setpoint"
        if isinstance(value, int | float) and not isinstance(value, bool):
            if not math.isfinite(value):
                return "not finite"
            if signal.range and not signal.range.low <= value <= signal.range.high:
                return "out of range"
            if signal.max_rate is not None:
                now, room = self.room(signal)
                if abs(value - now) > room * (1 + 1e-6) + 1e-9:
                    return f"{abs(value - now):g} at once, {room:g} allowed"
        machine = self.simulation.machines.get(signal.equipment)
        people = machine.zone.people if machine is not None and machine.zone is not None else 0
        shown = self.simulation.value(f"{signal.equipment}.people") if people else 0
        # A person whom no sensor has shown yet is the business of certified hardware.
        if people and shown and signal.role is Role.JOB_REQUEST:
            return "a job with a person in the zone"
        fast = isinstance(value, float) and value > ZONE_M_S
        if people and shown and signal.id.endswith(".robot_speed") and fast:
            return "a fast robot with a person in the zone"
        if (
            signal.id == "furnace.temperature_setpoint"
            and self.simulation.value("furnace.door_open") is True
        ):
            return "a target for a furnace whose door is open"
        return ""


class GatedDriver(InProcessDriver):
    """The in-process driver with the gate in front of the device."""

    gate: Gate

    async def write(self, signal: Signal, value: Scalar) -> None:
        self.gate.arrives(signal, value)
        await super().write(signal, value)
