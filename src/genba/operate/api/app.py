"""The FastAPI application over one running core."""

from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import JSONResponse

from genba import __version__
from genba.errors import GenbaError, Refused
from genba.operate.api import decisions, health, history, kpis, live, plant
from genba.operate.api.access import Viewer
from genba.operate.identity import Identities
from genba.operate.runtime import Core

DESCRIPTION = """\
What a plant is, what it says now, what it said before, and what was decided on it.

All times are ISO 8601 with a zone, at the plant's clock. Every route needs a token.
"""


def create_app(core: Core, identities: Identities) -> FastAPI:
    """Build the HTTP API of a running core.

    Parameters
    ----------
    core : Core
        The core that the routes read, and to which proposals of people go.
    identities : Identities
        Whose tokens are accepted.
    """
    app = FastAPI(
        title="Genba",
        version=__version__,
        description=DESCRIPTION,
        # The built-in pages would answer without an identity; the schema has a route of its own.
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
    )
    app.state.core = core
    app.state.identities = identities
    api = APIRouter(prefix="/api/v1")
    for room in (plant, live, history, decisions, kpis, health):
        api.include_router(room.router)

    @api.get("/openapi.json", summary="The description of this API", include_in_schema=False)
    def schema(caller: Viewer) -> JSONResponse:
        return JSONResponse(app.openapi())

    app.include_router(api)
    app.add_exception_handler(GenbaError, _say_error)
    return app


async def _say_error(request: Request, error: Exception) -> JSONResponse:
    status = 403 if isinstance(error, Refused) else 422
    return JSONResponse({"detail": str(error)}, status_code=status)
