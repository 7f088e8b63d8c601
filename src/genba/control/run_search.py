"""Find the set-points of a part that cost least: one input after the other, a few times over."""

from collections.abc import Callable

import numpy as np

from genba.twin.process.episode import Floats

_GRID = 17
_SWEEPS = 3


def cheapest(cost: Callable[[Floats], Floats], start: Floats, low: Floats, high: Floats) -> Floats:
    """Give the cheapest set-points, (inputs,), that were found between bounds.

    Parameters
    ----------
    cost : callable
        Prices rows of set-points, (n, inputs).
    start : (inputs,)
        From where it is looked; kept where nothing is cheaper, or bounds leave nothing.
    """
    best = start.copy()
    for _ in range(_SWEEPS):
        for place in range(len(best)):
            if high[place] - low[place] < 1e-9:
                continue
            tried = np.tile(best, (_GRID, 1))
            tried[:, place] = np.linspace(low[place], high[place], _GRID)
            tried[0] = best
            best = tried[int(np.argmin(cost(tried)))]
    return best
