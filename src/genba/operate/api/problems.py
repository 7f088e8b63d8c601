"""How the API says no: one clear line in ``detail``, the same form for every status."""

import logging
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from genba.errors import GenbaError, PlantError, Refused
from genba.operate.api.access import admit

logger = logging.getLogger(__name__)


class Problem(BaseModel):
    """Why a request was not served."""

    detail: str


def _answer(description: str) -> dict[str, Any]:
    return {"model": Problem, "description": description}


ANSWERS: dict[int | str, dict[str, Any]] = {
    401: _answer("No token, or one that is not known"),
    403: _answer("The role does not suffice"),
    422: _answer("A parameter or the body is wrong"),
    429: _answer("Too much was asked from this address, or too many log-ins failed"),
    503: _answer("The historian or the state folder cannot answer now"),
}
BODY: dict[int | str, dict[str, Any]] = {
    400: _answer("The body cannot be read"),
    413: {"description": "The body is longer than a megabyte", "content": {"text/plain": {}}},
}
"""For routes that take a body."""
NOT_FOUND: dict[int | str, dict[str, Any]] = {404: _answer("There is nothing of that id")}


def say_problems(app: FastAPI) -> None:
    """Let every error of an app leave in the form of :class:`Problem`."""
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(GenbaError, _genba)
    app.add_exception_handler(Exception, _unexpected)


def _problem(status: int, detail: str, headers: Any = None) -> JSONResponse:
    return JSONResponse({"detail": detail}, status_code=status, headers=headers)


async def _invalid(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for it alone
    return await _first_who(request) or _problem(
        422, "; ".join(_line(one) for one in error.errors())
    )


async def _first_who(request: Request) -> JSONResponse | None:
    """Who may not ask is told so, before what is wrong with the question."""
    try:
        await admit(request)
    except HTTPException as error:
        return _problem(error.status_code, str(error.detail), error.headers)
    return None


def _line(error: dict[str, Any]) -> str:
    """Turn one of pydantic's errors into ``query 'limit': input should be less than ...``."""
    kind, *path = error["loc"]
    message = str(error["msg"]).removeprefix("Value error, ")
    if error["type"] == "json_invalid":
        return f"the body is not valid JSON: {error.get('ctx', {}).get('error', message)}"
    where = f"{kind} '{'.'.join(map(str, path))}'" if path else str(kind)
    return f"{where}: {message[:1].lower()}{message[1:]}"


async def _http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for it alone
    detail = str(error.detail)
    if detail in ("Not Found", "Method Not Allowed"):  # Starlette's own words; ours say more
        detail = (
            f"there is no {request.method} {request.url.path}; "
            "GET /api/v1/openapi.json describes what there is"
        )
    if error.status_code == 400 and isinstance(error.__cause__, ValueError | RecursionError):
        detail = "the body cannot be read as JSON: it is nested too deep or holds too long a number"
        return await _first_who(request) or _problem(400, detail, error.headers)
    return _problem(error.status_code, detail, error.headers)


async def _genba(request: Request, error: Exception) -> JSONResponse:
    status = 403 if isinstance(error, Refused) else 422 if isinstance(error, PlantError) else 503
    if status == 503:
        logger.error("%s %s: %s", request.method, request.url.path, error)
    return _problem(status, str(error))


async def _unexpected(request: Request, error: Exception) -> JSONResponse:
    """Say nothing of the inside to the outside; the log gets the trace."""
    logger.error("%s %s failed", request.method, request.url.path, exc_info=error)
    return _problem(500, "something went wrong inside Genba; its log says what")
