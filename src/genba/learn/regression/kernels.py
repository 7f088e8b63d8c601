"""What is read off the past of one column: weights over the rows of a window, oldest row first."""

import numpy as np

from genba.errors import LearnError
from genba.learn.arrays import Floats


def lag(window: int, rows: int) -> Floats:
    """Return the value some rows ago; 0 is the present one. (window,)."""
    return np.asarray(np.eye(window)[window - 1 - _within(rows, window - 1)])


def mean(window: int, rows: int) -> Floats:
    """Return the mean of the last rows, (window,)."""
    _within(rows - 1, window - 1)
    return np.where(np.arange(window) >= window - rows, 1.0 / rows, 0.0)


def slope(window: int, rows: int) -> Floats:
    """Return the slope per row of a line through the last rows (least squares), (window,)."""
    return np.asarray(_fitted(window, rows, 1)[-2])


def level(window: int, rows: int) -> Floats:
    """Return where that line ends: at the present row, with less noise than it. (window,)."""
    return np.asarray(_fitted(window, rows, 1)[-1])


def bend(window: int, rows: int) -> Floats:
    """Return how much a parabola through the last rows bends, per row squared, (window,)."""
    return np.asarray(_fitted(window, rows, 2)[0])


def _fitted(window: int, rows: int, degree: int) -> Floats:
    """Return the coefficients of a fitted polynomial as weights; time 0 is the present row."""
    _within(rows - 1, window - 1)
    if rows <= degree:
        raise LearnError(f"a curve of degree {degree} takes more than {rows} rows; look back more")
    powers = np.vander(np.arange(rows) - (rows - 1.0), degree + 1)
    weights = np.zeros((degree + 1, window))
    weights[:, window - rows :] = np.linalg.pinv(powers)
    return weights


def _within(place: int, last: int) -> int:
    if not 0 <= place <= last:
        raise LearnError(f"row {place} of the past is not within a window of {last + 1} rows")
    return place
