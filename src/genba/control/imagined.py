"""Faults as a world model knows them: what a changed parameter would have added to the readings.

From the recorded set-points and context, the process is let run twice from the state in which it
was: as it is believed to be, and with one parameter changed. The difference is what a fault would
have added (a change of the process' own controller's answer included).
"""

import math
from collections.abc import Iterator, Sequence

import numpy as np

from genba.control.bound import Bound
from genba.control.recorded import episodes_of
from genba.errors import ControlError, TwinError
from genba.historian import Historian
from genba.learn.verify.imagined import Fault
from genba.plant import US
from genba.twin.process import Clock, Parameter
from genba.twin.process.episode import Episode, Floats
from genba.twin.process.residual import World

FALLS, RISES = 0.7, 1.4
"""By what a parameter is multiplied."""
SENSOR = 0.02
"""What a sensor drifts by, as a share of its variable's range."""
_LEAD = 20
"""Steps before a fault in which the state is found."""


def faults_in(
    bound: Bound, world: World, historian: Historian, begins: Sequence[int], length_s: float
) -> list[Fault]:
    """Imagine each fault at each onset.

    Parameters
    ----------
    world : World
        What was learned of the process.
    begins : sequence of int
        Onsets, microseconds UTC; one is left out where the recording has holes around it.
    length_s : float
        How long a fault lasts.

    Raises
    ------
    ControlError
        If the process goes by run, shows no signal, or nothing whole was recorded around any onset.
    """
    if bound.physics.clock is not Clock.TIME:
        raise ControlError(
            f"process '{bound.process.id}' goes part by part; faults can be imagined in processes "
            "that go in time"
        )
    if all(wire.signal is None for wire in bound.outputs):
        raise ControlError(f"no signal shows process '{bound.process.id}'; wire an output of it")
    step_us = round(bound.process.step_s * US)
    steps = max(2, round(length_s / bound.process.step_s))
    found: list[Fault] = []
    for begin in begins:
        first, last = begin - _LEAD * step_us, begin + steps * step_us
        recorded = _whole(historian, bound, first, last, _LEAD + steps)
        if recorded is not None:
            time = begin + np.arange(steps, dtype=np.int64) * step_us
            found += _faults(bound, world, recorded, time)
    if not found:
        raise ControlError(
            f"nothing whole was recorded of '{bound.process.id}' around any onset; take another "
            "stretch with --from and --to"
        )
    return found


def _whole(historian: Historian, bound: Bound, first: int, last: int, rows: int) -> Episode | None:
    """Read a period; None where set-points or context are unknown anywhere in it."""
    try:
        episodes = episodes_of(historian, bound, first, last)
    except ControlError:
        return None
    return episodes[0] if len(episodes) == 1 and episodes[0].rows == rows else None


def _faults(bound: Bound, world: World, recorded: Episode, time: np.ndarray) -> Iterator[Fault]:
    """Run from the state at the onset, with each change."""
    belief = world.belief
    try:
        state = _state(world, recorded)
    except TwinError:
        return
    after = recorded.cut(_LEAD, recorded.rows)
    usual = _run(world, state, after, belief.mean)
    for place, parameter in enumerate(bound.physics.parameters):
        for name, by in _changes(parameter):
            z = belief.mean.copy()
            z[place] += by
            moved = _run(world, state, after, z) - usual
            if np.isfinite(moved).all():
                yield _fault(bound, f"{parameter.name} {name}", time, moved, belief.noise)
    for place, wire in enumerate(bound.outputs):
        if wire.signal is not None:
            moved = np.zeros_like(usual)
            moved[:, place] = np.linspace(0, SENSOR * wire.variable.span, len(usual))
            name = f"the sensor of {wire.variable.name} drifts by {SENSOR:.0%} of its range"
            yield _fault(bound, name, time, moved, belief.noise)


def _changes(parameter: Parameter) -> list[tuple[str, float]]:
    """Give changes in words and as what is added to ``z``."""
    if parameter.signed:
        return [("falls by its spread", -1.0), ("rises by its spread", 1.0)]
    return [
        (f"falls by {1 - FALLS:.0%}", math.log(FALLS) / parameter.spread),
        (f"rises by {RISES - 1:.0%}", math.log(RISES) / parameter.spread),
    ]


def _state(world: World, recorded: Episode) -> Floats:
    tracker = world.tracker()
    for row in range(_LEAD):
        tracker.seen(recorded.shown[row], recorded.inputs[row], recorded.context[row])
        tracker.went(recorded.inputs[row], recorded.context[row])
    return tracker.state


def _run(world: World, state: Floats, after: Episode, z: Floats) -> Floats:
    """Give what is shown, (steps, outputs)."""
    with np.errstate(over="ignore", invalid="ignore"):
        _, shown = world.mean.run(state[None], after.inputs, after.context, z[None])
    return np.asarray(shown[0])


def _fault(bound: Bound, name: str, time: np.ndarray, moved: Floats, noise: Floats) -> Fault:
    added, shown = {}, 0.0
    for place, wire in enumerate(bound.outputs):
        if wire.signal is not None:
            added[wire.signal.id] = moved[:, place] / wire.scale
            shown = max(shown, float(np.abs(moved[:, place]).max() / noise[place]))
    return Fault(name, time, added, shown)
