"""Keeps one computer from taking all connections, with nothing or hardly anything asked on them."""

import asyncio
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

MOST_EACH = 200
"""Open connections from one address; more are closed at once. A proxy in front may have all."""
PATIENCE_S = 30.0
"""Wall seconds that a client has for each request: from connecting, or the answer before, on."""


class BoundedProtocol(H11Protocol):
    """HTTP/1.1 on one connection, for clients that ask, and go on asking.

    Whoever connects and says nothing, or sends a request letter by letter, is cut off. Whoever
    waits for an answer, or follows a stream, is not.
    """

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self._before: object = None
        self._check: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take a connection, or close it where its address has enough."""
        super().connection_made(transport)
        if self._too_many():
            transport.abort()
            return
        self._check = self.loop.call_later(PATIENCE_S, self._look)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        if self._check is not None:
            self._check.cancel()
        super().connection_lost(exc)

    def _too_many(self) -> bool:
        if self.config.proxy_headers or self.client is None or len(self.connections) <= MOST_EACH:
            return False
        address = self.client[0]
        clients = (getattr(one, "client", None) for one in self.connections)
        own = sum(1 for client in clients if client is not None and client[0] == address)
        return own > MOST_EACH

    def _look(self) -> None:
        """Cut off whoever has not finished a request since the last look."""
        cycle = self.cycle
        waits = cycle is None or cycle.response_complete or cycle.more_body
        if waits and cycle is self._before:
            self.transport.abort()
            return
        self._before = cycle
        self._check = self.loop.call_later(PATIENCE_S, self._look)
