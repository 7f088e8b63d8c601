"""Which set-points would tell most about a process: an experiment, designed for what is not known.

Many candidate courses are drawn, each a staircase within its bounds; for each the information that
its answers would carry about the parameters is computed from the model's slopes, and the one after
which the parameters are expected to be known best is taken (D-optimality: the determinant of the
covariance; Fedorov 1972, Goodwin & Payne 1977).
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from genba.errors import TwinError
from genba.twin.process.belief import Belief
from genba.twin.process.episode import Floats
from genba.twin.process.slopes import Numeric
from genba.twin.process.symbolic import Symbolic

_CANDIDATES = 96
_HOLDS = (2, 3, 5, 8, 12, 20)
"""For how many steps a set-point may be held."""
_FAR = 1.0
"""Spans beyond their range at which states of a candidate have run away."""


@dataclass(frozen=True, slots=True, eq=False)
class Experiment:
    """Set-points to run, and what they are expected to tell.

    Attributes
    ----------
    inputs : (rows, inputs)
    learned : dict
        Share of each parameter's present variance that the answers are expected to take away.
    """

    inputs: Floats
    learned: dict[str, float]


def designed(
    symbolic: Symbolic,
    belief: Belief,
    start: Floats,
    bounds: Floats,
    rows: int,
    *,
    context: Floats | None = None,
    keeps: Floats | None = None,
    seed: int = 0,
) -> Experiment:
    """Choose the staircase of set-points that tells most.

    Parameters
    ----------
    start : (states,)
        Where the process is thought to be.
    bounds : (2, inputs)
        Lowest and highest set-points of the experiment.
    context : (context,), optional
        What is around meanwhile; the middle of its range by default.
    keeps : (2, states), optional
        Where states must stay, for the parameters believed and four other likely ones. By default
        candidates that run away with the parameters believed are left out, and nothing more.

    Raises
    ------
    TwinError
        If every candidate is expected to leave ``keeps``.
    """
    process, source = symbolic.process, np.random.default_rng(seed)
    around = np.array([one.middle for one in process.context]) if context is None else context
    likely = belief.mean[None]
    if keeps is None:
        low, span = (np.array([getattr(v, a) for v in process.states]) for a in ("low", "span"))
        keeps = np.array([low - _FAR * span, low + (1 + _FAR) * span])
    else:
        likely = np.vstack([likely, belief.drawn(4, source)])
    u = _staircases(bounds, rows, source)
    numeric = Numeric(symbolic)
    safe = _stays(numeric, likely, start, u, around, keeps)
    if not safe.any():
        raise TwinError(
            f"every experiment on '{process.name}' within these bounds may leave where it is to "
            "stay; narrow the bounds of its set-points"
        )
    told = _information(numeric, belief, start, u[safe], around)
    before = np.linalg.inv(belief.covariance + 1e-12 * np.eye(len(belief.mean)))
    best = int(np.argmax(np.linalg.slogdet(before + told)[1]))
    after = np.diag(np.linalg.inv(before + told[best])) / np.diag(belief.covariance)
    pairs = zip(process.parameters, after, strict=True)
    learned = {one.name: float(np.clip(1 - left, 0, 1)) for one, left in pairs}
    return Experiment(u[safe][best], learned)


def _staircases(bounds: Floats, rows: int, source: np.random.Generator) -> Floats:
    """Draw candidates, (candidates, rows, inputs); each input has a rhythm of its own."""
    low, high = bounds
    told = np.empty((_CANDIDATES, rows, len(low)))
    for candidate in range(_CANDIDATES):
        for place in range(len(low)):
            hold = int(source.choice(_HOLDS))
            levels = source.random(rows // hold + 2)
            if source.random() < 0.5:
                levels = np.round(levels)
            course = np.repeat(levels, hold)[int(source.integers(hold)) :][:rows]
            told[candidate, :, place] = low[place] + course * (high[place] - low[place])
    return told


def _stays(
    numeric: Numeric, likely: Floats, start: Floats, u: Floats, around: Floats, keeps: Floats
) -> npt.NDArray[np.bool_]:
    count, rows, _ = u.shape
    safe = np.ones(count, bool)
    for z in likely:
        with np.errstate(over="ignore", invalid="ignore"):
            states, _ = numeric.run(
                np.tile(start, (count, 1)), u, np.tile(around, (rows, 1)), np.tile(z, (count, 1))
            )
        safe &= ((states >= keeps[0]) & (states <= keeps[1])).all(axis=(1, 2))
    return safe


def _information(
    numeric: Numeric, belief: Belief, start: Floats, u: Floats, around: Floats
) -> Floats:
    """Give what each candidate would tell, (candidates, parameters, parameters)."""
    count, rows, _ = u.shape
    nz, nx = len(belief.mean), len(start)
    x, z = np.tile(start, (count, 1)), np.tile(belief.mean, (count, 1))
    c = np.tile(around, (count, 1))
    by_z, told = np.zeros((count, nx, nz)), np.zeros((count, nz, nz))
    for row in range(rows):
        step = numeric.linear(x, u[:, row], c, z)
        slope = (step.shown_x @ by_z + step.shown_z) / belief.noise[:, None]
        told += slope.swapaxes(1, 2) @ slope
        x, by_z = step.after, step.after_x @ by_z + step.after_z
    return told
