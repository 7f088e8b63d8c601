"""One device's link to the MQTT broker: it comes back by itself, and leaves a last will."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence

import aiomqtt

from genba.errors import TestbedError

_log = logging.getLogger(__name__)
_AGAIN_S = 1.0
_START_S = 45.0

OnMessage = Callable[[str, bytes], Awaitable[None]]


class MqttLink:
    """Connects, subscribes, and goes on doing so until stopped.

    ``make_will`` is asked before every connection attempt; ``on_connect`` publishes what a device
    says first.
    """

    def __init__(
        self,
        host: str,
        port: int,
        identifier: str,
        login: tuple[str, str] | None,
        make_will: Callable[[], aiomqtt.Will],
        topics: Sequence[str],
        on_connect: Callable[[], Awaitable[None]],
        on_message: OnMessage,
    ) -> None:
        self._host, self._port = host, port
        self._identifier = identifier
        self._login = login
        self._make_will = make_will
        self._topics = topics
        self._on_connect = on_connect
        self._on_message = on_message
        self._client: aiomqtt.Client | None = None
        self._task: asyncio.Task[None] | None = None
        self._up = asyncio.Event()
        self._stopping = False

    async def start(self) -> None:
        """Connect for the first time.

        Raises
        ------
        TestbedError
            If the broker does not let us in.
        """
        self._task = asyncio.create_task(self._live(), name=f"mqtt {self._identifier}")
        try:
            await asyncio.wait_for(self._up.wait(), _START_S)
        except TimeoutError:
            await self.stop()
            raise TestbedError(
                f"{self._identifier} cannot connect to the MQTT broker at "
                f"{self._host}:{self._port}; see that the broker runs and knows its login"
            ) from None

    async def publish(self, topic: str, payload: bytes, qos: int = 0, retain: bool = False) -> None:
        """Publish; while the link is down nothing is said, and all of it on the next connect."""
        if self._client is None:
            return
        try:
            await self._client.publish(topic, payload, qos=qos, retain=retain)
        except aiomqtt.MqttError as error:
            _log.warning("%s could not publish: %s", self._identifier, error)

    async def stop(self) -> None:
        """Leave politely: the last will is not sent."""
        task, self._task = self._task, None
        self._stopping = True
        # One cancel may be lost in a wait_for of Python 3.11, or turned into an MqttError.
        while task is not None and not task.done():
            task.cancel()
            await asyncio.wait({task}, timeout=0.5)

    async def _live(self) -> None:
        while not self._stopping:
            try:
                await self._connection()
            except aiomqtt.MqttError as error:
                _log.info("%s lost the broker: %s", self._identifier, error)
            await asyncio.sleep(_AGAIN_S)

    async def _connection(self) -> None:
        user, password = self._login or (None, None)
        client = aiomqtt.Client(
            self._host,
            self._port,
            username=user,
            password=password,
            identifier=self._identifier,
            will=self._make_will(),
        )
        async with client:
            self._client = client
            try:
                for topic in self._topics:
                    await client.subscribe(topic, qos=1)
                await self._on_connect()
                self._up.set()
                async for message in client.messages:
                    payload = message.payload if isinstance(message.payload, bytes) else b""
                    await self._on_message(str(message.topic), payload)
            finally:
                self._client = None
