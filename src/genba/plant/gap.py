"""Gaps: spans of time in which Genba did not receive what a signal may have said."""

from dataclasses import dataclass
from enum import StrEnum


class GapReason(StrEnum):
    """Why nothing was received."""

    LINK = "link"
    """The network between Genba and the device."""
    DEVICE = "device"
    """The device was off, restarted, frozen, or said itself that its data is bad."""
    BROKER = "broker"
    """The message broker between Genba and the device."""
    OVERFLOW = "overflow"
    """A queue on the way was full: the device or the broker dropped values."""
    STOPPED = "stopped"
    """Genba itself did not run."""
    DISK_FULL = "disk_full"
    """Received, and not acknowledged, since there was no room to store it."""
    REFUSED = "refused"
    """The device refused to show it: access, address, type."""


class Recovery(StrEnum):
    """Whether what a gap missed arrived after all."""

    NONE = "none"
    BUFFER = "buffer"
    """The device's or the broker's own queue delivered all of it late, in order."""
    HISTORY = "history"
    """All of it was fetched from what the device itself recorded."""
    PARTLY = "partly"
    """The device's record did not reach back far enough, or its queue had overflowed."""


@dataclass(frozen=True, slots=True)
class Gap:
    """A span in which signals were not received.

    ``start`` is when the source was last heard, ``end`` when it was heard again, None while that
    is not so; microseconds UTC at the plant's clock, ``[start, end)``.
    """

    signals: tuple[str, ...]
    start: int
    end: int | None
    reason: GapReason
    detail: str = ""
    recovery: Recovery = Recovery.NONE
