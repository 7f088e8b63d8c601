"""Lets requests begin one by one, so that a crowd of them never holds up the execution loop."""

import asyncio

from starlette.types import ASGIApp, Receive, Scope, Send


class Turnstile:
    """ASGI middleware through which one request steps in each round of the event loop.

    Requests that arrive together would otherwise be served together, in one round, and a tick that
    falls due in it would wait for all of them. So it waits for one. Nothing is refused here, and
    the order of arrival is kept.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._turn = asyncio.Lock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Wait for a turn, let the loop go round once, and begin."""
        if scope["type"] == "http":
            async with self._turn:
                await asyncio.sleep(0)
        await self._app(scope, receive, send)
