"""Open streams: so many in all, and so many of one identity."""

from collections import Counter
from collections.abc import AsyncIterable, Iterator, Mapping
from contextlib import contextmanager

from fastapi import HTTPException
from fastapi.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from genba.operate.people import Identity, Kind

MOST = 100
"""Open streams of everybody together."""
MOST_EACH = 10
"""Open streams of one person, over all sessions, or of one token."""


class Streams:
    """Counts open streams. For one event loop: between asking and counting nothing is awaited."""

    def __init__(self, most: int = MOST, most_each: int = MOST_EACH) -> None:
        self._most = most
        self._most_each = most_each
        self._open: Counter[tuple[Kind, str]] = Counter()

    def __len__(self) -> int:
        return self._open.total()

    @contextmanager
    def one(self, caller: Identity) -> Iterator[None]:
        """Hold one more stream open.

        Raises
        ------
        HTTPException
            429 if the caller has enough of them, 503 if everybody together has.
        """
        who = (caller.kind, caller.name)
        if self._open[who] >= self._most_each:
            raise HTTPException(
                429, f"{caller.name} has {self._most_each} streams open; close some first"
            )
        if len(self) >= self._most:
            raise HTTPException(503, f"{self._most} streams are open, and no more fit; close some")
        self._open[who] += 1
        try:
            yield
        finally:
            self._open[who] -= 1
            if not self._open[who]:
                del self._open[who]


class CountedStream(StreamingResponse):
    """Server-sent events that count from before the first byte until the connection is left."""

    def __init__(
        self,
        messages: AsyncIterable[str],
        streams: Streams,
        caller: Identity,
        headers: Mapping[str, str],
    ) -> None:
        super().__init__(messages, media_type="text/event-stream", headers=headers)
        self._streams = streams
        self._caller = caller

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the stream, unless too many are open."""
        with self._streams.one(self._caller):
            await super().__call__(scope, receive, send)
