"""Which findings stand now, and which were told lately."""

from collections import deque
from collections.abc import Iterable

from genba.operate.judge import Judgement
from genba.plant import US, Finding, Outcome, Proposal, Severity

LATELY_S = 900.0


class Findings:
    """Standing findings until they are cleared; others for a quarter of an hour."""

    def __init__(self) -> None:
        self._standing: dict[tuple[str, str, str], Finding] = {}
        self._told: deque[Finding] = deque(maxlen=500)
        self.total = 0
        """Findings so far, without those that cleared others."""

    def take(self, judgements: Iterable[Judgement]) -> None:
        """Note what judges said."""
        for judgement in judgements:
            if judgement.clears:
                self._standing.pop(judgement.key, None)
                continue
            self.total += 1
            if judgement.stands:
                self._standing[judgement.key] = judgement.finding
            else:
                self._told.append(judgement.finding)

    def now(self, time: int) -> list[Finding]:
        """Return what stands or was told lately, newest first."""
        lately = [f for f in self._told if time - f.time <= LATELY_S * US]
        return sorted([*self._standing.values(), *lately], key=lambda f: f.time, reverse=True)


def judge_failed(name: str, now: int, text: str, severity: Severity) -> Finding:
    """Tell that a judge failed, or judges again."""
    return Finding(
        id=f"F-judge-{name}-{now}",
        time=now,
        kind=f"judge_{name}",
        equipment="",
        text=text,
        severity=severity,
        source="judging",
    )


def ending_unknown(proposal: Proposal, outcome: Outcome) -> Finding:
    """Tell that nobody knows how a command ended."""
    return Finding(
        id=f"F-unknown-{outcome.command}",
        time=outcome.time,
        kind="command_unknown",
        equipment=proposal.equipment,
        text=f"nobody knows how command {outcome.command} ended: {outcome.detail}; look at it",
        severity=Severity.CRITICAL,
        source="acting",
        evidence=outcome.read_back,
    )
