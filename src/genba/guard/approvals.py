"""What waits for people: who said yes so far, how many are needed, who may not say it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from genba.errors import Refused
from genba.guard.authority import Roles, may
from genba.plant import Approval, Plant, Proposal, Signal


@dataclass(frozen=True, slots=True)
class Waiting:
    """A proposal that waits for people."""

    proposal: Proposal
    needed: int
    approvals: tuple[Approval, ...] = ()
    personal: bool = False
    """Whether a person proposed it, and not Genba."""
    critical: bool = False
    """Whether a rule of the plant file asks for people other than whoever proposed it."""

    def fallen(self, roles: Roles) -> dict[str, str]:
        """Return whose yes counts no more by the roles of now, with the reason."""
        kind = self.proposal.kind
        told = {given.actor: roles.lost(given.actor, kind) for given in self.approvals}
        return {
            actor: f"the yes of {actor} counts no more: {why}" for actor, why in told.items() if why
        }

    def standing(self, roles: Roles) -> "Waiting":
        """Return it with the yeses that still count."""
        fallen = self.fallen(roles)
        left = tuple(given for given in self.approvals if given.actor not in fallen)
        return replace(self, approvals=left)

    def in_vain(self) -> str:
        """Say who had said yes when it expired."""
        names = ", ".join(approval.actor for approval in self.approvals)
        so_far = f"of {self.needed} people only {names} said yes" if names else "nobody said yes"
        return f"it expired: {so_far} in time"

    def unfit(self, approval: Approval) -> str:
        """Return why this person's yes does not count, empty if it does."""
        proposal = self.proposal
        if not may(approval.role, proposal.kind):
            return (
                f"role '{approval.role}' of {approval.actor} may not decide on "
                f"kind '{proposal.kind}'"
            )
        if self.critical and same_person(approval.actor, proposal.actor):
            others = "somebody else" if self.needed == 1 else f"{self.needed} other people"
            return f"{approval.actor} proposed it; {others} must say yes"
        if any(same_person(approval.actor, given.actor) for given in self.approvals):
            return f"{approval.actor} said yes already; it takes {self.needed} different people"
        return ""


class Approvals:
    """The proposals that wait, oldest first.

    Parameters
    ----------
    expires : callable
        Gives the time, in microseconds UTC, after which a proposal waits no more.
    roles : Roles
        Of now; a yes of somebody who may no longer decide does not count.
    """

    def __init__(self, expires: Callable[[Proposal], int], roles: Roles) -> None:
        self._expires = expires
        self._roles = roles
        self._waiting: dict[str, Waiting] = {}
        self._lapsed: list[Waiting] = []

    def add(self, waiting: Waiting) -> None:
        """Let a proposal wait, with the yeses that it has."""
        self._waiting[waiting.proposal.id] = waiting

    def all(self, now: int) -> list[Waiting]:
        """Return all that wait, with the yeses that still count."""
        self._expire(now)
        return [waiting.standing(self._roles) for waiting in self._waiting.values()]

    def take(
        self, proposal_id: str, approval: Approval, now: int
    ) -> tuple[Waiting, tuple[str, ...]]:
        """Take a proposal out for a person who may decide on it, with that person's yes added.

        Also return why earlier yeses, left out, count no more.

        Raises
        ------
        Refused
            If none of that id waits, or this person's yes does not count; it waits on then.
        """
        found = self._found(proposal_id, now)
        waiting = found.standing(self._roles)
        why = waiting.unfit(approval)
        if why:
            raise Refused(why)
        del self._waiting[proposal_id]
        given = (*waiting.approvals, replace(approval, time=now))
        return replace(waiting, approvals=given), tuple(found.fallen(self._roles).values())

    def drop(self, proposal_id: str, approval: Approval, now: int) -> Waiting:
        """Take a proposal out for a person who says no. Whoever proposed it may take it back.

        Raises
        ------
        Refused
            If none of that id waits, or this role may not decide on it.
        """
        waiting = self._found(proposal_id, now)
        proposal = waiting.proposal
        if not may(approval.role, proposal.kind):
            raise Refused(
                f"role '{approval.role}' of {approval.actor} may not decide on "
                f"kind '{proposal.kind}'"
            )
        return self._waiting.pop(proposal_id)

    def lapsed(self, now: int) -> list[Waiting]:
        """Return, once, what waited in vain until it expired."""
        self._expire(now)
        lapsed, self._lapsed = self._lapsed, []
        return lapsed

    def _found(self, proposal_id: str, now: int) -> Waiting:
        self._expire(now)
        waiting = self._waiting.get(proposal_id)
        if waiting is None:
            raise Refused(f"no proposal '{proposal_id}' waits for approval; it may have expired")
        return waiting

    def _expire(self, now: int) -> None:
        for name in [n for n, w in self._waiting.items() if now > self._expires(w.proposal)]:
            self._lapsed.append(self._waiting.pop(name))


def same_person(one: str, other: str) -> bool:
    """Whether two names are one person's. Upper and lower case do not make two of one."""
    return one.strip().casefold() == other.strip().casefold()


def people_needed(plant: Plant, proposal: Proposal, signals: Iterable[Signal]) -> int:
    """How many different people a proposal takes; 0 where nothing about it is critical."""
    if proposal.kind == "heartbeat":
        return 0
    return max(
        (
            plant.people_needed(equipment, proposal.kind, signal.id)
            for signal in signals
            for equipment in {proposal.equipment, signal.equipment}
        ),
        default=0,
    )
