"""The seam where devices plug in: the :class:`Driver` protocol."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

from genba.plant import (
    BrowseEntry,
    Clock,
    ConditionEvent,
    Connection,
    Gap,
    Health,
    Sample,
    Scalar,
    Signal,
)

Sink = Callable[[Sequence[Sample]], None]
"""Takes what was received, in order, on the event loop. Never blocks."""

Missed = Callable[[Gap], None]
"""Told on the event loop of every span that a driver did not receive, once it is over."""

Unfit = Callable[[Sample, str], None]
"""Told on the event loop of what a device sent that is no value of its signal, and why."""

Conditions = Callable[[ConditionEvent], None]
"""Told on the event loop of every change of an alarm or condition of the device itself."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """A user name and a password, never shown in text."""

    user: str
    password: str

    def __repr__(self) -> str:
        return f"Credentials(user={self.user!r}, password=***)"


def untold(_gap: Gap) -> None:
    """Keep a gap to oneself: for tools that keep no ledger."""


def unrecorded(_samples: Sequence[Sample]) -> None:
    """Let go of what is only to be recorded: for tools that keep no historian."""


def unkept(_sample: Sample, _why: str) -> None:
    """Let go of what is no value of its signal: for tools that keep no quarantine."""


def unheeded(_condition: ConditionEvent) -> None:
    """Let a device's alarms pass: for tools that show none."""


@dataclass(frozen=True, slots=True)
class DriverContext:
    """All that a driver is built from."""

    connection: Connection
    signals: tuple[Signal, ...]
    clock: Clock
    pki: Path
    """Folder with this plant's own certificate and the trusted ones."""
    credentials: Credentials | None = None
    missed: Missed = untold
    record: Sink = unrecorded
    """Takes what is to be stored and never decided upon: what a device kept in a buffer of its
    own and sends late, and values that the plant file has no signal for."""
    unfit: Unfit = unkept
    """Takes what is of the wrong type or no finite number, as it came: it is kept whole, apart.
    The sink gets a sample without a value and of bad quality in its place."""
    conditions: Conditions = unheeded


class Driver(Protocol):
    """Turns the words of one device endpoint into the plant's.

    Values cross in plant words: scaled, in the signal's unit, of the signal's type. All errors
    are :class:`genba.errors.DeviceError` and name the connection or the signal, and the mend.
    """

    async def connect(self) -> None:
        """Open the link once. After the first success the driver reconnects by itself until closed.

        Raises
        ------
        DeviceError
            If the device cannot be reached, does not trust us or is not trusted (`Untrusted`).
        """
        ...

    async def subscribe(self, signals: Sequence[Signal], sink: Sink) -> None:
        """Deliver every change of ``signals`` to ``sink``, across reconnects, until closed.

        The present value of each signal comes first. Samples carry the device's source time, the
        plant clock's receive time and a sequence number that counts up over the connection.

        After an outage, whatever its length, the driver tells its context's ``missed``: from when
        the source was last heard to when it was heard again, and whether the device's own queue
        delivered in full what was said in between (``Recovery.BUFFER``).
        """
        ...

    async def read(self, signals: Sequence[Signal]) -> list[Sample]:
        """Read present values from the device itself, in the order of ``signals``."""
        ...

    async def write(self, signal: Signal, value: Scalar) -> None:
        """Write one value and return when the device took it. Only for the guard's commands."""
        ...

    async def browse(self) -> list[BrowseEntry]:
        """List what the device offers."""
        ...

    async def history(self, signal: Signal, start: int, end: int) -> list[Sample]:
        """Fetch what the device itself recorded in ``[start, end)``, oldest first.

        Raises
        ------
        NoHistory
            If the device keeps none.
        """
        ...

    def health(self) -> Health:
        """How the link does, without asking the device."""
        ...

    async def close(self) -> None:
        """End the link. Safe to call twice, and before connecting."""
        ...


@runtime_checkable
class ConditionSource(Protocol):
    """A driver whose device has alarms and conditions of its own, where they are switched on.

    It tells of them through its context's ``conditions``: of all that the device retains when the
    link comes up, and of each change from then on. Whether a driver is one is asked with
    ``isinstance(driver, ConditionSource)``.
    """

    async def acknowledge(self, condition: str, event: str, comment: str = "") -> None:
        """Acknowledge on the device the state ``event`` of ``condition``.

        Returns when the device took it; the new state then comes as any other.

        Raises
        ------
        DeviceError
            If the device does not take it, say since the state has changed meanwhile.
        """
        ...

    async def confirm(self, condition: str, event: str, comment: str = "") -> None:
        """Confirm on the device that a person has dealt with the state ``event``.

        Raises
        ------
        DeviceError
            As with :meth:`acknowledge`.
        """
        ...
