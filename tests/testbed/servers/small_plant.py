"""A plant of two machines in a few lines, and a device memory that stands behind its servers."""

from collections.abc import Sequence
from typing import Any

from genba.errors import DeviceError
from genba.plant import US, Plant, Scalar, parse_time

START = parse_time("2026-01-05T06:00:00Z")


def opcua_plant(port: int, credentials: str | None = None, driver: str = "opcua") -> Plant:
    """One press with a measurement, a state, a counter and two setpoints."""
    space = "nsu=urn:small:press;s="
    return Plant.model_validate(
        {
            "id": "small",
            "connections": [
                {
                    "id": "press",
                    "driver": driver,
                    "url": f"opc.tcp://127.0.0.1:{port}",
                    "credentials": credentials,
                }
            ],
            "equipment": [
                {
                    "id": "press-1",
                    "name": "Injection press",
                    "connection": "press",
                    "signals": [
                        {
                            "id": "melt",
                            "address": f"{space}Melt",
                            "unit": "Cel",
                            "range": {"low": 0, "high": 400},
                        },
                        {"id": "state", "address": f"{space}State", "kind": "state", "type": "int"},
                        {
                            "id": "speed",
                            "address": f"{space}Speed",
                            "kind": "setpoint",
                            "unit": "mm/s",
                            "range": {"low": 0, "high": 200},
                            "scale": 0.1,
                        },
                        {
                            "id": "job",
                            "address": f"{space}Job",
                            "kind": "setpoint",
                            "type": "string",
                        },
                        {"id": "door", "address": f"{space}Door", "kind": "state", "type": "bool"},
                    ],
                }
            ],
        }
    )


class Memory:
    """Device memory that a test sets by hand; ``refuse`` names setpoints that it does not take."""

    def __init__(self, plant: Plant, refuse: Sequence[str] = ()) -> None:
        self.now = START
        self.values: dict[str, Scalar] = dict.fromkeys(plant.signals)
        self.written: list[tuple[str, Scalar]] = []
        self.states: dict[str, dict[str, Any]] = {}
        self._refuse = refuse
        self._pending: list[tuple[str, int, Scalar]] = []
        self._past: list[tuple[str, int, Scalar]] = []

    def set(self, signal_id: str, value: Scalar, after_s: float = 0.0) -> None:
        """Let a signal take a value, some seconds later."""
        self.now += round(after_s * US)
        self.values[signal_id] = value
        self._pending.append((signal_id, self.now, value))
        self._past.append((signal_id, self.now, value))

    def advance(self, until: int) -> None:
        self.now = max(self.now, until)

    def drain(self) -> Sequence[tuple[str, int, Scalar]]:
        drained, self._pending = self._pending, []
        return drained

    def value(self, signal_id: str) -> Scalar:
        return self.values[signal_id]

    def write(self, signal_id: str, value: Scalar) -> None:
        if signal_id in self._refuse:
            raise DeviceError(f"{signal_id} is locked; unlock it at the panel")
        self.written.append((signal_id, value))
        self.set(signal_id, value)

    def history(self, signal_id: str, start: int, end: int) -> Sequence[tuple[int, Scalar]]:
        return [(t, v) for s, t, v in self._past if s == signal_id and start <= t < end]

    def vehicle_message(self, vehicle_id: str) -> dict[str, Any]:
        return self.states[vehicle_id]

    def ledger(self) -> dict[str, Any]:
        return {"written": len(self.written)}
