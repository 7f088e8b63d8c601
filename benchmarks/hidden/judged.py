"""What models find: a detector over moments, charts of parts, and quality models, by machine.

Each is learned as ``genba train`` does by default, from what was recorded of the first days, and
then sees the other days. Nothing in here reads the truth.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from genba.errors import LearnError
from genba.historian import Historian
from genba.learn import (
    Candidate,
    Dataset,
    Ladder,
    Slice,
    Split,
    Weight,
    anomaly_ladder,
    quality_ladder,
    slice_of_equipment,
    slice_of_parts,
    train,
    windows_of,
)
from genba.learn.anomaly.episodes import FINDING_US, apart_of, weeks_of
from genba.learn.anomaly.settling import ASSUMED_S, settle_s_of
from genba.learn.data.fitness import misfits, without_constant
from genba.learn.split.named import split_of
from genba.learn.verify.budget import BUDGET_A_WEEK
from genba.plant import Plant

DETECTORS = 2
"""Detectors that watch a machine, and share the budget."""
STEP_S = 10.0
"""Seconds between moments: as often as the slowest signals come."""
Span = tuple[int, int, int]
"""Learned from ``[0, 1)``, judged in ``[1, 2)``; microseconds UTC."""


@dataclass(frozen=True, slots=True)
class Found:
    """A finding of a model, by kind (``moments``, ``parts`` or ``quality``), and how long rows were
    in alarm.
    """

    machine: str
    kind: str
    begin: int
    end: int
    alarm_s: float
    names: tuple[str, ...] = ()
    """Columns that speak most for it, where the model was asked."""


@dataclass(frozen=True, slots=True)
class Used:
    """What became of a model of a machine: the recipe, or why none is used."""

    machine: str
    kind: str
    recipe: str
    why_not: str = ""
    drills: float | None = None
    a_week: float | None = None
    settle_s: float = 0.0


Judged = tuple[Used, list[Found]]


def judge_moments(historian: Historian, plant: Plant, machine: str, span: Span) -> Judged:
    """Learn what is normal from moments of the first part; return what is found in the second."""
    begin, middle, end = span
    wanted = Slice(machine, begin, middle, STEP_S, mode=True)
    settle_s = settle_s_of(slice_of_equipment(historian, plant, wanted))
    settle_s = ASSUMED_S if settle_s is None else settle_s
    data = _fit(slice_of_equipment(historian, plant, replace(wanted, settle_s=settle_s)))

    def later(found: Candidate) -> Dataset:
        names = tuple(column.signal or column.name for column in data.columns)
        step_s = found.card.step_s
        asked = Slice(machine, middle, end, step_s, names, settle_s=settle_s)
        return slice_of_equipment(historian, plant, asked)

    used, found = _judge(data, later, machine, "moments", middle)
    return replace(used, settle_s=settle_s), found


def judge_parts(
    historian: Historian, plant: Plant, machine: str, span: Span, settle_s: float
) -> Judged:
    """Learn what parts normally are; return what charts find in the parts of the second part."""
    begin, middle, end = span
    wanted = Slice(machine, begin, middle, settle_s=settle_s)
    data = _known(_fit(slice_of_parts(historian, plant, wanted, None)))

    def later(found: Candidate) -> Dataset:
        # With the parts before, which the first windows look back on, as live.
        asked = replace(wanted, end=end)
        return _known(slice_of_parts(historian, plant, asked, None).select(data.names))

    used, found = _judge(data, later, machine, "parts", middle)
    return replace(used, settle_s=settle_s), found


def _judge(
    data: Dataset,
    later: Callable[[Candidate], Dataset],
    machine: str,
    kind: str,
    middle: int,
) -> Judged:
    split = split_of(data, "time", seed=0)
    part = split.take(data, "train")
    ladder = anomaly_ladder(part, a_week=BUDGET_A_WEEK / DETECTORS, parts=kind == "parts")
    candidate, why_not = _trained(data, split, ladder, machine)
    if candidate is None:
        return Used(machine, kind, "", why_not), []
    card, tested = candidate.card, candidate.card.tested
    rate = tested.get("false_alarms_week") or 0.0
    used = Used(machine, kind, card.recipe, "", tested.get("drills"), rate)
    test = split.take(data, "test")
    weeks = weeks_of(test, np.arange(test.rows))
    if weeks and poisson_interval(round(rate * weeks))[0] / weeks > BUDGET_A_WEEK:
        return replace(used, why_not=f"{rate:.0f} findings a week when tested"), []
    after = later(candidate)
    seen = windows_of(after, card.window)
    alarms = candidate.model.predict(seen.values).value > (candidate.model.threshold or 1.0)
    alarms &= after.time[seen.rows] >= middle
    apart = apart_of(after, card.window)
    found = stretches(machine, kind, alarms, after.time[seen.rows], apart)
    if found:
        found = [replace(one, names=_names(candidate, after, seen, one, alarms)) for one in found]
    return used, found


def judge_quality(
    historian: Historian, plant: Plant, machine: str, span: Span, settle_s: float
) -> Judged:
    """Learn from gauged parts of the first days; tell the later parts that it takes for bad."""
    begin, middle, end = span
    kind = "quality"
    try:
        data = _fit(slice_of_parts(historian, plant, Slice(machine, begin, middle)))
        if data.target is None:
            return Used(machine, kind, "", "nothing was gauged"), []
        split = split_of(data, "time or lot", seed=0)
        candidate, why_not = _trained(data, split, quality_ladder(data.target), machine)
        if candidate is None:
            return Used(machine, kind, "", why_not), []
        later = slice_of_parts(historian, plant, Slice(machine, middle, end)).select(data.names)
    except LearnError as error:
        return Used(machine, kind, "", str(error).splitlines()[0][:120]), []
    seen = windows_of(later, candidate.card.window)
    alarms = candidate.model.predict(seen.values).value >= (candidate.model.threshold or 1.0)
    found = stretches(machine, kind, alarms, later.time[seen.rows], apart_of(later, 1))
    return Used(machine, kind, f"{candidate.card.recipe} {split.kind}", settle_s=settle_s), found


def _fit(data: Dataset) -> Dataset:
    """Leave out what a refusal names, as a hand would with --without."""
    data, _ = without_constant(data)
    gone = [one.column for one in misfits(data) if one.column]
    return data.without(gone) if gone else data


def _known(data: Dataset) -> Dataset:
    """Leave out parts of which something is unknown, such as the last gauged one at first."""
    return data.take(np.isfinite(data.values).all(axis=1), "all known")


def _trained(
    data: Dataset, split: Split, ladder: Ladder, equipment: str
) -> tuple[Candidate | None, str]:
    """Train on the light rungs; None and why where data are refused, or the report advises against
    it.
    """
    light = tuple(one for one in ladder.rungs if one.weight is Weight.LIGHT)
    try:
        found = train(data, split, replace(ladder, rungs=light), equipment=equipment)
    except LearnError as error:
        return None, str(error).splitlines()[0][:120]
    if not found.climb.beats:
        return None, f"'{found.card.recipe}' is no better than the plain way"
    doubt = ladder.doubt(found.card.tested) or ""
    return None if doubt else found, doubt


def _names(candidate, after, seen, one, alarms) -> tuple[str, ...]:  # type: ignore[no-untyped-def]
    time = after.time[seen.rows]
    rows = np.flatnonzero(alarms & (time >= one.begin) & (time <= one.end))[:20]
    shares = np.maximum(candidate.model.explain(seen.values[rows]), 0).mean(axis=0)
    return tuple(after.names[column] for column in np.argsort(-shares)[:2])


def stretches(
    machine: str, kind: str, alarms: np.ndarray, time: np.ndarray, apart: int
) -> list[Found]:
    """Join alarms as the core does: by rows, and by the time within which one is the same."""
    rows = np.flatnonzero(alarms)
    if len(rows) == 0:
        return []
    step = float(np.median(np.diff(time))) if len(time) > 1 else 0.0
    new = (np.diff(rows) > apart) & (np.diff(time[rows]) > FINDING_US)
    cuts = np.flatnonzero(new) + 1
    return [
        Found(machine, kind, int(time[own[0]]), int(time[own[-1]]), len(own) * step / 1e6)
        for own in np.split(rows, cuts)
    ]


def poisson_interval(count: int) -> tuple[float, float]:
    """Exact 95% interval of a count (Garwood, *Biometrika* 28, 1936)."""
    from scipy.stats import chi2

    low = chi2.ppf(0.025, 2 * count) / 2 if count else 0.0
    return float(low), float(chi2.ppf(0.975, 2 * count + 2) / 2)
