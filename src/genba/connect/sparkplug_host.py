"""What a Sparkplug host says of itself and asks of nodes: its STATE, and requests for rebirth."""

import asyncio
import contextlib
import json
import time
from collections.abc import Awaitable, Callable

import aiomqtt

from genba.connect.backoff import Backoff
from genba.connect.ending import end_task
from genba.connect.sparkplug_payload import DataType, Metric, Payload, encode
from genba.errors import DeviceError

NAMESPACE = "spBv1.0"
REBIRTH = "Node Control/Rebirth"
REBIRTH_EVERY_S = 2.0
"""Shortest wait between two requests for rebirth, in seconds of the wall clock."""
_REBIRTH_MOST_S = 30.0
_CALM_S = 120.0


def state_topic(host: str) -> str:
    """Where a host tells whether it is there (Sparkplug 3.0.0, 5.3)."""
    return f"{NAMESPACE}/STATE/{host}"


def read_state(payload: bytes) -> tuple[bool, int] | None:
    """Read a STATE message: whether the host is online, and since when (ms); None if it is none."""
    try:
        content = json.loads(payload)
    except (ValueError, RecursionError):
        return None
    if not isinstance(content, dict):
        return None
    online, stamp = content.get("online"), content.get("timestamp")
    if not isinstance(online, bool) or type(stamp) is not int:
        return None
    return online, stamp


class HostState:
    """The STATE of this host: online while the link is up, offline by its will when it breaks.

    The will of an earlier link may be carried out when a new one is up already. Whoever looks at
    the topic would believe it, so the host then says again that it is there.
    """

    def __init__(self, host: str) -> None:
        self.topic = state_topic(host)
        self._time_ms = 0
        self._confirmed = False
        self.leaving = False

    def will(self, now_ms: int) -> aiomqtt.Will:
        """Begin a new link: what the broker is to say when it breaks."""
        self._time_ms, self._confirmed = now_ms, False
        return aiomqtt.Will(self.topic, self.said(False), qos=1, retain=True)

    def said(self, online: bool) -> bytes:
        """Return the message of this link."""
        return json.dumps({"online": online, "timestamp": self._time_ms}).encode()

    def contradicted(self, payload: bytes) -> bool:
        """Whether a message on the topic must be answered by saying again that the host is there.

        Only what comes behind the echo of this link's own message counts: what the broker had
        retained before comes first, and is replaced already.
        """
        state = read_state(payload)
        if state == (True, self._time_ms):
            self._confirmed = True
        return self._confirmed and not self.leaving and state != (True, self._time_ms)


class RebirthRequests:
    """Asks a node to be born again until it is; never more often than every two seconds.

    A node whose births do not mend what is wrong is asked less and less often.
    """

    def __init__(self, name: str, topic: str, publish: Callable[[str, bytes], Awaitable[None]]):
        self._topic = topic
        self._publish = publish
        self._backoff = Backoff(name, first_s=REBIRTH_EVERY_S, most_s=_REBIRTH_MOST_S)
        self._name = name
        self._needed = False
        self._not_before = 0.0
        self._asked = float("-inf")
        self._task: asyncio.Task[None] | None = None

    @property
    def open(self) -> bool:
        """Whether a birth is waited for."""
        return self._needed

    def ask(self, now_ms: Callable[[], int]) -> None:
        """Ask for a birth now, or as soon as it may be asked for again."""
        self._needed = True
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._ask(now_ms), name=f"rebirth {self._name}")

    def afresh(self) -> None:
        """Forget how often was asked: the link is new."""
        self._backoff.reset()
        self._not_before = 0.0
        if self._task is not None:
            self._task.cancel()
            self._task = None

    def born(self) -> None:
        """Note that the node was born."""
        self._needed = False

    async def close(self) -> None:
        """Ask no more."""
        self._needed = False
        await end_task(self._task)

    async def _ask(self, now_ms: Callable[[], int]) -> None:
        while self._needed:
            wait_s = self._not_before - time.monotonic()
            if wait_s > 0:
                await asyncio.sleep(wait_s)
                continue
            if time.monotonic() - self._asked > _CALM_S:
                self._backoff.reset()
            self._asked = time.monotonic()
            self._not_before = self._asked + max(REBIRTH_EVERY_S, self._backoff.next_s())
            now = now_ms()
            metric = Metric(REBIRTH, timestamp_ms=now, datatype=DataType.BOOLEAN, raw=True)
            with contextlib.suppress(DeviceError):
                await self._publish(self._topic, encode(Payload(now, None, (metric,))))
