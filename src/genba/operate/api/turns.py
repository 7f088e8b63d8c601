"""Gives requests their turns, so that no crowd of them ever holds up the execution loop.

Requests and the loop share one thread. Between two awaits nothing can interrupt a request, so what
counts is when each such step begins: one in a round of the event loop, none right before a tick,
and all together for no more than a share of the time.
"""

import asyncio
import time
import types
from collections import deque
from collections.abc import Callable, Coroutine, Generator
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send

SHARE = 0.5
"""Of the event loop's time, what requests get while many wait."""
BURST_S = 0.01
"""Wall seconds that requests may take at once after a pause, before the share counts."""
CLEAR_S = 0.025
"""Wall seconds before a tick in which no step of a request begins."""
CLEAR_SHARE = 0.1
"""The same as a share of the tick's period, where that is shorter."""


class Turns:
    """Says when the next step of a request may begin. For one event loop.

    Steps of requests that have begun go first, each kind in the order of arrival.

    Parameters
    ----------
    due_s : callable
        Wall seconds until the next tick of the execution loop; infinite where none is awaited.
    clear_s : float
        How long before a tick no step begins, wall seconds.
    share : float
        Of the loop's time that all steps together may take for long.
    """

    def __init__(
        self, due_s: Callable[[], float], clear_s: float = CLEAR_S, share: float = SHARE
    ) -> None:
        self._due_s = due_s
        self._clear_s = clear_s
        self._share = share
        self._begun: deque[asyncio.Future[None]] = deque()
        self._new: deque[asyncio.Future[None]] = deque()
        self._left_s = BURST_S
        self._at = time.monotonic()
        self._armed = False

    async def turn(self, *, new: bool) -> None:
        """Wait until a step may begin."""
        waiting: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        (self._new if new else self._begun).append(waiting)
        if not self._armed:
            self._armed = True
            asyncio.get_running_loop().call_soon(self._next)
        await waiting

    def spent(self, seconds: float) -> None:
        """Note how long a step took, wall seconds."""
        self._left_s -= seconds

    def _next(self) -> None:
        """Let one step begin, or look again when one may."""
        self._armed = False
        for lane in (self._begun, self._new):
            while lane and lane[0].done():  # its request is gone
                lane.popleft()
        lane = self._begun or self._new
        if not lane:
            return
        self._armed = True
        loop = asyncio.get_running_loop()
        wait_s = self._wait_s()
        if wait_s > 0:
            loop.call_later(wait_s, self._next)
            return
        # The step runs in the next round, and right after it the next one is looked for.
        lane.popleft().set_result(None)
        loop.call_soon(self._next)

    def _wait_s(self) -> float:
        now = time.monotonic()
        self._left_s = min(BURST_S, self._left_s + (now - self._at) * self._share)
        self._at = now
        due_s = self._due_s()
        if due_s < self._clear_s:
            # The tick itself ends the waiting; a moment after it is time enough.
            return max(0.001, due_s)
        return max(0.0, -self._left_s / self._share)


class Turnstile:
    """ASGI middleware that lets every step of every request wait for its turn.

    Nothing is refused here, and requests begin in the order of their arrival.
    """

    def __init__(self, app: ASGIApp, turns: Turns) -> None:
        self._app = app
        self._turns = turns

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request, step by step."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        await self._turns.turn(new=True)
        await _by_turns(self._app(scope, receive, send), self._turns)  # type: ignore[arg-type]


@types.coroutine
def _by_turns(work: Coroutine[Any, Any, None], turns: Turns) -> Generator[Any, Any, None]:
    """Drive a coroutine: what it awaits is awaited, and then a turn."""
    error: BaseException | None = None
    while True:
        began = time.perf_counter()
        try:
            awaited = work.send(None) if error is None else work.throw(error)
        except StopIteration:
            return
        finally:
            turns.spent(time.perf_counter() - began)
        error = None
        try:
            yield awaited
        except GeneratorExit:
            work.close()
            raise
        except BaseException as told:  # noqa: BLE001 - it is the coroutine's, cancelling included
            error = told
        try:
            yield from turns.turn(new=False).__await__()
        except GeneratorExit:
            work.close()
            raise
        except BaseException as told:  # noqa: BLE001 - the same
            error = told
