"""Which columns speak for a finding, of any model that can be asked.

Each column is exchanged between the window of the finding and a usual one, once into the usual
window, alone, and once out of the other; half the sum of what the answer changes by is the column's
part. Of answers that are quadratic in their inputs, as distances are, that is exactly Shapley's
value (1953), whose parts sum up to the whole; of others it is its estimate from the first and the
last place alone. It takes two answers a column, so only findings are looked at.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from genba.errors import LearnError
from genba.learn.edge.session import EdgeModel, Window

MOST_COLUMNS = 256
"""Of a wider model nothing is told: it would hold its machine up."""
SPOKEN = 3
LEAST_SHARE = 0.1


class Share(NamedTuple):
    """A column, and its part of all that speaks for the finding, 0 to 1."""

    column: str
    share: float


def speaking(model: EdgeModel, usual: Window) -> tuple[Share, ...]:
    """Say which columns speak most for the last answer; the window stays as it was.

    Parameters
    ----------
    usual : (rows, columns) array
        A window that nothing was found in.

    Returns
    -------
    tuple of Share
        At most :data:`SPOKEN`, the most telling first, the others from :data:`LEAST_SHARE` on; none
        where the model cannot say.
    """
    columns = model.contract.columns
    if not 0 < len(columns) <= MOST_COLUMNS or not np.isfinite(usual).all():
        return ()
    window = model.window[0]
    seen = window.copy()
    try:
        whole, least = model.answer(), _asked(model, usual)
        parts = [
            (whole - _asked(model, _with(seen, usual, place)))
            + (_asked(model, _with(usual, seen, place)) - least)
            for place in range(len(columns))
        ]
    except LearnError:
        return ()
    finally:
        np.copyto(window, seen)
    return _shares(columns, np.array(parts))


def _asked(model: EdgeModel, window: Window) -> float:
    np.copyto(model.window[0], window)
    return model.answer()


def _with(window: Window, other: Window, column: int) -> Window:
    changed = window.copy()
    changed[:, column] = other[:, column]
    return changed


def _shares(columns: Sequence[str], parts: np.ndarray) -> tuple[Share, ...]:
    speaks = np.maximum(parts, 0.0)
    total = float(speaks.sum())
    if not np.isfinite(total) or total <= 0.0:
        return ()
    by_column: dict[str, float] = {}
    for name, part in zip(columns, speaks.tolist(), strict=True):
        by_column[name] = by_column.get(name, 0.0) + part / total
    ranked = sorted((Share(*one) for one in by_column.items()), key=lambda one: -one.share)
    return tuple(one for one in ranked[:SPOKEN] if one.share >= LEAST_SHARE or one is ranked[0])
