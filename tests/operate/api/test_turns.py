"""However many requests come, the loop gets its time, and a tick finds the way clear."""

import asyncio
import time

import pytest
from pydantic import BaseModel
from starlette.types import Receive, Scope, Send

from genba.operate.api.listing import Kept, listed, written
from genba.operate.api.turns import Turns, Turnstile

STEP_S = 0.002
HTTP: Scope = {"type": "http"}


async def receive() -> dict[str, object]:
    return {}


async def send(_: object) -> None:
    return


def busy(seconds: float) -> None:
    until = time.perf_counter() + seconds
    while time.perf_counter() < until:
        pass


async def working(scope: Scope, receive: Receive, send: Send) -> None:
    """Hold the loop for two steps."""
    busy(STEP_S)
    await asyncio.sleep(0)
    busy(STEP_S)


async def test_a_crowd_of_requests_takes_its_share_and_no_more() -> None:
    served = Turnstile(working, Turns(lambda: float("inf"), share=0.5))
    began = time.monotonic()
    async with asyncio.timeout(20):
        await asyncio.gather(*(served(HTTP, receive, send) for _ in range(50)))
    # 100 steps of 2 ms within half of the time, less what may be taken at once.
    assert time.monotonic() - began > (100 * STEP_S - 0.05) / 0.5


async def test_no_step_begins_right_before_a_tick() -> None:
    due_s = 0.01
    begun: list[float] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        begun.append(due_s)
        await asyncio.sleep(0)
        begun.append(due_s)

    served = Turnstile(app, Turns(lambda: due_s, clear_s=0.025))
    asking = asyncio.create_task(served(HTTP, receive, send))
    await asyncio.sleep(0.05)
    assert begun == []
    due_s = 1.0
    async with asyncio.timeout(5):
        await asking
    assert begun == [1.0, 1.0]


async def test_what_goes_wrong_inside_goes_through() -> None:
    async def failing(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            async with asyncio.timeout(0.01):
                await asyncio.Event().wait()
        except TimeoutError:
            raise ValueError("late") from None

    with pytest.raises(ValueError, match="late"):
        await Turnstile(failing, Turns(lambda: float("inf")))(HTTP, receive, send)


async def test_who_goes_away_is_told_so_inside_and_holds_up_nobody() -> None:
    ended = asyncio.Event()

    async def waiting(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    turns = Turns(lambda: float("inf"))
    asking = asyncio.create_task(Turnstile(waiting, turns)(HTTP, receive, send))
    gone = asyncio.create_task(turns.turn(new=True))
    await asyncio.sleep(0)
    gone.cancel()
    async with asyncio.timeout(5):
        for _ in range(10):
            await asyncio.sleep(0)
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        assert ended.is_set()
        await turns.turn(new=True)


class One(BaseModel):
    number: int


async def test_a_long_list_is_written_a_little_at_a_time() -> None:
    rounds = 0

    async def others() -> None:
        nonlocal rounds
        while True:
            rounds += 1
            await asyncio.sleep(0)

    def text(number: int) -> str:
        busy(0.001)
        return written(One(number=number))

    other = asyncio.create_task(others())
    answer = await listed(range(50), text)
    other.cancel()
    assert rounds > 10
    assert bytes(answer.body).startswith(b'[{"number":0},{"number":1},')


def test_texts_are_made_once_and_the_oldest_go() -> None:
    kept, made = Kept(2), []

    def make() -> str:
        made.append(1)
        return "text"

    for key in (1, 1, 2, 2, 3, 1):
        assert kept.text(key, make) == "text"
    assert len(made) == 4
