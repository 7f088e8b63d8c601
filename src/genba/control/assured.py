"""From a process model to the class that the guard can prove things of, and a way to recover.

The middle of the class is the linear model that fits best over the whole envelope, the inputs'
range, the context's range and what is believed of the parameters. Its error is the largest one
seen over all that, with an allowance: on so many points, among them all corners, the part of the
space that is worse is small (scenario bound, Campi & Garatti 2008), and the allowance is for it.
"""

from dataclasses import dataclass
from itertools import product

import numpy as np
import numpy.typing as npt
from scipy.linalg import solve_discrete_are
from scipy.optimize import lsq_linear

from genba.errors import ControlError
from genba.guard.assurance import Box, LinearClass, Recovery
from genba.twin.process.belief import Belief
from genba.twin.process.episode import Floats
from genba.twin.process.slopes import Numeric

_POINTS = 20_000
_CORNERS = 256
_ALLOWANCE = 1.1


@dataclass(frozen=True, slots=True, eq=False)
class Room:
    """Where a process may be: boxes, (2, n) each, low above high."""

    states: Floats
    inputs: Floats
    context: Floats


def class_of(
    numeric: Numeric, belief: Belief, room: Room, unsure: Floats, seed: int = 0
) -> LinearClass:
    """Find the class of linear models that holds a process over an envelope.

    Parameters
    ----------
    unsure : (states,)
        How far a state may be from its estimate.

    Raises
    ------
    ControlError
        If the model gives no finite step somewhere in the envelope.
    """
    source = np.random.default_rng(seed)
    z = belief.drawn(_POINTS, source)
    x, u, c = (_spread(box, source) for box in (room.states, room.inputs, room.context))
    after, _ = numeric.step(x, u, c, z)
    if not np.isfinite(after).all():
        raise ControlError(
            f"the model of '{belief.process.name}' runs away somewhere in the envelope; narrow it"
        )
    known = np.hstack([x, u, np.ones((_POINTS, 1))])
    middle = np.asarray(np.linalg.lstsq(known, after, rcond=None)[0].T, float)
    # Errors weigh on both sides alike: move the offset to the middle of the largest ones.
    errors = after - known @ middle.T
    middle[:, -1] += 0.5 * (errors.max(axis=0) + errors.min(axis=0))
    w = _ALLOWANCE * np.abs(after - known @ middle.T).max(axis=0)
    nx = x.shape[1]
    return LinearClass(
        _rows(middle[:, :nx]),
        _rows(middle[:, nx:-1]),
        tuple(middle[:, -1].tolist()),
        tuple(w.tolist()),
        tuple(np.asarray(unsure, float).tolist()),
        Box(tuple(room.states[0].tolist()), tuple(room.states[1].tolist())),
        Box(tuple(room.inputs[0].tolist()), tuple(room.inputs[1].tolist())),
    )


def recovery_of(known: LinearClass, *, gentle: float = 1.0, steady: bool = True) -> Recovery:
    """Choose where to recover to, as near to the middle of the envelope as it rests, and how.

    Parameters
    ----------
    gentle : float
        Weight of moving the inputs against being away, both in ranges: larger is gentler.
    steady : bool
        Constant set-points; otherwise linear feedback (for what does not settle by itself), as
        strong as the inputs' range allows.
    """
    a, b, e = np.array(known.a), np.array(known.b), np.array(known.e)
    low, high = np.array(known.envelope.low), np.array(known.envelope.high)
    least, most = np.array(known.inputs.low), np.array(known.inputs.high)
    still = np.linalg.inv(np.eye(len(e)) - a)
    span = high - low
    by_input, alone = still @ b, still @ e
    found = lsq_linear(
        by_input / span[:, None], (0.5 * (low + high) - alone) / span, (least, most)
    ).x
    # Leave the inputs room for feedback on both sides.
    found = np.clip(found, least + 0.05 * (most - least), most - 0.05 * (most - least))
    rest = alone + by_input @ found
    gain = np.zeros_like(b.T)
    if not steady:
        gain = _feedback(a, b, span, most - least, gentle)
        reach = np.abs(gain) @ (np.maximum(high - rest, rest - low) + np.array(known.v))
        room = np.minimum(most - found, found - least)
        gain *= min(1.0, float((0.999 * room / np.maximum(reach, 1e-300)).min()))
    return Recovery(tuple(rest.tolist()), tuple(found.tolist()), _rows(gain))


def _feedback(a: Floats, b: Floats, span: Floats, wide: Floats, gentle: float) -> Floats:
    """Linear-quadratic feedback with deviations and moves in their ranges."""
    q, r = np.diag(1 / span**2), gentle * np.diag(1 / wide**2)
    p = solve_discrete_are(a, b, q, r)
    return np.asarray(-np.linalg.solve(r + b.T @ p @ b, b.T @ p @ a))


def _spread(box: Floats, source: np.random.Generator) -> Floats:
    """Draw points of a box, corners and faces among them."""
    low, high = box
    share = source.random((_POINTS, len(low)))
    share[: _POINTS // 2] = np.clip(1.5 * share[: _POINTS // 2] - 0.25, 0, 1)
    if len(low):
        corners = np.array(list(product((0.0, 1.0), repeat=min(len(low), 8))))[:_CORNERS]
        share[: len(corners), : corners.shape[1]] = corners
    return np.asarray(low + share * (high - low))


def _rows(matrix: npt.NDArray[np.floating]) -> tuple[tuple[float, ...], ...]:
    return tuple(tuple(float(x) for x in row) for row in matrix)
