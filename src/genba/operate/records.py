"""Decision records: finding, proposal, verdict, command, outcome, each with what it stands on."""

import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

from genba.guard import Waiting
from genba.plant import US, Approval, Command, Decision, Finding, Outcome, Proposal, Verdict

SUMMARY_S = 600.0
"""Heartbeats that went well are summed up this often, in plant seconds."""

Tell = Callable[[str, Mapping[str, Any]], None]


class Records:
    """Writes rows for the historian's table ``decisions``. Heartbeats are summed up."""

    def __init__(self, tell: Tell) -> None:
        self._tell = tell
        self._beats: Counter[str] = Counter()
        self._beats_since: int | None = None
        self._failing: set[str] = set()

    def finding(self, finding: Finding) -> None:
        """Record a finding."""
        self._row(
            finding.id,
            finding.time,
            "finding",
            "",
            finding.equipment,
            finding.kind,
            finding.text,
            asdict(finding),
        )

    def proposal(self, proposal: Proposal, verdict: Verdict) -> None:
        """Record a proposal and what the guard said of it."""
        if proposal.kind == "heartbeat" and verdict.decision is Decision.ALLOWED:
            return
        about = (proposal.equipment, proposal.kind)
        self._row(
            proposal.id,
            proposal.time,
            "proposal",
            proposal.id,
            *about,
            proposal.reason,
            asdict(proposal),
        )
        self.verdict(proposal, verdict)

    def verdict(self, proposal: Proposal, verdict: Verdict) -> None:
        """Record a verdict: the first on a proposal, or one after a person's approval."""
        text = "; ".join(verdict.reasons) or str(verdict.decision)
        if verdict.needed:
            names = ", ".join(given.actor for given in verdict.approvals) or "nobody"
            text = f"{text}; {verdict.needed} must say yes, so far {names}"
        self._row(
            f"V-{proposal.id}-{verdict.time}-{len(verdict.approvals)}",
            verdict.time,
            "verdict",
            proposal.id,
            proposal.equipment,
            proposal.kind,
            text,
            asdict(verdict),
        )

    def unfit(self, waiting: Waiting, approval: Approval, why: str, now: int) -> None:
        """Record that somebody's yes or no did not count; the proposal waits on."""
        proposal = waiting.proposal
        verdict = Verdict(
            proposal.id, now, Decision.AWAITING_APPROVAL, (why,), waiting.approvals, waiting.needed
        )
        self._row(
            f"V-{proposal.id}-{now}-{approval.actor}",
            now,
            "verdict",
            proposal.id,
            proposal.equipment,
            proposal.kind,
            f"waits on: {why}",
            asdict(verdict),
        )

    def command(self, proposal: Proposal, command: Command) -> None:
        """Record a command on its way."""
        if proposal.kind == "heartbeat":
            return
        text = ", ".join(f"{write.signal}" for write in command.writes)
        self._row(
            command.id,
            command.time,
            "command",
            proposal.id,
            proposal.equipment,
            proposal.kind,
            text,
            asdict(command),
        )

    def outcome(self, proposal: Proposal, command: Command, outcome: Outcome) -> None:
        """Record what came of a command."""
        if proposal.kind == "heartbeat":
            self._beat(proposal, command, outcome)
            return
        self._outcome(proposal, command, outcome)

    def flush(self, now: int) -> None:
        """Sum up the heartbeats since the last time; call when a period is over, and at the end."""
        if not self._beats:
            return
        beats, self._beats = dict(self._beats), Counter()
        text = f"{sum(beats.values())} heartbeats taken by {len(beats)} devices"
        self._row(
            f"O-heartbeats-{now}",
            now,
            "outcome",
            "",
            None,
            "heartbeat",
            text,
            {"since": self._beats_since, "until": now, "beats": beats},
        )
        self._beats_since = now

    def _beat(self, proposal: Proposal, command: Command, outcome: Outcome) -> None:
        """Count a beat; record the first that fails, and the first that is taken again."""
        name = proposal.equipment
        self._beats_since = outcome.time if self._beats_since is None else self._beats_since
        if outcome.done:
            self._beats[name] += 1
        if outcome.done is (name in self._failing):
            (self._failing.discard if outcome.done else self._failing.add)(name)
            self._outcome(proposal, command, outcome)
        if outcome.time - self._beats_since >= SUMMARY_S * US:
            self.flush(outcome.time)

    def _outcome(self, proposal: Proposal, command: Command, outcome: Outcome) -> None:
        self._row(
            f"O-{command.id}",
            outcome.time,
            "outcome",
            command.id,
            proposal.equipment,
            proposal.kind,
            outcome.detail or ("done" if outcome.done else "failed"),
            asdict(outcome),
        )

    def _row(
        self,
        name: str,
        time: int,
        stage: str,
        ref: str,
        equipment: str | None,
        kind: str,
        text: str,
        data: Mapping[str, Any],
    ) -> None:
        self._tell(
            "decisions",
            {
                "id": name,
                "time": time,
                "stage": stage,
                "ref": ref,
                "equipment": equipment,
                "kind": kind,
                "text": text,
                "data": json.dumps(data, separators=(",", ":"), default=str),
            },
        )
