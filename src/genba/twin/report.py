"""The validation report: a twin's predictions beside what was recorded, on periods it never saw.

For each period the twin starts from the recorded state, is told what came from outside, and gives
many futures. What happened should lie in the middle 90 % of them nine times out of ten, and the
median should be near it (Sargent, *Verification and validation of simulation models*, 2013).
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
    futures: int
    seed: int

    def errors(self, measure: str) -> list[float]:
        """Return the relative errors of a measure, one for each period where it is defined."""
        found = [period.of(measure).error for period in self.periods]
        return [error for error in found if math.isfinite(error)]

    def coverage(self, measure: str) -> float:
        """Return the part of the periods in which what happened lies in the interval."""
        return sum(p.of(measure).inside for p in self.periods) / len(self.periods)

    @property
    def verdict(self) -> str:
        """What it comes to, in a sentence."""
        errors = self.errors("output")
        if not errors:
            return "Nothing was delivered in these periods; the twin's output cannot be judged."
        count = len(self.periods)
        inside = sum(p.of("output").inside for p in self.periods)
        mean = float(np.mean(errors))
        lean = "too low" if mean < 0 else "too high"
        whole = f"each of {count} periods" if count > 1 else "the period"
        return (
            f"The twin predicts the output of {whole} within {max(map(abs, errors)):.1%} "
            f"(on average {np.mean(np.abs(errors)):.1%}; {abs(mean):.1%} {lean}); "
            f"{inside} of {count} lie in its 90 % interval."
        )

    def as_text(self) -> str:
        """Return the report as plain text."""
        lines = [self.verdict, ""]
        for period in self.periods:
            lines += [
                f"{format_time(period.start)} to {format_time(period.end)}",
                f"  {'':28} {'recorded':>10} {'twin':>10} {'error':>8}   {'90 % interval':^21}",
            ]
            lines += [_line(compared) for compared in period.compared]
            lines.append("")
        lines += ["Over all periods", f"  {'':28} {'mean error':>10} {'|error|':>8} {'inside':>7}"]
        for measure, name in _names():
            errors = self.errors(measure)
            bias, size = (
                (f"{np.mean(errors):+.1%}", f"{np.mean(np.abs(errors)):.1%}")
                if errors
                else ("-", "-")
            )
            lines.append(f"  {name:28} {bias:>10} {size:>8} {self.coverage(measure):>7.0%}")
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
            },
            indent=2,
        )


def validate(
    twin: Twin,
    cases: Sequence[Case],
    futures: int = FUTURES,
    seed: int = 0,
    progress: Callable[[int], None] | None = None,
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

    Raises
    ------
    TwinError
        If there is no period, or fewer than two futures are asked for.
    """
    if not cases:
        raise TwinError("there is no period to validate the twin on; record a shift more")
    if futures < 2:
        raise TwinError("a validation needs at least 2 futures; ask for 100 or so")
    periods = []
    for number, case in enumerate(cases, start=1):
        found = [twin.predict(case, seed * 1_000_003 + k) for k in range(futures)]
        periods.append(_compare(case, found))
        if progress is not None:
            progress(number)
    return Validation(tuple(periods), futures, seed)


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
    return replace(reports[0], periods=periods)


def _names() -> list[tuple[str, str]]:
    return [*MEASURES, *((f"share_{state}", f"machines' time {state}") for state in STATES)]


def _line(compared: Compared) -> str:
    name = dict(_names())[compared.measure]
    share = compared.measure.startswith("share_")
    numbers = [
        f"{value:.1%}" if share else f"{value:,.1f}"
        for value in (compared.recorded, compared.mean, compared.low, compared.high)
    ]
    error = f"{compared.error:+.1%}" if math.isfinite(compared.error) else "-"
    mark = "" if compared.inside else "  outside"
    return (
        f"  {name:28} {numbers[0]:>10} {numbers[1]:>10} {error:>8}   "
        f"{numbers[2]:>10} {numbers[3]:>10}{mark}"
    )


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
