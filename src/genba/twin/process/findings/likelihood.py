"""How likely a recording is under a process' physics, whatever its parameters: to compare wirings.

Parameters are fitted to the stretches in which set-points moved most. What is left of each output
is taken for Student's distribution with the scale that fits it best, so that stray values decide
nothing; what nobody would expect of the parameters counts against them. From that, what "it stays
where it is" would leave is taken off, so that wirings that explain other columns can be compared.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from genba.errors import TwinError
from genba.twin.process.belief import Belief, prior
from genba.twin.process.episode import Episode, Floats
from genba.twin.process.identify import fitted
from genba.twin.process.symbolic import Symbolic

_PIECE = 60
ROWS = 600
"""Rows that are looked at, at most."""
THOROUGH, QUICK = (3, 30), (1, 12)
"""Rounds and steps of a fit."""
_FREEDOM = 4.0
_FLOOR = 1e-4
"""Least scale of what is left, as a share of an output's range."""
_SCALES = 40


@dataclass(frozen=True, slots=True, eq=False)
class Likelihood:
    """How well the physics explain a recording.

    Attributes
    ----------
    told : float
        Logarithm of the likelihood over that of "it stays about where it is".
    ahead : float
        The same over the better of that and "it stays as it was a row ago": set-points do, and
        whoever takes one for a measurement explains nothing by saying so.
    values : int
        How many values were explained.
    belief : Belief
    """

    told: float
    ahead: float
    values: int
    belief: Belief


def most_moved(symbolic: Symbolic, episodes: Sequence[Episode], rows: int = ROWS) -> list[Episode]:
    """Cut out the stretches in which set-points moved most, in order."""
    span = np.array([one.span for one in symbolic.process.inputs])
    pieces = [
        episode.cut(start, start + _PIECE)
        for episode in episodes
        for start in range(0, episode.rows, _PIECE)
        if min(_PIECE, episode.rows - start) >= 5 and np.isfinite(episode.shown[start:]).any()
    ]
    moved = [float((np.abs(np.diff(piece.inputs, axis=0)) / span).sum()) for piece in pieces]
    chosen = sorted(np.argsort(moved, kind="stable")[::-1][: rows // _PIECE].tolist())
    return [pieces[at] for at in chosen]


def likelihood(
    symbolic: Symbolic, episodes: Sequence[Episode], effort: tuple[int, int] = THOROUGH
) -> Likelihood | None:
    """Fit the physics and say how likely they make the recording; None where they cannot."""
    rounds, steps = effort
    try:
        with np.errstate(all="ignore"):
            belief, left = fitted(symbolic, episodes, rounds=rounds, steps=steps)
    except (TwinError, np.linalg.LinAlgError):
        return None
    floor = _FLOOR * np.array([one.span for one in symbolic.process.outputs])
    still = np.concatenate([_left_by_standing(episode.shown) for episode in episodes])
    moved = np.concatenate([np.diff(episode.shown, axis=0) for episode in episodes])
    away = belief.mean - prior(symbolic.process).mean
    told = ahead = -0.5 * float(away @ away)
    values = 0
    for place, least in enumerate(floor):
        errors, naive, jumps = (_known(column[:, place]) for column in (left, still, moved))
        if min(len(errors), len(jumps)) < 8:
            continue
        values += len(errors)
        own, plain = _likely(errors, least), _likely(naive, least)
        told += len(errors) * (own - plain)
        ahead += len(errors) * (own - max(plain, _likely(jumps, least)))
    return Likelihood(told, ahead, values, belief)


def _left_by_standing(shown: Floats) -> Floats:
    """Give what "as in the middle" leaves of each stretch of a fit's length."""
    left = np.full_like(shown, np.nan)
    for start in range(0, len(shown), 20):
        piece = shown[start : start + 20]
        known = np.isfinite(piece)
        count = np.maximum(known.sum(axis=0), 1)
        left[start : start + 20] = piece - np.where(known, piece, 0.0).sum(axis=0) / count
    return left


def _known(values: Floats) -> Floats:
    return values[np.isfinite(values)]


def _likely(errors: Floats, least: float) -> float:
    """Give the mean logarithm of the likelihood under the best scale that is not too small."""
    widest = max(2 * least, float(np.abs(errors).max()) * 2)
    scales = np.geomspace(least, widest, _SCALES)[:, None]
    tails = 0.5 * (_FREEDOM + 1) * np.log1p(errors**2 / (_FREEDOM * scales**2))
    return float((-np.log(scales[:, 0]) - tails.mean(axis=1)).max())
