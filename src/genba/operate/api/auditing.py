"""Puts on the audit log what comes in over the API: in one place, so that no route can forget it.

On the log is every request that is not a mere question, whatever came of it; every question that
was refused for want of identity or role; and what a route marks with :func:`note` (an export of
data, for example). The entry is durable before the answer leaves.
"""

import asyncio
import logging
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Any

from fastapi import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from genba.errors import StateError
from genba.operate.api.access import READING
from genba.operate.api.repeats import Repeats
from genba.operate.audit import AuditLog, Result
from genba.operate.people import Identity

logger = logging.getLogger(__name__)
PREFIX = "/api/v1"


@dataclass(slots=True)
class _Told:
    """What a route tells of a request."""

    actor: str = ""
    role: str = ""
    action: str = ""
    target: str = ""
    detail: dict[str, Any] = field(default_factory=dict)


def note(
    request: Request,
    *,
    action: str = "",
    target: str = "",
    actor: str = "",
    role: str = "",
    **detail: Any,
) -> None:
    """Say more of a request than its method and path; for routes.

    A question is put on the log if its route names an ``action``.
    """
    told: _Told = request.state.told
    told.action = action or told.action
    told.target = target or told.target
    told.actor = actor or told.actor
    told.role = role or told.role
    told.detail |= detail


class Auditing:
    """ASGI middleware that writes the audit log of an app."""

    def __init__(self, app: ASGIApp, audit: AuditLog) -> None:
        self._app = app
        self._audit = audit
        self._repeats = Repeats()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request, and record it before it is answered."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        told = _Told()
        scope.setdefault("state", {})["told"] = told
        answered = False

        async def answering(message: Message) -> None:
            nonlocal answered
            if message["type"] == "http.response.start":
                answered = True
                await self._record(scope, told, int(message["status"]))
            await send(message)

        try:
            await self._app(scope, receive, answering)
        except Exception:
            if not answered:
                await self._record(scope, told, 500)
            raise

    async def _record(self, scope: Scope, told: _Told, status: int) -> None:
        if not (scope["method"] not in READING or told.action or status in (401, 403)):
            return
        caller: Identity | None = scope["state"].get("caller")
        actor = told.actor or (caller.name if caller else "")
        role = told.role or (str(caller.role) if caller else "")
        action = told.action or f"{scope['method']} {_template(scope)}"
        detail = {"status": status, **told.detail}
        if caller is not None:
            detail |= {"kind": str(caller.kind), "id": caller.id}
        if status >= 400:
            # Whoever is refused over and over fills neither the log nor the disk.
            before = self._repeats.count((address_of(scope), actor, action, status))
            if before is None:
                return
            detail |= {"also": before} if before else {}
        future = self._audit.record(
            actor or "unknown",
            role,
            action,
            told.target or str(scope["path"]).removeprefix(PREFIX),
            _result(status),
            f"api {address_of(scope)}",
            detail,
        )
        try:
            await asyncio.wrap_future(future)
        except StateError as error:
            logger.error("%s; what is done is kept in memory until it can be written", error)  # noqa: TRY400


def address_of(scope: Mapping[str, Any]) -> str:
    """From which address a request came."""
    client = scope.get("client")
    return str(client[0]) if client else "unknown"


def _template(scope: MutableMapping[str, Any]) -> str:
    """Return the path of the route; what was asked for where there is none."""
    path = getattr(scope.get("route"), "path", None) or str(scope["path"])
    return str(path).removeprefix(PREFIX).replace(":path}", "}")


def _result(status: int) -> Result:
    if status < 400:
        return Result.DONE
    return Result.REFUSED if status < 500 else Result.FAILED
