"""A Sparkplug B edge node: shows a plant's signals to a hub, and takes nothing but requests."""

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, replace
from typing import Any

import aiomqtt

from genba.connect.driver import DriverContext
from genba.connect.mqtt import MqttLink, MqttOptions
from genba.connect.sparkplug_host import NAMESPACE, REBIRTH, read_state, state_topic
from genba.connect.sparkplug_node import BD_SEQ
from genba.connect.sparkplug_payload import DataType, Metric, Payload, decode, encode
from genba.errors import ConnectionLost, DeviceError
from genba.plant import GapReason

_LOG = logging.getLogger("genba.connect.sparkplug_edge")
_LIVES = 256
_BIRTH_EVERY_S = 1.0
"""Shortest wait between two births that are asked for, in seconds of the wall clock."""


@dataclass(frozen=True, slots=True)
class EdgeAddress:
    """Where in a Sparkplug name space a node stands, and the host that it speaks to.

    Without a primary host the node speaks to whoever listens.
    """

    group: str
    node: str
    host: str | None = None


class SparkplugEdge:
    """One edge node at one broker (Sparkplug 3.0.0, chapters 5 and 6).

    It is born when the broker and, where one is named, its primary host are there, and dies when
    one of them goes. What is sent while it lives arrives in order; :meth:`confirm` tells when the
    broker has it. Commands other than a request for rebirth are refused: what is written to a
    device is decided here and passes the guard.

    Parameters
    ----------
    context : DriverContext
        Of the uplink; its signals are not looked at.
    address : EdgeAddress
        Group, node and primary host.
    options : MqttOptions
        Of the link.
    birth : callable
        Gives all metrics with alias, type and present value.
    next_life : callable
        Gives the number of this life (0 to 255), one more than of the last, and has it on disk.

    Attributes
    ----------
    lives : int
        Births at new links so far; changes whenever what was sent may not have arrived.
    births : int
        All births so far, also those that were asked for.
    refused : int
        Commands that were refused.
    """

    def __init__(
        self,
        context: DriverContext,
        address: EdgeAddress,
        options: MqttOptions,
        birth: Callable[[], Sequence[Metric]],
        next_life: Callable[[], int],
    ) -> None:
        self._id = context.connection.id
        self._clock = context.clock
        self._host = None if address.host is None else state_topic(address.host)
        self._base = f"{NAMESPACE}/{address.group}/{{}}/{address.node}"
        self._birth = birth
        self._next_life = next_life
        topics = [(self._topic("NCMD"), 1), (f"{self._topic('DCMD')}/+", 1)]
        if self._host is not None:
            topics.append((self._host, 1))
        self._link = MqttLink(context, options, topics, self, self._will)
        self._life = 0
        self._seq = 0
        self._host_time = -1
        self._ready = asyncio.Event()
        self._born_at = float("-inf")
        self._sending = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()
        self.lives = self.births = self.refused = 0
        self.error = "it has not been connected yet"

    @property
    def alive(self) -> bool:
        """Whether the node was born and the link is up."""
        return self._ready.is_set()

    async def connect(self) -> None:
        """Open the link; from then on the node is born again by itself until closed.

        Raises
        ------
        DeviceError
            If the broker does not answer, or refuses.
        """
        await self._link.connect()

    async def born(self) -> None:
        """Wait until the node is alive."""
        await self._ready.wait()

    async def send(self, metrics: Sequence[Metric]) -> None:
        """Send values, in this order.

        Raises
        ------
        ConnectionLost
            If the node is not alive, or dies meanwhile.
        """
        async with self._sending:
            self._check_alive()
            self._seq = (self._seq + 1) % 256
            now = self._clock.now() // 1000
            payload = encode(Payload(now, self._seq, tuple(metrics)))
            await self._link.publish(self._topic("NDATA"), payload)

    async def confirm(self) -> None:
        """Return when the broker has all that was sent so far.

        Sparkplug sends values without acknowledgement. A broker takes the packets of one link in
        order, so its answer to a later request stands for all before it.

        Raises
        ------
        ConnectionLost
            If it does not say so: what was sent since the last time may be lost.
        """
        self._check_alive()
        await self._link.barrier(f"{self._topic('NCMD')}/-")
        self._check_alive()

    async def close(self) -> None:
        """Die in good order, and end the link."""
        if self._ready.is_set():
            try:
                await self._die()
            except DeviceError as error:
                _LOG.debug("uplink '%s': no good-bye: %s", self._id, error)
        for task in self._tasks:
            task.cancel()
        await self._link.close()
        self.error = "it is closed"

    # --- what the link tells ---

    async def link_up(self) -> None:
        """Be born, if no host has to be waited for."""
        self.lives += 1
        self._host_time = -1
        if self._host is None:
            await self._be_born()
        else:
            self.error = f"the primary host has not said on {self._host} that it is there"

    def link_down(self, error: str, _reason: GapReason) -> None:
        """Note that the broker says to the hub that this node has died."""
        self._ready.clear()
        self.error = error

    def message(self, topic: str, payload: bytes) -> None:
        """Take a command, or what the primary host says of itself."""
        if topic == self._host:
            self._host_said(payload)
            return
        try:
            metrics = decode(payload).metrics
        except ValueError as error:
            self._refuse(f"a command that cannot be read ({error})")
            return
        for metric in metrics:
            if metric.name == REBIRTH and metric.raw is True and topic == self._topic("NCMD"):
                self._in_background(self._be_born_again())
            else:
                self._refuse(f"a command for '{metric.name or metric.alias}'")

    # --- inside ---

    def _host_said(self, payload: bytes) -> None:
        state = read_state(payload)
        if state is None or state[1] < self._host_time:
            return  # older than what is known: a will that was carried out late
        online, self._host_time = state
        if online and not self._ready.is_set():
            self._in_background(self._be_born())
        elif not online and self._ready.is_set():
            self._ready.clear()
            self._in_background(self._step_down())

    async def _step_down(self) -> None:
        """Die and open the link anew, as a node must whose host is gone (5.4.4)."""
        await self._die()
        self._link.reopen(f"uplink '{self._id}': the primary host is offline")

    async def _die(self) -> None:
        self._ready.clear()
        await self._link.publish(self._topic("NDEATH"), self._death(), qos=1)

    async def _be_born(self) -> None:
        async with self._sending:
            self._seq = 0
            now = self._clock.now() // 1000
            own = (
                Metric(BD_SEQ, timestamp_ms=now, datatype=DataType.UINT64, raw=self._life),
                Metric(REBIRTH, timestamp_ms=now, datatype=DataType.BOOLEAN, raw=False),
            )
            told = [m if m.timestamp_ms else replace(m, timestamp_ms=now) for m in self._birth()]
            payload = encode(Payload(now, 0, (*own, *told)))
            await self._link.publish(self._topic("NBIRTH"), payload)
            self.births += 1
            self._born_at = time.monotonic()
            self.error = ""
            self._ready.set()

    async def _be_born_again(self) -> None:
        wait_s = self._born_at + _BIRTH_EVERY_S - time.monotonic()
        if wait_s > 0:
            births = self.births
            await asyncio.sleep(wait_s)
            if self.births > births:
                return
        if self._ready.is_set():
            await self._be_born()

    def _will(self) -> aiomqtt.Will:
        self._life = self._next_life() % _LIVES
        return aiomqtt.Will(self._topic("NDEATH"), self._death(), qos=1)

    def _death(self) -> bytes:
        now = self._clock.now() // 1000
        metric = Metric(BD_SEQ, timestamp_ms=now, datatype=DataType.UINT64, raw=self._life)
        return encode(Payload(now, None, (metric,)))

    def _refuse(self, what: str) -> None:
        self.refused += 1
        _LOG.warning(
            "uplink '%s': refused %s; a hub may read and cannot write: decide it in this plant",
            self._id, what,
        )  # fmt: skip

    def _check_alive(self) -> None:
        if not self._ready.is_set():
            raise ConnectionLost(f"uplink '{self._id}': {self.error or 'it is down'}")

    def _topic(self, kind: str) -> str:
        return self._base.format(kind)

    def _in_background(self, work: Coroutine[Any, Any, None]) -> None:
        async def do() -> None:
            try:
                await work
            except DeviceError as error:
                self.error = str(error)

        task = asyncio.create_task(do(), name=f"uplink {self._id}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
