"""Whether a registered model may be released: in shadow over what it never saw, and why not."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from genba.errors import LearnError
from genba.learn.edge.bundle import Bundle, open_bundle
from genba.learn.edge.keys import ReleaseKey, Trust
from genba.learn.edge.pack import release_of
from genba.learn.edge.past import Past, Stretch
from genba.learn.edge.shadow import Drift as Apart
from genba.learn.edge.shadow import Limits, Report, drift_of, try_out
from genba.learn.recipe.protocol import Task
from genba.learn.registry.history import Event, What
from genba.learn.registry.store import Registered, Registry
from genba.learn.verify.budget import BUDGET_A_WEEK, Rate, rate_of
from genba.learn.verify.counted import Counted
from genba.learn.verify.imagined import Fault, Sought, seek
from genba.learn.verify.replay import Replay, replay
from genba.learn.watch.drift import Drift
from genba.learn.watch.drift import drift_of as moved
from genba.learn.watch.kept import reference_in
from genba.plant import Plant, format_time

FEWEST = 100
"""Answers below which nothing is said."""
MOST_UNKNOWN = 0.5
"""Share of the moments at work without an answer, from which on a model watches nothing."""
PLAIN = 5.0
"""Standard deviations of noise by which an imagined fault moves a signal that plainly shows it."""
FALSE_ALARMS = 0.05
"""Share of good pictures that may be told falsely, where nobody says."""
LEAST_FOUND = 0.5
"""Share of labelled defects that a model of pictures has to find, where nobody says."""
_SHOWN = 300
"""Windows of the stretch that the shadow window looks at, evenly spread."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What is asked of a model where it shall run.

    ``budget_us`` to ``high`` are those of :func:`~genba.learn.edge.pack.release_of`; ``a_week`` the
    findings in a week of running time that the plant bears. Where ``certain``, it has to be sure
    that no more come; else it is enough that the count does not speak against it. ``found`` is the
    share of imagined faults that it has to find, of those that plainly show, or of labelled defects
    in pictures; ``false_alarms`` the share of good pictures that it may tell falsely.

    Raises
    ------
    LearnError
        If the budget is no positive number, or the share is none.
    """

    budget_us: float = 10_000.0
    memory_mb: float = 256.0
    low: float = -1e30
    high: float = 1e30
    a_week: float = BUDGET_A_WEEK
    certain: bool = False
    found: float = 0.0
    false_alarms: float = FALSE_ALARMS

    def __post_init__(self) -> None:
        if not 0 < self.a_week < float("inf"):
            raise LearnError(
                f"a budget of {self.a_week} findings a week makes no sense; give a number above 0"
            )
        for share in (self.found, self.false_alarms):
            if not 0 <= share <= 1:
                raise LearnError(f"a share of {share} makes no sense; give one from 0 to 1")

    def of_release(self) -> dict[str, float]:
        """Return what :func:`~genba.learn.edge.pack.release_of` is told."""
        return {name: getattr(self, name) for name in ("budget_us", "memory_mb", "low", "high")}


@dataclass(frozen=True, slots=True, eq=False)
class Verdict:
    """What was found. ``why`` is what speaks against the model; it passed where that is empty."""

    address: str
    start: int
    end: int
    terms: Terms
    shadow: Report
    why: tuple[str, ...]
    run: Replay | None = None
    rate: Rate | None = None
    """Findings a week; None for a model that finds nothing but says a number."""
    beside: "Beside | None" = None
    inputs: Drift | None = None
    """How far what it reads has moved since it was trained; None where that is not known."""
    sought: tuple[Sought, ...] = ()
    """What became of faults that a world model imagined; empty where none was asked."""
    warnings: tuple[str, ...] = field(default=())
    pictures: Counted | None = None
    """What came of pictures, for a model of them."""

    @property
    def passed(self) -> bool:
        """Whether it may be released."""
        return not self.why

    def as_json(self) -> dict[str, Any]:
        """Plain values, for the history: figures, and how they were obtained."""
        told: dict[str, Any] = {
            "address": self.address,
            "from": format_time(self.start),
            "to": format_time(self.end),
            **self.terms.of_release(),
            "budget_week": self.terms.a_week,
            "p50_us": self.shadow.p50_us,
            "p99_us": self.shadow.p99_us,
            "takes_mb": self.shadow.memory_mb,
            "warnings": list(self.warnings),
            "why": list(self.why),
        }
        if self.run is not None:
            told |= {"answers": self.run.answers, "unknown": round(self.run.unknown, 4)}
            told |= {"raised": [format_time(time) for time in self.run.raised[:50]]}
        if self.rate is not None:
            told |= {
                "findings": self.rate.count,
                "weeks": round(self.rate.weeks, 4),
                "findings_week": round(self.rate.a_week, 3),
                "findings_week_95": [round(self.rate.low, 3), round(self.rate.high, 3)],
            }
        if self.beside is not None:
            told["beside"] = self.beside.as_json()
        if self.inputs is not None:
            told["inputs"] = {
                "said": self.inputs.said.value,
                "drifted": {column.name: column.what for column in self.inputs.drifted},
            }
        if self.pictures is not None:
            told |= {"false_alarms": self.terms.false_alarms, "found": self.terms.found}
            told["pictures"] = self.pictures.as_json()
        if self.sought:
            told["imagined"] = [one.as_json() for one in self.sought]
        return told


@dataclass(frozen=True, slots=True)
class Beside:
    """How a model compares with what is in force, on the moments at which both answered."""

    address: str
    apart: Apart
    findings: int
    """Of what is in force, in the same stretch."""

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "address": self.address,
            "moments": self.apart.windows,
            "findings_differ": round(self.apart.flips, 4),
            "shift_iqr": round(self.apart.shift, 4),
            "findings": self.findings,
        }


def verify(
    registry: Registry,
    model: Registered,
    plant: Plant,
    past: Past,
    period: tuple[int, int],
    terms: Terms,
    *,
    in_force: bytes | None = None,
    imagine: Callable[[Stretch], Sequence[Fault]] | None = None,
    told: Callable[[str, float], None] = lambda what, share: None,
) -> Verdict:
    """Run a model in shadow over a recorded stretch, through the code that would run it live.

    Packs it as it would be released; asks of it what a machine asks (:func:`try_out`); feeds it
    every moment of the stretch; counts findings against the budget; compares it with what is in
    force, and what it reads with what it was trained on.

    Parameters
    ----------
    past : Past
        What the plant recorded.
    period : tuple of int
        ``[start, end)`` in microseconds UTC, see :func:`~genba.learn.verify.unseen.unseen`.
    in_force : bytes, optional
        The release that it would replace.
    imagine : callable, optional
        Gives faults, as a world model knows them, that are put into the stretch and sought.
    told : callable
        Hears what is being done, and which share of that is done.

    Raises
    ------
    LearnError
        If it cannot run at a machine, or the stretch holds too little to say anything.
    """
    key = ReleaseKey.at(registry.key)
    trust = Trust((key.public,))
    content = release_of(model, key, **terms.of_release())
    bundle = open_bundle(content, trust)
    told("reading what was recorded", 0.0)
    if imagine is not None and bundle.contract.asked_at:
        raise LearnError(
            "the model is asked once a part, and faults are imagined in time; leave --twin out"
        )
    stretch = past.stretch(bundle.contract, *period)
    told("trying it out", 0.0)
    shadow = try_out(content, trust, signals=set(plant.signals), live=lambda _: _spread(stretch))
    of = partial(Verdict, bundle.address, *period, terms, shadow)
    if not shadow.passed:
        return of((shadow.why,))
    try:
        run = replay(bundle, stretch, partial(told, "replaying"))
    except LearnError as error:
        return of((str(error),))
    if run.answers < FEWEST and not run.unbearable:
        raise LearnError(
            f"model {model.digest[:12]} gives {run.answers} answers in {format_time(period[0])} to "
            f"{format_time(period[1])} ({run.at_work} moments at work); {FEWEST} are needed to say "
            "anything: take a longer stretch"
        )
    rate = None
    if bundle.contract.threshold is not None and run.answers:
        rate = rate_of(len(run.raised), run.answers, bundle.contract.step_s)
    beside = None
    if in_force is not None:
        told("replaying what is in force", 0.0)
        beside = _beside(bundle, run, open_bundle(in_force, trust), past)
    sought: tuple[Sought, ...] = ()
    if imagine is not None:
        told("imagining faults", 0.0)
        sought = tuple(seek(bundle, stretch, imagine(stretch), partial(told, "seeking faults")))
    inputs = _inputs(model, stretch)
    warned = (*warned_of(model, rate, terms, beside, inputs), *_missed(sought))
    why = (*_against(run, rate, terms), *_blind(sought, terms))
    return of(why, run, rate, beside, inputs, sought, warned)


def note(registry: Registry, model: Registered, verdict: Verdict, time: str, by: str) -> Event:
    """Write down what came of it: a model that passed may be released from then on."""
    what = What.VERIFIED if verdict.passed else What.REFUSED
    return registry.history.add(what, model.digest, time, by=by, data=verdict.as_json())


def _against(run: Replay, rate: Rate | None, terms: Terms) -> tuple[str, ...]:
    """Return what speaks against a model that answers."""
    why = []
    if run.unbearable:
        why.append(
            f"{run.faults} answers make no sense, {run.worst_run} of them in a row: where it runs "
            "it would be taken back"
        )
    if run.unknown > MOST_UNKNOWN:
        why.append(
            f"it does not know in {run.unknown:.0%} of the moments at work, more than "
            f"{MOST_UNKNOWN:.0%}; see which signals are stale or bad"
        )
    if rate is not None and rate.exceeds(terms.a_week):
        why.append(
            f"{rate.count} findings in {rate.weeks * 168:.1f} h are {rate.a_week:.1f} a week "
            f"(surely more than {rate.low:.1f}), and the budget is {terms.a_week:g}; if they were "
            "true, verify it on a stretch without faults, else train it with fewer false alarms"
        )
    elif rate is not None and terms.certain and not rate.keeps(terms.a_week):
        hours = rate.weeks_to_be_sure(terms.a_week) * 168
        why.append(
            f"{rate.count} findings in {rate.weeks * 168:.1f} h allow up to {rate.high:.1f} a "
            f"week, and the budget is {terms.a_week:g}; to be sure takes {hours:.0f} h at work"
        )
    return tuple(why)


def _plain(sought: Sequence[Sought]) -> list[Sought]:
    return [one for one in sought if one.shown >= PLAIN]


def _blind(sought: Sequence[Sought], terms: Terms) -> tuple[str, ...]:
    """Return what speaks against a model that misses imagined faults."""
    plain = _plain(sought)
    tried, found = sum(one.tried for one in plain), sum(one.found for one in plain)
    if not tried or found >= terms.found * tried:
        return ()
    return (
        f"it finds {found} of {tried} imagined faults that plainly show, and {terms.found:.0%} are "
        "asked for; train it on calmer data, or allow it more findings a week",
    )


def _missed(sought: Sequence[Sought]) -> tuple[str, ...]:
    names = [one.name for one in _plain(sought) if one.found == 0]
    if not names:
        return ()
    return (f"it would have missed: {'; '.join(names)}",)


def warned_of(
    model: Registered, rate: Rate | None, terms: Terms, beside: Beside | None, inputs: Drift | None
) -> tuple[str, ...]:
    """Return what a person should know before it is released."""
    told = []
    if rate is not None and not rate.exceeds(terms.a_week) and not rate.keeps(terms.a_week):
        hours = rate.weeks_to_be_sure(terms.a_week) * 168
        told.append(
            f"so short a stretch does not prove the budget: up to {rate.high:.1f} findings a week "
            f"are possible; to be sure takes {hours:.0f} h at work"
        )
    if inputs is not None and inputs.drifted:
        names = ", ".join(f"{column.name} ({column.what})" for column in inputs.drifted[:5])
        told.append(f"what it reads has moved since it was trained: {names}")
    usual = Limits()
    if beside is not None and (
        beside.apart.flips > usual.flips or beside.apart.shift > usual.shift
    ):
        told.append(
            "it says other things than what is in force; to have it taken all the same, widen "
            "--flips and --shift when you release it"
        )
    if model.card.task is not Task.ANOMALY and model.card.threshold is None:
        told.append("it says a number and finds nothing: no alarm will come of it")
    return tuple(told)


def _beside(bundle: Bundle, run: Replay, old: Bundle, past: Past) -> Beside | None:
    """Replay what is in force over the same stretch; None where it fails or nothing is shared."""
    if not len(run.time):
        return None
    step = round(old.contract.step_s * 1_000_000)
    stretch = past.stretch(old.contract, int(run.time[0]), int(run.time[-1]) + step)
    try:
        before = replay(old, stretch)
    except LearnError:
        return None
    _, new, then = np.intersect1d(run.time, before.time, return_indices=True)
    apart = drift_of(run.values[new], bundle.contract, before.values[then], old.contract)
    return Beside(old.address, apart, len(before.raised))


def _inputs(model: Registered, stretch: Stretch) -> Drift | None:
    """Compare what the model reads with what it was trained on."""
    reference = reference_in(model)
    if reference is None or reference.columns is None:
        return None
    return moved(reference.columns, np.asarray(stretch.values[stretch.at_work], np.float64))


def _spread(stretch: Stretch) -> Any:
    """Return some windows of a stretch, evenly spread, all of whose values are known."""
    rows = stretch.rows()
    length = stretch.contract.window
    if len(rows) < length:
        return None
    whole = np.convolve(np.isfinite(rows).all(axis=1), np.ones(length), "valid") >= length - 0.5
    starts = np.flatnonzero(whole)
    if not len(starts):
        return None
    chosen = starts[np.linspace(0, len(starts) - 1, min(_SHOWN, len(starts))).astype(np.int64)]
    return np.stack([rows[start : start + length] for start in chosen])
