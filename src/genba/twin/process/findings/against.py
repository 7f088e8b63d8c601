"""An output that goes against what its physics declares: a wrong sign that a fit would take up.

A fit answers a size of the wrong sign with an effect that is nearly nothing, and with drift. So the
effects themselves are looked at: how an output went with set-points and what was around, over the
parts of all products together (least squares within short stretches, so that drift and products are
left out), along the direction in which the physics have it go. Only effects count that have the
same sign whatever the parameters are, so that a sound recording goes along in each of them.
"""

from collections.abc import Sequence

import numpy as np

from genba.twin.process.episode import Episode, Floats
from genba.twin.process.findings.finding import Finding, error
from genba.twin.process.findings.told import Told
from genba.twin.process.slopes import Numeric
from genba.twin.process.symbolic import Symbolic

DEVIATIONS = 3.5
"""So far on the wrong side of nothing an effect has to be: by chance once in 4,000 outputs."""
_STRETCH = 20
"""Measured rows within which means are taken off."""
_LEAST = 15
"""Rows, less all that is estimated, from which an effect can be told."""
_DRAWS = 200
_NUDGE = 1e-3


def against(programs: Sequence[Told]) -> list[Finding]:
    """Find outputs whose effects are those of the physics with the sign turned round.

    Parameters
    ----------
    programs : sequence of Told
        A recording by run, product by product.
    """
    if not programs:
        return []
    found = []
    slopes = [_declared(one.symbolic, one.episodes) for one in programs]
    for place, output in enumerate(programs[0].symbolic.process.outputs):
        off = _off(programs, slopes, place)
        if off <= -DEVIATIONS:
            found.append(
                error(
                    "sign",
                    (output.name,),
                    f"{programs[0].called(output.name)} goes against what set-points do to it "
                    f"({-off:.1f} standard deviations, and {DEVIATIONS:g} are asked for): it looks "
                    "as if it had the wrong sign",
                    "mend the sign where the signal is made, or in the device's scaling",
                )
            )
    return found


def _off(programs: Sequence[Told], slopes: Sequence[Floats], place: int) -> float:
    """Give by how many deviations an output goes along with its physics; 0: nobody can tell."""
    causes, shown, along, lost = [], [], [], 0
    for program, declared in zip(programs, slopes, strict=True):
        x, y, blocks = _stretches(program.episodes, place)
        scale = float(y.std()) if len(y) else 0.0
        if scale > 0:
            causes.append(x)
            shown.append(y / scale)
            along.append(declared[place] / scale * len(y))
            lost += blocks
    if not causes:
        return 0.0
    x, y = np.vstack(causes), np.concatenate(shown)
    spread = x.std(axis=0)
    direction = np.sum(along, axis=0) * spread
    moved = spread > 0
    left = len(y) - lost - int(moved.sum())
    if left < _LEAST or not direction[moved].any():
        return 0.0
    x, direction = x[:, moved] / spread[moved], direction[moved]
    known = np.linalg.pinv(x.T @ x)
    effects = known @ x.T @ y
    noise = float(np.sum((y - x @ effects) ** 2)) / left
    doubt = float(np.sqrt(noise * (direction @ known @ direction)))
    return float(direction @ effects) / doubt if doubt > 0 else 0.0


def _stretches(episodes: Sequence[Episode], place: int) -> tuple[Floats, Floats, int]:
    """Cut measured rows into stretches and take their means off; (rows, causes), (rows,), how many
    stretches.
    """
    causes, shown = [], []
    for episode in episodes:
        known = np.isfinite(episode.shown[:, place])
        x = np.hstack([episode.inputs, episode.context])[known]
        y = episode.shown[known, place]
        for start in range(0, len(y), _STRETCH):
            piece = slice(start, start + _STRETCH)
            if len(y[piece]) > 2:
                causes.append(x[piece] - x[piece].mean(axis=0))
                shown.append(y[piece] - y[piece].mean())
    if not causes:
        return np.empty((0, 0)), np.empty(0), 0
    return np.vstack(causes), np.concatenate(shown), len(causes)


def _declared(symbolic: Symbolic, episodes: Sequence[Episode]) -> Floats:
    """Give how outputs go with inputs and context in the middle of a recording, (outputs, causes).

    0 where that has another sign for other parameters that the physics' author would believe.
    """
    process, numeric = symbolic.process, Numeric(symbolic)
    nu = len(process.inputs)
    middle = np.concatenate(
        [
            np.concatenate([one.inputs for one in episodes]).mean(axis=0),
            np.concatenate([one.context for one in episodes]).mean(axis=0),
        ]
    )
    state = np.tile([one.middle for one in process.states], (_DRAWS, 1))
    z = np.random.default_rng(0).standard_normal((_DRAWS, len(process.parameters)))

    def shown(at: Floats) -> Floats:
        u, c = np.tile(at[:nu], (_DRAWS, 1)), np.tile(at[nu:], (_DRAWS, 1))
        return np.asarray(numeric.linear(state, u, c, z).shown)

    slopes = np.zeros((len(process.outputs), len(middle)))
    for cause, one in enumerate((*process.inputs, *process.context)):
        by = np.zeros(len(middle))
        by[cause] = _NUDGE * one.span
        change = (shown(middle + by) - shown(middle - by)) / (2.0 * by[cause])
        sure = np.isfinite(change).all(axis=0)
        sure &= (change > 0).all(axis=0) | (change < 0).all(axis=0)
        slopes[sure, cause] = np.median(change[:, sure], axis=0)
    return slopes
