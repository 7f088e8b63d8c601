"""Routes by which admins say who may use Genba: users, and tokens of machines."""

import datetime as dt
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Request, Response
from fastapi import Path as PathParameter
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from genba.errors import GenbaError
from genba.operate.api.access import Admin
from genba.operate.api.auditing import note
from genba.operate.api.problems import ANSWERS, BODY, NOT_FOUND
from genba.operate.api.sessions import slowly
from genba.operate.people import Identities, PersonRole, Scope, Token, User

router = APIRouter(tags=["people"], responses=ANSWERS)

Name = Annotated[str, PathParameter(min_length=1, max_length=80)]


class UserShown(BaseModel):
    """A person. ``wait_s`` is how long failed log-ins keep them out, in seconds."""

    name: str
    role: PersonRole
    enabled: bool
    created: dt.datetime
    password_changed: dt.datetime
    sessions: int
    wait_s: float


class NewUser(BaseModel):
    """A person to add."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1, max_length=80)
    role: PersonRole
    password: str = Field(min_length=1, max_length=200)


class UserChange(BaseModel):
    """What to change of a person; what is absent stays."""

    model_config = ConfigDict(extra="forbid")

    role: PersonRole | None = None
    enabled: bool | None = None
    password: str | None = Field(None, min_length=1, max_length=200)
    unlock: bool = Field(False, description="Let failed log-ins count no more.")


class TokenShown(BaseModel):
    """A token of a machine, without the token itself."""

    name: str
    role: PersonRole
    scopes: list[Scope] | None
    created: dt.datetime
    expires: dt.datetime | None
    last_used: dt.datetime | None


class NewToken(BaseModel):
    """A token to create; ``scopes`` null lets the role alone decide."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1, max_length=80)
    role: PersonRole = PersonRole.VIEWER
    scopes: list[Scope] | None = Field(None, max_length=len(Scope))
    expires: AwareDatetime | None = None


class TokenCreated(BaseModel):
    """A new token, shown only this once."""

    name: str
    token: str


@router.get("/users", summary="All people, by name")
async def users(request: Request, caller: Admin) -> list[UserShown]:
    identities = _of(request)
    return [_user(identities, user) for user in identities.users.all()]


@router.post("/users", summary="Add a person", status_code=201, responses=BODY)
async def add_user(wanted: NewUser, request: Request, caller: Admin) -> UserShown:
    identities = _of(request)
    note(request, target=wanted.name, given_role=str(wanted.role))
    try:
        user = await slowly(
            request, lambda: identities.add_user(wanted.name, wanted.role, wanted.password)
        )
    except GenbaError as error:
        raise HTTPException(422, str(error)) from None
    return _user(identities, user)


@router.patch(
    "/users/{name:path}",
    summary="Change a person's role or password, disable, enable or unlock them",
    responses={**BODY, **NOT_FOUND},
)
async def change_user(name: Name, wanted: UserChange, request: Request, caller: Admin) -> UserShown:
    identities = _of(request)
    told = wanted.model_dump(mode="json", exclude_unset=True, exclude={"password"})
    note(request, changed={**told, **({"password": "new"} if wanted.password else {})})
    user = identities.users.get(name)
    if user is None:
        raise HTTPException(404, f"there is no user '{name}'")
    values: dict[str, Any] = wanted.model_dump(exclude_none=True, exclude={"unlock"})
    try:
        if values:
            user = await slowly(request, lambda: identities.change_user(name, **values))
    except GenbaError as error:
        raise HTTPException(422, str(error)) from None
    if wanted.unlock:
        identities.attempts.unlock(name)
    return _user(identities, user)


@router.get("/tokens", summary="All tokens of machines, oldest first")
async def tokens(request: Request, caller: Admin) -> list[TokenShown]:
    identities = _of(request)
    used = identities.tokens.last_used()
    return [_token(token, used.get(token.id)) for token in identities.all()]


@router.post("/tokens", summary="Create a token for a machine", status_code=201, responses=BODY)
async def create_token(wanted: NewToken, request: Request, caller: Admin) -> TokenCreated:
    scopes = None if wanted.scopes is None else frozenset(wanted.scopes)
    told = sorted(scopes) if scopes is not None else None
    note(request, target=wanted.name, given_role=str(wanted.role), scopes=told)
    try:
        text = _of(request).create(wanted.name, wanted.role, scopes, wanted.expires)
    except (GenbaError, OverflowError) as error:
        raise HTTPException(422, str(error)) from None
    return TokenCreated(name=wanted.name, token=text)


@router.delete(
    "/tokens/{name:path}", summary="Make a token worthless", status_code=204, responses=NOT_FOUND
)
async def revoke_token(name: Name, request: Request, caller: Admin) -> Response:
    try:
        _of(request).revoke(name)
    except GenbaError as error:
        raise HTTPException(404, str(error)) from None
    return Response(status_code=204)


def _of(request: Request) -> Identities:
    identities: Identities = request.app.state.identities
    return identities


def _user(identities: Identities, user: User) -> UserShown:
    return UserShown(
        name=user.name,
        role=user.role,
        enabled=user.enabled,
        created=dt.datetime.fromisoformat(user.created),
        password_changed=dt.datetime.fromisoformat(user.changed),
        sessions=len(identities.sessions.of(user.name)),
        wait_s=identities.attempts.waiting(user.name),
    )


def _token(token: Token, used: str | None) -> TokenShown:
    return TokenShown(
        name=token.name,
        role=token.role,
        scopes=None if token.scopes is None else sorted(token.scopes),
        created=dt.datetime.fromisoformat(token.created),
        expires=None if token.expires is None else dt.datetime.fromisoformat(token.expires),
        last_used=None if used is None else dt.datetime.fromisoformat(used),
    )
