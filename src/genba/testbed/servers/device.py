"""What every device server of the testbed shares: the plant behind it, its changes, its port."""

import socket
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol
from urllib.parse import urlsplit

from genba.errors import TestbedError
from genba.plant import DataType, Scalar, Signal


class Change(NamedTuple):
    """A signal took a value at a time (microseconds UTC, plant clock), in plant words."""

    signal: str
    source_time: int
    value: Scalar


class Simulation(Protocol):
    """The plant behind the servers, seen through its devices' terminals."""

    @property
    def now(self) -> int:
        """Plant time reached, in microseconds UTC."""
        ...

    def advance(self, until: int) -> None:
        """Live on until this time."""
        ...

    def drain(self) -> Sequence[tuple[str, int, Scalar]]:
        """All changes since the last call: signal id, source time, value; in time order."""
        ...

    def value(self, signal_id: str) -> Scalar:
        """Present value of a signal."""
        ...

    def write(self, signal_id: str, value: Scalar) -> None:
        """Give a setpoint to its device, which may refuse with a DeviceError."""
        ...

    def history(self, signal_id: str, start: int, end: int) -> Sequence[tuple[int, Scalar]]:
        """What the device recorded in ``[start, end)``: source time and value, oldest first.

        Raises
        ------
        DeviceError
            If it keeps no history.
        """
        ...

    def vehicle_message(self, vehicle_id: str) -> Mapping[str, Any]:
        """Present VDA 5050 state of a vehicle."""
        ...

    def ledger(self) -> Mapping[str, Any]:
        """What really happened so far."""
        ...


class DeviceServer(Protocol):
    """One protocol endpoint that shows a part of the plant."""

    url: str
    signals: tuple[Signal, ...]

    async def start(self) -> None:
        """Begin to serve; on return clients can connect."""
        ...

    async def push(self, changes: Sequence[Change], now: int) -> None:
        """Show what changed in one moment of the plant, up to plant time ``now``."""
        ...

    async def stop(self) -> None:
        """Close every link and the port. Safe to call twice, and before starting."""
        ...


def to_raw(signal: Signal, value: Scalar) -> Scalar:
    """Turn a plant value into the device's own number: ``raw = (value - offset) / scale``."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value
    if signal.scale == 1.0 and signal.offset == 0.0:
        return value
    return (value - signal.offset) / signal.scale


def from_raw(signal: Signal, raw: Scalar) -> Scalar:
    """Turn a device's number into the plant value: ``value = raw * scale + offset``."""
    if isinstance(raw, bool) or not isinstance(raw, int | float):
        return raw
    if signal.scale != 1.0 or signal.offset != 0.0:
        raw = raw * signal.scale + signal.offset
    return round(raw) if signal.type is DataType.INT else raw


def out_of_range(signal: Signal, value: Scalar) -> bool:
    """Whether a number lies outside the signal's physical range."""
    if signal.range is None or isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return not signal.range.low <= value <= signal.range.high


def host_and_port(url: str, default_port: int) -> tuple[str, int]:
    """Split a connection's URL.

    Raises
    ------
    TestbedError
        If there is no host or the port is no number.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port or default_port
    except ValueError:
        host, port = None, 0
    if host is None:
        raise TestbedError(f"url '{url}' names no host and port; write it like opc.tcp://HOST:PORT")
    return host, port


def require_free_ports(endpoints: Iterable[tuple[str, str, int]]) -> None:
    """Find out before anything starts whether every (connection, host, port) can be served.

    Raises
    ------
    TestbedError
        Names the first port that is taken or cannot be bound, and the mend.
    """
    for connection, host, port in endpoints:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError as error:
                raise TestbedError(
                    f"port {port} on {host} (connection {connection}) cannot be served: "
                    f"{error.strerror or error}; stop the program that uses it, "
                    "or change the url in plant.yaml"
                ) from None
