"""Releases over the air: signed orders to machines, and what came of them, over MQTT.

::

    genba/edge/<node>/order   to the machine; obeyed if signed, for it, and newer than the last
    genba/edge/<node>/reply   what came of each order, by its number
    genba/edge/<node>/state   retained: what is in force, on trial and before, of each model

What crosses the broker is believed for its signature, not for its way. A machine that is away gets
no order; the roll-out counts it as failed, and a retry reaches it when it is back.
"""

import asyncio
import contextlib
import json
import logging
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

from genba.connect.backoff import Backoff
from genba.connect.driver import Credentials, DriverContext
from genba.connect.ending import end_task
from genba.connect.mqtt import SCHEMES, MqttLink, MqttOptions
from genba.connect.options import host_and_port, read_options
from genba.errors import ConnectionLost, GenbaError, LearnError, PlantError
from genba.learn.edge.keys import ReleaseKey, Trust
from genba.learn.edge.node import Node
from genba.learn.edge.order import Act, Order, obey, sign_order
from genba.operate.edge_plant import CONNECTION
from genba.plant import Clock, Connection, GapReason

logger = logging.getLogger(__name__)

STATE_EVERY_S = 0.2
"""How often a machine looks whether its state has changed, in seconds of the wall clock."""
HEARD_S = 3.0
"""Wall seconds within which what machines said last has come from the broker."""
REPLY_S = 120.0
"""Wall seconds that a machine may take to try a release out and reply."""


def context_of(
    url: str, clock: Clock, state: Path, options: Mapping[str, Any], login: Credentials | None
) -> DriverContext:
    """Return what a link to the broker of orders is made from.

    Raises
    ------
    PlantError
        If the url is no address of a broker.
    """
    connection = Connection(id=CONNECTION, driver="uplink", url=url, options=dict(options))
    if "@" in url:
        raise PlantError("--hub holds a login; keep it in a file of credentials, and name it there")
    try:
        host_and_port(connection, SCHEMES)
    except PlantError:
        raise PlantError(
            f"--hub '{url}' is no address of the hub's broker; write it like mqtts://hub:8883, or "
            "mqtt://192.0.2.10:1883 without TLS"
        ) from None
    return DriverContext(connection, (), clock, state, login)


def _topic(node: str, what: str) -> str:
    return f"genba/edge/{node}/{what}"


class Orderly:
    """The machine's side: takes orders, one after the other, and shows its state."""

    def __init__(self, context: DriverContext, node: Node, trust: Trust) -> None:
        self._node = node
        self._trust = trust
        options = read_options(context.connection, MqttOptions)
        self._link = MqttLink(context, options, [(_topic(node.name, "order"), 1)], self)
        self._orders: asyncio.Queue[bytes] = asyncio.Queue(maxsize=10)
        self._tasks: list[asyncio.Task[None]] = []
        self._shown = b""

    def start(self) -> None:
        """Begin to connect and to listen."""
        work = (self._connect(), self._obey(), self._show())
        self._tasks = [asyncio.create_task(one, name="edge orders") for one in work]

    async def stop(self) -> None:
        """End the link."""
        for task in self._tasks:
            await end_task(task)
        await self._link.close()

    @property
    def up(self) -> bool:
        """Whether orders can reach this machine now."""
        return self._link.up

    def message(self, topic: str, payload: bytes) -> None:
        """Queue an order."""
        try:
            self._orders.put_nowait(payload)
        except asyncio.QueueFull:
            logger.warning("more than 10 orders wait; one is left undone")

    async def link_up(self) -> None:
        """Show the state anew."""
        self._shown = b""

    def link_down(self, error: str, reason: GapReason) -> None:
        """Note why no order can come."""
        logger.info("no orders can come: %s", error)

    async def _connect(self) -> None:
        backoff = Backoff(self._node.name)
        while True:
            try:
                await self._link.connect()
            except GenbaError as error:
                logger.warning("no orders can come: %s", error)
            else:
                return
            await asyncio.sleep(backoff.next_s())

    async def _obey(self) -> None:
        while True:
            message = await self._orders.get()
            try:
                told = await asyncio.to_thread(obey, self._node, message, self._trust)
            except Exception as error:  # whatever an order does, the next one is heard
                logger.exception("an order failed")
                told = {"node": self._node.name, "number": -1, "error": repr(error)}
            await self._send("reply", json.dumps(told).encode(), retain=False)

    async def _show(self) -> None:
        while True:
            told = self._state()
            if self._link.up and told != self._shown and await self._send("state", told):
                self._shown = told
            await asyncio.sleep(STATE_EVERY_S)

    def _state(self) -> bytes:
        slots = {n: (s.force, s.trial, s.before) for n, s in self._node.slots().items()}
        told = {"revision": self._node.revision, "slots": slots, "why": self._node.taken_back}
        return json.dumps(told, sort_keys=True).encode()

    async def _send(self, what: str, payload: bytes, *, retain: bool = True) -> bool:
        try:
            await self._link.publish(_topic(self._node.name, what), payload, 1, retain)
        except GenbaError as error:
            logger.warning("%s could not be told: %s", what, error)
            return False
        return True


class MqttFleet:
    """The other side: brings releases to machines, for :func:`genba.learn.edge.rolling.drive`.

    Parameters
    ----------
    context : DriverContext
        The broker.
    key : ReleaseKey
        Signs orders.
    now : callable
        Microseconds UTC; orders are numbered by it.
    releases : callable
        Gives the bytes of a release by its address, and the model's name.
    by : str
        Who wants it.
    trial_s : float
        Wall seconds that a trial may take until the release is in force.
    limits : tuple of float
        How far a release may differ (flips, shift), where that was widened.
    """

    def __init__(
        self,
        context: DriverContext,
        key: ReleaseKey,
        now: Callable[[], int],
        releases: Callable[[str], tuple[bytes, str]],
        by: str,
        trial_s: float = 3600.0,
        limits: tuple[float | None, float | None] = (None, None),
    ) -> None:
        options = read_options(context.connection, MqttOptions)
        topics = [(_topic("+", "reply"), 1), (_topic("+", "state"), 1)]
        self._link = MqttLink(context, options, topics, self)
        self._key = key
        self._now = now
        self._releases = releases
        self._by = by
        self._trial_s = trial_s
        self._limits = limits
        self._last = 0
        self._replies: dict[tuple[str, int], asyncio.Future[dict[str, Any]]] = {}
        self.states: dict[str, dict[str, Any]] = {}
        """Of each machine that was heard: its ``slots`` (force, trial, before) by model, ..."""
        self._news = asyncio.Event()

    async def connect(self) -> None:
        """Reach the broker.

        Raises
        ------
        DeviceError
            If it cannot be reached, or does not let us in.
        """
        await self._link.connect()

    async def close(self) -> None:
        """End the link."""
        await self._link.close()

    # -- what a roll-out asks for -------------------------------------------------------------

    async def install(self, node: str, address: str) -> None:
        """Send a release, have it tried out, put it on trial, and wait until it is in force.

        Raises
        ------
        LearnError
            If the machine refuses it or takes it back.
        ConnectionLost
            If it does not answer.
        """
        content, model = self._releases(address)
        flips, shift = self._limits
        order = self._order(node, Act.RECEIVE, address, model, flips=flips, shift=shift)
        self._check(await self._ask(order, content), node)
        order = self._order(node, Act.ACTIVATE, address, model)
        begun = await self._ask(order)
        self._check(begun, node)
        await self._until_in_force(node, model, address, int(begun["revision"]))

    async def take_back(self, node: str, address: str, why: str) -> None:
        """Bring a machine back to the release before; return when that is in force.

        Raises
        ------
        LearnError
            If it cannot.
        ConnectionLost
            If it does not answer.
        """
        _, model = self._releases(address)
        reply = await self._ask(self._order(node, Act.TAKE_BACK, address, model, why=why))
        self._check(reply, node)

    async def gone_back(self, nodes: Collection[str], address: str) -> dict[str, str]:
        """Return which machines say that a release is in force no more, and why.

        What a machine said last stands at the broker, also while it is away.
        """
        _, model = self._releases(address)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(HEARD_S):
                while any(node not in self.states for node in nodes):
                    await self._until_news()
        told = {node: self.states[node] for node in nodes if node in self.states}
        return {
            node: f"{node} took it back: {state['why'].get(model, 'it does not say why')}"
            for node, state in told.items()
            if state["slots"].get(model, (None, None, None))[0] != address
        }

    # -- inside -------------------------------------------------------------------------------

    async def _until_in_force(self, node: str, model: str, address: str, revision: int) -> None:
        """Wait for the end of a trial, in states that are no older than its begin."""
        try:
            async with asyncio.timeout(self._trial_s):
                while True:
                    state = self.states.get(node, {"revision": -1})
                    if state["revision"] >= revision:
                        force, trial, _ = state["slots"].get(model, (None, None, None))
                        if force == address:
                            return
                        if trial != address:
                            raise LearnError(f"{node} took it back: {state['why'].get(model)}")
                    await self._until_news()
        except TimeoutError:
            raise ConnectionLost(
                f"{node} did not end the trial within {self._trial_s:g} s; see whether the "
                "machine is at work, then retry"
            ) from None

    def _order(self, node: str, act: Act, address: str, model: str, **more: Any) -> Order:
        self._last = max(self._last + 1, self._now())
        return Order(node, self._last, act, address, model, by=self._by, **more)

    async def _ask(self, order: Order, content: bytes = b"") -> dict[str, Any]:
        place = order.node, order.number
        answer: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._replies[place] = answer
        try:
            message = sign_order(order, self._key, content)
            await self._link.publish(_topic(order.node, "order"), message, 1)
            async with asyncio.timeout(REPLY_S):
                return await answer
        except TimeoutError:
            raise ConnectionLost(
                f"{order.node} does not answer within {REPLY_S:g} s; see whether it runs, "
                "reaches the broker and trusts this key, then retry"
            ) from None
        finally:
            del self._replies[place]

    def _check(self, reply: Mapping[str, Any], node: str) -> None:
        if reply.get("error"):
            raise LearnError(f"{node}: {reply['error']}")

    async def _until_news(self) -> None:
        self._news.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(1.0):
                await self._news.wait()

    # -- from the broker ----------------------------------------------------------------------

    def message(self, topic: str, payload: bytes) -> None:
        """Take a reply or a state; what cannot be read is left alone."""
        try:
            told = json.loads(payload)
            node = topic.split("/")[2]
            if topic.endswith("/state"):
                slots = {m: (s[0], s[1], s[2]) for m, s in told["slots"].items()}
                state = {"revision": int(told["revision"]), "slots": slots}
                self.states[node] = {**state, "why": dict(told["why"])}
            else:
                waiting = self._replies.get((node, int(told["number"])))
                if waiting is not None and not waiting.done():
                    waiting.set_result(told)
        except (ValueError, KeyError, TypeError, IndexError):
            logger.warning("what came on %s cannot be read", topic)
        self._news.set()

    async def link_up(self) -> None:
        """Nothing is to be done."""

    def link_down(self, error: str, reason: GapReason) -> None:
        """Note why nothing can be sent."""
        logger.info("machines cannot be reached: %s", error)
