"""Finding, proposal, verdict, command, outcome: the five parts of a decision record."""

from dataclasses import dataclass, field
from enum import StrEnum

from genba.plant.sample import Scalar


class Severity(StrEnum):
    """How much a finding matters."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


class Decision(StrEnum):
    """What the guard says."""

    ALLOWED = "allowed"
    REFUSED = "refused"
    ADVISED = "advised"
    AWAITING_APPROVAL = "awaiting_approval"


@dataclass(frozen=True, slots=True)
class Evidence:
    """A value that something was decided on. Time in microseconds UTC."""

    signal: str
    source_time: int
    value: Scalar


@dataclass(frozen=True, slots=True)
class Finding:
    """What judging says of one piece of equipment."""

    id: str
    time: int
    kind: str
    equipment: str
    text: str
    severity: Severity = Severity.INFO
    score: float | None = None
    source: str = ""
    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True, slots=True)
class Write:
    """One change of one setpoint; ``unit`` must be the signal's, or commensurable with it."""

    signal: str
    value: Scalar
    unit: str


@dataclass(frozen=True, slots=True)
class Proposal:
    """What planning wants to change and why.

    ``kind`` is the kind of decision that autonomy rules speak of: ``dispatch``, ``transport``,
    ``setpoint``, ``heartbeat``. Writes are done in order, all or none begun.
    """

    id: str
    time: int
    kind: str
    equipment: str
    writes: tuple[Write, ...]
    reason: str
    source: str = ""
    """Which step proposed it, with its version; the plain controller is ``plain``."""
    actor: str = "genba"
    role: str = "operator"
    expires: int | None = None
    evidence: tuple[Evidence, ...] = ()
    context: dict[str, Scalar] = field(default_factory=dict)
    """Plain facts for the record: lot, order, operation, vehicle."""


@dataclass(frozen=True, slots=True)
class Approval:
    """A person who stands behind a proposal, by writing it or by saying yes to it.

    ``actor`` is the person, whatever token or session the yes came with. ``time`` is when, in
    microseconds UTC, 0 where nobody noted it.
    """

    actor: str
    role: str
    time: int = 0


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the guard says of a proposal, with every reason that spoke against it."""

    proposal: str
    time: int
    decision: Decision
    reasons: tuple[str, ...] = ()
    approvals: tuple[Approval, ...] = ()
    """Who said yes so far."""
    needed: int = 0
    """How many different people must say yes before it is done, where people must."""


@dataclass(frozen=True, slots=True)
class Command:
    """An allowed change on its way to a device."""

    id: str
    proposal: str
    time: int
    writes: tuple[Write, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a command: whether each write was read back as written."""

    command: str
    time: int
    done: bool
    detail: str = ""
    read_back: tuple[Evidence, ...] = ()
    unknown: bool = False
    """Whether nobody can tell if it, or a part of it, took effect. Somebody has to look."""
