"""One look at one model: its rows, its answers, its truth, its alarms, and what follows."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from genba.errors import LearnError
from genba.learn.data.dataset import Dataset
from genba.learn.export.parity import OnnxModel
from genba.learn.features.windows import seen_of
from genba.learn.recipe.protocol import Task
from genba.learn.watch.alarms import FalseAlarms
from genba.learn.watch.drift import Drift, Said, drift_of
from genba.learn.watch.figures import Quality, broken, quality_of
from genba.learn.watch.finding import Finding
from genba.learn.watch.kept import answer_of, judged
from genba.learn.watch.rules import Rules
from genba.learn.watch.subject import Subject
from genba.learn.watch.where import Force

NO_REFERENCE = "it keeps no reference to find drift by; train it anew"
OF_PICTURES = "it judges pictures, which are not recorded: see to them with `genba inspect`"
_TIMED = 300
_WORTH = 0.5
"""New labels, as a share of the rows that a model was made from, that are worth learning from."""


@dataclass(frozen=True, slots=True)
class Watched:
    """What a look at a model came to.

    ``labels`` is the number of rows now whose truth is known, ``learned`` that of the rows that it
    was made from; ``p99_us`` the CPU time of an answer.
    """

    model: str
    name: str
    force: Force | None
    rows: int = 0
    columns: Drift | None = None
    answers: Drift | None = None
    quality: Quality | None = None
    labels: int = 0
    learned: int = 0
    alarms: FalseAlarms | None = None
    p99_us: float | None = None
    findings: tuple[Finding, ...] = ()
    untold: tuple[str, ...] = ()
    """What could not be told, and why."""
    blind: str = ""
    """Why drift of it cannot be told at all, whatever is recorded; empty where it can."""

    def why(self, kinds: Sequence[str]) -> str:
        """Return what was found of some kinds, in plain words; empty where nothing was."""
        return "; ".join(one.text for one in self.findings if one.kind in kinds)

    def verdict(self, rules: Rules) -> str:
        """Say in plain words what is to be done."""
        for kinds, what in (
            (rules.roll_back, "do not release" if self.force is None else "take it back"),
            (rules.retrain, "learn it anew"),
        ):
            if why := self.why(kinds):
                rest = "; ".join(one.text for one in self.findings if one.kind not in kinds)
                return f"{what}: {why}{f'; besides, {rest}' if rest else ''}"
        told = [one.text for one in self.findings] or ["nothing found"] * bool(self.untold)
        return "; ".join([*told, *self.untold]) or "as on its card"

    def as_json(self, rules: Rules) -> dict[str, Any]:
        """Plain values."""
        return {
            "model": self.model,
            "name": self.name,
            "where": None if self.force is None else self.force.where,
            "since": None if self.force is None else self.force.since,
            "rows": self.rows,
            "drift": None if self.columns is None else self.columns.as_json(),
            "answers": None if self.answers is None else self.answers.as_json(),
            "quality": None if self.quality is None else self.quality.as_json(),
            "labels": self.labels,
            "false_alarms": None if self.alarms is None else self.alarms.as_json(),
            "p99_us": self.p99_us,
            "findings": [{"kind": one.kind, "text": one.text} for one in self.findings],
            "untold": list(self.untold),
            "verdict": self.verdict(rules),
        }


def look(
    model: Subject,
    data: Dataset | None,
    rules: Rules,
    *,
    force: Force | None = None,
    alarms: FalseAlarms | None = None,
    p99_us: float | None = None,
    age_days: float | None = None,
    unread: str = "",
) -> Watched:
    """Look at a model once.

    Parameters
    ----------
    data : Dataset, optional
        Newer rows of its columns (:mod:`genba.learn.watch.again`); None where there are none, and
        ``unread`` says why.
    p99_us : float, optional
        As a machine measured it; else it is measured here.
    age_days : float, optional
        Days since the newest of its training data.
    """
    card = model.card
    name = (
        f"{card.equipment}.{card.task.value}" if card.equipment else f"{card.task.value} of a file"
    )
    kept = model.reference
    blind = "" if kept is not None and kept.columns is not None else NO_REFERENCE
    if model.card.task is Task.INSPECT:
        blind = OF_PICTURES
    told = Watched(model.digest, name, force, alarms=alarms, blind=blind)
    findings: list[Finding] = []
    untold: list[str] = [unread] if unread else []
    if data is not None:
        told = _rows(model, data, rules, told, findings, untold)
    told = replace(told, p99_us=_p99_us(model) if p99_us is None else p99_us)
    if told.p99_us is not None and told.p99_us > rules.latency_us:
        findings.append(Finding("latency", f"an answer takes {told.p99_us:,.0f} us of CPU (p99)"))
    if alarms is not None and alarms.rate is not None:
        budget = rules.false_alarms_a_week
        if alarms.rate.exceeds(budget):
            what = f"{alarms.rate.a_week:.1f} false alarms a week, and {budget:g} may be"
            findings.append(Finding("false_alarms", what))
    if age_days is not None and age_days > rules.age_days:
        findings.append(Finding("age", f"its newest data are {age_days:.0f} days old"))
    if told.labels >= max(rules.new_labels, _WORTH * told.learned):
        findings.append(Finding("labels", f"{told.labels:,} new labels"))
    return replace(told, findings=tuple(findings), untold=tuple(untold))


def _rows(
    model: Subject,
    data: Dataset,
    rules: Rules,
    told: Watched,
    findings: list[Finding],
    untold: list[str],
) -> Watched:
    """Look at rows and answers; what is found and what cannot be told is added to the lists."""
    card = model.card
    reference = model.reference
    how = {"rate": rules.drift_rate, "matters": rules.drift_matters}
    columns = answers = None
    if reference is None or reference.columns is None:
        untold.append(NO_REFERENCE)
    else:
        columns = drift_of(reference.columns, data.values, **how)
        _say(columns, "drift", findings, untold)
    try:
        seen = seen_of(data, card.window)
    except LearnError as error:
        untold.append(str(error))
        return replace(told, rows=data.rows, columns=columns)
    said = model.answer(seen.values)
    if reference is not None and reference.answers is not None:
        answers = drift_of(reference.answers, answer_of(said)[:, None], **how)
        _say(answers, "answers", findings, untold)
    quality, labels = None, 0
    if data.target is not None and judged(card.task):
        labels = int(np.isfinite(data.target.values[seen.rows]).sum())
        quality = quality_of(
            data.target, seen.rows, said, card.seed, None if reference is None else reference.limits
        )
        wrong = (
            None
            if quality is None
            else broken(quality, None if reference is None else reference.quality)
        )
        if wrong is None:
            untold.append(f"{labels} labels are too few to say how good it is")
        elif wrong:
            findings.append(Finding("calibration", "; ".join(wrong)))
    elif card.task is not Task.ANOMALY:
        untold.append("no truth is known of these rows")
    return replace(
        told,
        rows=data.rows,
        columns=columns,
        answers=answers,
        quality=quality,
        labels=labels,
        learned=0 if reference is None or reference.columns is None else reference.columns.rows,
    )


def _say(drift: Drift, kind: Any, findings: list[Finding], untold: list[str]) -> None:
    if drift.said is Said.DRIFTED:
        names = ", ".join(f"{one.name} {one.what}" for one in drift.drifted[:3])
        more = f" and {len(drift.drifted) - 3} more" if len(drift.drifted) > 3 else ""
        findings.append(Finding(kind, f"drifted: {names}{more}"))
    elif drift.said is Said.TOO_FEW:
        few = sum(one.said is Said.TOO_FEW for one in drift.columns)
        what = "answers" if kind == "answers" else f"{few} of {len(drift.columns)} columns"
        untold.append(f"too few rows to say whether {what} drifted")


def _p99_us(model: Subject) -> float | None:
    """Measure the CPU time of one answer here, on real windows; None of pictures."""
    inputs = model.inputs
    if inputs.ndim != 3 or len(inputs) == 0:
        return None
    graph = OnnxModel(model.onnx)
    spent = np.empty(_TIMED)
    for number in range(_TIMED):
        one = inputs[number % len(inputs)][None]
        begun = time.thread_time_ns()
        graph.predict(one)
        spent[number] = (time.thread_time_ns() - begun) / 1000
    return float(np.percentile(spent[20:], 99))
