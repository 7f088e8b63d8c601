"""The validation report: a twin's predictions beside what was recorded, on periods it never saw.

For each period the twin starts from the recorded state and gives many futures. *Free-running* it
draws what stops and what is scrapped, as it must for what lies ahead; what happened should lie in
the middle 90 % of the futures nine times out of ten. *Trace-driven* the recorded stops and scrap
are imposed, so that chance from outside is not taken for an error of the model (Kleijnen 1995,
Sargent 2013; see :mod:`genba.twin.outside`). Both are told of arrivals of material and rush orders.
"""

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from genba.errors import TwinError
from genba.plant import US, format_time
from genba.plant.calendar import Calendar
from genba.plant.worktime import shifts_between
from genba.twin.prediction import MEASURES, STATES, Case, Prediction, Twin, observed
from genba.twin.recording import Recording

FUTURES = 100
LOW, HIGH = 0.05, 0.95
"""Bounds of the interval that is checked."""


@dataclass(frozen=True, slots=True)
class Compared:
    """One measure of one period."""

    measure: str
    recorded: float
    low: float
    """5 % of the futures lie below."""
    median: float
    mean: float
    high: float
    """5 % of the futures lie above."""

    @property
    def error(self) -> float:
        """Mean of the futures over recorded, less 1; NaN where (next to) nothing was recorded."""
        return self.mean / self.recorded - 1.0 if self.recorded > self._slack else math.nan

    @property
    def inside(self) -> bool:
        """Whether what happened lies in the interval."""
        return self.low - self._slack <= self.recorded <= self.high + self._slack

    @property
    def _slack(self) -> float:
        """Shares of time count to the tenth of a percent: machines pass through states."""
        return 0.001 if self.measure.startswith("share_") else 0.0


@dataclass(frozen=True)
class Period:
    """All measures of one period."""

    start: int
    end: int
    compared: tuple[Compared, ...]

    def of(self, measure: str) -> Compared:
        """Return one measure."""
        return next(c for c in self.compared if c.measure == measure)


@dataclass(frozen=True)
class Validation:
    """What came of validating a twin."""

    periods: tuple[Period, ...]
    """Free-running: stops and scrap are drawn."""
    futures: int
    seed: int
    traced: tuple[Period, ...] = ()
    """Trace-driven, of the same periods: stops and scrap are those recorded. Empty where no such
    twin was given."""

    def errors(self, measure: str, *, traced: bool = False) -> list[float]:
        """Return the relative errors of a measure, one for each period where it is defined."""
        found = [p.of(measure).error for p in (self.traced if traced else self.periods)]
        return [error for error in found if math.isfinite(error)]

    def coverage(self, measure: str, *, traced: bool = False) -> float:
        """Return the part of the periods in which what happened lies in the interval."""
        periods = self.traced if traced else self.periods
        return sum(p.of(measure).inside for p in periods) / len(periods)

    @property
    def verdict(self) -> str:
        """What it comes to: a sentence for each way of running the twin."""
        if not self.errors("output"):
            return "Nothing was delivered in these periods; the twin's output cannot be judged."
        free = self._sentence("Free-running (stops and scrap drawn)", traced=False)
        if not self.traced:
            return free
        return f"{free}\n{self._sentence('Trace-driven (recorded stops and scrap)', traced=True)}"

    def _sentence(self, how: str, *, traced: bool) -> str:
        periods, errors = (
            self.traced if traced else self.periods,
            self.errors("output", traced=traced),
        )
        inside = sum(p.of("output").inside for p in periods)
        mean = float(np.mean(errors))
        lean = "too low" if mean < 0 else "too high"
        whole = f"each of {len(periods)} periods" if len(periods) > 1 else "the period"
        return (
            f"{how}, the twin predicts the output of {whole} within {max(map(abs, errors)):.1%} "
            f"(on average {np.mean(np.abs(errors)):.1%}; {abs(mean):.1%} {lean}); "
            f"{inside} of {len(periods)} lie in its 90 % interval."
        )

    def as_text(self) -> str:
        """Return the report as plain text."""
        lines = [self.verdict, ""]
        for number, period in enumerate(self.periods):
            traced = self.traced[number] if self.traced else None
            lines += [f"{format_time(period.start)} to {format_time(period.end)}", *_head(traced)]
            lines += [
                _line(compared, None if traced is None else traced.of(compared.measure))
                for compared in period.compared
            ]
            lines.append("")
        lines += ["Over all periods", *_summary(self)]
        lines += ["", f"{self.futures} futures of each period, seed {self.seed}."]
        return "\n".join(lines)

    def as_json(self) -> str:
        """Return the report as JSON; what is undefined is null."""
        return json.dumps(
            {
                "verdict": self.verdict,
                "futures": self.futures,
                "seed": self.seed,
                "periods": [
                    {
                        "start": format_time(period.start),
                        "end": format_time(period.end),
                        "measures": {c.measure: _values(c) for c in period.compared},
                    }
                    for period in self.periods
                ],
                "trace_driven": [
                    {c.measure: _values(c) for c in period.compared} for period in self.traced
                ],
            },
            indent=2,
        )


def validate(
    twin: Twin,
    cases: Sequence[Case],
    futures: int = FUTURES,
    seed: int = 0,
    progress: Callable[[int], None] | None = None,
    traced: Twin | None = None,
) -> Validation:
    """Compare a twin's futures with what was recorded.

    Parameters
    ----------
    twin : Twin
        Calibrated on other periods than these.
    cases : sequence of Case
        The periods.
    futures : int
        How many of each.
    seed : int
        Future ``k`` of a period has seed ``seed * 1,000,003 + k``.
    progress : callable, optional
        Told of each period that is done.
    traced : Twin, optional
        The same twin with what came from outside imposed as it was recorded
        (``LineTwin(line, traced=True)``); then both are reported, side by side.

    Raises
    ------
    TwinError
        If there is no period, or fewer than two futures are asked for.
    """
    if not cases:
        raise TwinError("there is no period to validate the twin on; record a shift more")
    if futures < 2:
        raise TwinError("a validation needs at least 2 futures; ask for 100 or so")
    periods: list[Period] = []
    imposed: list[Period] = []
    seeds = range(seed * 1_000_003, seed * 1_000_003 + futures)
    for number, case in enumerate(cases, start=1):
        periods.append(_compare(case, [twin.predict(case, k) for k in seeds]))
        if traced is not None:
            imposed.append(_compare(case, [traced.predict(case, k) for k in seeds]))
        if progress is not None:
            progress(number)
    return Validation(tuple(periods), futures, seed, tuple(imposed))


def _compare(case: Case, found: Sequence[Prediction]) -> Period:
    real = observed(case)
    compared = [
        _compared(name, getattr(real, name), [float(getattr(p, name)) for p in found])
        for name, _ in MEASURES
    ]
    compared += [
        _compared(f"share_{state}", real.share(state), [p.share(state) for p in found])
        for state in STATES
    ]
    return Period(case.start, case.end, tuple(compared))


def _compared(measure: str, recorded: float, values: Sequence[float]) -> Compared:
    low, median, high = np.quantile(values, [LOW, 0.5, HIGH])
    return Compared(
        measure, float(recorded), float(low), float(median), float(np.mean(values)), float(high)
    )


def shift_cases(recording: Recording, calendar: Calendar | None = None) -> list[Case]:
    """Return one case for each whole shift of a recording.

    Parameters
    ----------
    calendar : Calendar, optional
        Whose shifts; default the plant's first. A plant without calendars is cut into 8 h.
    """
    if calendar is None:
        calendar = next(iter(recording.plant.calendars), None)
    if calendar is None:
        step = 8 * 3600 * US
        edges = range(recording.start, recording.end - step + 1, step)
        return [Case(recording, begin, begin + step) for begin in edges]
    return [
        Case(recording, run.start, run.end)
        for run in shifts_between(calendar, recording.start, recording.end)
        if recording.start <= run.start and run.end <= recording.end
    ]


def joined(reports: Sequence[Validation]) -> Validation:
    """Put several validations together (of several recordings or seeds)."""
    periods = tuple(period for report in reports for period in report.periods)
    traced = tuple(period for report in reports for period in report.traced)
    return replace(reports[0], periods=periods, traced=traced)


def _names() -> list[tuple[str, str]]:
    return [*MEASURES, *((f"share_{state}", f"machines' time {state}") for state in STATES)]


def _head(traced: Period | None) -> list[str]:
    first = f"  {'':28} {'':>10} {'free-running':>19}   {'its 90 % interval':^21}"
    second = f"  {'':28} {'recorded':>10} {'twin':>10} {'error':>8}   {'':21}"
    if traced is not None:
        first, second = f"{first} {'trace-driven':>19}", f"{second} {'twin':>10} {'error':>8}"
    return [first.rstrip(), second.rstrip()]


def _line(free: Compared, traced: Compared | None) -> str:
    name = dict(_names())[free.measure]
    low, high = _number(free, free.low), _number(free, free.high)
    text = (
        f"  {name:28} {_number(free, free.recorded):>10} {_number(free, free.mean):>10} "
        f"{_percent(free.error):>8}   {low:>10} {high:>10}"
    )
    if traced is not None:
        text += f" {_number(traced, traced.mean):>10} {_percent(traced.error):>8}"
    return text if free.inside else f"{text}  outside"


def _number(compared: Compared, value: float) -> str:
    return f"{value:.1%}" if compared.measure.startswith("share_") else f"{value:,.1f}"


def _percent(value: float) -> str:
    return f"{value:+.1%}" if math.isfinite(value) else "-"


def _summary(found: Validation) -> list[str]:
    """Bias, size of the error and coverage of each measure, for both ways of running."""
    ways = (False, True) if found.traced else (False,)
    titles = "".join(f" {'trace-driven' if traced else 'free-running':>27}" for traced in ways)
    heads = "".join(f" {'mean error':>10} {'|error|':>8} {'inside':>7}" for _ in ways)
    lines = [f"  {'':28}{titles}", f"  {'':28}{heads}"]
    for measure, name in _names():
        text = f"  {name:28}"
        for traced in ways:
            errors = found.errors(measure, traced=traced)
            size = f"{np.mean(np.abs(errors)):.1%}" if errors else "-"
            bias = _percent(float(np.mean(errors)) if errors else math.nan)
            text += f" {bias:>10} {size:>8} {found.coverage(measure, traced=traced):>7.0%}"
        lines.append(text)
    return lines


def _values(compared: Compared) -> dict[str, Any]:
    return {
        "recorded": compared.recorded,
        "mean": compared.mean,
        "median": compared.median,
        "p05": compared.low,
        "p95": compared.high,
        "error": compared.error if math.isfinite(compared.error) else None,
        "inside": compared.inside,
    }
