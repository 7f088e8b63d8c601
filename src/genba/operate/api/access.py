"""Every route asks here who is calling and whether the role suffices."""

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Depends, HTTPException, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from genba.errors import Refused
from genba.operate.identity import Identities, Identity, PersonRole

_bearer = HTTPBearer(
    auto_error=False, description="A token from `genba token create`, or the admin's first token."
)


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
        return identities.verify(given.credentials)
    except Refused as error:
        raise HTTPException(401, str(error), headers={"WWW-Authenticate": "Bearer"}) from None


Caller = Annotated[Identity, Depends(_identify)]


def at_least(role: PersonRole) -> Callable[[Identity], Awaitable[Identity]]:
    """Return a dependency that lets callers of ``role`` and above through."""

    async def check(caller: Caller) -> Identity:
        if not caller.role.covers(role):
            raise HTTPException(
                403, f"this needs the role {role}; '{caller.name}' has {caller.role}"
            )
        return caller

    return check


Viewer = Annotated[Identity, Depends(at_least(PersonRole.VIEWER))]
Operator = Annotated[Identity, Depends(at_least(PersonRole.OPERATOR))]
Engineer = Annotated[Identity, Depends(at_least(PersonRole.ENGINEER))]
Admin = Annotated[Identity, Depends(at_least(PersonRole.ADMIN))]
