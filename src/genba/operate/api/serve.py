"""Serves the API inside the core's event loop."""

import asyncio
import contextlib
import socket
from collections.abc import Generator

import uvicorn
from fastapi import FastAPI

from genba.errors import GenbaError


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
        What to serve.
    host, port : str, int
        Where to listen; loopback unless somebody chose otherwise. Port 0 takes a free one.

    Raises
    ------
    GenbaError
        If the port is taken or the address is not one of this computer's.
    """

    def __init__(self, app: FastAPI, host: str, port: int) -> None:
        self._socket = _listen(host, port)
        self.host, self.port = host, int(self._socket.getsockname()[1])
        config = uvicorn.Config(app, log_config=None, access_log=False, lifespan="off")
        self._server = _QuietServer(config)
        self._task: asyncio.Task[None] | None = None

    @property
    def url(self) -> str:
        """Where the API answers."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"

    async def start(self) -> None:
        """Begin to answer. Signals stay with the core: it stops the server itself."""
        self._task = asyncio.create_task(self._server.serve([self._socket]), name="api")
        while not self._server.started:
            if self._task.done():
                self._task.result()
                raise GenbaError("the HTTP API could not start")
            await asyncio.sleep(0.01)

    async def stop(self) -> None:
        """End open streams and stop answering."""
        if self._task is None:
            self._socket.close()
            return
        self._server.should_exit = True
        self._server.force_exit = True
        with contextlib.suppress(asyncio.CancelledError):
            await self._task
        self._task = None


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    server = socket.socket(family, socket.SOCK_STREAM)
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        server.bind((host, port))
        server.listen(128)
    except OSError as error:
        server.close()
        raise GenbaError(
            f"the API cannot listen on {host}:{port}: {error.strerror}; "
            "stop what uses that port or choose another with --port"
        ) from None
    return server
