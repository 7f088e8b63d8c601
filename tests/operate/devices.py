"""A device in memory for the loop's tests: shows what it holds, takes writes, answers jobs.

It stands in for a driver and its machine together, and can be told to fail as real ones do.
"""

import asyncio
from collections.abc import Callable, Sequence

from genba.errors import ConnectionLost, DeviceError
from genba.plant import (
    BrowseEntry,
    Clock,
    Connection,
    DataType,
    Equipment,
    Health,
    Limits,
    Link,
    Plant,
    Quality,
    Role,
    Sample,
    Scalar,
    Signal,
    SignalKind,
)


def signal(name: str, owner: str = "saw", **more: object) -> Signal:
    return Signal(id=f"{owner}.{name}", equipment=owner, connection=owner, address=name, **more)


def setpoint(name: str, kind: DataType = DataType.INT, **more: object) -> Signal:
    return signal(name, kind=SignalKind.SETPOINT, type=kind, **more)


def state(name: str, kind: DataType = DataType.INT, **more: object) -> Signal:
    return signal(name, kind=SignalKind.STATE, type=kind, **more)


SAW = Equipment(
    id="saw",
    input_buffer_lots=3,
    signals=(
        state("state", role=Role.STATE),
        state("mode", role=Role.MODE),
        state("lots", DataType.STRING, role=Role.LOTS),
        state("station", DataType.STRING, role=Role.STATION),
        setpoint("job_lots", DataType.STRING, role=Role.JOB_LOTS),
        setpoint("job_operation", DataType.STRING, role=Role.JOB_OPERATION),
        setpoint("job_quantity", role=Role.JOB_QUANTITY),
        setpoint("job_request", role=Role.JOB_REQUEST),
        state("job_ack", role=Role.JOB_ACK),
        state("job_error", DataType.STRING, role=Role.JOB_ERROR),
        setpoint("heartbeat", role=Role.HEARTBEAT),
        setpoint("speed", DataType.FLOAT, unit="m/s", range={"low": 0.0, "high": 50.0}),
        signal("load", unit="%", limits=Limits(high=80.0, high_high=95.0), max_rate=20.0),
    ),
)


def plant(**more: object) -> Plant:
    fields = {
        "id": "shop",
        "connections": (Connection(id="saw", driver="opcua", url="opc.tcp://192.0.2.1:4840"),),
        "equipment": (SAW,),
        **more,
    }
    return Plant(**fields)


class MemoryDriver:
    """One device. ``values`` is what it holds; ``show`` changes it as the device itself would."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._sinks: dict[str, Callable[[Sequence[Sample]], None]] = {}
        self._sequence = 0
        self._shown: dict[str, int] = {}
        self.values: dict[str, Scalar] = {}
        self.written: list[tuple[str, Scalar]] = []
        self.link = Link.CONNECTING
        self.refuses_to_connect = 0
        self.fails: str = ""
        """What to do with writes: '' take them, 'lost', 'refused', 'silent', 'deaf' or 'broken'."""
        self.job_error = ""
        self.answers = True
        self.starts = True

    async def connect(self) -> None:
        if self.refuses_to_connect:
            self.refuses_to_connect -= 1
            raise ConnectionLost("saw: nobody answers; is it switched on?")
        self.link = Link.UP

    async def subscribe(
        self, signals: Sequence[Signal], sink: Callable[[Sequence[Sample]], None]
    ) -> None:
        self._sinks.update({s.id: sink for s in signals})
        for s in signals:
            if s.id in self.values:
                self.show(s.id, self.values[s.id])

    def show(self, name: str, value: Scalar, quality: int = Quality.GOOD) -> None:
        self.values[name] = value
        if name in self._sinks:
            self._sequence += 1
            now = self._clock.now()
            # The device's own clock goes on where the test's stands still.
            self._shown[name] = max(now, self._shown.get(name, 0) + 1)
            source = self._shown[name]
            self._sinks[name]([Sample(name, source, now, value, quality, self._sequence)])

    async def read(self, signals: Sequence[Signal]) -> list[Sample]:
        now = self._clock.now()
        return [Sample(s.id, now, now, self.values.get(s.id)) for s in signals]

    async def write(self, signal: Signal, value: Scalar) -> None:
        if self.fails == "lost":
            raise ConnectionLost("saw: the link is down")
        if self.fails == "refused":
            raise DeviceError(f"{signal.id}: BadNotWritable")
        if self.fails == "broken":
            raise KeyError("a defect of the driver")
        if self.fails == "silent":
            await asyncio.Event().wait()
        self.written.append((signal.id, value))
        if self.fails == "deaf":
            return
        self.show(signal.id, value)
        if signal.role is Role.JOB_REQUEST and self.answers:
            self.show("saw.job_error", self.job_error)
            self.show("saw.job_ack", value)
            if not self.job_error and self.starts:
                self.show("saw.station", "")
                self.show("saw.lots", self.values["saw.job_lots"])
                self.show("saw.state", 6)

    async def browse(self) -> list[BrowseEntry]:
        return []

    async def history(self, signal: Signal, start: int, end: int) -> list[Sample]:
        return []

    def health(self) -> Health:
        return Health(self.link, 0)

    async def close(self) -> None:
        self.link = Link.CLOSED
        self._sinks.clear()


IDLE: dict[str, Scalar] = {
    "saw.state": 4,
    "saw.mode": 1,
    "saw.lots": "",
    "saw.station": "",
    "saw.job_lots": "",
    "saw.job_operation": "",
    "saw.job_quantity": 0,
    "saw.job_request": 0,
    "saw.job_ack": 0,
    "saw.job_error": "",
    "saw.heartbeat": 0,
    "saw.speed": 10.0,
    "saw.load": 50.0,
}
