"""The execution loop: sense, judge, plan, guard, act, once per tick of the plant's clock."""

import logging
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from genba.errors import Refused
from genba.guard import FROM_OUTSIDE, INTENT_KINDS, Approval, Guard, Waiting
from genba.operate.act import Actor, lots_of
from genba.operate.alarms import Alarms
from genba.operate.findings import Findings, ending_unknown, judge_failed
from genba.operate.heartbeat import Heartbeats
from genba.operate.judge import Judge, Judgement, Sight
from genba.operate.manual import Manual
from genba.operate.patience import MOST_REFUSED_S, Patience
from genba.operate.planning import Planning
from genba.operate.records import Records
from genba.operate.sense import LiveValues
from genba.operate.set_points import SetPoints
from genba.operate.track import Tracker
from genba.plan import Situation
from genba.plant import (
    Clock,
    Command,
    Decision,
    Finding,
    Outcome,
    Proposal,
    Sample,
    Severity,
    Verdict,
)

logger = logging.getLogger(__name__)

PLAN_AT_LEAST_EVERY = 5
"""Ticks after which planning looks again even if no device reported anything of note."""
RECENT = 1000
STANDING_US = 600 * 1_000_000
"""How long advice stands before it is given again, in microseconds."""


START_WITHIN_US = 30 * 1_000_000
"""How long a machine that took a job may need to show that it works on it, in microseconds."""
PLAIN = "plain"


class ExecutionLoop:
    """One tick at a time; everything it needs is given to it.

    Parameters
    ----------
    clock : Clock
        The plant's clock.
    live, guard, actor, tracker, records, heartbeats
        The steps' parts.
    alarms : Alarms
        Hears of everything that is judged.
    set_points : SetPoints
        Its judge is among the others; what it chose is put through here.
    judges : sequence of Judge
        Asked in order, in the loop itself.
    planning : Planning
        The planners with their net.
    tell : callable
        Takes rows for the historian.
    """

    def __init__(
        self,
        clock: Clock,
        live: LiveValues,
        guard: Guard,
        actor: Actor,
        tracker: Tracker,
        judges: Sequence[Judge],
        planning: Planning,
        records: Records,
        heartbeats: Heartbeats,
        patience: Patience,
        alarms: Alarms,
        manual: Manual,
        set_points: SetPoints,
        tell: Callable[[str, Mapping[str, Any]], None],
    ) -> None:
        self._clock = clock
        self._live = live
        self._guard = guard
        self._actor = actor
        self._tracker = tracker
        self._judges = list(judges)
        self._planning = planning
        self._records = records
        self._heartbeats = heartbeats
        self._patience = patience
        self._alarms = alarms
        self._manual = manual
        self.set_points = set_points
        self._tell = tell
        self._findings = Findings()
        self._recent: deque[tuple[Proposal, Verdict]] = deque(maxlen=RECENT)
        self._standing: dict[tuple[object, ...], Proposal] = {}
        self._failing: set[str] = set()
        self._taken: dict[str, int] = {}
        self._unplanned = PLAN_AT_LEAST_EVERY
        self.ticks = 0
        self.outcomes: dict[bool, int] = {True: 0, False: 0}

    # -- what others may look at --------------------------------------------------------------

    def findings(self) -> list[Finding]:
        """Return what stands now, and what was told in the last quarter of an hour."""
        return self._findings.now(self._clock.now())

    def proposals(self) -> list[tuple[Proposal, Verdict]]:
        """Return the newest proposals with their verdicts, oldest first, without heartbeats."""
        return list(self._recent)

    # -- one tick -----------------------------------------------------------------------------

    async def tick(self, batch: Sequence[Sample], links_up: Iterable[str]) -> None:
        """Do one round with the samples that came since the last one."""
        now = self._clock.now()
        for connection in links_up:
            self._guard.heard(connection, now)
        self._alarms.suppress(now, batch)
        self._judge(Sight(now, batch, self._live))
        self._alarms.tick(now)
        self._tracker.update(batch, now)
        await self._tracker.look_up()
        self._manual.watch(batch)
        self._actor.check()
        self._lapse()
        for beat in self._heartbeats.due(now):
            self.put_through(beat)
        self.set_points.put_through(self.put_through)
        await self._plan(now)
        self.ticks += 1

    def _judge(self, sight: Sight) -> None:
        for judge in self._judges:
            try:
                self.take(judge.judge(sight))
            except Exception:
                # A plug-in may raise anything; the others judge on.
                if judge.name not in self._failing:
                    self._failing.add(judge.name)
                    logger.exception("judge '%s' failed", judge.name)
                    text = f"judge '{judge.name}' failed; the log says why"
                    finding = judge_failed(judge.name, sight.time, text, Severity.WARNING)
                    self.take([Judgement(finding, stands=True)])
            else:
                if judge.name in self._failing:
                    self._failing.discard(judge.name)
                    text = f"judge '{judge.name}' judges again"
                    finding = judge_failed(judge.name, sight.time, text, Severity.INFO)
                    self.take([Judgement(finding, clears=True)])

    def take(self, judgements: Iterable[Judgement]) -> None:
        """Note, record and announce what was judged."""
        listed = list(judgements)
        self._findings.take(listed)
        self._alarms.take(listed, self._clock.now())
        for judgement in listed:
            finding = judgement.finding
            self._records.finding(finding)
            word = "cleared" if judgement.clears else ("raised" if judgement.stands else "told")
            self._tell(
                "events",
                {
                    "id": f"E-{finding.id}",
                    "time": finding.time,
                    "equipment": finding.equipment or None,
                    "kind": f"{finding.kind}.{word}",
                    "severity": str(finding.severity),
                    "text": finding.text,
                    "data": "{}",
                },
            )

    async def _plan(self, now: int) -> None:
        self._unplanned += 1
        if not self._tracker.changed and self._unplanned < PLAN_AT_LEAST_EVERY:
            return
        self._unplanned = 0
        situation = self._tracker.situation(now, self._busy(now))
        planned = await self._planning.propose(situation)
        self.take(planned.judgements)
        early = self._patience.waiting(now)
        left = [
            proposal
            for proposal in planned.proposals
            if self._is_new(proposal)
            and (
                _own_cause(proposal) in early
                or self.put_through(proposal).decision is Decision.REFUSED
            )
        ]
        self._stand_in(situation, left)

    def _stand_in(self, situation: Situation, left: Sequence[Proposal]) -> None:
        """Let the plain planner act where another one's proposals are, or just were, refused."""
        equipment = frozenset(p.equipment for p in left if p.source != PLAIN)
        if equipment:
            for proposal in self._planning.stand_in(situation, equipment):
                if self._is_new(proposal):
                    self.put_through(proposal)

    def _busy(self, now: int) -> frozenset[str]:
        """Return equipment and lots for which nothing is to be proposed in this tick."""
        starting = self._about_to_start(now)
        return (
            self._actor.busy() | self._heartbeats.unheard() | self._patience.waiting(now) | starting
        )

    def _about_to_start(self, now: int) -> frozenset[str]:
        """Return machines that took a job and do not show yet that they work on it."""
        for machine, until in list(self._taken.items()):
            if self._tracker.runs.run_on(machine) is not None:
                del self._taken[machine]
            elif now >= until:
                del self._taken[machine]
                self._patience.failed(machine, now)
        return frozenset(self._taken)

    # -- guard and act ------------------------------------------------------------------------

    def put_through(self, proposal: Proposal, approval: Approval | None = None) -> Verdict:
        """Have the guard decide on a proposal; where it allows it, act."""
        verdict = self._guard.decide(proposal, approval)
        self._records.proposal(proposal, verdict)
        return self._follow(proposal, verdict)

    def approve(self, proposal_id: str, approval: Approval) -> Verdict:
        """Say yes, as a person, to a proposal that waits for it.

        Raises
        ------
        Refused
            If none of that id waits, or this person's yes does not count; that is recorded too.
        """
        return self._answer(
            proposal_id, approval, lambda: self._guard.approve(proposal_id, approval)
        )

    def refuse(self, proposal_id: str, approval: Approval, reason: str) -> Verdict:
        """Say no, as a person, to a proposal that waits; errors as with :meth:`approve`."""
        return self._answer(
            proposal_id, approval, lambda: self._guard.refuse(proposal_id, approval, reason)
        )

    def _answer(self, proposal_id: str, approval: Approval, ask: Callable[[], Verdict]) -> Verdict:
        waiting = {w.proposal.id: w for w in self._guard.waiting()}.get(proposal_id)
        try:
            verdict = ask()
        except Refused as error:
            if waiting is not None:
                self._records.unfit(waiting, approval, str(error), self._clock.now())
            raise
        assert waiting is not None  # noqa: S101 - else the guard has raised
        # A person has decided: what it was about may be proposed again.
        self._standing.pop(_about(waiting.proposal), None)
        self._records.verdict(waiting.proposal, verdict)
        return self._follow(waiting.proposal, verdict)

    def wait_on(self, waiting: Waiting) -> None:
        """Let a proposal wait for people that waited before a restart."""
        verdict = self._guard.wait_on(waiting)
        self._records.verdict(waiting.proposal, verdict)
        self._follow(waiting.proposal, verdict)

    def _lapse(self) -> None:
        """Record what waited for people in vain."""
        for proposal, verdict in self._guard.lapsed():
            self._records.verdict(proposal, verdict)
            self._follow(proposal, verdict)

    def _follow(self, proposal: Proposal, verdict: Verdict) -> Verdict:
        """Act on an allowed proposal; remember what was refused, and what waits for a person."""
        if proposal.kind != "heartbeat":
            self._recent.append((proposal, verdict))
        match verdict.decision:
            case Decision.ALLOWED:
                self._command(proposal, verdict)
            case Decision.REFUSED:
                self._alarms.refusals.refused(proposal, verdict)
                self._failed(proposal, verdict.time, MOST_REFUSED_S)
            case Decision.ADVISED | Decision.AWAITING_APPROVAL:
                self._standing[_about(proposal)] = proposal
        return verdict

    def _command(self, proposal: Proposal, verdict: Verdict) -> None:
        try:
            command = self._guard.command(proposal, verdict)
        except Refused as error:
            logger.warning("%s", error)
            self._failed(proposal, verdict.time, MOST_REFUSED_S)
            return
        self._records.command(proposal, command)
        if proposal.kind in INTENT_KINDS:
            self._planning.accepted(proposal)
            said = Outcome(command.id, command.time, done=True, detail="Genba follows it from now")
            self.ended(proposal, command, said)
            return
        self._manual.wrote(command)
        if self.set_points.owns(proposal):
            self.set_points.commanded(proposal, command)
        if proposal.kind == "transport" and "vehicle_order" in proposal.context:
            self._tracker.fleet.sent(proposal)
        self._actor.start(proposal, command)

    def ended(self, proposal: Proposal, command: Command, outcome: Outcome) -> None:
        """Take the outcome of a command."""
        self._records.outcome(proposal, command, outcome)
        if proposal.kind == "heartbeat":
            unheard = self._heartbeats.unheard()
            self._heartbeats.ended(proposal.equipment, outcome)
            self._tracker.changed |= unheard != self._heartbeats.unheard()
            return
        self.outcomes[outcome.done] += 1
        if outcome.unknown:
            self.take([Judgement(ending_unknown(proposal, outcome))])
        if self.set_points.owns(proposal):
            self.set_points.ended(proposal, outcome)
            return
        if outcome.done:
            for cause in _causes(proposal):
                self._patience.succeeded(cause)
            if proposal.kind == "dispatch":
                self._taken[proposal.equipment] = outcome.time + START_WITHIN_US
        else:
            if proposal.kind == "transport":
                self._tracker.fleet.not_taken(proposal)
            self._tracker.correct(proposal, outcome)
            self._failed(proposal, outcome.time)
        self._tracker.changed = True

    def _failed(self, proposal: Proposal, now: int, most_s: float | None = None) -> None:
        if proposal.kind == "heartbeat":
            if most_s is not None:
                self._heartbeats.failed(proposal.equipment)
            return
        if proposal.source in FROM_OUTSIDE or self.set_points.owns(proposal):
            return
        if most_s is None:
            for cause in _causes(proposal):
                self._patience.failed(cause, now)
        elif proposal.source == PLAIN:
            for cause in _causes(proposal):
                self._patience.failed(cause, now, most_s=most_s)
        else:
            # Its planner waits; the plain one need not.
            self._patience.failed(_own_cause(proposal), now, most_s=most_s)

    def _is_new(self, proposal: Proposal) -> bool:
        """Whether the same was not proposed before and still stands before people."""
        now = self._clock.now()
        if self._standing:
            self._standing = {k: p for k, p in self._standing.items() if now <= _stands_until(p)}
        return _about(proposal) not in self._standing


def _stands_until(proposal: Proposal) -> int:
    return proposal.time + STANDING_US if proposal.expires is None else proposal.expires


def _own_cause(proposal: Proposal) -> str:
    return f"{proposal.source} on {proposal.equipment}"


def _causes(proposal: Proposal) -> list[str]:
    return [proposal.equipment, *lots_of(proposal)]


def _about(proposal: Proposal) -> tuple[object, ...]:
    """Return what a proposal is about, without its id and time."""
    facts = {k: v for k, v in proposal.context.items() if k not in ("vehicle_order", "vehicle")}
    told: object = tuple(sorted(facts.items())) if facts else proposal.writes
    return proposal.kind, proposal.equipment, told
