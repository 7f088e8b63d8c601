"""``check_twin()``: anybody can hold the physics that they wrote against what the house expects.

What is checked: names and units; that every rate and output is finite and smooth over the whole
range; that steps are short enough; that it does not run away within a hundred of them; and that
each parameter shows in some output, for else no recording can ever find it.
"""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from genba.errors import GenbaError
from genba.plant import Severity
from genba.plant.units import parse_unit
from genba.twin.check import TwinFinding
from genba.twin.process.episode import Floats
from genba.twin.process.slopes import Numeric
from genba.twin.process.symbolic import symbolic
from genba.twin.process.unit import Clock, UnitProcess
from genba.twin.process.variable import Variable

_POINTS = 200
_FUTURES = 40
_AHEAD = 100
_BLUNT = 1e-3
"""Error of a step, in spans, from which it is called too long."""
_SILENT = 1e-6
"""Change of an output, in spans, for a change of a parameter by one deviation of its prior."""
_FAR = 10.0
"""Spans beyond its range at which a state has run away."""


def check_twin(
    process: UnitProcess, step_s: float = 1.0, substeps: int = 4, seed: int = 0
) -> list[TwinFinding]:
    """Check a unit process; nothing found means that it can be identified and planned with.

    Parameters
    ----------
    step_s : float
        Step that it is meant to be used with; of no matter for one that counts runs.
    substeps : int
        Into how many a step is cut for integrating.
    """
    found = _names(process)
    if any(one.severity is Severity.CRITICAL for one in found):
        return found
    try:
        numeric = Numeric(symbolic(process, step_s, substeps))
        finer = Numeric(symbolic(process, step_s, 4 * substeps))
        instant = Numeric(symbolic(process, 1e-3 * step_s, 1))
    except GenbaError as error:
        return [*found, _wrong("expressions", str(error))]
    except (AttributeError, TypeError, RuntimeError, ValueError, NotImplementedError) as error:
        return [*found, _wrong("expressions", f"rates or shows cannot be written down: {error}")]
    source = np.random.default_rng(seed)
    points = _points(process, source)
    found += _finite(process, instant, points)
    if found and any(one.severity is Severity.CRITICAL for one in found):
        return found
    return [
        *found,
        *_smooth(process, numeric, points),
        *_blunt(process, numeric, finer, points),
        *_away(process, numeric, source),
        *_silent(process, numeric, source),
    ]


def _wrong(rule: str, text: str) -> TwinFinding:
    return TwinFinding(rule, Severity.CRITICAL, text)


def _doubtful(rule: str, text: str) -> TwinFinding:
    return TwinFinding(rule, Severity.WARNING, text)


def _names(process: UnitProcess) -> list[TwinFinding]:
    found = []
    for what in ("states", "inputs", "context", "outputs", "parameters"):
        of = getattr(process, what)
        for name, times in Counter(one.name for one in of).items():
            if times > 1:
                found.append(_wrong("names", f"{what}: '{name}' is declared {times} times"))
        for one in of:
            try:
                parse_unit(one.unit)
            except GenbaError as error:
                found.append(_wrong("units", f"{what}: '{one.name}': {error}"))
    if not process.outputs:
        found.append(_wrong("outputs", "it shows nothing, so nothing can be learned of it"))
    if not process.inputs:
        found.append(_doubtful("inputs", "it has no set-points, so nothing can be chosen"))
    return found


def _points(process: UnitProcess, source: np.random.Generator) -> list[Floats]:
    """Draw states, inputs, context and parameters, corners of the ranges among them."""
    drawn = []
    for of in (process.states, process.inputs, process.context):
        share = source.random((_POINTS, len(of)))
        share[: _POINTS // 4] = np.round(share[: _POINTS // 4])
        low, span = np.array([v.low for v in of]), np.array([v.span for v in of])
        drawn.append(low + share * span)
    z = np.clip(source.standard_normal((_POINTS, len(process.parameters))), -2, 2)
    return [*drawn, z]


def _finite(process: UnitProcess, numeric: Numeric, points: list[Floats]) -> list[TwinFinding]:
    x, u, c, z = points
    step = numeric.linear(x, u, c, z)
    found = []
    for what, of, values, slopes in (
        ("rate", process.states, step.after, (step.after_x, step.after_z)),
        ("output", process.outputs, step.shown, (step.shown_x, step.shown_z)),
    ):
        for place, one in enumerate(of):
            bad = ~np.isfinite(values[:, place])
            for slope in slopes:
                bad = bad | ~np.isfinite(slope[:, place]).all(axis=1)
            if bad.any():
                at = int(np.argmax(bad))
                told = ", ".join(
                    f"{name}={value:.4g}" for name, value in _named(process, points, at).items()
                )
                found.append(
                    _wrong(
                        "finite",
                        f"{what} of '{one.name}' or a slope of it is not finite at {told}; keep "
                        "roots, logarithms and quotients away from 0",
                    )
                )
    return found


def _named(process: UnitProcess, points: list[Floats], at: int) -> dict[str, float]:
    of = (process.states, process.inputs, process.context)
    return {
        one.name: float(values[at, place])
        for ones, values in zip(of, points[:3], strict=True)
        for place, one in enumerate(ones)
    }


def _smooth(process: UnitProcess, numeric: Numeric, points: list[Floats]) -> list[TwinFinding]:
    """Where a slope differs much from what a small step shows, there is an edge."""
    x, u, c, z = (values[_POINTS // 4 :] for values in points)
    if not process.states:
        return []
    step = numeric.linear(x, u, c, z)
    span = np.array([one.span for one in process.states])
    inside = (np.abs(step.after - x) < _FAR * span).all(axis=1)
    found = []
    for place, one in enumerate(process.states):
        moved = x.copy()
        moved[:, place] += 1e-5 * span[place]
        seen = (numeric.step(moved, u, c, z)[0] - step.after) / 1e-5
        told = step.after_x[:, :, place] * span[place]
        apart = np.abs(seen - told) / (span + np.abs(told))
        edges = int((apart.max(axis=1)[inside] > 0.05).sum())
        if edges > 0.02 * len(x):
            found.append(
                _doubtful(
                    "smooth",
                    f"the step has edges along '{one.name}' ({edges} of {len(x)} points); use "
                    "soft_step or soft_positive, so that optimizers see where to go",
                )
            )
    return found


def _blunt(
    process: UnitProcess, numeric: Numeric, finer: Numeric, points: list[Floats]
) -> list[TwinFinding]:
    if process.clock is Clock.RUN or not process.states:
        return []
    x, u, c, z = (values[_POINTS // 4 :] for values in points)
    span = np.array([one.span for one in process.states])
    with np.errstate(over="ignore", invalid="ignore"):
        coarse, fine = numeric.step(x, u, c, z)[0], finer.step(x, u, c, z)[0]
    inside = (np.abs(fine - x) < _FAR * span).all(axis=1)
    error = np.abs(coarse - fine) / span
    long = inside & ~(error < _BLUNT).all(axis=1)
    if long.mean() > 0.05 or not inside.any():
        return [
            _doubtful(
                "step",
                f"a step is off by more than {_BLUNT:g} of the range at {long.mean():.0%} of the "
                "points; take shorter ones, or more sub-steps",
            )
        ]
    return []


def _away(process: UnitProcess, numeric: Numeric, source: np.random.Generator) -> list[TwinFinding]:
    if not process.states:
        return []
    x, u, c, z = _futures(process, source)
    with np.errstate(over="ignore", invalid="ignore"):
        states, _ = numeric.run(x, u, c, z)
    span = np.array([one.span for one in process.states])
    middle = np.array([one.middle for one in process.states])
    far = ~(np.abs(states - middle) < _FAR * span)
    return [
        _doubtful(
            "stable",
            f"'{one.name}' runs far out of its range in {int(gone.sum())} of {_FUTURES} futures of "
            f"{_AHEAD} steps; is a loss missing, or a sign wrong?",
        )
        for one, gone in zip(process.states, far.any(axis=1).T, strict=True)
        if gone.mean() > 0.05
    ]


def _silent(
    process: UnitProcess, numeric: Numeric, source: np.random.Generator
) -> list[TwinFinding]:
    x, u, c, z = _futures(process, source)
    span = np.array([one.span for one in process.outputs])
    with np.errstate(over="ignore", invalid="ignore"):
        shown = numeric.run(x, u, c, z)[1]
        found = []
        for place, one in enumerate(process.parameters):
            other = z.copy()
            other[:, place] += 1.0
            apart = np.abs(numeric.run(x, u, c, other)[1] - shown) / span
            if not np.nanmax(apart) > _SILENT:
                found.append(
                    _wrong(
                        "silent",
                        f"no output shows parameter '{one.name}'; show more, or leave it out",
                    )
                )
    return found


def _futures(
    process: UnitProcess, source: np.random.Generator
) -> tuple[Floats, Floats, Floats, Floats]:
    """Start in the middle of the range, and move set-points at random every ten steps."""

    def drawn(of: Sequence[Variable], count: int) -> Floats:
        low, span = np.array([v.low for v in of]), np.array([v.span for v in of])
        share = np.repeat(source.random((_FUTURES, count // 10, len(of))), 10, axis=1)
        return np.asarray(low + share * span)

    start = np.tile([one.middle for one in process.states], (_FUTURES, 1))
    z = np.clip(0.3 * source.standard_normal((_FUTURES, len(process.parameters))), -1, 1)
    return (
        start.reshape(_FUTURES, len(process.states)),
        drawn(process.inputs, _AHEAD),
        drawn(process.context, _AHEAD),
        z,
    )
