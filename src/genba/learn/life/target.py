"""What was left: the target of remaining life, from units that were run to their end."""

from collections.abc import Collection
from dataclasses import replace

import numpy as np

from genba.errors import LearnError
from genba.learn.data.dataset import Dataset
from genba.learn.data.target import Target
from genba.learn.features.windows import runs_of

_HOUR_US = 3_600_000_000


def with_life(data: Dataset, ended: Collection[str], *, cap: float | None = None) -> Dataset:
    """Return it with what was left at each row as target: hours, or rows where there are no times.

    Parameters
    ----------
    ended : collection of str
        Units whose last row is their end. What others had left is unknown.
    cap : float, optional
        See :func:`capped`.

    Raises
    ------
    LearnError
        If a unit is not there, or its rows are not one stretch.
    """
    units = data.units
    if unknown := set(ended) - set(units.tolist()):
        raise LearnError(
            f"data set '{data.name}' has no unit '{min(unknown)}'; "
            f"it has {', '.join(sorted(set(units.tolist()))[:8])}"
        )
    left, known = np.full(data.rows, np.nan), data.time.copy()
    seen: set[str] = set()
    for rows in runs_of(data):
        name = str(units[rows[0]])
        if name not in ended:
            continue
        if name in seen:
            raise LearnError(f"rows of unit '{name}' are torn apart; sort them by unit and time")
        seen.add(name)
        time = data.time[rows]
        left[rows] = (
            (time[-1] - time) / _HOUR_US if data.timed else len(rows) - 1 - np.arange(len(rows))
        )
        known[rows] = time[-1]
    target = Target("remaining life", left, "h" if data.timed else "1", known=known)
    told = replace(data, target=target, lineage=data.lineage.then("what was left of each unit"))
    return told if cap is None else capped(told, cap)


def capped(data: Dataset, cap: float) -> Dataset:
    """Return it with a target of at most ``cap``: a unit far from its end shows no wear yet.

    A piecewise linear target (Heimes, PHM 2008); on C-MAPSS data 125 cycles are customary.

    Raises
    ------
    LearnError
        If the cap is not above 0, or there is no target.
    """
    if not cap > 0:
        raise LearnError(f"a cap of {cap:g} leaves no life to learn; give one above 0")
    data.labels()
    assert data.target is not None  # noqa: S101 - labels() looked
    target = replace(data.target, values=np.minimum(data.target.values, cap))
    return replace(data, target=target, lineage=data.lineage.then(f"target at most {cap:g}"))
