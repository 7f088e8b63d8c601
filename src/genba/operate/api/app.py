"""The FastAPI application over one running core."""

import asyncio
import json

import anyio
from fastapi import APIRouter, FastAPI, Response

from genba import __version__
from genba.operate.api import (
    alarms,
    audit,
    control,
    decisions,
    gaps,
    health,
    history,
    kpis,
    live,
    overrides,
    people,
    planning,
    plant,
    production,
    quarantine,
    records,
    sessions,
)
from genba.operate.api.access import Viewer
from genba.operate.api.auditing import Auditing
from genba.operate.api.headers import Headers
from genba.operate.api.listing import Kept
from genba.operate.api.problems import say_problems
from genba.operate.api.rates import Rate, RateLimit
from genba.operate.api.streams import Streams
from genba.operate.api.tables import AT_ONCE
from genba.operate.api.turns import CLEAR_S, CLEAR_SHARE, Turns, Turnstile
from genba.operate.loop import RECENT
from genba.operate.people import Identities
from genba.operate.runtime import Core

DESCRIPTION = """\
What a plant is, what it says now, what it said before, and what was decided on it.

All times are ISO 8601 with a zone, at the plant's clock. Every route needs a token. Whatever is
refused says why in `detail`.
"""
ROOMS = (
    health,
    plant,
    live,
    production,
    planning,
    control,
    alarms,
    decisions,
    history,
    records,
    gaps,
    quarantine,
    overrides,
    kpis,
    sessions,
    people,
    audit,
)
LARGEST_BODY = 1_000_000
"""Bytes; the longest text that a setpoint takes is far shorter."""


def create_app(core: Core, identities: Identities, rate: Rate | None = None) -> FastAPI:
    """Build the HTTP API of a running core.

    Parameters
    ----------
    core : Core
        The core that the routes read, and to which proposals of people go.
    identities : Identities
        Whose tokens are accepted, and who tells the guard the roles that people have.
    rate : Rate, optional
        What one address may ask.

    Notes
    -----
    Setting the event ``app.state.closing`` ends all open streams.
    """
    app = FastAPI(
        title="Genba",
        version=__version__,
        description=DESCRIPTION,
        # The built-in pages would answer without an identity; the schema has a route of its own.
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        max_body_size=LARGEST_BODY,
        # Another path is another question, whose answer stands in the description.
        redirect_slashes=False,
    )
    core.guard.roles.now = identities.role_now
    app.state.core = core
    app.state.identities = identities
    app.state.closing = asyncio.Event()
    app.state.streams = Streams()
    app.state.logins = anyio.CapacityLimiter(1)
    app.state.describing = anyio.CapacityLimiter(1)
    app.state.proposals = Kept(2 * RECENT)
    app.state.readers = anyio.CapacityLimiter(AT_ONCE)
    add_routes(app)
    say_problems(app)
    # The last one is the first to see a request.
    app.add_middleware(Auditing, audit=core.audit)
    app.add_middleware(Turnstile, turns=_turns(core))
    app.add_middleware(RateLimit, rate=rate or Rate())
    app.add_middleware(Headers)
    return app


def _turns(core: Core) -> Turns:
    period_s = core.plant.tick_s / core.clock.speed
    return Turns(core.next_tick_s, min(CLEAR_S, CLEAR_SHARE * period_s))


def add_routes(app: FastAPI) -> None:
    """Add all routes to an app; they need what :func:`create_app` puts into its state."""
    api = APIRouter(prefix="/api/v1")
    for room in ROOMS:
        api.include_router(room.router)

    @api.get("/openapi.json", summary="The description of this API", include_in_schema=False)
    async def schema(caller: Viewer) -> Response:
        return Response(await described(app), media_type="application/json")

    app.include_router(api)


async def described(app: FastAPI) -> bytes:
    """Return the OpenAPI description; made once, in one thread, however many ask for it."""
    limiter: anyio.CapacityLimiter = app.state.describing
    return await anyio.to_thread.run_sync(_description, app, limiter=limiter)


def _description(app: FastAPI) -> bytes:
    made: bytes | None = getattr(app.state, "description", None)
    if made is None:
        made = app.state.description = json.dumps(app.openapi()).encode()
    return made
