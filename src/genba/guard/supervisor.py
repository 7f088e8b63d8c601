"""The guard: asks every question about a proposal, and gives one verdict with every reason."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import TypeVar

from genba.errors import Refused
from genba.guard.approvals import Approvals, Waiting, people_needed
from genba.guard.authority import (
    WRITELESS_KINDS,
    Roles,
    check_authority,
    decision_at,
    level_of,
    no_higher,
)
from genba.guard.envelope import check_write
from genba.guard.form import malformed
from genba.guard.interlocks import Interlocks
from genba.guard.knowledge import FUTURE_TOLERANCE_S, Knowledge, wire_slack_s
from genba.guard.overrides import PROGRAM, Overrides
from genba.guard.vehicle_order import VehicleOrders
from genba.plant import (
    US,
    Approval,
    Autonomy,
    Clock,
    Command,
    Decision,
    Plant,
    Proposal,
    Role,
    Sample,
    Signal,
    Verdict,
    Write,
)

_T = TypeVar("_T")

PROPOSAL_LIFE_S = 600.0
"""How old a proposal may be, where it does not say itself when it expires."""

MEMORY_S = 24 * 3600.0
"""How long an id is remembered. No proposal may live longer, so forgetting lets none come back."""

VERDICT_LIFE_S = 10.0
"""How long an allowed verdict may wait for its command (or two ticks, where that is longer)."""


@dataclass(frozen=True, slots=True)
class _Allowed:
    proposal: Proposal
    verdict: Verdict
    writes: tuple[Write, ...]
    personal: bool


@dataclass(slots=True)
class _Given:
    """A command on its way, and how many of its writes were let out."""

    allowed: _Allowed
    command: Command
    out: int = 0


@dataclass(frozen=True, slots=True)
class _Case:
    """A proposal before the guard: who stands behind it, and what is known of its way here."""

    proposal: Proposal
    approvals: tuple[Approval, ...]
    personal: bool
    """Whether a person proposed it, and not Genba."""
    waited: bool = False
    replayed: bool = False
    fallen: tuple[str, ...] = ()
    """Why earlier yeses count no more."""


class Guard:
    """Stands between what is proposed and what is done. Nothing reaches a device but through it.

    Parameters
    ----------
    plant : Plant
        The envelope: signals with ranges and rates, interlocks, autonomy, layout.
    clock : Clock
        The plant's clock.

    Notes
    -----
    One thread. It never asks a device, never waits, and changes no value to make it fit.
    """

    def __init__(self, plant: Plant, clock: Clock) -> None:
        self._plant = plant
        self._clock = clock
        self._knowledge = Knowledge(plant, wire_slack_s(clock.speed))
        self._interlocks = Interlocks(plant)
        self._orders = VehicleOrders(plant)
        self._seen: dict[str, int] = {}
        self._allowed: dict[str, _Allowed] = {}
        self._given: dict[str, _Given] = {}
        self.roles = Roles()
        """The roles that people have now; asked again at each yes and before each write."""
        self._approvals = Approvals(_expires, self.roles)
        self.overrides = Overrides(plant, self._knowledge)
        """What people have taken out of Genba's hands."""
        self.counts: dict[Decision, int] = dict.fromkeys(Decision, 0)
        """Verdicts given so far."""

    def observe(self, samples: Iterable[Sample]) -> None:
        """Learn what devices show. Call with everything that is received, in order."""
        self._knowledge.observe(samples)

    def heard(self, connection: str, time: int) -> None:
        """Learn that a connection was alive at ``time`` (microseconds UTC)."""
        self._knowledge.heard(connection, time)

    def confirm_written(self, write: Write, time: int) -> None:
        """Learn that a write was read back as written, at ``time``."""
        self._knowledge.confirmed(write.signal, write.value, time)

    def decide(self, proposal: Proposal, approval: Approval | None = None) -> Verdict:
        """Judge a proposal.

        Parameters
        ----------
        proposal : Proposal
            Judged once: the same id again is refused as a replay.
        approval : Approval, optional
            The person who made it, where a person did. Genba's own steps give none.

        Returns
        -------
        Verdict
            With every reason that speaks against it, or none.
        """
        now = self._clock.now()
        wrong = malformed(proposal)
        if wrong:
            self.counts[Decision.REFUSED] += 1
            return Verdict(str(proposal.id), now, Decision.REFUSED, (wrong,))
        self._forget(now)
        replayed = proposal.id in self._seen
        self._seen.setdefault(proposal.id, now)
        people = () if approval is None else (approval,)
        return self._judge(_Case(proposal, people, bool(people), replayed=replayed), now)

    def approve(self, proposal_id: str, approval: Approval) -> Verdict:
        """Judge again, as of now, a proposal that waits for people, with one more person's yes.

        Where it takes several people it waits on until the last of them; each yes has everything
        asked again, and what no longer holds ends it. Earlier yeses of people who may no longer
        decide are left out.

        Raises
        ------
        Refused
            If no proposal of that id waits, or this person's yes does not count: the role does
            not suffice, or it takes somebody else. It waits on then.
        """
        now = self._clock.now()
        waiting, fallen = self._approvals.take(proposal_id, approval, now)
        case = _Case(
            waiting.proposal, waiting.approvals, waiting.personal, waited=True, fallen=fallen
        )
        return self._judge(case, now)

    def refuse(self, proposal_id: str, approval: Approval, reason: str) -> Verdict:
        """Say no, as a person, to a proposal that waits.

        Raises
        ------
        Refused
            If no proposal of that id waits, or this role may not decide on it.
        """
        now = self._clock.now()
        waiting = self._approvals.drop(proposal_id, approval, now)
        why = f"refused by {approval.actor} ({approval.role}): {reason}"
        return self._told(waiting, now, why)

    def waiting(self) -> list[Waiting]:
        """Return what waits for people, oldest first, with the yeses so far."""
        return self._approvals.all(self._clock.now())

    def lapsed(self) -> list[tuple[Proposal, Verdict]]:
        """Return, once, the proposals that waited in vain, each with the verdict that ends it."""
        now = self._clock.now()
        lapsed = self._approvals.lapsed(now)
        return [(w.proposal, self._told(w, now, w.in_vain())) for w in lapsed]

    def wait_on(self, waiting: Waiting) -> Verdict:
        """Let a proposal wait again that waited when Genba stopped.

        Everything is asked again at the next yes, so nothing need be known of the devices yet. How
        many people it takes is what the plant file says now.
        """
        now = self._clock.now()
        known = self._plant.signals
        signals = [known[w.signal] for w in waiting.proposal.writes if w.signal in known]
        critical = people_needed(self._plant, waiting.proposal, signals)
        waiting = replace(waiting, needed=max(critical, 1), critical=critical > 0)
        self._seen.setdefault(waiting.proposal.id, now)
        if now > _expires(waiting.proposal):
            return self._told(waiting, now, "it expired while Genba was stopped")
        self._approvals.add(waiting)
        return Verdict(
            waiting.proposal.id, now, Decision.AWAITING_APPROVAL,
            approvals=waiting.approvals, needed=waiting.needed,
        )  # fmt: skip

    def remember(self, proposal_ids: Iterable[str]) -> None:
        """Count ids from before a restart as used."""
        now = self._clock.now()
        for name in proposal_ids:
            self._seen.setdefault(name, now)

    def command(self, proposal: Proposal, verdict: Verdict) -> Command:
        """Turn an allowed proposal into its command, once, with values in the signals' units.

        Raises
        ------
        Refused
            If this guard did not allow exactly this proposal, did so too long ago, or the command
            was already given.
        """
        allowed = self._allowed.pop(proposal.id, None)
        now = self._clock.now()
        if allowed is None or allowed.proposal != proposal or allowed.verdict != verdict:
            raise Refused(f"proposal '{proposal.id}' was not allowed, or its command is given")
        life_s = max(VERDICT_LIFE_S, 2 * self._plant.tick_s) + wire_slack_s(self._clock.speed)
        if now - verdict.time > life_s * US:
            raise Refused(f"the verdict on '{proposal.id}' is too old; propose again")
        for write in allowed.writes:
            self._knowledge.issued(write.signal, write.value, now)
        command = Command(f"C-{proposal.id}", proposal.id, now, allowed.writes)
        self._given[command.id] = _Given(allowed, command)
        return command

    def level(self, equipment: Iterable[str], kind: str, at_most: object = None) -> Autonomy:
        """Return the level at which a kind of decision on some equipment is made.

        ``at_most`` is the highest that a proposal asks for itself (``at_most`` in its context).
        """
        return no_higher(level_of(self._plant, equipment, kind), at_most)

    def recheck(self, command: Command, number: int) -> tuple[str, ...]:
        """Ask once more, right before write ``number`` (from 0) of a command goes out.

        What was true at the verdict may not be any more: an interlock has closed, a value has
        gone stale, somebody took the machine into manual. Each write is let out once, in order.

        Returns
        -------
        tuple of str
            Every reason that speaks against the write as of now. Empty: write, at once.
        """
        now = self._clock.now()
        given = self._given.get(command.id)
        if given is None or given.command != command:
            return (f"command '{command.id}' was not given by this guard, or too long ago",)
        if number != given.out:
            return (f"write {number + 1} of command '{command.id}' is not its next",)
        allowed = given.allowed
        proposal, write, personal = allowed.proposal, command.writes[number], allowed.personal
        signal = self._plant.signals[write.signal]
        reasons = ["the proposal has expired"] if now > _expires(proposal) else []
        reasons += self._lost(proposal, allowed.verdict.approvals, personal=personal)
        reasons += check_write(signal, write, self._knowledge, now).reasons
        reasons += self._check_meaning(signal, command.writes, write, now)
        if _keeps_off(proposal, personal=personal):
            reasons += self.overrides.refusals(signal, now)
        own = {earlier.signal for earlier in command.writes[:number]}
        evidence = (piece for piece in proposal.evidence if piece.signal not in own)
        reasons += self._knowledge.doubts(evidence, now, waited=True)
        if not reasons:
            given.out += 1
            if signal.role in (Role.VEHICLE_ORDER, Role.VEHICLE_INSTANT_ACTIONS):
                self._orders.let_out(signal, str(write.value), self._knowledge)
        return tuple(reasons)

    def _judge(self, case: _Case, now: int) -> Verdict:
        proposal = case.proposal
        reasons = self._time_problems(proposal, now)
        if case.replayed:
            reasons.append(f"proposal id '{proposal.id}' was used before")
        signals, writes, problems = self._check_writes(proposal, now)
        reasons += problems
        reasons += check_authority(proposal, signals, case.approvals)
        reasons += self._lost(proposal, case.approvals, personal=case.personal)
        reasons += self._knowledge.doubts(proposal.evidence, now, waited=case.waited)
        if not case.personal and proposal.kind != "heartbeat" and not proposal.evidence:
            reasons.append("it names no evidence: nothing ties it to what the plant shows now")
        if _keeps_off(proposal, personal=case.personal):
            held = (why for signal in signals for why in self.overrides.refusals(signal, now))
            reasons += dict.fromkeys(held)
        level = self._level(proposal, signals)
        if level is Autonomy.OBSERVE:
            reasons.append(f"autonomy of '{proposal.kind}' on {proposal.equipment} is observe only")
        needed = people_needed(self._plant, proposal, signals)
        yeses = case.approvals if case.waited else ()
        decision = decision_at(level, needed, len(yeses), personal=case.personal)
        decision = Decision.REFUSED if reasons else decision
        asked = max(needed, 1) if yeses or decision is Decision.AWAITING_APPROVAL else 0
        told = case.fallen if decision is Decision.AWAITING_APPROVAL else tuple(reasons)
        verdict = Verdict(proposal.id, now, decision, told, yeses, asked)
        self.counts[decision] += 1
        if decision is Decision.ALLOWED:
            self._allowed[proposal.id] = _Allowed(proposal, verdict, writes, case.personal)
        elif decision is Decision.AWAITING_APPROVAL:
            self._approvals.add(Waiting(proposal, asked, yeses, case.personal, needed > 0))
        return verdict

    def _lost(
        self, proposal: Proposal, approvals: Iterable[Approval], *, personal: bool
    ) -> list[str]:
        """Return who stands behind a proposal, and may no longer decide on such."""
        names = [approval.actor for approval in approvals]
        people = dict.fromkeys([proposal.actor, *names] if personal else names)
        return [why for name in people if (why := self.roles.lost(name, proposal.kind))]

    def _told(self, waiting: Waiting, now: int, why: str) -> Verdict:
        """Refuse what waited, for a reason that is not the guard's own."""
        self.counts[Decision.REFUSED] += 1
        return Verdict(
            waiting.proposal.id, now, Decision.REFUSED, (why,), waiting.approvals, waiting.needed
        )

    def _time_problems(self, proposal: Proposal, now: int) -> list[str]:
        reasons = []
        if proposal.time > now + FUTURE_TOLERANCE_S * US:
            reasons.append("the proposal's time is in the future")
        if now > _expires(proposal):
            reasons.append("the proposal has expired")
        if proposal.expires is not None and proposal.expires - proposal.time > MEMORY_S * US / 2:
            reasons.append(f"a proposal may not live longer than {MEMORY_S / 7200:g} hours")
        return reasons

    def _check_writes(
        self, proposal: Proposal, now: int
    ) -> tuple[list[Signal], tuple[Write, ...], list[str]]:
        """Return the signals, the writes in the signals' units, and what speaks against them."""
        signals: list[Signal] = []
        writes: list[Write] = []
        reasons: list[str] = []
        if proposal.kind in WRITELESS_KINDS:
            if proposal.writes:
                reasons.append(f"a decision of kind '{proposal.kind}' writes nothing by itself")
        elif not proposal.writes:
            reasons.append("the proposal writes nothing")
        if proposal.equipment not in self._plant.equipment_by_id:
            reasons.append(f"there is no equipment '{proposal.equipment}'")
        if len({write.signal for write in proposal.writes}) < len(proposal.writes):
            reasons.append("the proposal writes one signal twice")
        for write in proposal.writes:
            signal = self._plant.signals.get(write.signal)
            if signal is None:
                reasons.append(f"there is no signal '{write.signal}'")
                continue
            signals.append(signal)
            checked = check_write(signal, write, self._knowledge, now)
            reasons += checked.reasons
            if not checked.reasons:
                writes.append(replace(write, value=checked.value, unit=signal.unit))
        for write in writes:
            reasons += self._check_meaning(self._plant.signals[write.signal], writes, write, now)
        return signals, tuple(writes), reasons

    def _check_meaning(
        self, signal: Signal, together: Iterable[Write], write: Write, now: int
    ) -> list[str]:
        """Ask the interlocks, and the layout where a vehicle is told something."""
        values = {other.signal: other.value for other in together}
        values[signal.id] = write.value
        reasons = self._interlocks.refusals(signal.id, values, self._knowledge, now)
        if signal.role is Role.VEHICLE_ORDER:
            reasons += self._orders.order_refusals(
                signal.equipment, str(write.value), self._knowledge, now
            )
        elif signal.role is Role.VEHICLE_INSTANT_ACTIONS:
            reasons += self._orders.instant_refusals(signal.equipment, str(write.value))
        return reasons

    def _level(self, proposal: Proposal, signals: Iterable[Signal]) -> Autonomy:
        touched = {proposal.equipment, *(signal.equipment for signal in signals)}
        return self.level(touched, proposal.kind, proposal.context.get("at_most"))

    def _forget(self, now: int) -> None:
        """Drop ids that can no longer be replayed, and what waited for its command or is done."""
        _drop_older(self._seen, now - round(MEMORY_S * US), lambda seen: seen)
        _drop_older(self._allowed, now - round(PROPOSAL_LIFE_S * US), lambda a: a.verdict.time)
        _drop_older(self._given, now - round(PROPOSAL_LIFE_S * US), lambda g: g.command.time)


def _drop_older(kept: dict[str, _T], limit: int, time_of: Callable[[_T], int]) -> None:
    """Drop the entries from before ``limit``; a dictionary keeps the oldest first."""
    while kept:
        oldest = next(iter(kept))
        if time_of(kept[oldest]) >= limit:
            return
        del kept[oldest]


def _keeps_off(proposal: Proposal, *, personal: bool) -> bool:
    """Whether a proposal must keep off what people hold: all do but people's own, and beats."""
    return proposal.kind != "heartbeat" and not (personal and proposal.source != PROGRAM)


def _expires(proposal: Proposal) -> int:
    if proposal.expires is not None:
        return proposal.expires
    return proposal.time + round(PROPOSAL_LIFE_S * US)
