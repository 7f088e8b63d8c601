"""One subscription on a device: kept, taken up again or made anew, with no message lost between."""

import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Protocol

from asyncua import ua

from genba.connect.opcua.absence import Absence
from genba.connect.opcua.notification import Notification, decode_republish
from genba.connect.opcua.options import OpcUaOptions
from genba.connect.opcua.session import Session
from genba.plant import Clock, GapReason

_LAST_SEQUENCE = 2**32 - 1
_MOST_ASKED = 1000
"""Missing messages that are asked for one by one."""


@dataclass(slots=True)
class Meter:
    """What a connection received so far, over all its subscriptions."""

    sequence: int = 0
    received: int = 0
    last_received: int | None = None
    errors: dict[str, str] = field(default_factory=dict)
    """By signal id, or by what else is wrong though the link is up."""


class Receiver(Protocol):
    """What a subscription is for: it asks the device to watch things, and takes what it tells."""

    @property
    def absence(self) -> Absence:
        """Where it is told what was not heard."""
        ...

    @property
    def has_room(self) -> bool:
        """Whether it can take more now."""
        ...

    async def arm(self, session: Session, subscription: int) -> None:
        """Create the monitored items of a new subscription."""
        ...

    def take(self, notification: Notification) -> None:
        """Take a message; each comes once, in order. Never raises."""
        ...

    async def resumed(self, session: Session) -> None:
        """The device is heard again; the same subscription goes on."""
        ...

    def lost(self) -> None:
        """The device is not heard any more."""
        ...


class Subscription:
    """The device's side of a :class:`Receiver` (OPC 10000-4, 5.14)."""

    def __init__(
        self, receiver: Receiver, options: OpcUaOptions, clock: Clock, meter: Meter
    ) -> None:
        self.id: int | None = None
        self.owner = 0
        """Serial number of the session that it belongs to."""
        self.receiver = receiver
        self.heard = time.monotonic()
        self._heard_at = clock.now()
        self._options = options
        self._clock = clock
        self._meter = meter
        self._sequence = 0
        self._keepalive_s = options.keepalive_s
        self._proven = False

    @property
    def is_stale(self) -> bool:
        """Whether the device has been silent about it for longer than it promised.

        A subscription that was just taken up again has to prove itself: there are servers that
        say that they resume or transfer it and then send nothing.
        """
        keepalives = 3 if self._proven else 1.5
        patience = keepalives * self._keepalive_s + self._options.timeout_s
        return time.monotonic() - self.heard > patience

    def lose(self, detail: str) -> None:
        """The link is lost."""
        self.receiver.absence.begin(self._heard_at, GapReason.LINK, detail)
        self.receiver.lost()

    async def create(self, session: Session) -> None:
        """Make it anew on the device."""
        self.id = None
        publish_ms = self._options.publish_ms
        keepalive = max(1, round(self._options.keepalive_s * 1000 / publish_ms))
        lifetime = max(3 * keepalive, round(self._options.outage_s * 1000 / publish_ms))
        request = ua.CreateSubscriptionRequest()
        request.Parameters = ua.CreateSubscriptionParameters(
            RequestedPublishingInterval=publish_ms,
            RequestedLifetimeCount=lifetime,
            RequestedMaxKeepAliveCount=keepalive,
            MaxNotificationsPerPublish=10_000,
        )
        response = await session.request(request, ua.CreateSubscriptionResponse)
        response.ResponseHeader.ServiceResult.check()
        revised = response.Parameters
        self._keepalive_s = (
            revised.RevisedPublishingInterval * revised.RevisedMaxKeepAliveCount / 1000
        )
        self._sequence = 0
        self._proven = False
        self._note_heard()
        self.id, self.owner = int(revised.SubscriptionId), session.serial
        await self.receiver.arm(session, self.id)

    async def renew(self, session: Session, detail: str) -> None:
        """Make it anew while the link is up, since the device has let it go."""
        absence = self.receiver.absence
        absence.begin(self._heard_at, GapReason.DEVICE, detail)
        await self.create(session)
        absence.over(self._clock.now())

    async def catch_up(self, session: Session, available: Iterable[int] | None) -> bool:
        """Fetch what the device sent into a broken link; False if it has forgotten us.

        ``available`` are the messages that it keeps, where it said so.
        """
        if self.id is None or not await self._republish_after(session, available):
            return False
        self.owner = session.serial
        self._proven = False
        self._note_heard()
        self.receiver.absence.heard_again(self._heard_at)
        await self.receiver.resumed(session)
        return True

    async def take(self, session: Session, notification: Notification) -> None:
        """Take a message, and before it those that are missing, as far as the device has them."""
        self._proven = True
        last_heard = self._heard_at
        self._note_heard()
        if notification.is_data:
            await self._fill_up_to(session, notification, last_heard)
            self._hand_on(notification)
        if not notification.more:
            self.receiver.absence.caught_up()

    async def _fill_up_to(
        self, session: Session, notification: Notification, last_heard: int
    ) -> None:
        ahead = (notification.sequence - self._next()) % _LAST_SEQUENCE
        if not 0 < ahead < _LAST_SEQUENCE // 2:
            return
        first, kept = self._next(), set(notification.available)
        missing = (first + step for step in range(min(ahead, _MOST_ASKED)))
        if kept:
            missing = (n for n in sorted(kept) if (n - first) % _LAST_SEQUENCE < ahead)
        lost = ahead
        for number in missing:
            lost -= await self._republish(session, number) is True
        if lost:
            detail = (
                f"the device dropped {lost} notification(s) before they arrived; "
                "raise option queue_size or outage_s"
            )
            self._meter.errors["subscription"] = detail
            self.receiver.absence.dropped(last_heard, self._heard_at, detail)

    async def _republish_after(self, session: Session, available: Iterable[int] | None) -> bool:
        """Ask again for all messages after the last one that was taken."""
        if available is None:
            while (found := await self._republish(session, self._next())) is not False:
                if found is None:
                    return False
            return True
        for number in sorted(available, key=lambda n: (n - self._next()) % _LAST_SEQUENCE):
            ahead = (number - self._next()) % _LAST_SEQUENCE
            if ahead == 0 and await self._republish(session, number) is None:
                return False
        return True

    async def _republish(self, session: Session, number: int) -> bool | None:
        """Ask for one message again; None where the device no longer has the subscription."""
        assert self.id is not None  # noqa: S101 - only called on a live subscription
        request = ua.RepublishRequest()
        request.Parameters.SubscriptionId = self.id
        request.Parameters.RetransmitSequenceNumber = number
        try:
            body = await session.raw_request(request)
        except ua.UaStatusCodeError as error:
            return False if error.code == ua.StatusCodes.BadMessageNotAvailable else None
        found = decode_republish(body.read(len(body)), self.id)
        if not found.is_data or found.sequence != number:
            return False  # how some servers say that they have none
        self._hand_on(found)
        return True

    def _hand_on(self, notification: Notification) -> None:
        ahead = (notification.sequence - self._next()) % _LAST_SEQUENCE
        if ahead >= _LAST_SEQUENCE // 2:
            return  # taken before
        self._sequence = notification.sequence
        self.receiver.take(notification)

    def _note_heard(self) -> None:
        self.heard = time.monotonic()
        self._heard_at = self._meter.last_received = self._clock.now()

    def _next(self) -> int:
        """Number of the notification that comes next; 0 is never used (OPC 10000-4, 7.26)."""
        return 1 if self._sequence >= _LAST_SEQUENCE else self._sequence + 1


def acknowledgement(notification: Notification) -> ua.SubscriptionAcknowledgement:
    """Tell the device that a notification has arrived and need not be kept."""
    return ua.SubscriptionAcknowledgement(
        SubscriptionId=notification.subscription, SequenceNumber=notification.sequence
    )


def subscription_is_gone(notification: Notification) -> bool:
    """Whether the device says that it has ended the subscription."""
    return notification.status is not None and notification.status >> 30 >= 2
