"""The plant's clock: real, accelerated, or stepped by hand. Microseconds since 1970 UTC."""

import asyncio
import datetime as dt
import math
import time
from dataclasses import dataclass
from typing import Annotated, Protocol

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

from genba.errors import PlantError

US = 1_000_000
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


class Clock(Protocol):
    """Tells and waits for the plant's time."""

    @property
    def speed(self) -> float:
        """Plant seconds per second of the wall clock."""
        ...

    def now(self) -> int:
        """Plant time in microseconds UTC."""
        ...

    async def sleep_until(self, when: int) -> None:
        """Return at plant time ``when``, or at once if it has passed."""
        ...


class SystemClock:
    """The computer's clock."""

    speed = 1.0

    def now(self) -> int:
        """Plant time in microseconds UTC."""
        return time.time_ns() // 1000

    async def sleep_until(self, when: int) -> None:
        """Return at plant time ``when``, or at once if it has passed."""
        await asyncio.sleep(max(0.0, (when - self.now()) / US))


@dataclass(frozen=True, slots=True)
class AcceleratedClock:
    """Stands at ``start`` until wall time ``anchor``, then runs ``speed`` times as fast.

    All processes that share a plant share its three numbers. Written as text:
    ``2026-01-05T06:00:00Z*120@1767592800.0``.
    """

    start: int
    speed: float
    anchor: float

    def now(self) -> int:
        """Plant time in microseconds UTC."""
        return self.start + int(max(0.0, time.time() - self.anchor) * self.speed * US)

    async def sleep_until(self, when: int) -> None:
        """Return at plant time ``when``, or at once if it has passed."""
        moment = self.anchor + (when - self.start) / US / self.speed
        await asyncio.sleep(max(0.0, moment - time.time()))

    def __str__(self) -> str:
        return f"{format_time(self.start)}*{self.speed:g}@{self.anchor!r}"


class VirtualClock:
    """Stands still until it is set; for plants that step in process."""

    speed = float("inf")

    def __init__(self, start: int) -> None:
        self._now = start
        self._moved = asyncio.Event()

    def now(self) -> int:
        """Plant time in microseconds UTC."""
        return self._now

    def set(self, when: int) -> None:
        """Move to ``when``; time never goes back."""
        self._now = max(self._now, when)
        self._moved.set()

    async def sleep_until(self, when: int) -> None:
        """Wait for somebody to set the clock to ``when`` or later."""
        while self._now < when:
            self._moved.clear()
            await self._moved.wait()


def parse_clock(text: str) -> Clock:
    """Read ``system`` or ``<start>*<speed>@<anchor>``.

    Raises
    ------
    PlantError
        If the text is neither.
    """
    if text == "system":
        return SystemClock()
    start, _, rest = text.partition("*")
    speed_text, _, anchor_text = rest.partition("@")
    try:
        speed, anchor = float(speed_text), float(anchor_text)
    except ValueError:
        raise PlantError(
            f"clock '{text}' is neither 'system' nor START*SPEED@ANCHOR; "
            "write it like 2026-01-05T06:00:00Z*120@1767592800.0"
        ) from None
    if not (0 < speed < math.inf and math.isfinite(anchor)):
        raise PlantError(
            f"clock '{text}' has speed {speed:g} and starts at {anchor:g}; "
            "give a finite speed above 0 and a finite time"
        )
    return AcceleratedClock(parse_time(start), speed, anchor)


def parse_time(text: str) -> int:
    """Turn ISO 8601 text with a zone into microseconds UTC.

    Raises
    ------
    PlantError
        If it is no time, or has no zone.
    """
    try:
        moment = dt.datetime.fromisoformat(text)
    except ValueError:
        raise PlantError(f"'{text}' is not a time; write it like 2026-01-05T06:00:00Z") from None
    if moment.tzinfo is None:
        raise PlantError(f"'{text}' has no time zone; add Z for UTC or an offset like +09:00")
    return (moment - _EPOCH) // dt.timedelta(microseconds=1)


def format_time(when: int) -> str:
    """Turn microseconds UTC into ISO 8601 text ending in Z."""
    text = (_EPOCH + dt.timedelta(microseconds=when)).isoformat(timespec="microseconds")
    return text.replace("+00:00", "Z").replace(".000000Z", "Z")


def _time_from_file(value: object) -> object:
    if isinstance(value, dt.datetime):
        value = value.isoformat()
    if not isinstance(value, str):
        return value
    try:
        return parse_time(value)
    except PlantError as error:
        raise ValueError(str(error)) from None


Time = Annotated[
    int,
    BeforeValidator(_time_from_file),
    PlainSerializer(format_time, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
"""Microseconds UTC; in files and in JSON ISO 8601 text with a zone."""
