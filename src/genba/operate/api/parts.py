"""The parts of a decision record as the API shows them."""

from pydantic import BaseModel, ConfigDict, Field

from genba.operate.api.moments import Moment
from genba.plant import Decision, Proposal, Scalar, Severity, Verdict


class Shown(BaseModel):
    """Base of what is shown of a value of the core's, field by field."""

    model_config = ConfigDict(from_attributes=True)


class EvidenceShown(Shown):
    """A value that something was decided on."""

    signal: str
    source_time: Moment
    value: Scalar


class FindingShown(Shown):
    """What judging says of one piece of equipment."""

    id: str
    time: Moment
    kind: str
    equipment: str = Field(description="Empty where it is about Genba itself.")
    text: str
    severity: Severity
    score: float | None
    source: str
    evidence: list[EvidenceShown]


class WriteShown(Shown):
    """One change of one setpoint."""

    signal: str
    value: Scalar
    unit: str


class ApprovalShown(Shown):
    """A person who said yes."""

    actor: str
    role: str
    time: Moment


class VerdictShown(Shown):
    """What the guard says of a proposal, with every reason that spoke against it."""

    proposal: str
    time: Moment
    decision: Decision
    reasons: list[str]
    approvals: list[ApprovalShown] = Field(description="Who said yes so far.")
    needed: int = Field(description="Different people who must say yes; 0 where nobody must.")


class ProposalShown(Shown):
    """What somebody wants to change and why, and what the guard said of it."""

    id: str
    time: Moment
    kind: str
    equipment: str
    writes: list[WriteShown]
    reason: str
    source: str
    actor: str
    role: str
    expires: Moment | None
    evidence: list[EvidenceShown]
    context: dict[str, Scalar]
    verdict: VerdictShown | None = None


def with_verdict(proposal: Proposal, verdict: Verdict | None) -> ProposalShown:
    """Show a proposal together with its verdict."""
    shown = ProposalShown.model_validate(proposal)
    if verdict is not None:
        shown.verdict = VerdictShown.model_validate(verdict)
    return shown
