"""Judging by models: what they see of live values, and their answers as findings, by the guard."""

import itertools
import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from genba.guard import Guard
from genba.learn.edge.node import Slot
from genba.learn.edge.past import state_of
from genba.learn.edge.pictures import Refused
from genba.learn.edge.runner import Answer
from genba.learn.edge.standing import Standing, Turn, standing_of
from genba.learn.edge.window import Look
from genba.learn.inspect.place import told_place
from genba.operate.edge_plant import signal_of
from genba.operate.judge import Judgement
from genba.operate.records import Records
from genba.operate.sense import LiveValues
from genba.plant import (
    US,
    Decision,
    Finding,
    PackMLState,
    Plant,
    Proposal,
    Quality,
    Sample,
    Severity,
    Verdict,
)

TOLD_EVERY_S = 60.0
"""How often an answer is told to the hub while nothing is found, in plant seconds."""
KIND = "alarm"
ROLE = "engineer"
MOST_EVIDENCE = 20


class ModelJudge:
    """Turns answers of models into judgements, wherever the models run.

    Only answers that make sense get this far (:class:`~genba.learn.edge.runner.Runner`). A finding
    becomes a proposal to raise an alarm: the guard asks whether what it stands on is known and
    fresh, and whether anything may be said of that equipment at all. Nothing here ever writes.

    Parameters
    ----------
    plant, guard, live, records
        The plant, and what is judged with.
    emit : callable, optional
        Takes samples of findings, to be recorded and passed on.
    """

    def __init__(
        self,
        plant: Plant,
        guard: Guard,
        live: LiveValues,
        records: Records,
        emit: Callable[[Sequence[Sample]], None] | None = None,
    ) -> None:
        self._plant = plant
        self._guard = guard
        self._live = live
        self._records = records
        self._emit = emit
        self._standing: dict[str, Standing] = {}
        self._raised: dict[str, Answer] = {}
        self._told: dict[str, int] = {}
        self._numbers = itertools.count(1)
        self.answers = 0
        self.findings = 0
        self.refused = 0
        """Findings that the guard did not let through."""

    def judged(
        self, answers: Iterable[Answer], slots: Mapping[str, Slot], now: int
    ) -> list[Judgement]:
        """Put what was found before the guard; clear what models found that run no more.

        Parameters
        ----------
        slots : mapping of str to Slot
            What is in force and on trial, by model name.
        now : int
            Microseconds UTC, plant clock.
        """
        judgements = [
            self._clear(replace(answer, time=now), f"{name} runs no more")
            for name, answer in list(self._raised.items())
            if (slot := slots.get(name, Slot())).force is None and slot.trial is None
        ]
        for answer in answers:
            self.answers += 1
            judgements += self._judged(answer)
        return judgements

    def look(self, now: int) -> Look:
        """Return what models may see now; see :meth:`value`."""
        return lambda name: self.value(name, now)

    def value(self, name: str, now: int) -> float:
        """Return what a signal stands at; NaN where nobody may decide on it.

        Of equipment: 1 while it executes, or where it does not tell; else 0.
        """
        if name in self._plant.equipment_by_id:
            state = state_of(self._plant, name)
            return 1.0 if state is None else float(self.value(state, now) == PackMLState.EXECUTE)
        sample = self._live.get(name)
        if sample is None or sample.quality == Quality.BAD:
            return math.nan
        signal = self._plant.signals[name]
        measured = signal.kind == "measurement"
        if measured and now - sample.source_time > signal.freshness_s * US:
            return math.nan
        return float(sample.value) if isinstance(sample.value, int | float) else math.nan

    def _judged(self, answer: Answer) -> Iterable[Judgement]:
        name = answer.contract.name
        if answer.contract.picture is not None:
            self._say(answer, "answer", "")  # a finding stands on it: no signal shows a picture
        if name not in self._standing:
            self._standing[name] = standing_of(answer.contract)
        standing = self._standing[name]
        match standing.take(answer.found):
            case Turn.RAISED:
                raised = self._raise(answer)
                if raised is None:
                    standing.withdraw()
                return [] if raised is None else [raised]
            case Turn.CLEARED:
                return [self._clear(answer)]
            case None:
                self._tell_now_and_then(answer, stands=standing.stands)
                return []

    def _raise(self, answer: Answer) -> Judgement | None:
        finding = self._finding(answer, Severity.WARNING)
        verdict = self._ask(finding)
        if verdict.decision is Decision.REFUSED:
            self.refused += 1
            return None
        self.findings += 1
        self._raised[answer.contract.name] = answer
        self._say(answer, "raised", finding.text)
        return Judgement(finding, stands=True, about=answer.contract.name)

    def _clear(self, answer: Answer, why: str = "") -> Judgement:
        del self._raised[answer.contract.name], self._standing[answer.contract.name]
        finding = self._finding(answer, Severity.INFO, why)
        self._say(answer, "cleared", finding.text)
        return Judgement(finding, clears=True, about=answer.contract.name)

    def _ask(self, finding: Finding) -> Verdict:
        """Have the guard decide whether an alarm may be raised; both are recorded."""
        proposal = Proposal(
            id=f"P-{finding.id}-{next(self._numbers)}",
            time=finding.time,
            kind=KIND,
            equipment=finding.equipment,
            writes=(),
            reason=finding.text,
            source=finding.source,
            role=ROLE,
            evidence=finding.evidence,
        )
        verdict = self._guard.decide(proposal)
        self._records.proposal(proposal, verdict)
        return verdict

    def _finding(self, answer: Answer, severity: Severity, why: str = "") -> Finding:
        contract = answer.contract
        stands_on = contract.columns or self._beside_pictures(contract.equipment)
        speak = [part.column for part in answer.parts]
        names = list(dict.fromkeys((*speak, *stands_on)))[:MOST_EVIDENCE]
        evidence = (self._live.evidence(name) for name in names)
        limit = contract.threshold or 0.0
        word = "from" if answer.found else "below"
        what = "part" if contract.picture is None else "picture"
        about = f" of {what} {answer.about}" if answer.about else ""
        said = f"{contract.name} {contract.version} says {answer.value:.4g}{about}"
        where = f"; {told_place(answer.box)}" if answer.found and answer.box is not None else ""
        if answer.parts:
            where += "; mostly " + ", ".join(f"{p.column} ({p.share:.0%})" for p in answer.parts)
        return Finding(
            id=f"F-model-{contract.name}-{answer.time}",
            time=answer.time,
            kind=f"model_{contract.task}",
            equipment=contract.equipment,
            text=why or f"{said}; {word} {limit:.4g} on it is a finding{where}",
            severity=severity,
            score=answer.value,
            source=f"{contract.name}@{answer.address[:12]}",
            evidence=tuple(piece for piece in evidence if piece is not None),
        )

    def _beside_pictures(self, equipment: str) -> Iterable[str]:
        """Signals that tie a picture to its machine: its own answer, and the machine's state."""
        state = state_of(self._plant, equipment)
        return (signal_of(equipment), *([] if state is None else [state]))

    def _tell_now_and_then(self, answer: Answer, *, stands: bool) -> None:
        """Tell every answer about a part, and of those in time one now and then."""
        if answer.contract.picture is not None:
            return
        since = answer.time - self._told.get(answer.contract.name, 0)
        if answer.contract.asked_at or since >= TOLD_EVERY_S * US:
            self._say(answer, "stands" if stands else "answer", "")

    def _say(self, answer: Answer, what: str, text: str) -> None:
        self._told[answer.contract.name] = answer.time
        told = {
            "model": answer.contract.name,
            "address": answer.address,
            "what": what,
            "value": answer.value,
            "text": text,
            **({"about": answer.about} if answer.about else {}),
            **({"box": answer.box} if answer.box is not None else {}),
        }
        later = answer.contract.picture is not None and what != "answer"
        self._pass_on(answer.contract.equipment, answer.time + later, told)

    def refuse(self, pictures: Iterable[Refused]) -> None:
        """Pass on that pictures could not be judged, and why."""
        for one in pictures:
            told = {"what": "refused", "about": one.name, "text": one.why}
            self._pass_on(one.equipment, one.time, told)

    def _pass_on(self, equipment: str, time: int, told: Mapping[str, Any]) -> None:
        if self._emit is not None:
            value = json.dumps(told, separators=(",", ":"))
            self._emit([Sample(signal_of(equipment), time, time, value)])
