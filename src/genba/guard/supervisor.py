"""The guard: asks every question about a proposal, and gives one verdict with every reason."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import TypeVar

from genba.errors import Refused
from genba.guard.authority import Approval, check_authority, decision_at, level_of, may
from genba.guard.envelope import check_write
from genba.guard.form import malformed
from genba.guard.interlocks import Interlocks
from genba.guard.knowledge import FUTURE_TOLERANCE_S, Knowledge, wire_slack_s
from genba.guard.vehicle_order import VehicleOrders
from genba.plant import (
    US,
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
        self._waiting: dict[str, Proposal] = {}
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
        return self._judge(proposal, approval, now, replayed)

    def approve(self, proposal_id: str, approval: Approval) -> Verdict:
        """Judge again, as of now, a proposal that waits for a person, with that person's yes.

        After the yes of somebody who may not decide on it, it waits on for somebody who may.

        Raises
        ------
        Refused
            If no proposal of that id waits.
        """
        proposal = self._waiting.pop(proposal_id, None)
        if proposal is None:
            raise Refused(f"no proposal '{proposal_id}' waits for approval; it may have expired")
        if not may(approval.role, proposal.kind):
            self._waiting[proposal_id] = proposal
        return self._judge(proposal, approval, self._clock.now(), replayed=False)

    def waiting(self) -> list[Proposal]:
        """Return the proposals that wait for a person, oldest first."""
        self._forget(self._clock.now())
        return list(self._waiting.values())

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
        return Command(f"C-{proposal.id}", proposal.id, now, allowed.writes)

    def _judge(
        self, proposal: Proposal, approval: Approval | None, now: int, replayed: bool
    ) -> Verdict:
        reasons = self._time_problems(proposal, now)
        if replayed:
            reasons.append(f"proposal id '{proposal.id}' was used before")
        signals, writes, problems = self._check_writes(proposal, now)
        reasons += problems
        reasons += check_authority(proposal, signals, approval)
        reasons += self._knowledge.doubts(proposal.evidence, now)
        level = self._level(proposal, signals)
        if level is Autonomy.OBSERVE:
            reasons.append(f"autonomy of '{proposal.kind}' on {proposal.equipment} is observe only")
        decision = Decision.REFUSED if reasons else decision_at(level, approval)
        verdict = Verdict(proposal.id, now, decision, tuple(reasons))
        self.counts[decision] += 1
        if decision is Decision.ALLOWED:
            self._allowed[proposal.id] = _Allowed(proposal, verdict, writes)
        elif decision is Decision.AWAITING_APPROVAL:
            self._waiting[proposal.id] = proposal
        return verdict

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
        if not proposal.writes:
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
                reasons += self._check_meaning(signal, writes[-1], now)
        return signals, tuple(writes), reasons

    def _check_meaning(self, signal: Signal, write: Write, now: int) -> list[str]:
        """Ask the interlocks, and the layout where a vehicle is told something."""
        reasons = self._interlocks.refusals(signal.id, write.value, self._knowledge, now)
        if signal.role is Role.VEHICLE_ORDER:
            reasons += self._orders.order_refusals(
                signal.equipment, str(write.value), self._knowledge, now
            )
        elif signal.role is Role.VEHICLE_INSTANT_ACTIONS:
            reasons += self._orders.instant_refusals(signal.equipment, str(write.value))
        return reasons

    def _level(self, proposal: Proposal, signals: Iterable[Signal]) -> Autonomy:
        touched = {proposal.equipment, *(signal.equipment for signal in signals)}
        return level_of(self._plant, touched, proposal.kind)

    def _forget(self, now: int) -> None:
        """Drop ids that can no longer be replayed, and what waited for its command or a person."""
        _drop_older(self._seen, now - round(MEMORY_S * US), lambda seen: seen)
        _drop_older(self._allowed, now - round(PROPOSAL_LIFE_S * US), lambda a: a.verdict.time)
        for name in [n for n, waiting in self._waiting.items() if now > _expires(waiting)]:
            del self._waiting[name]


def _drop_older(kept: dict[str, _T], limit: int, time_of: Callable[[_T], int]) -> None:
    """Drop the entries from before ``limit``; a dictionary keeps the oldest first."""
    while kept:
        oldest = next(iter(kept))
        if time_of(kept[oldest]) >= limit:
            return
        del kept[oldest]


def _expires(proposal: Proposal) -> int:
    if proposal.expires is not None:
        return proposal.expires
    return proposal.time + round(PROPOSAL_LIFE_S * US)
