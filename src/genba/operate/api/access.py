"""Every route asks here who is calling, and whether role and scope suffice.

A route names its least role, and what a narrow token must be good for, with one of the types at
the end of this file. :mod:`genba.operate.api.matrix` reads them back from the routes; a route that
names none fails a test.
"""

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, HTTPException, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from genba.errors import Refused
from genba.operate.audit import AuditLog
from genba.operate.people import Identities, Identity, PersonRole, Scope

_bearer = HTTPBearer(
    auto_error=False,
    description="A token from `genba token create` or POST /login, or the admin's first token.",
)
READING = frozenset({"GET", "HEAD", "OPTIONS"})


async def _identify(
    request: Request, given: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
) -> Identity:
    identities: Identities = request.app.state.identities
    if given is None:
        raise HTTPException(
            401,
            "this needs a token: send the header 'Authorization: Bearer <token>'",
            headers={"WWW-Authenticate": "Bearer"},
        )
    try:
        caller = identities.verify(given.credentials)
    except Refused as error:
        raise HTTPException(401, str(error), headers={"WWW-Authenticate": "Bearer"}) from None
    request.state.caller = caller
    return caller


Caller = Annotated[Identity, Depends(_identify)]


@dataclass(frozen=True, slots=True)
class Access:
    """A dependency that lets callers of ``role`` and above through, if their token has ``scope``.

    What operators do on the plant goes on while the audit log cannot be written (it is kept in
    memory until it can be); what engineers and admins change waits for the log.
    """

    role: PersonRole
    scope: Scope

    async def __call__(self, request: Request, caller: Caller) -> Identity:
        """Return the caller.

        Raises
        ------
        HTTPException
            403 if role or scope do not suffice, 503 if it may not be done unseen.
        """
        lacking = caller.lacks(self.role, self.scope)
        if lacking:
            raise HTTPException(403, lacking)
        audit: AuditLog = request.app.state.core.audit
        unseen = audit.error and request.method not in READING
        if unseen and self.role.covers(PersonRole.ENGINEER):
            audit.retry()
            raise HTTPException(503, f"this may not be done unseen: {audit.error}")
        return caller


async def _anyone() -> None:
    """Let everybody through: only for routes by which people come in."""


def declared(route: Any) -> list[Access | None]:
    """Return what a route asks for: one item, None where anybody may come; none if it forgot."""
    dependant = getattr(route, "dependant", None)
    calls = [one.call for one in getattr(dependant, "dependencies", ())]
    return [
        call if isinstance(call, Access) else None
        for call in calls
        if isinstance(call, Access) or call is _anyone
    ]


async def admit(request: Request) -> None:
    """Refuse whoever may not ask, where the body was looked at before the caller.

    Raises
    ------
    HTTPException
        401 or 403.
    """
    for access in declared(request.scope.get("route")):
        if access is not None and getattr(request.state, "caller", None) is None:
            await access(request, await _identify(request, await _bearer(request)))


Anyone = Annotated[None, Depends(_anyone)]
Viewer = Annotated[Identity, Depends(Access(PersonRole.VIEWER, Scope.READ))]
Operator = Annotated[Identity, Depends(Access(PersonRole.OPERATOR, Scope.PROPOSE))]
AlarmHandler = Annotated[Identity, Depends(Access(PersonRole.OPERATOR, Scope.ALARMS))]
Approver = Annotated[Identity, Depends(Access(PersonRole.OPERATOR, Scope.APPROVE))]
Engineer = Annotated[Identity, Depends(Access(PersonRole.ENGINEER, Scope.CONFIGURE))]
Admin = Annotated[Identity, Depends(Access(PersonRole.ADMIN, Scope.ADMIN))]
