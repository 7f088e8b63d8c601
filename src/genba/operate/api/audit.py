"""Routes on the audit log: who did what, and whether the log is whole."""

import itertools
import json
from typing import Annotated, Any

import anyio.to_thread
from fastapi import APIRouter, Query, Request
from pydantic import BaseModel

from genba.operate.api.access import Admin
from genba.operate.api.auditing import note
from genba.operate.api.problems import ANSWERS
from genba.operate.api.running import TheCore
from genba.operate.audit import Entry, Result, entries, verify
from genba.operate.audit.chain import line_of

router = APIRouter(prefix="/audit", tags=["people"], responses=ANSWERS)


class EntryShown(BaseModel):
    """One act. ``time`` is the computer's clock, ``plant_time`` the plant's, "" without a core."""

    number: int
    time: str
    plant_time: str
    actor: str
    role: str
    action: str
    target: str
    result: Result
    origin: str
    detail: dict[str, Any]
    previous: str


class AuditPage(BaseModel):
    """Entries, oldest first; ``next`` is what to give as ``after`` for more, null at the end."""

    rows: list[EntryShown]
    next: int | None


class Soundness(BaseModel):
    """Whether the log is whole; ``problem`` names the first thing that is wrong.

    ``head`` is worth noting elsewhere: a log that lost its end, seal and all, is found by it.
    """

    sound: bool
    problem: str
    entries: int
    mended: int
    head: str


@router.get("", summary="Entries of the audit log, oldest first")
async def audit(
    request: Request,
    core: TheCore,
    caller: Admin,
    after: Annotated[int, Query(ge=0, le=10**12, description="Only higher numbers.")] = 0,
    limit: Annotated[int, Query(ge=1, le=10_000)] = 1000,
    actor: Annotated[str | None, Query(max_length=80)] = None,
    action: Annotated[str | None, Query(max_length=200, description="How it begins.")] = None,
) -> AuditPage:
    note(request, action="export", target="audit")

    def look() -> list[Entry]:
        found = entries(core.audit.folder, after=after, actor=actor, action=action)
        return list(itertools.islice(found, limit + 1))

    found = await anyio.to_thread.run_sync(look, limiter=request.app.state.readers)
    shown = [EntryShown.model_validate(_plain(entry)) for entry in found[:limit]]
    return AuditPage(rows=shown, next=shown[-1].number if len(found) > limit else None)


@router.get("/verify", summary="Follow the chain, and say whether it is whole")
async def check(request: Request, core: TheCore, caller: Admin) -> Soundness:
    checked = await anyio.to_thread.run_sync(
        lambda: verify(core.audit.folder), limiter=request.app.state.readers
    )
    return Soundness(
        sound=checked.sound,
        problem=checked.problem,
        entries=checked.entries,
        mended=checked.mended,
        head=str(checked.head),
    )


def _plain(entry: Entry) -> dict[str, Any]:
    """Return what stands on the line, with what was cut there cut here."""
    told: dict[str, Any] = json.loads(line_of(entry))
    return told
