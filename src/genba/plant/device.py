"""Plain values that drivers speak in."""

from dataclasses import dataclass
from enum import StrEnum

from genba.plant.sample import Scalar


class Link(StrEnum):
    """The state of a connection."""

    UP = "up"
    CONNECTING = "connecting"
    DOWN = "down"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Health:
    """How a connection does. ``since`` and ``last_received`` in microseconds UTC, plant clock."""

    link: Link
    since: int
    last_received: int | None = None
    received: int = 0
    reconnects: int = 0
    error: str = ""


@dataclass(frozen=True, slots=True)
class BrowseEntry:
    """One thing found on a device."""

    address: str
    name: str
    path: str
    type: str | None = None
    """A :class:`~genba.plant.signal.DataType` value, or None where it cannot be a signal."""
    writable: bool = False
    unit: str | None = None
    low: float | None = None
    high: float | None = None
    value: Scalar = None
