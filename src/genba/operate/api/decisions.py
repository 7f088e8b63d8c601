"""Routes on what was found, proposed, allowed, done; and where a person proposes a write."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Header, HTTPException, Query, Request, Response
from fastapi import Path as PathParameter
from pydantic import BaseModel, ConfigDict, Field

from genba.guard import PERSON, PROGRAM, Waiting
from genba.operate.api.access import Approver, Operator, Viewer
from genba.operate.api.auditing import note
from genba.operate.api.listing import Kept, listed, written
from genba.operate.api.moments import Moment, ThePeriod
from genba.operate.api.parts import FindingShown, ProposalShown, VerdictShown, with_verdict
from genba.operate.api.problems import ANSWERS, BODY, NOT_FOUND, Problem
from genba.operate.api.running import TheCore
from genba.operate.api.tables import FORMATS, ThePage, read
from genba.operate.by_hand import OtherBody
from genba.operate.people import Kind
from genba.operate.runtime import Core
from genba.plant import Approval, Decision, Proposal, Scalar, Verdict, Write

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


class Refusal(BaseModel):
    """Why somebody says no."""

    model_config = ConfigDict(extra="forbid")

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


@router.get(
    "/findings",
    summary="What stands now, and what was told in the last quarter hour",
    response_model=list[FindingShown],
)
async def findings(core: TheCore, caller: Viewer) -> Response:
    found = core.loop.findings()
    return await listed(found, lambda one: written(FindingShown.model_validate(one)))


@router.get(
    "/proposals",
    summary="Newest proposals with their verdicts, newest first",
    response_model=list[ProposalShown],
)
async def proposals(
    request: Request,
    core: TheCore,
    caller: Viewer,
    decision: Annotated[Decision | None, Query(description="Only those with this verdict.")] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> Response:
    chosen = [
        pair
        for pair in reversed(core.loop.proposals())
        if decision is None or pair[1].decision is decision
    ]
    kept: Kept = request.app.state.proposals

    def text(pair: tuple[Proposal, Verdict]) -> str:
        proposal, verdict = pair
        key = (proposal.id, verdict.time, verdict.decision, len(verdict.approvals))
        return kept.text(key, lambda: written(with_verdict(proposal, verdict)))

    return await listed(chosen[:limit], text)


@router.get(
    "/proposals/waiting",
    summary="Proposals that wait for people, oldest first, with the yeses so far",
)
async def waiting(core: TheCore, caller: Viewer) -> list[ProposalShown]:
    verdicts = {proposal.id: verdict for proposal, verdict in core.loop.proposals()}
    return [
        with_verdict(w.proposal, verdicts.get(w.proposal.id) or _standing(w))
        for w in core.by_hand.waiting()
    ]


def _standing(waiting: Waiting) -> Verdict:
    """Say how far a proposal is that has waited for longer than the newest are kept."""
    proposal = waiting.proposal
    return Verdict(
        proposal.id,
        proposal.time,
        Decision.AWAITING_APPROVAL,
        approvals=waiting.approvals,
        needed=waiting.needed,
    )


@router.post(
    "/proposals",
    summary="Propose a write; the guard answers",
    status_code=201,
    responses={
        **BODY,
        409: {"model": Problem, "description": "The idempotency key came with another request"},
    },
)
async def propose(
    wanted: WantedProposal,
    request: Request,
    core: TheCore,
    caller: Operator,
    key: Annotated[
        str,
        Header(
            alias="Idempotency-Key",
            max_length=200,
            description="The same key and body again get the same answer, and write nothing more.",
        ),
    ] = "",
) -> VerdictShown:
    proposal = Proposal(
        id=core.new_id("manual"),
        time=core.clock.now(),
        kind="setpoint",
        equipment=wanted.equipment,
        writes=tuple(Write(w.signal, w.value, w.unit) for w in wanted.writes),
        reason=wanted.reason,
        source=PERSON if caller.kind is Kind.PERSON else PROGRAM,
        actor=caller.name,
        role=str(caller.role),
    )
    try:
        verdict = await core.by_hand.submit(proposal, key)
    except OtherBody as error:
        raise HTTPException(409, str(error)) from None
    note(
        request, target=verdict.proposal, equipment=wanted.equipment, decision=str(verdict.decision)
    )
    return VerdictShown.model_validate(verdict)


ProposalId = Annotated[str, PathParameter(max_length=200)]


@router.post(
    "/proposals/{proposal_id:path}/approve",
    summary="Say yes to a proposal that waits for people; the guard judges it again",
    responses=NOT_FOUND,
)
async def approve(
    proposal_id: ProposalId, request: Request, core: TheCore, caller: Approver
) -> VerdictShown:
    note(request, target=proposal_id)
    waiting = _waiting(core, proposal_id)
    if waiting.critical and caller.kind is not Kind.PERSON:
        people = "a person" if waiting.needed == 1 else f"{waiting.needed} people"
        raise HTTPException(403, f"'{caller.name}' holds a token; it takes {people} to log in")
    approval = Approval(caller.name, str(caller.role))
    verdict = await core.by_hand.approve(proposal_id, approval)
    note(request, decision=str(verdict.decision))
    return VerdictShown.model_validate(verdict)


@router.post(
    "/proposals/{proposal_id:path}/refuse",
    summary="Say no to a proposal that waits for people",
    responses={**NOT_FOUND, **BODY},
)
async def refuse(
    proposal_id: ProposalId, refusal: Refusal, request: Request, core: TheCore, caller: Approver
) -> VerdictShown:
    note(request, target=proposal_id)
    _waiting(core, proposal_id)
    approval = Approval(caller.name, str(caller.role))
    verdict = await core.by_hand.refuse(proposal_id, approval, refusal.reason)
    note(request, decision=str(verdict.decision))
    return VerdictShown.model_validate(verdict)


def _waiting(core: Core, proposal_id: str) -> Waiting:
    for waiting in core.by_hand.waiting():
        if waiting.proposal.id == proposal_id:
            return waiting
    raise HTTPException(404, f"no proposal '{proposal_id}' waits for approval; it may have expired")


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
