"""Keep the link: receive, notice when it is lost, and take it up again until it is closed."""

import asyncio
import logging
import time
from typing import Any

from asyncua import ua

from genba.connect.backoff import Backoff
from genba.connect.driver import DriverContext
from genba.connect.ending import end_task
from genba.connect.opcua.faults import LINK_IS_GONE, TRANSPORT_ERRORS, unreachable
from genba.connect.opcua.notification import decode_publish
from genba.connect.opcua.options import OpcUaOptions
from genba.connect.opcua.session import Session
from genba.connect.opcua.subscription import (
    Meter,
    Subscription,
    acknowledgement,
    subscription_is_gone,
)
from genba.connect.opcua.watch import SignalWatch
from genba.errors import ConnectionLost, DeviceError, GenbaError
from genba.plant import GapReason, Link

_PUBLISH_REQUESTS = 3
"""Publish requests that wait at the device, so that it can send while an answer travels."""
_FRESH_S = 5.0
_FRESH_LOOK_S = 0.05
_STABLE_S = 10.0
"""After a link that held this long, the next attempt to reconnect comes at once."""
_LONGEST_PAUSE_S = 1.5
"""Between two attempts to reconnect, however long the outage: live 5 s after the link is back."""
_FAILURES = (GenbaError, *TRANSPORT_ERRORS)

_LOG = logging.getLogger("genba.connect.opcua")


class LinkKeeper:
    """One session and its subscriptions, kept alive.

    After a lost link the same session is taken up again, and what the device sent meanwhile is
    fetched from it (Republish). Where the device has let the session go, a new one takes over its
    subscriptions (TransferSubscriptions, OPC 10000-4, 5.14.7); where it has forgotten those too,
    they are made anew, and the gap is told.
    """

    def __init__(
        self, context: DriverContext, options: OpcUaOptions, session: Session, meter: Meter
    ) -> None:
        self.session = session
        self.subscriptions: list[Subscription] = []
        self.link = Link.CONNECTING
        self.since = context.clock.now()
        self.error = ""
        self.reconnects = 0
        self.renewed = 0
        """How many sessions were opened; what was learned in an older one may not hold."""
        self._who = f"connection {context.connection.id}"
        self._url = context.connection.url
        self._context = context
        self._clock = context.clock
        self._options = options
        self._meter = meter
        self._acknowledgements: list[ua.SubscriptionAcknowledgement] = []
        self._in_order = asyncio.Lock()
        self._subscribed = asyncio.Event()
        self._publishing = 0
        self._backoff = Backoff(seed=context.connection.id, most_s=_LONGEST_PAUSE_S)
        self._supervisor: asyncio.Task[None] | None = None
        self._heard = time.monotonic()

    @property
    def services(self) -> Any:
        """The services of asyncua's session, while the link is up.

        Raises
        ------
        ConnectionLost
            While it is not.
        """
        if self.link is not Link.UP:
            why = f": {self.error}" if self.error else ""
            raise ConnectionLost(f"{self._who}: the link to {self._url} is {self.link.value}{why}")
        return self.session.client.uaclient.session

    @property
    def running(self) -> bool:
        """Whether the link was opened once, and is kept since."""
        return self._supervisor is not None

    async def start(self) -> None:
        """Open the session, and keep it from then on."""
        self.turn(Link.CONNECTING)
        try:
            await self.session.open()
        except _FAILURES as error:
            self.turn(Link.DOWN, str(error))
            raise
        self.turn(Link.UP)
        self._supervisor = asyncio.create_task(self._supervise(), name=f"opcua {self._who}")

    async def stop(self) -> None:
        """Keep the link no longer."""
        supervisor, self._supervisor = self._supervisor, None
        await end_task(supervisor)
        await self.session.close()
        if self.link is not Link.CLOSED:
            self.turn(Link.CLOSED)

    async def add(self, subscription: Subscription) -> None:
        """Keep a subscription; it is made now, or as soon as the link is up."""
        self.subscriptions.append(subscription)
        if self.link is Link.UP:
            try:
                async with self._in_order:
                    await subscription.create(self.session)
            except (DeviceError, ua.UaStatusCodeError) as error:
                if not isinstance(error, ConnectionLost):
                    self.subscriptions.remove(subscription)
                    raise
            except TRANSPORT_ERRORS:
                pass  # it is created as soon as the link is back
        self._subscribed.set()

    def turn(self, link: Link, error: str = "") -> None:
        """Note the state of the link."""
        self.link, self.error = link, error
        self.since = self._clock.now()

    async def _supervise(self) -> None:
        """Receive and reconnect in turn; whatever happens, the machine is never given up."""
        while True:
            began = time.monotonic()
            try:
                reason = await self._until_lost()
                self.turn(Link.DOWN, reason)
            except Exception as error:  # noqa: BLE001 - a driver that dies loses its machine
                self.turn(Link.DOWN, self._unexpected(error))
            for subscription in self.subscriptions:
                subscription.lose(self.error)
            if time.monotonic() - began > _STABLE_S:
                self._backoff.reset()
            await self._reconnect()

    async def _until_lost(self) -> str:
        """Receive until the link is lost; says why it was."""
        self._heard = time.monotonic()
        self._publishing = 0
        work = [self._publish() for _ in range(_PUBLISH_REQUESTS)]
        work += [self._watch(), self._keep_fresh()]
        tasks = [asyncio.create_task(each) for each in work]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
            errors = [error for task in done if (error := task.exception()) is not None]
        finally:
            await asyncio.gather(*map(end_task, tasks))
        for error in errors:
            if not isinstance(error, _FAILURES):
                raise error
        if not errors:
            return ""
        if isinstance(errors[0], GenbaError):
            return str(errors[0])
        return str(unreachable(self._who, self._url, errors[0]))

    async def _publish(self) -> None:
        """Keep one publish request at the device, and take what it answers."""
        self._publishing += 1
        pause = Backoff(seed=self._who, first_s=0.1, most_s=5.0)
        while True:
            await self._subscribed.wait()
            await self._room()
            request = ua.PublishRequest()
            request.Parameters.SubscriptionAcknowledgements = self._acknowledgements
            self._acknowledgements = []
            try:
                body = await self.session.raw_request(request, 0)
            except ua.UaStatusCodeError as error:
                if int(error.code) in LINK_IS_GONE:
                    raise
                if error.code == ua.StatusCodes.BadTooManyPublishRequests and self._publishing > 1:
                    self._publishing -= 1
                    return
                if error.code == ua.StatusCodes.BadNoSubscription:
                    await self._renew_stale(everything=True)
                await asyncio.sleep(pause.next_s())  # whatever it is, asking at once will not help
                continue
            pause.reset()
            self._heard = time.monotonic()
            notification = decode_publish(body.read(len(body)))
            async with self._in_order:
                await self._take(notification)

    async def _room(self) -> None:
        """Wait for a sink that takes nothing: meanwhile the device keeps what it has to say."""
        for subscription in self.subscriptions:
            if isinstance(subscription.receiver, SignalWatch):
                await subscription.receiver.wait_for_room()

    async def _take(self, notification: Any) -> None:
        subscription = next(
            (each for each in self.subscriptions if each.id == notification.subscription), None
        )
        if subscription is None:
            return
        await subscription.take(self.session, notification)
        if notification.is_data:
            self._acknowledgements.append(acknowledgement(notification))
        if subscription_is_gone(notification):
            await subscription.renew(self.session, "the device ended the subscription")

    async def _watch(self) -> None:
        """Find out when the device no longer answers, or no longer publishes."""
        patience = self._options.keepalive_s
        state = ua.NodeId(ua.ObjectIds.Server_ServerStatus_State)
        self._look_at_certificates()
        while True:
            await asyncio.sleep(patience / 2)
            if time.monotonic() - self._heard > 1.5 * patience:
                async with asyncio.timeout(self._options.timeout_s):
                    await self.services.read_attributes([state], ua.AttributeIds.Value)
                self._heard = time.monotonic()
            self._look_at_certificates()
            for subscription in self.subscriptions:
                subscription.receiver.absence.tell_overflows()
                if not subscription.receiver.has_room:
                    subscription.heard = time.monotonic()  # it is us who do not ask
            await self._renew_stale(everything=False)

    def _look_at_certificates(self) -> None:
        if note := self.session.note:
            self._meter.errors["certificate"] = note
        else:
            self._meter.errors.pop("certificate", None)

    async def _keep_fresh(self) -> None:
        """Look for aging measurements four times in the shortest freshness of all signals."""
        await self._subscribed.wait()
        shortest_s = min((s.freshness_s for s in self._context.signals), default=_FRESH_S)
        while True:
            await asyncio.sleep(max(_FRESH_LOOK_S, shortest_s / 4 / self._clock.speed))
            for subscription in list(self.subscriptions):
                if isinstance(subscription.receiver, SignalWatch):
                    await subscription.receiver.refresh(self.session)

    async def _renew_stale(self, *, everything: bool) -> None:
        async with self._in_order:
            for subscription in self.subscriptions:
                if subscription.is_stale or (everything and subscription.id is not None):
                    detail = "the device sent nothing for the subscription any more"
                    await subscription.renew(self.session, detail)

    async def _reconnect(self) -> None:
        """Try until it works: at once after a stable link, with growing pauses otherwise."""
        if self._backoff.attempts:
            await asyncio.sleep(self._backoff.next_s())
        else:
            self._backoff.attempts = 1
        while True:
            try:
                await self._take_up_again()
            except _FAILURES as error:
                self.error = str(error) or type(error).__name__
            except Exception as error:  # noqa: BLE001 - as in _supervise
                self.error = self._unexpected(error)
            else:
                break
            await asyncio.sleep(self._backoff.next_s())
        self.reconnects += 1
        self.turn(Link.UP)

    async def _take_up_again(self) -> None:
        """Resume the session, else transfer the subscriptions to a new one, else make them anew."""
        started = self.session.started
        if not await self.session.resume():
            await self.session.open()
            self.renewed += 1
        self._meter.errors.clear()
        abandoned = [s for s in self.subscriptions if s.owner != self.session.serial and s.id]
        kept = await self.session.transfer([s.id for s in abandoned if s.id is not None])
        for subscription in self.subscriptions:
            number = subscription.id
            own = subscription.owner == self.session.serial
            if (own or number in kept) and await subscription.catch_up(
                self.session, kept.get(number) if number is not None else None
            ):
                continue
            await subscription.create(self.session)
            restarted = self.session.started != started
            reason = GapReason.DEVICE if restarted else None
            subscription.receiver.absence.over(self._clock.now(), reason)

    def _unexpected(self, error: Exception) -> str:
        _LOG.error("%s: unexpected", self._who, exc_info=error)
        return f"{self._who}: unexpected {type(error).__name__}: {error}"
