"""What Genba knows of itself, as findings: links, recording, and refusals that repeat."""

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from genba.guard import FROM_OUTSIDE
from genba.operate.judge import Judgement, Sight
from genba.plant import US, Finding, Proposal, Severity, Verdict

SKEW_S = 1.0
"""Wall seconds by which a device's clock may differ from Genba's."""
REFUSALS, REFUSALS_S = 5, 600.0
"""Refusals of one kind on one piece of equipment within ten minutes that are worth an alarm."""


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that is wrong now. It is about one thing, and of one kind of alarm."""

    kind: str
    about: str
    text: str
    severity: Severity = Severity.WARNING
    equipment: str = ""


Facts = Callable[[int], Iterable[Fact]]
"""Asked once in every tick, with the plant's time, for all that is wrong now; must be quick."""


class FactJudge:
    """Raises what came to be wrong, and clears what no longer is."""

    name = "facts"

    def __init__(self, *sources: Facts) -> None:
        self._sources = list(sources)
        self._raised: dict[tuple[str, str, str], Fact] = {}

    def judge(self, sight: Sight) -> Iterable[Judgement]:
        """Compare what is wrong now with what was before."""
        present = {
            (fact.equipment, fact.kind, fact.about): fact
            for source in self._sources
            for fact in source(sight.time)
        }
        before, self._raised = self._raised, present
        for key, fact in present.items():
            if key not in before:
                yield _judgement(fact, fact.text, sight.time, stands=True)
        for key, fact in before.items():
            if key not in present:
                yield _judgement(fact, f"over: {fact.text}", sight.time, stands=False)


class Refusals:
    """Counts what the guard refuses; what it refuses again and again is a fact."""

    def __init__(self) -> None:
        self._times: dict[tuple[str, str], deque[int]] = {}
        self._why: dict[tuple[str, str], str] = {}

    def refused(self, proposal: Proposal, verdict: Verdict) -> None:
        """Note a refusal. People are answered at once, and need no alarm on top."""
        if proposal.source in FROM_OUTSIDE:
            return
        key = (proposal.equipment, proposal.kind)
        self._times.setdefault(key, deque(maxlen=REFUSALS)).append(verdict.time)
        self._why[key] = "; ".join(verdict.reasons)

    def facts(self, now: int) -> Iterable[Fact]:
        """Return what was refused often and lately; what is older than ten minutes is forgotten."""
        for (equipment, kind), times in list(self._times.items()):
            if now - times[-1] > REFUSALS_S * US:
                del self._times[equipment, kind], self._why[equipment, kind]
            elif len(times) == REFUSALS and times[-1] - times[0] <= REFUSALS_S * US:
                text = (
                    f"the guard refuses {kind} on {equipment} again and again: "
                    f"{self._why[equipment, kind]}"
                )
                yield Fact("refusals", f"{equipment}/{kind}", text, equipment=equipment)


def link_facts(links: Mapping[str, Mapping[str, Any]]) -> Iterable[Fact]:
    """Return the links that are not up, and those to devices whose clock is wrong."""
    for name, link in links.items():
        skew_s = link.get("clock_skew_s")
        if skew_s is not None and abs(skew_s) > SKEW_S:
            text = f"the clock of {name} is {skew_s:+.1f} s from Genba's"
            yield Fact("clock_skew", name, text)
        if link["link"] != "up":
            why = f": {link['error']}" if link["error"] else ""
            yield Fact("link_down", name, f"connection {name} is down{why}")


def recording_facts(error: str) -> Iterable[Fact]:
    """Return that nothing is recorded, where that is so."""
    if error:
        yield Fact("recording", "historian", f"not recorded: {error}", Severity.CRITICAL)


def audit_facts(broken: str) -> Iterable[Fact]:
    """Return that somebody changed the audit log, where that was found."""
    if broken:
        text = f"somebody changed the audit log: {broken}"
        yield Fact("audit_broken", "audit", text, Severity.CRITICAL)


def heartbeat_facts(failing: Iterable[str]) -> Iterable[Fact]:
    """Return the devices that do not take Genba's heartbeat."""
    for equipment in sorted(failing):
        text = f"{equipment} does not take Genba's heartbeat"
        yield Fact("heartbeat", equipment, text, equipment=equipment)


def backfill_facts(failed: Mapping[str, Mapping[str, str]]) -> Iterable[Fact]:
    """Return the connections with signals whose record could not be read, by connection."""
    for connection, signals in failed.items():
        if signals:
            name, why = min(signals.items())
            more = f" (and of {len(signals) - 1} more signals)" if len(signals) > 1 else ""
            text = f"connection {connection}: the record of {name}{more} cannot be read: {why}"
            yield Fact("backfill", connection, text)


def _judgement(fact: Fact, text: str, now: int, *, stands: bool) -> Judgement:
    about = f"-{fact.about}" if fact.about else ""
    return Judgement(
        Finding(
            id=f"F-{fact.kind}{about}-{now}",
            time=now,
            kind=fact.kind,
            equipment=fact.equipment,
            text=text,
            severity=fact.severity if stands else Severity.INFO,
            source="facts",
        ),
        stands=stands,
        clears=not stands,
        about=fact.about,
    )
