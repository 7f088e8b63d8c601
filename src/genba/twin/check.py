"""``check_twin()``: anybody can hold their own twin against a recording.

What is checked: the same seed gives the same future and another one another; parts are neither
made nor lost; every figure is finite, of the right sign and adds up; the parts that it starts from
are those that were recorded; and what happened lies about where the futures are.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from genba.errors import GenbaError
from genba.plant import Severity, format_time
from genba.twin.prediction import MEASURES, STATES, Case, Prediction, Twin, observed
from genba.twin.recording import Recording
from genba.twin.report import Validation, shift_cases, validate

_CLOSE = 1e-6
_PARTS_OFF = 0.02
"""Part by which the parts at the start may differ from those recorded."""
_BIASED_Z = 3.0
_ENERGY_KW = 10_000.0
"""A machine that takes more is not given in kWh."""


@dataclass(frozen=True, slots=True)
class TwinFinding:
    """One thing that is wrong, or should be looked at."""

    rule: str
    severity: Severity
    text: str


def check_twin(
    twin: Twin,
    recording: Recording,
    cases: Sequence[Case] | None = None,
    futures: int = 20,
    seed: int = 0,
) -> list[TwinFinding]:
    """Check a twin against a recording that it was not made from.

    Parameters
    ----------
    twin : Twin
        Anything with ``predict(case, seed)``.
    recording : Recording
        What it is held against.
    cases : sequence of Case, optional
        Periods; default every whole shift of the recording.
    futures : int
        How many of each period.
    seed : int
        Of the first future.

    Returns
    -------
    list of TwinFinding
        Empty where nothing is wrong. Breaches of what any twin must hold are critical; figures
        that are far from what was recorded are warnings.

    Raises
    ------
    TwinError
        If the recording holds no whole shift and no cases are given.
    """
    listed = list(shift_cases(recording) if cases is None else cases)
    findings: list[TwinFinding] = []
    for case in listed:
        try:
            first, again = twin.predict(case, seed), twin.predict(case, seed)
            other = twin.predict(case, seed + 1)
        except GenbaError as error:
            findings.append(_critical("answers", case, f"it gave no answer: {error}"))
            continue
        findings += _deterministic(case, first, again, other)
        for future in (first, other):
            findings += _sound(case, future)
        findings += _same_start(case, first)
    if any(f.severity is Severity.CRITICAL for f in findings):
        return _once(findings)
    return _once(findings) + _near(validate(twin, listed, futures, seed))


def _deterministic(
    case: Case, first: Prediction, again: Prediction, other: Prediction
) -> list[TwinFinding]:
    if first != again:
        return [_critical("determinism", case, "the same seed gives two different futures")]
    if first == other:
        return [
            TwinFinding(
                "determinism",
                Severity.WARNING,
                f"{_when(case)}: another seed gives the very same future; it shows no spread",
            )
        ]
    return []


def _sound(case: Case, found: Prediction) -> list[TwinFinding]:
    """Every figure by itself, and how they add up."""
    wrong = []
    figures = {name: float(getattr(found, name)) for name, _ in MEASURES}
    figures |= {"parts_in": found.parts_in, "parts_left": found.parts_left}
    for name, value in figures.items():
        if not math.isfinite(value) or value < 0:
            wrong.append(_critical("sign", case, f"{name} is {value}; it must be 0 or more"))
    for (machine, state), seconds in found.seconds.items():
        if not math.isfinite(seconds) or seconds < 0:
            wrong.append(_critical("sign", case, f"{machine} is {state} for {seconds} s"))
        if state not in STATES:
            known = ", ".join(STATES)
            wrong.append(_critical("states", case, f"{machine}: '{state}' is none of {known}"))
    if wrong:
        return wrong
    balance = found.parts_in - found.output - found.scrap - found.parts_left
    if abs(balance) > _CLOSE * max(1.0, found.parts_in):
        text = (
            f"{found.parts_in:g} parts in, but {found.output:g} delivered, {found.scrap:g} "
            f"scrapped and {found.parts_left:g} left: {balance:+g} are missing"
        )
        wrong.append(_critical("conservation", case, text))
    return wrong + _times_add_up(case, found)


def _times_add_up(case: Case, found: Prediction) -> list[TwinFinding]:
    sums: dict[str, float] = {}
    for (machine, _), seconds in found.seconds.items():
        sums[machine] = sums.get(machine, 0.0) + seconds
    wrong = [
        _critical(
            "time", case, f"the states of {machine} last {total:.1f} s of {case.length_s:.1f} s"
        )
        for machine, total in sums.items()
        if abs(total - case.length_s) > 1.0
    ]
    hours = case.length_s / 3600 * max(len(sums), 1)
    if found.energy_kwh > _ENERGY_KW * hours:
        text = f"energy of {found.energy_kwh:g} kWh in {hours:g} machine hours; is it in kWh?"
        wrong.append(_critical("units", case, text))
    return wrong


def _same_start(case: Case, found: Prediction) -> list[TwinFinding]:
    recorded = observed(case).parts_in
    if abs(found.parts_in - recorded) <= _PARTS_OFF * max(recorded, 1.0):
        return []
    text = (
        f"{_when(case)}: the twin starts from {found.parts_in:g} parts (arrivals included), "
        f"recorded are {recorded:g}"
    )
    return [TwinFinding("start", Severity.WARNING, text)]


def _near(validation: Validation) -> list[TwinFinding]:
    """Bias and coverage, measure by measure."""
    findings = []
    count = len(validation.periods)
    for measure, name in MEASURES:
        errors = np.asarray(validation.errors(measure))
        if len(errors) >= 3 and errors.std() > 0:
            z = float(errors.mean() / (errors.std(ddof=1) / math.sqrt(len(errors))))
            if abs(z) > _BIASED_Z and abs(errors.mean()) > 0.05:
                text = f"{name}: {errors.mean():+.1%} on average over {count} periods"
                findings.append(TwinFinding("bias", Severity.WARNING, text))
        inside = sum(p.of(measure).inside for p in validation.periods)
        if inside < _least_inside(count):
            text = f"{name}: only {inside} of {count} periods lie in the 90 % interval"
            findings.append(TwinFinding("coverage", Severity.WARNING, text))
    return findings


def _least_inside(count: int) -> int:
    """Fewest of ``count`` periods inside a 90 % interval that chance explains (1 in 100)."""
    below = 0.0
    for inside in range(count + 1):
        below += math.comb(count, inside) * 0.9**inside * 0.1 ** (count - inside)
        if below > 0.01:
            return inside
    return count


def _critical(rule: str, case: Case, text: str) -> TwinFinding:
    return TwinFinding(rule, Severity.CRITICAL, f"{_when(case)}: {text}")


def _when(case: Case) -> str:
    return f"{format_time(case.start)} to {format_time(case.end)}"


def _once(findings: Sequence[TwinFinding]) -> list[TwinFinding]:
    return list(dict.fromkeys(findings))
