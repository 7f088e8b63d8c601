"""How much one client may ask: a bucket of tokens for each address."""

import asyncio
import json
import time
from collections.abc import Callable
from dataclasses import dataclass

from starlette.types import ASGIApp, Receive, Scope, Send

from genba.operate.api.auditing import address_of

MOST_CLIENTS = 10_000
MOST_HELD = 20
"""Refused requests of one client that are held at the same time; others are refused at once."""


@dataclass(frozen=True, slots=True)
class Rate:
    """Requests per second that one address may send for long, and how many at once.

    Whoever asks for more is refused, after ``hold_s`` wall seconds: a client that sends its next
    request when it has the answer to the last is slowed down rather than answered faster.
    """

    per_s: float = 200.0
    burst: float = 400.0
    hold_s: float = 0.5


@dataclass(slots=True)
class _Bucket:
    tokens: float
    at: float
    held: int = 0


class RateLimit:
    """ASGI middleware that refuses whoever asks too much."""

    def __init__(self, app: ASGIApp, rate: Rate, now: Callable[[], float] = time.monotonic) -> None:
        self._app = app
        self._rate = rate
        self._now = now
        self._buckets: dict[str, _Bucket] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request if its client has a token left."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        bucket = self._bucket(address_of(scope))
        if bucket.tokens >= 1:
            bucket.tokens -= 1
            await self._app(scope, receive, send)
            return
        if bucket.held < MOST_HELD:
            bucket.held += 1
            try:
                await asyncio.sleep(self._rate.hold_s)
            finally:
                bucket.held -= 1
        await _refuse(send, self._rate)

    def _bucket(self, address: str) -> _Bucket:
        now = self._now()
        bucket = self._buckets.get(address)
        if bucket is None:
            if len(self._buckets) >= MOST_CLIENTS:
                self._forget(now)
            bucket = self._buckets[address] = _Bucket(self._rate.burst, now)
        else:
            gained = (now - bucket.at) * self._rate.per_s
            bucket.tokens = min(self._rate.burst, bucket.tokens + gained)
            bucket.at = now
        return bucket

    def _forget(self, now: float) -> None:
        """Forget clients whose bucket is full again; if none is, the oldest half."""
        full_after = self._rate.burst / self._rate.per_s
        kept = {a: b for a, b in self._buckets.items() if now - b.at < full_after or b.held}
        if len(kept) >= MOST_CLIENTS:
            newest = sorted(kept.items(), key=lambda pair: pair[1].at)[MOST_CLIENTS // 2 :]
            kept = dict(newest)
        self._buckets = kept


async def _refuse(send: Send, rate: Rate) -> None:
    detail = f"too many requests from your address; {rate.per_s:g} in a second are answered"
    body = json.dumps({"detail": detail}).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"retry-after", b"1"),
        (b"connection", b"close"),
    ]
    await send({"type": "http.response.start", "status": 429, "headers": headers})
    await send({"type": "http.response.body", "body": body})
