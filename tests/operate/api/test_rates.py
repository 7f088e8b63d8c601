"""Whoever asks too much is refused and slowed down; all others are served."""

import asyncio
from pathlib import Path

import httpx
import pytest
from starlette.types import Receive, Scope, Send
from tests.operate.api.running_plant import running_plant

from genba.operate.api.rates import MOST_CLIENTS, Rate, RateLimit


async def hello(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"hello"})


class Watch:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def client(limit: RateLimit, address: str) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(limit, client=(address, 1))
    return httpx.AsyncClient(transport=transport, base_url="http://genba")


async def statuses(asking: httpx.AsyncClient, count: int) -> list[int]:
    return [(await asking.get("/")).status_code for _ in range(count)]


async def test_a_bucket_empties_and_fills_again() -> None:
    watch = Watch()
    limit = RateLimit(hello, Rate(per_s=10, burst=5, hold_s=0), watch)
    async with client(limit, "192.0.2.1") as one, client(limit, "192.0.2.2") as other:
        assert await statuses(one, 7) == [200] * 5 + [429] * 2
        assert await statuses(other, 1) == [200]
        watch.now += 0.3
        assert await statuses(one, 4) == [200] * 3 + [429]
        refused = await one.get("/")
        assert refused.headers["Retry-After"] == "1"
        assert refused.json() == {
            "detail": "too many requests from your address; 10 in a second are answered"
        }


async def test_refused_ones_are_held_so_that_a_flood_slows_itself() -> None:
    limit = RateLimit(hello, Rate(per_s=0.001, burst=1, hold_s=30))
    async with client(limit, "192.0.2.1") as one, client(limit, "192.0.2.2") as other:
        assert await statuses(one, 1) == [200]
        held = asyncio.create_task(statuses(one, 1))
        assert await statuses(other, 1) == [200]
        assert not held.done()
        held.cancel()


async def test_however_many_addresses_come_few_are_remembered() -> None:
    watch = Watch()
    limit = RateLimit(hello, Rate(per_s=1, burst=2, hold_s=0), watch)
    for number in range(MOST_CLIENTS + 50):
        limit._bucket(f"2001:db8::{number:x}")
        watch.now += 0.0001
    assert len(limit._buckets) <= MOST_CLIENTS


@pytest.mark.parametrize("path", ["/health", "/no/such/thing", "/login"])
async def test_every_answer_tells_browsers_to_keep_off(tmp_path: Path, path: str) -> None:
    async with running_plant(tmp_path) as plant, plant.client() as asking:
        answer = await asking.get(path)
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["X-Frame-Options"] == "DENY"
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert answer.headers["Cache-Control"] == "no-store"
    assert "Access-Control-Allow-Origin" not in answer.headers
    assert "Strict-Transport-Security" not in answer.headers  # plain HTTP promises nothing
