"""The hub's HTTPS: TLS 1.3, both sides with a certificate, and a few routes for sites alone."""

import asyncio
import datetime as dt
import socket
import threading
import time
from collections.abc import Callable
from typing import Any

import uvicorn
from fastapi import FastAPI, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse
from uvicorn.protocols.http.h11_impl import H11Protocol

from genba import __version__
from genba.errors import GenbaError, LearnError, Refused
from genba.learn.federated.desk import Desk
from genba.learn.federated.identity import Identity, Roster
from genba.learn.federated.message import MOST_BYTES
from genba.learn.federated.plan import FORMAT, Plan

POLL_S = 5.0
"""How long a site's look for a question is held, wall seconds."""
NUMBER = "X-Question"
_HEX = 64
_GRACE_S = 3


class Office:
    """What the routes work on: the plan, the desk, who said hello, and the result."""

    def __init__(self, plan: Plan, desk: Desk, roster: Roster) -> None:
        self.plan, self.desk, self.roster = plan, desk, roster
        self.commitments: dict[str, str] = {}
        """What each site said of its data, now or before the hub was started anew."""
        self.met: set[str] = set()
        self.result: bytes = b""
        self.failed = ""
        self.joined: Callable[[str, str], None] = lambda site, commitment: None
        self.served: set[str] = set()
        """Sites that know how it ended."""

    def name_of(self, certificate: bytes) -> str:
        """Return the site that a certificate speaks for.

        Raises
        ------
        LearnError
            If it is not believed, or of nobody in the plan.
        """
        name = self.roster.name_of(certificate, dt.datetime.now(dt.UTC))
        if name not in self.plan.sites:
            raise LearnError(f"site '{name}' is not in the plan; ask the hub to add it")
        return name

    def hello(self, site: str, told: dict[str, Any]) -> None:
        """Let a site in that has the same plan and the same Genba.

        Raises
        ------
        Refused
            If it has not.
        """
        if told.get("format") != FORMAT:
            raise Refused(
                f"site '{site}' speaks format {told.get('format')} of sums and the hub {FORMAT}; "
                f"use one Genba everywhere (the hub has {__version__})"
            )
        if told.get("plan") != self.plan.digest():
            raise Refused(
                f"site '{site}' agreed to another plan than the hub's {self.plan.digest()[:12]}; "
                "look at it with `genba federate show`"
            )
        commitment = told.get("data")
        if not isinstance(commitment, str) or len(commitment) != _HEX:
            raise Refused(f"site '{site}' does not say which data it brings; use one Genba")
        if self.commitments.get(site, commitment) != commitment:
            raise Refused(
                f"site '{site}' brings other data than it did before for this plan; sums of both "
                "would mix: agree on another plan, say with another seed"
            )
        if site not in self.commitments:
            self.joined(site, commitment)
        self.commitments[site] = commitment
        self.met.add(site)
        self.desk.hello(site)


def create_app(office: Office) -> FastAPI:
    """Return the routes. Each answers the holder of a site's certificate, and nobody else."""
    app = FastAPI(title="Genba federation", docs_url=None, redoc_url=None, openapi_url=None)

    @app.exception_handler(GenbaError)
    async def refused(request: Request, error: GenbaError) -> JSONResponse:
        code = 409 if isinstance(error, Refused) else 403
        return JSONResponse({"detail": str(error)}, code)

    def site_of(request: Request) -> str:
        return office.name_of(request.state.certificate)

    @app.get("/v1/plan")
    def plan(request: Request) -> dict[str, Any]:
        site_of(request)
        told = office.plan
        return {"plan": told.as_json(), "digest": told.digest(), "code": __version__}

    @app.post("/v1/hello")
    async def hello(request: Request) -> dict[str, Any]:
        site = site_of(request)
        told = await _json(request)
        await run_in_threadpool(office.hello, site, told)
        return {"site": site}

    @app.get("/v1/next")
    def following(request: Request, after: int = 0) -> Response:
        site = site_of(request)
        if site not in office.met:
            return JSONResponse({"detail": "say hello first"}, 428)
        found = office.desk.next(site, after, POLL_S)
        if found is not None:
            return Response(found[1], headers={NUMBER: str(found[0])})
        if office.failed:
            office.served.add(site)
            return JSONResponse({"detail": office.failed}, 410)
        return Response(status_code=205 if office.result else 204)

    @app.post("/v1/answer/{number}")
    async def answer(request: Request, number: int) -> dict[str, bool]:
        site = site_of(request)
        content = await _body(request)
        await run_in_threadpool(office.desk.answer, site, number, content)
        return {"taken": True}

    @app.post("/v1/trouble/{number}")
    async def trouble(request: Request, number: int) -> dict[str, bool]:
        site = site_of(request)
        why = str((await _json(request)).get("why", ""))[:300]
        await run_in_threadpool(office.desk.trouble, site, number, why)
        return {"taken": True}

    @app.get("/v1/result")
    def result(request: Request) -> Response:
        site = site_of(request)
        if office.result:
            office.served.add(site)
        return Response(office.result, status_code=200 if office.result else 204)

    return app


async def _body(request: Request) -> bytes:
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > MOST_BYTES:
            raise LearnError(f"an answer of more than {MOST_BYTES:,} bytes is refused")
        parts.append(part)
    return b"".join(parts)


async def _json(request: Request) -> dict[str, Any]:
    try:
        told = await request.json()
    except ValueError:
        told = None
    if not isinstance(told, dict):
        raise Refused("the request holds no JSON table; use one Genba everywhere")
    return told


class _MutualProtocol(H11Protocol):
    """Hands the certificate that the other side showed to the routes."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        secured = transport.get_extra_info("ssl_object")
        shown = None if secured is None else secured.getpeercert(binary_form=True)
        self.app_state = {**self.app_state, "certificate": shown or b""}
        super().connection_made(transport)


class HubServer:
    """Serves the routes from a thread of its own.

    Attributes
    ----------
    url : str
        Where it answers.
    """

    def __init__(self, app: FastAPI, identity: Identity, listener: socket.socket) -> None:
        host, port = listener.getsockname()[:2]
        self.url = f"https://{f'[{host}]' if ':' in host else host}:{port}"
        context = identity.context(server=True)
        config = uvicorn.Config(
            app,
            http=_MutualProtocol,
            log_config=None,
            access_log=False,
            lifespan="off",
            server_header=False,
            limit_concurrency=200,
            ssl_context_factory=lambda *_: context,
            timeout_graceful_shutdown=_GRACE_S,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [listener]}, name="federation", daemon=True
        )

    def start(self) -> None:
        """Begin to answer.

        Raises
        ------
        LearnError
            If it cannot.
        """
        self._thread.start()
        wait_until(lambda: self._server.started or not self._thread.is_alive(), 30)
        if not self._server.started:
            raise LearnError(f"the hub cannot answer at {self.url}; look whether the port is free")

    def stop(self) -> None:
        """Let requests finish, and end."""
        self._server.should_exit = True
        self._thread.join(2 * _GRACE_S)


def wait_until(done: Callable[[], bool], most_s: float) -> bool:
    """Wait for a condition, wall seconds at most; whether it came."""
    end = time.monotonic() + most_s
    while not done():
        if time.monotonic() > end:
            return False
        time.sleep(0.01)
    return True
