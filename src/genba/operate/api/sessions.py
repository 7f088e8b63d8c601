"""Routes by which people come in, look at their sessions, and leave."""

from collections.abc import Callable
from typing import Annotated, TypeVar

import anyio
import anyio.to_thread
from fastapi import APIRouter, HTTPException, Request, Response
from fastapi import Path as PathParameter
from pydantic import BaseModel, ConfigDict, Field

from genba.errors import GenbaError, Refused
from genba.operate.api.access import Anyone, Viewer
from genba.operate.api.auditing import address_of, note
from genba.operate.api.moments import Moment
from genba.operate.api.problems import ANSWERS, BODY, NOT_FOUND
from genba.operate.people import Identities, Identity, Kind, PersonRole, Scope, TooManyAttempts
from genba.operate.people.sessions import IDLE_S
from genba.plant import US

T = TypeVar("T")

router = APIRouter(tags=["people"], responses=ANSWERS)

MOST_LOGINS = 20
"""Log-ins that wait for their turn; each takes about 0.1 s of one core and 64 MiB."""


class Credentials(BaseModel):
    """Who somebody says to be, and the proof."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1, max_length=80)
    password: str = Field(min_length=1, max_length=200)


class Opened(BaseModel):
    """A new session. ``token`` is shown only this once."""

    token: str
    name: str
    role: PersonRole
    expires: Moment
    idle_s: float


class SessionShown(BaseModel):
    """An open session of one's own."""

    id: str
    created: Moment
    expires: Moment
    origin: str
    this: bool


class NewPassword(BaseModel):
    """A change of one's own password."""

    model_config = ConfigDict(extra="forbid")

    old: str = Field(min_length=1, max_length=200)
    new: str = Field(min_length=1, max_length=200)


class Me(BaseModel):
    """Whose token a request came with; ``scopes`` null where the role alone decides."""

    name: str
    role: PersonRole
    kind: Kind
    scopes: list[Scope] | None


@router.post(
    "/login",
    summary="Log in with name and password; answers the token of a session",
    status_code=201,
    responses=BODY,
)
async def log_in(given: Credentials, request: Request, anyone: Anyone) -> Opened:
    identities: Identities = request.app.state.identities
    known = identities.users.get(given.name)
    # What nobody is called may be a password in the wrong field.
    note(request, action="login", actor=known.name if known else "unknown", target="session")
    try:
        token, session = await slowly(
            request,
            lambda: identities.log_in(given.name, given.password, address_of(request.scope)),
        )
    except TooManyAttempts as error:
        note(request, why="too many attempts", wait_s=round(error.wait_s))
        headers = {"Retry-After": str(round(error.wait_s) or 1)}
        raise HTTPException(429, str(error), headers=headers) from None
    except Refused as error:
        raise HTTPException(401, str(error), headers={"WWW-Authenticate": "Bearer"}) from None
    user = identities.users.get(session.user)
    role = user.role if user else PersonRole.VIEWER
    note(request, role=str(role), session=session.id)
    return Opened(
        token=token,
        name=session.user,
        role=role,
        expires=round(session.expires * US),
        idle_s=IDLE_S,
    )


@router.post("/logout", summary="End the session that the token belongs to", status_code=204)
async def log_out(request: Request, caller: Viewer) -> Response:
    identities: Identities = request.app.state.identities
    _person(caller)
    identities.sessions.end(caller.id, caller.name)
    return Response(status_code=204)


@router.get("/me", summary="Who the token speaks for")
async def me(caller: Viewer) -> Me:
    scopes = None if caller.scopes is None else sorted(caller.scopes)
    return Me(name=caller.name, role=caller.role, kind=caller.kind, scopes=scopes)


@router.post(
    "/me/password",
    summary="Change one's own password; all other sessions end",
    status_code=204,
    responses=BODY,
)
async def change_password(given: NewPassword, request: Request, caller: Viewer) -> Response:
    identities: Identities = request.app.state.identities
    _person(caller)
    address = address_of(request.scope)
    try:
        await slowly(request, lambda: identities.prove(caller.name, given.old, address))
    except TooManyAttempts as error:
        raise HTTPException(429, str(error)) from None
    except Refused as error:
        raise HTTPException(403, str(error)) from None
    try:
        await slowly(
            request,
            lambda: identities.change_user(caller.name, password=given.new, keep=caller.id),
        )
    except GenbaError as error:
        raise HTTPException(422, str(error)) from None
    return Response(status_code=204)


@router.get("/me/sessions", summary="One's own open sessions, oldest first")
async def sessions(request: Request, caller: Viewer) -> list[SessionShown]:
    identities: Identities = request.app.state.identities
    return [
        SessionShown(
            id=one.id,
            created=round(one.created * US),
            expires=round(one.expires * US),
            origin=one.origin,
            this=one.id == caller.id,
        )
        for one in (identities.sessions.of(caller.name) if caller.kind is Kind.PERSON else ())
    ]


@router.delete(
    "/me/sessions/{session}",
    summary="End one of one's own sessions",
    status_code=204,
    responses=NOT_FOUND,
)
async def end_session(
    session: Annotated[str, PathParameter(max_length=80)], request: Request, caller: Viewer
) -> Response:
    identities: Identities = request.app.state.identities
    if not identities.sessions.end(session, caller.name):
        raise HTTPException(404, f"there is no session '{session}' of yours")
    return Response(status_code=204)


def _person(caller: Identity) -> None:
    if caller.kind is not Kind.PERSON:
        raise HTTPException(403, f"'{caller.name}' is no person who logged in, but holds a token")


async def slowly(request: Request, work: Callable[[], T]) -> T:
    """Hash a password in a thread, one at a time: it must not keep the loop from its turn."""
    limiter: anyio.CapacityLimiter = request.app.state.logins
    if limiter.statistics().tasks_waiting >= MOST_LOGINS:
        raise HTTPException(
            429, "too many log in at the same time; try again", headers={"Retry-After": "2"}
        )
    return await anyio.to_thread.run_sync(work, limiter=limiter)
