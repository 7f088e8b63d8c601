"""Windows: what a model sees when it answers, and nothing that comes later."""

from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from genba.errors import LearnError
from genba.learn.arrays import Floats, Integers
from genba.learn.data.dataset import Dataset


@dataclass(frozen=True, slots=True, eq=False)
class Windows:
    """``values`` is (windows, length, columns), oldest row first; each ends at its one of ``rows``.

    A window lies within one unit and ends at its row: whatever is made of it respects time.
    """

    values: Floats
    rows: Integers


def windows_of(data: Dataset, length: int, step: int = 1) -> Windows:
    """Cut the past of each row out of a data set.

    Parameters
    ----------
    data : Dataset
        Rows of a unit in order of time.
    length : int
        Rows in a window, its own row included; 1 for a model that needs no past.
    step : int
        Take every ``step``-th row of a unit, counted back from its last.

    Returns
    -------
    Windows
        None for rows whose unit has not enough past yet: those are not judged.

    Raises
    ------
    LearnError
        If ``length`` or ``step`` is less than 1, or no unit is long enough.
    """
    if length < 1 or step < 1:
        raise LearnError(f"windows of {length} rows, every {step}: both must be at least 1")
    parts: list[Floats] = []
    ends: list[Integers] = []
    for rows in runs_of(data):
        if len(rows) < length:
            continue
        picked = np.arange(len(rows) - 1, length - 2, -step)[::-1]
        view = sliding_window_view(data.values[rows[0] : rows[-1] + 1], length, axis=0)
        parts.append(np.moveaxis(view, -1, 1)[picked - (length - 1)])
        ends.append(rows[picked])
    if not parts:
        raise LearnError(
            f"no unit of data set '{data.name}' has {length} rows, which a model needs to look "
            "back; record longer, or take a shorter window"
        )
    return Windows(np.concatenate(parts), np.concatenate(ends))


def seen_of(data: Dataset, length: int) -> Windows:
    """Return what a model sees of each row: its window, or its picture where there are pictures.

    Raises
    ------
    LearnError
        As with :func:`windows_of`.
    """
    if data.images is None:
        return windows_of(data, length)
    return Windows(data.images.pixels.astype(np.float64), np.arange(data.rows, dtype=np.int64))


def runs_of(data: Dataset) -> list[Integers]:
    """Return the rows of each stretch of one unit, in order."""
    units = data.units
    if data.rows == 0:
        return []
    cuts = np.flatnonzero(units[1:] != units[:-1]) + 1
    return [np.asarray(part, np.int64) for part in np.split(np.arange(data.rows), cuts)]
