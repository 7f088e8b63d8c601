"""Where a process has to stay, from what the plant file says of its signals; and what proves it."""

from dataclasses import replace

import numpy as np

from genba.control.assured import Room, class_of, recovery_of
from genba.control.bound import Bound, Wire
from genba.errors import ControlError, GenbaError, Refused
from genba.guard.assurance import LinearClass, Shield
from genba.twin.process import Belief, Numeric
from genba.twin.process.episode import Floats

_DEVIATIONS = 3.0
_HIDDEN = 0.02
"""How far a state that nobody measures may be from its estimate, in spans."""
_PARAMETERS = "what is not known of its parameters"


def room_of(bound: Bound, inputs: Floats | None = None) -> Room:
    """Find the boxes in which states, set-points and context may be.

    A state that is measured stays within the objective's ``keeps``, else its signal's alarm limits,
    else its range; one that nobody measures within the physics' range.

    Raises
    ------
    ControlError
        If what the plant file says leaves nothing.
    """
    shown = {wire.variable.name: wire for wire in bound.outputs}
    objective = bound.process.objective
    keeps = {} if objective is None else objective.keeps
    states = []
    for state in bound.physics.states:
        low, high = state.low, state.high
        kept, wire = keeps.get(state.name), shown.get(state.name)
        if kept is not None and wire is not None:
            low, high = max(low, kept.low), min(high, kept.high)
        elif wire is not None:
            low, high = _within(wire, low, high, limits=True)
        states.append((low, high))
    context = [_within(wire, wire.variable.low, wire.variable.high) for wire in bound.context]
    for of, boxes in ((bound.physics.states, states), (bound.physics.context, context)):
        for variable, (low, high) in zip(of, boxes, strict=True):
            if not low < high:
                raise ControlError(
                    f"'{variable.name}' of '{bound.process.id}' has no room between the physics' "
                    "range and the plant file's limits; correct one of them"
                )
    return Room(_box(states), bound.bounds() if inputs is None else inputs, _box(context))


def proved(bound: Bound, belief: Belief, inputs: Floats | None = None) -> Shield:
    """Prove that the envelope can be kept, whoever chooses set-points.

    Raises
    ------
    GenbaError
        If it cannot; the message says why.
    """
    outputs = [wire.variable.name for wire in bound.outputs]
    measured = {w.variable.name for w in bound.outputs if w.signal is not None}
    unsure = [
        _DEVIATIONS * belief.noise[outputs.index(state.name)]
        if state.name in measured
        else _HIDDEN * state.span
        for state in bound.physics.states
    ]
    room = room_of(bound, inputs)
    try:
        known = class_of(Numeric(bound.symbolic), belief, room, np.array(unsure))
        return Shield(known, recovery_of(known))
    except np.linalg.LinAlgError as error:
        raise ControlError(f"no recovery was found ({error})") from None
    except Refused as error:
        text, mend = _too_wide(bound, belief, room, known)
        what, _, _ = str(error).partition(";")  # its own mend is for who makes a recovery
        raise ControlError(f"{text}: {what}; {mend}") from None


def _too_wide(bound: Bound, belief: Belief, room: Room, known: LinearClass) -> tuple[str, str]:
    """Say by how much one linear model errs over an envelope, what most of that comes from, and
    what may mend it.
    """
    states = bound.physics.states
    shares = [w / state.span for w, state in zip(known.w, states, strict=True)]
    worst = int(np.argmax(shares))
    left = {}
    for of, variables in (
        ("context", bound.physics.context),
        ("inputs", bound.physics.inputs),
        ("states", states),
    ):
        for place, variable in enumerate(variables):
            box = getattr(room, of).copy()
            low, high = box[:, place]
            box[:, place] = 0.5 * (low + high) + np.array([-1e-6, 1e-6]) * variable.span
            told = f"'{variable.name}' from {low:.4g} to {high:.4g} {variable.unit}"
            left[told] = _error(bound, belief, replace(room, **{of: box}), worst)
    sure = replace(belief, covariance=1e-9 * np.eye(len(belief.mean)))
    left[_PARAMETERS] = _error(bound, sure, room, worst)
    cause = min(left, key=lambda one: left[one])
    state = states[worst]
    mend = (
        "learn it from rows in which its set-points were moved"
        if cause == _PARAMETERS
        else "a narrower range in the plant file may be proved"
    )
    text = (
        f"no linear model is near enough to '{bound.physics.name}' over its envelope: it errs by "
        f"up to {known.w[worst]:.3g} {state.unit} of '{state.name}' in a step ({left[cause]:.3g} "
        f"but for {cause})"
    )
    return text, mend


def _error(bound: Bound, belief: Belief, room: Room, state: int) -> float:
    unsure = np.zeros(len(bound.physics.states))
    return class_of(Numeric(bound.symbolic), belief, room, unsure).w[state]


def proof_or_why(bound: Bound, belief: Belief, inputs: Floats | None = None) -> Shield | str:
    """Give the proof, or why there is none."""
    try:
        return proved(bound, belief, inputs)
    except GenbaError as error:
        return str(error)


def _within(wire: Wire, low: float, high: float, *, limits: bool = False) -> tuple[float, float]:
    signal = wire.signal
    if signal is None:
        return low, high
    ends: list[tuple[float | None, float | None]] = []
    if signal.range is not None:
        ends.append((signal.range.low, signal.range.high))
    if limits and signal.limits is not None:
        ends.append((signal.limits.low, signal.limits.high))
    for least, most in ends:
        told = [None if v is None else wire.scale * v + wire.shift for v in (least, most)]
        low = low if told[0] is None else max(low, told[0])
        high = high if told[1] is None else min(high, told[1])
    return low, high


def _box(pairs: list[tuple[float, float]]) -> Floats:
    return np.array(pairs, float).reshape(-1, 2).T.copy()
