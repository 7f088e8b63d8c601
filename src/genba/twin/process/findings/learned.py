"""What is wrong with what was learned: set-points that nobody moved, parameters nobody expects.

A set-point that nobody moved comes with the experiment that would tell what it does: the staircase
within its bounds that is expected to tell most (:func:`~genba.twin.process.experiment.designed`).
It is told, and never run from here.
"""

import numpy as np

from genba.errors import TwinError
from genba.twin.process.belief import Belief
from genba.twin.process.episode import Floats
from genba.twin.process.experiment import Experiment, designed
from genba.twin.process.findings.finding import Finding, warning
from genba.twin.process.findings.told import Told
from genba.twin.process.unit import Clock
from genba.twin.process.variable import Variable

_STILL = 1e-3
"""Share of an input's range, below which it was not moved: the report's own."""
_REACH = 0.05
"""Share of what may be chosen by which an experiment moves a set-point, up and down."""
_ROWS = 60
_SHOWN = 6
_STRANGE = 5.0
"""Standard deviations of the prior from which a parameter is doubted."""


def seen_after(told: Told, belief: Belief, bounds: Floats, played: str = "") -> list[Finding]:
    """Say what is wrong with what was learned.

    Parameters
    ----------
    bounds : (2, inputs)
        Lowest and highest set-points that may be chosen.
    played : str, optional
        How somebody has such an experiment played.
    """
    return [*_unmoved(told, belief, bounds, played), *strange(told, belief)]


def _unmoved(told: Told, belief: Belief, bounds: Floats, played: str) -> list[Finding]:
    found = []
    for place, one in enumerate(told.symbolic.process.inputs):
        column = told.column("inputs", place)
        if np.ptp(column) >= _STILL * one.span:
            continue
        found.append(
            warning(
                "unmoved",
                (one.name,),
                f"nobody moved '{one.name}' in this period: nothing is known of what it does",
                _experiment(told, belief, bounds, place, one, played),
            )
        )
    return found


def _experiment(
    told: Told, belief: Belief, bounds: Floats, place: int, one: Variable, played: str
) -> str:
    last = told.episodes[-1]
    now = last.inputs[-1]
    reach = _REACH * (bounds[1, place] - bounds[0, place])
    within = np.array([now, now])
    within[0, place] = max(bounds[0, place], now[place] - reach)
    within[1, place] = min(bounds[1, place], now[place] + reach)
    if not within[0, place] < within[1, place]:
        return (
            f"it stands at {now[place]:.5g} {one.unit}, outside of what may be chosen "
            f"({bounds[0, place]:.5g} to {bounds[1, place]:.5g}), so no experiment is proposed"
        )
    try:
        chosen = designed(
            told.symbolic, belief, _start(told), within, _ROWS, context=last.context[-1]
        )
    except (TwinError, np.linalg.LinAlgError):
        return f"no experiment by {reach:.3g} {one.unit} is expected to be safe; move it by less"
    return (
        f"moving it between {within[0, place]:.5g} and {within[1, place]:.5g} {one.unit} would "
        f"tell: {_course(told, chosen, place)}; expected to take away {_told(chosen)}"
        + (f"; {played}" if played else "")
    )


def _start(told: Told) -> Floats:
    """Take states that are shown from the last rows, others from the middle of their range."""
    process = told.symbolic.process
    start = np.array([one.middle for one in process.states])
    shown = told.episodes[-1].shown[-5:]
    for at, state in enumerate(process.states):
        for place, output in enumerate(process.outputs):
            same = (output.name, output.unit) == (state.name, state.unit)
            if same and np.isfinite(shown[:, place]).any():
                start[at] = float(np.nanmedian(shown[:, place]))
    return start


def _course(told: Told, chosen: Experiment, place: int) -> str:
    """Write the first values of a staircase with their times."""
    course = chosen.inputs[:, place]
    changes = [0, *(np.flatnonzero(np.diff(course)) + 1).tolist()]
    words = [f"{_when(told, at)} {course[at]:.5g}" for at in changes[:_SHOWN]]
    more = ["..."] if len(changes) > _SHOWN else []
    return ", ".join([*words, *more]) + f", for {_when(told, len(course))} in all"


def _when(told: Told, rows: int) -> str:
    if told.symbolic.process.clock is Clock.RUN:
        return f"{rows} runs"
    seconds = rows * told.symbolic.step_s
    return f"{seconds:.0f} s" if seconds < 600 else f"{seconds / 60:.0f} min"


def _told(chosen: Experiment) -> str:
    best = sorted(chosen.learned.items(), key=lambda one: -one[1])[:2]
    words = [f"{share:.0%} of the doubt about '{name}'" for name, share in best if share >= 0.01]
    return " and ".join(words) or "little of the doubt about anything"


def strange(told: Told, belief: Belief) -> list[Finding]:
    """Name parameters that nobody expects."""
    found = []
    for one, z in zip(told.symbolic.process.parameters, belief.mean, strict=True):
        if abs(z) > _STRANGE:
            found.append(
                warning(
                    "strange",
                    (one.name,),
                    f"'{one.name}' was found as {one.value(float(z)):.3g} {one.unit}, where about "
                    f"{one.guess:.3g} is expected",
                    "is a unit or a sign of a signal wrong, or is this another kind of process?",
                )
            )
    return found
