"""An MQTT link that stays up: reconnects, subscribes again, says what went wrong."""

import asyncio
import ipaddress
import logging
import ssl
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Protocol

import aiomqtt
from paho.mqtt.reasoncodes import ReasonCode
from pydantic import Field

from genba.connect.backoff import LIVE_AGAIN_S, Backoff
from genba.connect.driver import Credentials, DriverContext
from genba.connect.ending import end_task
from genba.connect.options import Options, host_and_port
from genba.errors import ConnectionLost, DeviceError, PlantError, Untrusted
from genba.plant import GapReason

SCHEMES = {"mqtt": 1883, "mqtts": 8883}
MOST_WAITING = 10_000
"""Messages that wait while the event loop is busy. Beyond that new ones are dropped and counted,
and the link is opened anew: what was in them is unknown, and the broker still has what it retains.
"""

_LOG = logging.getLogger("genba.connect.mqtt")
_REFUSED_LOGIN = (134, 135)
"""Reason codes for a login that was not accepted (MQTT 5, table 3-1; paho maps 3.1.1's 4 and 5)."""

Topic = tuple[str, int]
"""A topic filter and the quality of service to subscribe with."""


class MqttOptions(Options):
    """Options that every driver over MQTT has."""

    ca_file: Path | None = None
    """The authority that signed the certificate of an ``mqtts://`` broker; default the system's."""
    client_certificate: Path | None = None
    client_key: Path | None = None
    keepalive_s: Annotated[int, Field(ge=1, le=3600)] = 5
    """Seconds of the wall clock after which a silent broker is asked for a sign of life. A link
    that gives none within as many again counts as broken."""
    timeout_s: Annotated[float, Field(gt=0)] = 5.0
    """Longest wait for the broker or the device to answer, in seconds of the wall clock."""
    insecure: bool = False
    """Whether a login may go over the network in the clear (``mqtt://``)."""


class MqttUser(Protocol):
    """The driver behind a link. None of these may block."""

    def message(self, topic: str, payload: bytes) -> None:
        """Take a message."""
        ...

    async def link_up(self) -> None:
        """Do what is to be done after each (re)connect, before messages come."""
        ...

    def link_down(self, error: str, reason: GapReason) -> None:
        """Take note that the link is lost; told again with each attempt that fails."""
        ...


class _Overflow(ConnectionLost):
    """Messages were dropped on the way in."""


class MqttLink:
    """One client at one broker. After the first :meth:`connect` it reconnects until closed.

    Sessions are clean, as Sparkplug 3.0 demands of hosts. A broker would queue only what is sent
    with quality of service 1 or 2; Sparkplug's data and VDA 5050's states are sent with 0, so
    that no session of its could bring them back.

    Attributes
    ----------
    dropped : int
        Messages that came faster than the event loop took them, and are lost.
    """

    def __init__(
        self,
        context: DriverContext,
        options: MqttOptions,
        topics: Sequence[Topic],
        user: MqttUser,
        will: Callable[[], aiomqtt.Will | None] = lambda: None,
    ) -> None:
        self._id = context.connection.id
        self._scheme, self.host, self.port = host_and_port(context.connection, SCHEMES)
        _check_login(context, self._scheme, self.host, options)
        self._credentials: Credentials | None = context.credentials
        self._options = options
        self._topics = list(topics)
        self._user = user
        self._will = will
        self._tls = self._tls_context() if self._scheme == "mqtts" else None
        self._client: aiomqtt.Client | None = None
        self._task: asyncio.Task[None] | None = None
        self._over: asyncio.Future[None]
        self.dropped = 0

    @property
    def up(self) -> bool:
        """Whether messages can be sent now."""
        return self._client is not None

    async def connect(self) -> None:
        """Open the link once.

        Raises
        ------
        Untrusted
            If the broker refuses the login, or its certificate is not trusted.
        ConnectionLost
            If no broker answers.
        """
        if self._task is not None and not self._task.done():
            return
        opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._task = asyncio.create_task(self._run(opened), name=f"mqtt {self._id}")
        try:
            await opened
        except BaseException:
            await self.close()
            raise

    async def publish(self, topic: str, payload: bytes, qos: int = 0, retain: bool = False) -> None:
        """Send one message; with quality of service 1 or 2, return when the broker has it.

        Raises
        ------
        ConnectionLost
            If the link is down or breaks meanwhile.
        """
        if self._client is None:
            raise ConnectionLost(
                f"connection '{self._id}': the link to the broker {self.host}:{self.port} is down; "
                "the driver goes on trying"
            )
        try:
            await self._client.publish(
                topic, payload, qos=qos, retain=retain, timeout=self._options.timeout_s
            )
        except aiomqtt.MqttError as error:
            raise self._explain(error) from None

    async def barrier(self, unused: str) -> None:
        """Return when the broker has taken all that was sent before.

        It answers packets in their order, so an answer to any request stands for those before it;
        giving up a subscription to ``unused``, which there is none to, changes nothing.

        Raises
        ------
        ConnectionLost
            If the link is down or breaks meanwhile.
        """
        client = self._client
        down = ConnectionLost(f"connection '{self._id}': the link to the broker is down")
        if client is None:
            raise down
        asked = asyncio.create_task(client.unsubscribe(unused, timeout=self._options.timeout_s))
        try:
            await asyncio.wait({asked, self._over}, return_when=asyncio.FIRST_COMPLETED)
            if not asked.done():
                raise down
            await asked
        except aiomqtt.MqttError as error:
            raise self._explain(error) from None
        finally:
            await end_task(asked)

    def reopen(self, why: str) -> None:
        """End the present link in good order and open another."""
        if self._client is not None and not self._over.done():
            self._over.set_exception(ConnectionLost(why))

    async def close(self) -> None:
        """End the link. Safe to call twice, and before connecting."""
        task, self._task = self._task, None
        await end_task(task)
        self._client = None

    async def _run(self, opened: asyncio.Future[None]) -> None:
        backoff = Backoff(self._id, most_s=LIVE_AGAIN_S)
        while True:
            dropped = self.dropped
            try:
                async with self._new_client() as client:
                    await self._subscribe(client)
                    self._over = asyncio.get_running_loop().create_future()
                    self._client = client
                    await self._user.link_up()
                    backoff.reset()
                    if not opened.done():
                        opened.set_result(None)
                    await self._until_over(client, dropped)
            except Exception as error:  # noqa: BLE001 - a link that dies loses its device
                explained = self._explain(error)
                if not opened.done():
                    opened.set_exception(explained)
                    return
                self._user.link_down(str(explained), _reason(error, explained))
            finally:
                self._client = None
            await asyncio.sleep(backoff.next_s())

    async def _until_over(self, client: aiomqtt.Client, dropped: int) -> None:
        """Receive until the link breaks, or is to be opened anew."""
        receiving = asyncio.create_task(
            self._receive(client, dropped), name=f"mqtt {self._id} receives"
        )
        try:
            done, _ = await asyncio.wait(
                {receiving, self._over}, return_when=asyncio.FIRST_COMPLETED
            )
            for one in done:
                one.result()
        finally:
            self._client = None
            self._over.cancel()
            await end_task(receiving)

    async def _receive(self, client: aiomqtt.Client, before: int) -> None:
        async for message in client.messages:
            self._user.message(str(message.topic), _bytes(message.payload))
            if self.dropped > before:
                raise _Overflow(
                    f"connection '{self._id}': {self.dropped - before} messages were dropped "
                    f"({self.dropped} so far), because {MOST_WAITING} were waiting; "
                    "see what keeps this computer busy"
                )

    def _new_client(self) -> aiomqtt.Client:
        login = self._credentials
        return aiomqtt.Client(
            self.host,
            self.port,
            username=login.user if login else None,
            password=login.password if login else None,
            will=self._will(),
            keepalive=self._options.keepalive_s,
            timeout=self._options.timeout_s,
            tls_context=self._tls,
            queue_type=self._queue_type(),
            max_queued_incoming_messages=MOST_WAITING,
        )

    def _queue_type(self) -> type[asyncio.Queue[aiomqtt.Message]]:
        """A queue that counts what does not fit; aiomqtt drops that."""
        link = self

        class Waiting(asyncio.Queue[aiomqtt.Message]):
            def put_nowait(self, item: aiomqtt.Message) -> None:
                try:
                    super().put_nowait(item)
                except asyncio.QueueFull:
                    link.dropped += 1
                    raise

        return Waiting

    async def _subscribe(self, client: aiomqtt.Client) -> None:
        codes = await client.subscribe(self._topics)
        for (topic, _), code in zip(self._topics, codes, strict=True):
            if isinstance(code, ReasonCode) and code.is_failure:
                raise Untrusted(
                    f"connection '{self._id}': the broker does not let this login read '{topic}'; "
                    "grant it in the broker's access list"
                )

    def _explain(self, error: Exception) -> DeviceError:
        if isinstance(error, DeviceError):
            return error
        if not isinstance(error, aiomqtt.MqttError):
            _LOG.error("connection '%s': unexpected", self._id, exc_info=error)
            return ConnectionLost(
                f"connection '{self._id}': unexpected {type(error).__name__}: {error}; "
                "the link is opened anew"
            )
        where = f"connection '{self._id}': the broker {self.host}:{self.port}"
        code = getattr(error, "rc", None)
        if isinstance(code, ReasonCode) and code.value in _REFUSED_LOGIN:
            return Untrusted(
                f"{where} does not accept the login; check the connection's credentials"
            )
        if "certificate" in str(error).lower():
            return Untrusted(
                f"{where} is not trusted ({error}); set ca_file to its authority's certificate"
            )
        reason = str(error.__cause__ or error)
        return ConnectionLost(
            f"{where} does not answer ({reason}); check the address and whether it runs"
        )

    def _tls_context(self) -> ssl.SSLContext:
        options = self._options
        try:
            tls = ssl.create_default_context(cafile=options.ca_file)
            if options.client_certificate is not None:
                tls.load_cert_chain(options.client_certificate, options.client_key)
        except (OSError, ssl.SSLError) as error:
            raise PlantError(
                f"connection '{self._id}': a TLS file cannot be used ({error}); "
                "check ca_file, client_certificate and client_key"
            ) from None
        return tls


def _check_login(context: DriverContext, scheme: str, host: str, options: MqttOptions) -> None:
    """Refuse to send a password over a network where others can read it.

    Raises
    ------
    PlantError
        Unless the link is encrypted, stays on this computer, or the plant file insists.
    """
    if context.credentials is None or scheme == "mqtts" or options.insecure or _is_local(host):
        return
    raise PlantError(
        f"connection '{context.connection.id}': credentials would go to {host} in the clear; "
        "use mqtts://, or set the option insecure: true if the network is yours alone"
    )


def _is_local(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _reason(error: Exception, explained: DeviceError) -> GapReason:
    if isinstance(error, _Overflow):
        return GapReason.OVERFLOW
    if isinstance(explained, Untrusted):
        return GapReason.REFUSED
    if isinstance(error.__cause__ or error.__context__, ConnectionRefusedError):
        return GapReason.BROKER
    return GapReason.LINK


def _bytes(payload: object) -> bytes:
    return bytes(payload) if isinstance(payload, bytes | bytearray) else str(payload or "").encode()
