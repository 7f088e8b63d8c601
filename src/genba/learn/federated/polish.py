"""The last steps of a network: with the slope over all sites, as if all rows lay in one place.

Averaging gets far in few rounds, but sites whose rows differ much (one class here, another there)
pull against each other near the end. The slope of the whole is a sum, so the hub can step along it
by itself: L-BFGS (Nocedal and Wright, *Numerical Optimization*, algorithm 7.4), each step halved
until it helps. Held-out rows tell when to stop, and which step to keep.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from genba.learn.arrays import Floats

_MEMORY = 10
_ENOUGH = 1e-4
_HALVINGS = 4
_FIRST_HALVINGS = 10
"""Of a step along the slope itself, whose length says nothing of how it bends."""


@dataclass(frozen=True, slots=True, eq=False)
class Looked:
    """Parameters, the loss of all held-out rows, and loss and slope over all rows learned from."""

    flat: Floats
    held: float
    loss: float
    slope: Floats


def polished(
    look: Callable[[Floats], Looked],
    at: Looked,
    decay: float,
    sums: int,
    patience: int,
    told: Callable[[Looked], None],
) -> Looked:
    """Return the parameters of the least held-out loss on the way.

    Parameters
    ----------
    look : callable
        Sums over all sites at some parameters.
    decay : float
        Penalty on the square of parameters, halved.
    sums : int
        How many times it may look.
    patience : int
        Steps without a better held-out loss before it stops.
    """
    best, since = at, 0
    moves: deque[tuple[Floats, Floats]] = deque(maxlen=_MEMORY)
    slope = at.slope + decay * at.flat
    while sums > 0 and since < patience:
        way = -_turned(slope, moves)
        if way @ slope >= 0:
            moves.clear()
            way = -slope
        length = 1.0 if moves else min(1.0, 1.0 / float(np.linalg.norm(slope) + 1e-12))
        after: Looked | None = None
        for _ in range(_HALVINGS if moves else _FIRST_HALVINGS):
            if sums == 0:
                break
            found = look(at.flat + length * way)
            sums -= 1
            if _whole(found, decay) <= _whole(at, decay) + _ENOUGH * length * float(way @ slope):
                after = found
                break
            length /= 2
        if after is None:
            if not moves:
                break
            moves.clear()
            continue
        new = after.slope + decay * after.flat
        moves.append((after.flat - at.flat, new - slope))
        at, slope, since = after, new, since + 1
        told(at)
        if at.held < best.held:
            best, since = at, 0
    return best


def _whole(at: Looked, decay: float) -> float:
    return at.loss + 0.5 * decay * float(at.flat @ at.flat)


def _turned(slope: Floats, moves: deque[tuple[Floats, Floats]]) -> Floats:
    """Return the slope times the inverse of how it bends, as far as the last moves tell."""
    turned, shares = slope.copy(), []
    good = [(s, y) for s, y in moves if s @ y > 1e-12 * float(y @ y)]
    for step, bend in reversed(good):
        share = float(step @ turned) / float(step @ bend)
        turned -= share * bend
        shares.append(share)
    if good:
        step, bend = good[-1]
        turned *= float(step @ bend) / float(bend @ bend)
    for (step, bend), share in zip(good, reversed(shares), strict=True):
        turned += (share - float(bend @ turned) / float(step @ bend)) * step
    return turned
