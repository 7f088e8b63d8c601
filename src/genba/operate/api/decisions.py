"""Routes on what was found, proposed, allowed, done; and where a person proposes a write."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, HTTPException, Query, Request, Response
from fastapi import Path as PathParameter
from pydantic import BaseModel, ConfigDict, Field

from genba.operate.api.access import Operator, Viewer
from genba.operate.api.moments import Moment, ThePeriod
from genba.operate.api.parts import FindingShown, ProposalShown, VerdictShown, with_verdict
from genba.operate.api.problems import ANSWERS, NOT_FOUND, Problem
from genba.operate.api.running import TheCore
from genba.operate.api.tables import FORMATS, ThePage, read
from genba.plant import Decision, Proposal, Scalar, Write

router = APIRouter(tags=["decisions"], responses=ANSWERS)


class WantedWrite(BaseModel):
    """One setpoint that somebody wants to change."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    signal: str = Field(max_length=200)
    value: Scalar
    unit: str = Field(max_length=40, description="UCUM; the signal's, or one that converts to it.")


class WantedProposal(BaseModel):
    """A change that a person or a program proposes; the guard decides."""

    model_config = ConfigDict(extra="forbid")

    equipment: str = Field(max_length=96)
    writes: list[WantedWrite] = Field(min_length=1, max_length=20)
    reason: str = Field(min_length=1, max_length=500)


class DecisionRecord(BaseModel):
    """One part of a decision record. ``ref`` names the proposal or command that it belongs to."""

    id: str
    time: Moment
    sequence: int
    stage: Literal["finding", "proposal", "verdict", "command", "outcome"]
    ref: str
    equipment: str | None
    kind: str
    text: str
    data: dict[str, Any] | None


class DecisionPage(BaseModel):
    """Decision records, oldest first; ``next`` is the offset of the next page."""

    rows: list[DecisionRecord]
    next: int | None


@router.get("/findings", summary="What stands now, and what was told in the last quarter hour")
async def findings(core: TheCore, caller: Viewer) -> list[FindingShown]:
    return [FindingShown.model_validate(finding) for finding in core.loop.findings()]


@router.get("/proposals", summary="Newest proposals with their verdicts, newest first")
async def proposals(
    core: TheCore,
    caller: Viewer,
    decision: Annotated[Decision | None, Query(description="Only those with this verdict.")] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> list[ProposalShown]:
    chosen = [
        pair
        for pair in reversed(core.loop.proposals())
        if decision is None or pair[1].decision is decision
    ]
    return [with_verdict(proposal, verdict) for proposal, verdict in chosen[:limit]]


@router.get("/proposals/waiting", summary="Proposals that wait for a person's yes, oldest first")
async def waiting(core: TheCore, caller: Viewer) -> list[ProposalShown]:
    verdicts = {proposal.id: verdict for proposal, verdict in core.loop.proposals()}
    return [with_verdict(p, verdicts.get(p.id)) for p in core.guard.waiting()]


@router.post(
    "/proposals",
    summary="Propose a write; the guard answers",
    status_code=201,
    responses={
        400: {"model": Problem, "description": "The body cannot be read"},
        413: {"description": "The body is longer than a megabyte", "content": {"text/plain": {}}},
    },
)
async def propose(wanted: WantedProposal, core: TheCore, caller: Operator) -> VerdictShown:
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
    return VerdictShown.model_validate(await core.submit(proposal))


@router.post(
    "/proposals/{proposal_id:path}/approve",
    summary="Say yes to a proposal that waits for a person; the guard judges it again",
    responses=NOT_FOUND,
)
async def approve(
    proposal_id: Annotated[str, PathParameter(max_length=200)], core: TheCore, caller: Operator
) -> VerdictShown:
    if all(proposal.id != proposal_id for proposal in core.guard.waiting()):
        raise HTTPException(
            404, f"no proposal '{proposal_id}' waits for approval; it may have expired"
        )
    verdict = await core.approve(proposal_id, caller.name, str(caller.role))
    return VerdictShown.model_validate(verdict)


@router.get(
    "/decisions",
    summary="Decision records of a period",
    response_model=DecisionPage,
    responses={200: FORMATS},
)
async def decisions(
    request: Request,
    core: TheCore,
    caller: Viewer,
    period: ThePeriod,
    page: ThePage,
    stage: Literal["finding", "proposal", "verdict", "command", "outcome"] | None = None,
    ref: Annotated[str | None, Query(max_length=200)] = None,
    equipment: Annotated[str | None, Query(max_length=96)] = None,
    kind: Annotated[str | None, Query(max_length=100)] = None,
) -> Response:
    asked = {"stage": stage, "ref": ref, "equipment": equipment, "kind": kind}
    equals = {name: value for name, value in asked.items() if value is not None}
    return await read(
        request,
        lambda: page.cut(core.historian.rows("decisions", period.start, period.end, **equals)),
    )
