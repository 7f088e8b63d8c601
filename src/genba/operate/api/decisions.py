"""Routes on what was found, proposed, allowed, done; and where a person proposes a write."""

from dataclasses import asdict
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from fastapi import Path as PathParameter
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel, ConfigDict, Field

from genba.operate.api.access import Operator, Viewer
from genba.operate.api.common import ANSWERS, TheCore, ThePeriod, rows_of
from genba.plant import Finding, Proposal, Scalar, Verdict, Write, format_time

router = APIRouter(tags=["decisions"], responses=ANSWERS)


class WantedWrite(BaseModel):
    """One setpoint that somebody wants to change."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    signal: str = Field(max_length=200)
    value: Scalar
    unit: str = Field(max_length=40)


class WantedProposal(BaseModel):
    """A change that a person or a program proposes; the guard decides."""

    model_config = ConfigDict(extra="forbid")

    equipment: str = Field(max_length=96)
    writes: list[WantedWrite] = Field(min_length=1, max_length=20)
    reason: str = Field(min_length=1, max_length=500)


class Answer(BaseModel):
    """What the guard said."""

    proposal: str
    decision: str
    reasons: list[str]
    time: str


@router.get("/findings", summary="Findings that stand now")
def findings(core: TheCore, caller: Viewer) -> list[dict[str, Any]]:
    return [_plain(finding) for finding in core.loop.findings()]


@router.get("/proposals", summary="Newest proposals with their verdicts")
def proposals(
    core: TheCore, caller: Viewer, most: Annotated[int, Query(ge=1, le=1000)] = 100
) -> list[dict[str, Any]]:
    return [
        {**_plain(proposal), "verdict": _plain(verdict)}
        for proposal, verdict in core.loop.proposals()[-most:]
    ]


@router.post("/proposals", summary="Propose a write; the guard answers", status_code=201)
async def propose(wanted: WantedProposal, core: TheCore, caller: Operator) -> Answer:
    proposal = Proposal(
        id=core.new_id("manual"),
        time=core.clock.now(),
        kind="setpoint",
        equipment=wanted.equipment,
        writes=tuple(Write(w.signal, w.value, w.unit) for w in wanted.writes),
        reason=wanted.reason,
        source="person",
        actor=caller.name,
        role=str(caller.role),
    )
    verdict = await core.submit(proposal)
    return _answer(verdict)


@router.post(
    "/proposals/{proposal_id}/approve",
    summary="Say yes to a proposal that waits for a person",
)
async def approve(
    proposal_id: Annotated[str, PathParameter(max_length=200)], core: TheCore, caller: Operator
) -> Answer:
    verdict = await core.approve(proposal_id, caller.name, str(caller.role))
    return _answer(verdict)


@router.get("/decisions", summary="Decision records of a period")
async def decisions(
    core: TheCore,
    caller: Viewer,
    period: ThePeriod,
    stage: Literal["finding", "proposal", "verdict", "command", "outcome"] | None = None,
    ref: Annotated[str | None, Query(max_length=200)] = None,
    most: Annotated[int, Query(ge=1, le=100_000)] = 1000,
) -> list[dict[str, Any]]:
    equals = {k: v for k, v in (("stage", stage), ("ref", ref)) if v is not None}
    table = await run_in_threadpool(
        core.historian.rows, "decisions", period.start, period.end, **equals
    )
    return rows_of(table.slice(max(0, table.num_rows - most)))


def _answer(verdict: Verdict) -> Answer:
    return Answer(
        proposal=verdict.proposal,
        decision=str(verdict.decision),
        reasons=list(verdict.reasons),
        time=format_time(verdict.time),
    )


def _plain(part: Finding | Proposal | Verdict) -> dict[str, Any]:
    return {**asdict(part), "time": format_time(part.time)}
