"""What to set now, what the model expects of it, and what it expects if nothing is changed."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from genba.control.bound import Bound
from genba.control.nmpc import Ahead, Nmpc
from genba.control.pilot import Pilot
from genba.control.worth import worth
from genba.errors import ControlError
from genba.twin.process import Belief, Episode, Numeric, Tracker, Variable
from genba.twin.process.episode import Floats

_FUTURES = 64
_NORMAL_95 = 1.96
_BEYOND_SEEN, _BEYOND_SPAN = 0.1, 0.02
"""How far beyond what was seen a model is still asked: shares of that, and of the range."""


@dataclass(frozen=True, slots=True)
class Expected:
    """An output at the end of the horizon: as it is now, if all stays, and with the advice."""

    name: str
    unit: str
    now: float
    stays: float
    advised: float
    low: float
    high: float
    """95% interval with the advice."""


@dataclass(frozen=True, slots=True)
class Advice:
    """Set-points to choose now; ``inputs`` is empty where none can be advised.

    Attributes
    ----------
    inputs : tuple of (name, unit, now, advised)
    beyond : tuple of str
        Inputs whose advised value was never seen when the process was learned.
    withdrawn : bool
        Whether what happens contradicts the model: what it advised before holds no more.
    """

    inputs: tuple[tuple[str, str, float, float], ...]
    expected: tuple[Expected, ...]
    beyond: tuple[str, ...]
    ahead_s: float
    why: str
    withdrawn: bool = False


def advise(
    bound: Bound,
    belief: Belief,
    recent: Episode,
    seen: dict[str, tuple[float, float]],
    now: int,
    *,
    limit_s: float = 5.0,
) -> Advice:
    """Follow the recent past, then choose the set-points of the coming steps, to be left so.

    A course that changes them in each step, to be there sooner, would overshoot under a person who
    sets its first step and asks again later.

    Parameters
    ----------
    recent : Episode
        The newest rows; the last is now.
    seen : dict
        Between what each input was when the process was learned.
    now : int
        Time of the last row, microseconds UTC: from there on the tariff is looked ahead at.

    Raises
    ------
    ControlError
        If the plant file says nothing of what is wanted.
    """
    horizon, process = bound.process.horizon, bound.physics
    strange = elsewhere(bound, recent, seen)
    if strange:
        return Advice((), (), (), horizon * bound.process.step_s, strange)
    if len(unmoved(bound, seen)) == len(bound.inputs):
        return Advice((), (), (), horizon * bound.process.step_s, nothing_known(bound))
    bounds = pinned(bound, near(bound, seen), seen)
    controller = Nmpc(
        bound.symbolic, bound.objective(), horizon, limit_s=limit_s, bounds=bounds, held=True
    )
    pilot = Pilot(controller, Tracker(bound.symbolic, belief))
    ahead = Ahead(
        np.tile(bound.references(), (horizon, 1)),
        np.tile(recent.context[-1], (horizon, 1)),
        bound.tariff(now),
        np.zeros((horizon, len(process.outputs))),
    )
    choice = pilot.follow(recent, ahead)
    if choice.course is None:
        doubted = pilot.doubted
        return Advice((), (), (), horizon * bound.process.step_s, choice.why, doubted)
    in_force, chosen = recent.inputs[-1], choice.course.inputs
    courses = np.tile(in_force, (horizon, 1)), chosen
    paths = both_ways(bound, pilot.tracker, courses, recent.context[-1])
    known = both_ways(bound, pilot.tracker, courses, recent.context[-1], disturbed=False)
    if not (len(paths[0]) and len(known[0])):
        return Advice((), (), (), horizon * bound.process.step_s, "the model runs away from here")
    found = worth(bound, belief, known, courses, ahead)
    if not found.enough:
        why = f"what is in force is as good as the model can tell: {found.told()}"
        return Advice((), (), (), horizon * bound.process.step_s, why)
    stays, moved = (path[:, -1] for path in paths)
    expected = []
    for place, output in enumerate(process.outputs):
        wide = float(np.hypot(moved[:, place].std(), belief.noise[place]))
        wide *= _NORMAL_95 * float(belief.widened(horizon)[place])
        middle = float(moved[0, place])
        expected.append(
            Expected(
                output.name,
                output.unit,
                float(recent.shown[-1, place]),
                float(stays[0, place]),
                middle,
                middle - wide,
                middle + wide,
            )
        )
    inputs = tuple(
        (one.name, one.unit, float(before), float(after))
        for one, before, after in zip(process.inputs, in_force, chosen[0], strict=True)
    )
    beyond = tuple(
        name
        for name, _, _, value in inputs
        if name in seen and not seen[name][0] <= value <= seen[name][1]
    )
    return Advice(inputs, tuple(expected), beyond, horizon * bound.process.step_s, choice.why)


def elsewhere(bound: Bound, recent: Episode, seen: dict[str, tuple[float, float]]) -> str:
    """Say where set-points or context are now that were not so when the process was learned."""
    told = []
    for of, values in ((bound.inputs, recent.inputs), (bound.context, recent.context)):
        for place, wire in enumerate(of):
            one, now = wire.variable, float(values[-1, place])
            if one.name in seen:
                low, high = _widened(seen[one.name], one)
                if not low <= now <= high:
                    least, most = seen[one.name]
                    told.append(
                        f"'{one.name}' is at {now:.5g} {one.unit} and was {least:.5g} to "
                        f"{most:.5g} when the process was learned"
                    )
    return "; ".join(told) and f"{'; '.join(told)}: nothing is known of that, so learn it anew"


def near(bound: Bound, seen: dict[str, tuple[float, float]]) -> Floats:
    """Give lowest and highest set-points, (2, inputs), not far from what was seen."""
    bounds = bound.bounds()
    for place, wire in enumerate(bound.inputs):
        name = wire.variable.name
        if name in seen:
            low, high = np.clip(_widened(seen[name], wire.variable), *bounds[:, place])
            if low < high:
                bounds[:, place] = low, high
    return bounds


def unmoved(bound: Bound, seen: dict[str, tuple[float, float]]) -> list[int]:
    """Give the places of inputs that nobody moved when the process was learned."""
    return [
        place
        for place, wire in enumerate(bound.inputs)
        if wire.variable.name in seen and not wire.variable.moved(seen[wire.variable.name])
    ]


def nothing_known(bound: Bound) -> str:
    """Say that nothing is known of what set-points do, and what would tell."""
    names = ", ".join(f"'{wire.variable.name}'" for wire in bound.inputs)
    return (
        f"nobody moved {names} when the process was learned, so nothing is known of it; "
        f"move it a little, and learn again (`genba control experiment {bound.process.id}`)"
    )


def pinned(bound: Bound, bounds: Floats, seen: dict[str, tuple[float, float]]) -> Floats:
    """Leave set-points that nobody moved where they were, (2, inputs)."""
    told = bounds.copy()
    for place in unmoved(bound, seen):
        one = bound.inputs[place].variable
        middle = float(np.clip(np.mean(seen[one.name]), *bounds[:, place]))
        told[:, place] = middle - 1e-6 * one.span, middle + 1e-6 * one.span
    return told


def _widened(seen: tuple[float, float], one: Variable) -> tuple[float, float]:
    """Widen what was seen by a little: a model is smooth, and a sensor noisy."""
    slack = _BEYOND_SEEN * (seen[1] - seen[0]) + _BEYOND_SPAN * one.span
    return seen[0] - slack, seen[1] + slack


def newest(episodes: Sequence[Episode], rows: int) -> Episode:
    """Take the last rows of the last episode.

    Raises
    ------
    ControlError
        If there are none.
    """
    if not episodes:
        raise ControlError("nothing was recorded lately; see whether the machine is connected")
    last = episodes[-1]
    return last.cut(max(0, last.rows - rows), last.rows)


def both_ways(
    bound: Bound,
    tracker: Tracker,
    courses: tuple[Floats, Floats],
    context: Floats,
    *,
    disturbed: bool = True,
) -> tuple[Floats, Floats]:
    """Let what is believed run ahead under two courses, in the same futures; the mean first.

    Parameters
    ----------
    disturbed : bool
        Whether what the physics leaves out goes on happening; else futures differ by what is not
        known of parameters and state alone.

    Returns
    -------
    two of (futures, steps, outputs)
        Futures in which either ran away are left out.
    """
    told, wander = [], tracker.belief.wander if disturbed else 0.0
    for course in courses:
        source = np.random.default_rng(0)
        states = tracker.starts(_FUTURES, source)
        z = tracker.learned().drawn(_FUTURES, source)
        z[0] = tracker.parameters
        around = np.tile(context, (len(course), 1))
        with np.errstate(over="ignore", invalid="ignore"):
            _, shown = Numeric(bound.symbolic).run(
                states, course, around, z, wander=wander, source=source
            )
        told.append(shown)
    finite = np.isfinite(told[0]).all(axis=(1, 2)) & np.isfinite(told[1]).all(axis=(1, 2))
    return told[0][finite], told[1][finite]
