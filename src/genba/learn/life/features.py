"""What wear shows in: levels and trends of each signal, and of what signals do together."""

import numpy as np

from genba.errors import LearnError
from genba.learn.arrays import Floats
from genba.learn.data.column import ColumnKind
from genba.learn.data.dataset import Dataset
from genba.learn.regression.kernels import bend, lag, level, mean, slope
from genba.learn.regression.view import View, along, of_each

_RECENT = 5
FEWEST_ROWS = 8


def life_view(train: Dataset, window: int, directions: int) -> View:
    """Return the view of wear.

    Each measurement is seen by its mean and slope over the window and its recent mean; states,
    counters (age), setpoints and context by their present value. One signal is noisy, and wear
    moves many at once: so the first principal ``directions`` of standard measurements are seen
    too, by mean, slope, recent mean, end of the fitted line, and bend.

    Raises
    ------
    LearnError
        If the window is too short for a trend, or no unit is as long.
    """
    if window < FEWEST_ROWS:
        raise LearnError(f"a trend takes a window of at least {FEWEST_ROWS} rows, not {window}")
    measured = [
        index
        for index, column in enumerate(train.columns)
        if column.kind is ColumnKind.MEASUREMENT and not column.levels
    ]
    others = [index for index in range(len(train.columns)) if index not in measured]
    blocks = []
    count = len(train.columns)
    whole, recent = mean(window, window), mean(window, _RECENT)
    trend = slope(window, window)
    if measured:
        blocks.append(of_each([whole, trend, recent], count, measured))
    if others:
        blocks.append(of_each([lag(window, 0)], count, others))
    together = _directions(train, measured, whole, directions)
    if together.shape[1]:
        kernels = [whole, trend, recent, level(window, window), bend(window, window)]
        blocks.append(along(np.stack(kernels, axis=1), together))
    return View.of(blocks)


def _directions(train: Dataset, measured: list[int], whole: Floats, most: int) -> Floats:
    """Return the principal directions of the means of windows, (columns, directions)."""
    count = len(train.columns)
    if len(measured) < 2 or most < 1:
        return np.empty((count, 0))
    means, _ = View.of([of_each([whole], count, measured)]).of_data(train)
    means = means[np.isfinite(means).all(axis=1)]
    if len(means) < 2:
        return np.empty((count, 0))
    spread = train.values[:, measured]
    scale = np.nanstd(spread, axis=0)
    alive = scale > 1e-9 * (np.abs(np.nanmean(spread, axis=0)) + 1e-9)
    factor = np.where(alive, 1.0 / np.where(alive, scale, 1.0), 0.0)
    _, vectors = np.linalg.eigh(np.cov(means * factor, rowvar=False))
    kept = vectors[:, ::-1][:, : min(most, int(alive.sum()))]
    kept = kept * np.sign(kept[np.abs(kept).argmax(axis=0), np.arange(kept.shape[1])])
    together = np.zeros((count, kept.shape[1]))
    together[measured] = kept * factor[:, None]
    return together
