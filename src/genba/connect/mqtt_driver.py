"""What the drivers over MQTT have in common: one link, one outlet, and what passes between."""

import contextlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

import aiomqtt

from genba.connect.driver import DriverContext
from genba.connect.mqtt import MqttLink, MqttOptions, Topic
from genba.connect.outlet import Outlet
from genba.errors import ConnectionLost, DeviceError, NoHistory
from genba.plant import GapReason, Health, Sample, Signal

OptionsT = TypeVar("OptionsT", bound=MqttOptions)


class MqttDriver(ABC, Generic[OptionsT]):
    """The half of a driver that is the same whatever is spoken over the link.

    A driver on top of it gives its topics and its will, takes messages, says what is to be done
    when the link comes up, and what it knows no longer when the link is lost.
    """

    speaks = "an MQTT device"
    """Who is at the other end, in messages."""

    def __init__(
        self,
        context: DriverContext,
        options: OptionsT,
        topics: Sequence[Topic],
        will: Callable[[], aiomqtt.Will | None] = lambda: None,
    ) -> None:
        self._id = context.connection.id
        self._clock = context.clock
        self._options = options
        self._outlet = Outlet(context)
        self._link = MqttLink(context, options, topics, self, will)
        self._invalid = 0

    async def connect(self) -> None:
        """Open the link to the broker; the device behind it may come later.

        Raises
        ------
        Untrusted
            If the broker refuses the login, or its certificate is not trusted.
        ConnectionLost
            If no broker answers.
        """
        await self._link.connect()

    async def history(self, signal: Signal, start: int, end: int) -> list[Sample]:
        """Refuse: it cannot be asked for its past."""
        raise NoHistory(f"signal '{signal.id}': {self.speaks} keeps no history to ask for")

    def health(self) -> Health:
        """How the link does; ``error`` also tells invalid, missing and dropped messages."""
        return self._outlet.health()

    async def close(self) -> None:
        """Take leave and end the link. Safe to call twice."""
        if self._link.up:
            with contextlib.suppress(DeviceError):
                await self._take_leave()
        await self._link.close()
        self._outlet.closed()

    @abstractmethod
    def message(self, topic: str, payload: bytes) -> None:
        """Take a message from the broker."""

    @abstractmethod
    async def link_up(self) -> None:
        """Do what is to be done after each (re)connect."""

    def link_down(self, error: str, reason: GapReason) -> None:
        """Note that the broker is gone, and with it all knowledge of the device."""
        self._forget()
        if self._link.dropped:
            text = f"{self._link.dropped} messages were dropped since the start: too many waited"
            self._outlet.fault("dropped messages", text)
        self._outlet.down(error, reason=reason)

    async def _take_leave(self) -> None:
        """Say good-bye while the link is still up."""

    def _forget(self) -> None:
        """Know nothing of the device any more."""

    def _refuse_message(self, where: str, error: ValueError) -> None:
        """Count a message that cannot be read, and name the last in the health."""
        self._invalid += 1
        text = f"{self._invalid} invalid messages, the last in {where}: {error}"
        self._outlet.fault("invalid messages", text)

    def _check_link(self) -> None:
        if not self._link.up:
            raise ConnectionLost(f"connection '{self._id}': {self._outlet.error or 'it is down'}")
