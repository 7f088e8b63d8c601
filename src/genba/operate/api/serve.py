"""Serves the API inside the core's event loop."""

import asyncio
import contextlib
import socket
from collections.abc import Generator

import uvicorn
from fastapi import FastAPI

from genba.errors import GenbaError
from genba.operate.api.certificate import Tls
from genba.operate.api.connections import BoundedProtocol

GRACE_S = 5.0
"""Wall seconds that requests get to finish when the server stops."""
MOST_CONNECTIONS = 1000
"""Open at the same time; more are answered with 503."""


class _QuietServer(uvicorn.Server):
    """Leaves Ctrl-C to the core, which stops the server in its own order."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield


class ApiServer:
    """The HTTP server of one core.

    Parameters
    ----------
    app : FastAPI
        What to serve, from :func:`genba.operate.api.create_app`.
    listener : socket.socket
        From :func:`genba.operate.listening.listen`. The server owns it from now on.
    tls : Tls, optional
        Certificate and key; without, the API speaks plain HTTP.
    proxy : str, optional
        Address of a proxy in front, whose ``X-Forwarded-For`` is believed.

    Attributes
    ----------
    url : str
        Where the API answers.
    """

    def __init__(
        self,
        app: FastAPI,
        listener: socket.socket,
        tls: Tls | None = None,
        proxy: str | None = None,
    ) -> None:
        self._app = app
        self._socket = listener
        host, port = listener.getsockname()[:2]
        context = None if tls is None else tls.context()
        scheme = "http" if tls is None else "https"
        self.url = f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"
        config = uvicorn.Config(
            app,
            http=BoundedProtocol,
            log_config=None,
            access_log=False,
            lifespan="off",
            server_header=False,
            limit_concurrency=MOST_CONNECTIONS,
            # Believed from anybody, the header would forge addresses in the audit log.
            proxy_headers=proxy is not None,
            forwarded_allow_ips=proxy,
            ssl_context_factory=None if context is None else lambda *_: context,
            timeout_graceful_shutdown=round(GRACE_S),
        )
        self._server = _QuietServer(config)
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to answer. Signals stay with the core: it stops the server itself."""
        self._task = asyncio.create_task(self._server.serve([self._socket]), name="api")
        while not self._server.started:
            if self._task.done():
                self._task.result()
                raise GenbaError("the HTTP API could not start")
            await asyncio.sleep(0.01)

    async def stop(self) -> None:
        """End open streams, let requests finish, and stop answering. Safe to call twice."""
        if self._task is None:
            self._socket.close()
            return
        self._app.state.closing.set()
        self._server.should_exit = True
        with contextlib.suppress(asyncio.CancelledError):
            await self._task
        self._task = None
