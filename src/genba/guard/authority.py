"""Who may decide what: roles, kinds of decision, autonomy levels."""

from collections.abc import Callable, Iterable

from genba.plant import Approval, Autonomy, Decision, Plant, Proposal, Role, Signal

KIND_OF_ROLE = {
    Role.HEARTBEAT: "heartbeat",
    Role.JOB_LOTS: "dispatch",
    Role.JOB_OPERATION: "dispatch",
    Role.JOB_QUANTITY: "dispatch",
    Role.JOB_REQUEST: "dispatch",
    Role.VEHICLE_ORDER: "transport",
    Role.VEHICLE_INSTANT_ACTIONS: "transport",
}
"""Signals that belong to one kind of decision. All others may be written by any further kind."""

BOUND_KINDS = frozenset(KIND_OF_ROLE.values())

INTENT_KINDS = frozenset({"replan"})
"""Decisions on what Genba intends. They write nothing: what follows from them is asked again."""

WRITELESS_KINDS = INTENT_KINDS | {"alarm"}
"""Decisions that write nothing: intents, and what a model found, which may only raise an alarm."""

OPERATOR_KINDS = BOUND_KINDS | INTENT_KINDS | {"setpoint"}
"""What an operator decides on. Kinds that plug-ins bring need an engineer or an admin."""

_STRICTEST_FIRST = (Autonomy.OBSERVE, Autonomy.ADVISE, Autonomy.APPROVE, Autonomy.AUTONOMOUS)


def kind_of(signal: Signal) -> str:
    """Return the kind of decision that a write to this signal is."""
    return KIND_OF_ROLE.get(signal.role, "setpoint") if signal.role is not None else "setpoint"


def may(role: str, kind: str) -> bool:
    """Whether a role may decide on a kind. Viewers and unknown roles decide on nothing."""
    if role in ("engineer", "admin"):
        return True
    return role == "operator" and kind in OPERATOR_KINDS


class Roles:
    """The roles that people have now, where somebody knows them; else those of their words hold.

    A role is taken from somebody, or somebody is shut out, while a proposal waits or its command
    is under way: what they said before counts no more then.
    """

    def __init__(self) -> None:
        self.now: Callable[[str], str | None] | None = None
        """Tells the role of an actor; None for somebody who may do nothing any more."""

    def lost(self, actor: str, kind: str) -> str:
        """Return why somebody may no longer decide on a kind, empty if they may."""
        if self.now is None:
            return ""
        role = self.now(actor)
        if role is None:
            return f"{actor} is disabled or unknown by now"
        return (
            "" if may(role, kind) else f"{actor} is {role} by now, who may not decide on '{kind}'"
        )


def check_authority(
    proposal: Proposal, signals: Iterable[Signal], approvals: Iterable[Approval]
) -> list[str]:
    """Return why this role may not decide this, or why the writes do not belong to the kind."""
    reasons = []
    people = {(approval.actor, approval.role) for approval in approvals}
    for actor, role in {(proposal.actor, proposal.role)} | people:
        if not may(role, proposal.kind):
            reasons.append(f"role '{role}' of {actor} may not decide on kind '{proposal.kind}'")
    if people and proposal.kind == "heartbeat":
        reasons.append("a heartbeat shows that Genba is alive; no person sends one")
    for signal in signals:
        kind = kind_of(signal)
        if kind != proposal.kind and (kind in BOUND_KINDS or proposal.kind in BOUND_KINDS):
            reasons.append(f"{signal.id} is written by kind '{kind}', not by '{proposal.kind}'")
    return sorted(reasons)


def level_of(plant: Plant, equipment: Iterable[str], kind: str) -> Autonomy:
    """Return the strictest level over all equipment that a proposal touches."""
    levels = {plant.autonomy_level(name, kind) for name in equipment}
    return next(level for level in _STRICTEST_FIRST if level in levels)


def no_higher(level: Autonomy, at_most: object) -> Autonomy:
    """Return the stricter of a level and the highest that a proposal asks for itself, if it does.

    A proposal can only take back what the plant file gives; a word that is none takes all.
    """
    if at_most is None:
        return level
    known = {str(one): one for one in _STRICTEST_FIRST}
    asked = known.get(str(at_most), Autonomy.OBSERVE)
    return min(level, asked, key=_STRICTEST_FIRST.index)


def decision_at(level: Autonomy, needed: int, yeses: int, *, personal: bool) -> Decision:
    """Turn a level into the decision on a proposal against which nothing else speaks.

    ``needed`` people must say yes to what is critical, 0 where it is not; ``yeses`` did;
    ``personal`` if a person proposed it.
    """
    if level is Autonomy.OBSERVE:
        return Decision.REFUSED
    if needed == 0 and (level is Autonomy.AUTONOMOUS or personal):
        return Decision.ALLOWED
    if level is Autonomy.ADVISE and not personal:
        return Decision.ADVISED
    return Decision.ALLOWED if yeses >= max(needed, 1) else Decision.AWAITING_APPROVAL
