"""Judging by models at a machine: windows of live values in, findings out, through the guard."""

import itertools
import json
import math
from collections.abc import Callable, Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from genba.errors import GenbaError
from genba.guard import Guard
from genba.historian import Historian
from genba.learn.edge.contract import Contract
from genba.learn.edge.node import Node
from genba.learn.edge.runner import Answer, Runner
from genba.operate.edge_plant import signal_of
from genba.operate.judge import Judgement
from genba.operate.records import Records
from genba.operate.sense import LiveValues
from genba.plant import (
    US,
    Clock,
    Decision,
    Finding,
    PackMLState,
    Plant,
    Proposal,
    Quality,
    Role,
    Sample,
    Severity,
    Verdict,
)

CLEAR_AFTER = 3
"""Answers without a finding, one after the other, that clear one."""
TOLD_EVERY_S = 60.0
"""How often an answer is told to the hub while nothing is found, in plant seconds."""
KIND = "alarm"
ROLE = "engineer"
MOST_EVIDENCE = 20
RECENT_WINDOWS = 200


class Past:
    """Rows from the historian, each value as it stood at its step: what a model would have seen."""

    def __init__(self, plant: Plant, historian: Historian, clock: Clock) -> None:
        self._plant = plant
        self._historian = historian
        self._clock = clock

    def rows(self, contract: Contract, count: int) -> NDArray[np.float32] | None:
        """Return the last ``count`` rows (rows, columns), oldest first; None where none is read."""
        step = round(contract.step_s * US)
        end = self._clock.now() // step * step + step
        state = state_of(self._plant, contract.equipment) if contract.working else None
        names = [*contract.columns, *([] if state is None else [state])]
        try:
            table = self._historian.asof(list(dict.fromkeys(names)), end - count * step, end, step)
        except GenbaError:
            return None
        columns = [table[name].to_numpy(zero_copy_only=False) for name in names]
        if any(column.dtype.kind not in "fiub" for column in columns):
            return None
        rows = np.column_stack([np.asarray(c, np.float64) for c in columns]).astype(np.float32)
        if state is not None:
            rows[rows[:, -1] != PackMLState.EXECUTE] = np.nan
        return rows[:, : len(contract.columns)]

    def windows(self, contract: Contract) -> NDArray[np.float32] | None:
        """Return the newest windows whose values are all known, at most ``RECENT_WINDOWS``."""
        rows = self.rows(contract, contract.window + RECENT_WINDOWS - 1)
        if rows is None or len(rows) < contract.window:
            return None
        view = np.lib.stride_tricks.sliding_window_view(rows, contract.window, axis=0)
        windows = np.moveaxis(view, -1, 1)
        known = np.isfinite(windows).all(axis=(1, 2))
        return np.ascontiguousarray(windows[known])


def state_of(plant: Plant, equipment: str) -> str | None:
    """Return the id of the signal that tells the PackML state of equipment, None without one."""
    signal = plant.roles.get((equipment, Role.STATE))
    return None if signal is None else signal.id


class ModelJudge:
    """Asks the models of a node, once in every tick.

    Only answers that make sense get this far (:class:`~genba.learn.edge.runner.Runner`). A finding
    becomes a proposal to raise an alarm: the guard asks whether what it stands on is known and
    fresh, and whether anything may be said of that equipment at all. Nothing here ever writes.

    Parameters
    ----------
    plant, node, guard, live, records, past
        The plant, its models, and what they are judged with.
    emit : callable
        Takes samples of findings, to be recorded and passed on.
    trial_answers : int
        Good answers that a release on trial needs.
    """

    name = "models"

    def __init__(
        self,
        plant: Plant,
        node: Node,
        guard: Guard,
        live: LiveValues,
        records: Records,
        past: Past,
        emit: Callable[[Sequence[Sample]], None],
        trial_answers: int,
    ) -> None:
        self._plant = plant
        self._node = node
        self._guard = guard
        self._live = live
        self._records = records
        self._past = past
        self._emit = emit
        self._trial_answers = trial_answers
        self._runners: dict[str, Runner] = {}
        self._standing: dict[str, Finding] = {}
        self._quiet: dict[str, int] = {}
        self._told: dict[str, int] = {}
        self._numbers = itertools.count(1)
        self.answers = 0
        self.findings = 0
        self.refused = 0
        """Findings that the guard did not let through."""

    @property
    def withheld(self) -> int:
        """Answers that made no sense and went nowhere."""
        return sum(runner.withheld for runner in self._runners.values())

    def follow(self, now: int) -> None:
        """Load and let go of models as the node says. May take a second: call it beside the loop,
        and never while :meth:`judge` runs.
        """
        for name in self._node.slots():
            if name not in self._runners:
                self._runners[name] = Runner(self._node, name, self._past.rows, self._trial_answers)
            self._runners[name].follow(now)

    def close(self) -> None:
        """End processes of trials."""
        for runner in self._runners.values():
            runner.close()

    def judge(self, now: int) -> list[Judgement]:
        """Ask each model, and put what is found before the guard."""
        judgements: list[Judgement] = []
        for name, runner in self._runners.items():
            answer = runner.tick(now, lambda signal: self._value(signal, now))
            if answer is not None:
                self.answers += 1
                judgements += self._judged(name, answer)
        return judgements

    def _value(self, name: str, now: int) -> float:
        """Return what a signal stands at; NaN where nobody may decide on it.

        Of equipment: 1 while it executes, or where it does not tell; else 0.
        """
        if name in self._plant.equipment_by_id:
            state = state_of(self._plant, name)
            return 1.0 if state is None else float(self._value(state, now) == PackMLState.EXECUTE)
        sample = self._live.get(name)
        if sample is None or sample.quality == Quality.BAD:
            return math.nan
        signal = self._plant.signals[name]
        measured = signal.kind == "measurement"
        if measured and now - sample.source_time > signal.freshness_s * US:
            return math.nan
        return float(sample.value) if isinstance(sample.value, int | float) else math.nan

    def _judged(self, name: str, answer: Answer) -> Iterable[Judgement]:
        if not answer.found:
            self._quiet[name] = self._quiet.get(name, 0) + 1
            if name in self._standing and self._quiet[name] >= CLEAR_AFTER:
                return [self._clear(name, answer)]
            self._tell_now_and_then(name, answer)
            return []
        self._quiet[name] = 0
        if name in self._standing:
            self._tell_now_and_then(name, answer)
            return []
        raised = self._raise(name, answer)
        return [] if raised is None else [raised]

    def _raise(self, name: str, answer: Answer) -> Judgement | None:
        finding = self._finding(answer, Severity.WARNING)
        verdict = self._ask(finding)
        if verdict.decision is Decision.REFUSED:
            self.refused += 1
            return None
        self.findings += 1
        self._standing[name] = finding
        self._say(answer, "raised", finding.text)
        return Judgement(finding, stands=True, about=name)

    def _clear(self, name: str, answer: Answer) -> Judgement:
        del self._standing[name]
        finding = self._finding(answer, Severity.INFO)
        self._say(answer, "cleared", finding.text)
        return Judgement(finding, clears=True, about=name)

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

    def _finding(self, answer: Answer, severity: Severity) -> Finding:
        contract = answer.contract
        evidence = (self._live.evidence(name) for name in contract.columns[:MOST_EVIDENCE])
        limit = contract.threshold or 0.0
        word = "from" if answer.found else "below"
        return Finding(
            id=f"F-model-{contract.name}-{answer.time}",
            time=answer.time,
            kind=f"model_{contract.task}",
            equipment=contract.equipment,
            text=f"{contract.name} {contract.version} says {answer.value:.4g}; {word} {limit:.4g} "
            "on it is a finding",
            severity=severity,
            score=answer.value,
            source=f"{contract.name}@{answer.address[:12]}",
            evidence=tuple(piece for piece in evidence if piece is not None),
        )

    def _tell_now_and_then(self, name: str, answer: Answer) -> None:
        if answer.time - self._told.get(name, 0) >= TOLD_EVERY_S * US:
            self._say(answer, "stands" if name in self._standing else "answer", "")

    def _say(self, answer: Answer, what: str, text: str) -> None:
        self._told[answer.contract.name] = answer.time
        told = {
            "model": answer.contract.name,
            "address": answer.address,
            "what": what,
            "value": answer.value,
            "text": text,
        }
        name = signal_of(answer.contract.equipment)
        value = json.dumps(told, separators=(",", ":"))
        self._emit([Sample(name, answer.time, answer.time, value)])
