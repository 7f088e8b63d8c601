"""How long a machine takes to settle after a standstill, measured from what was recorded."""

from dataclasses import replace

import numpy as np

from genba.historian import Historian
from genba.learn.anomaly.usual import Usual
from genba.learn.data.dataset import Dataset
from genba.learn.data.equipment import Slice, slice_of_equipment
from genba.learn.data.fitness import MOST_UNKNOWN
from genba.learn.data.parts import slice_of_parts
from genba.plant import US, Plant

_STILL_US = 30 * 60 * US
"""A standstill that machines are taken to cool down in."""
_STEP_US = 5 * 60 * US
ASSUMED_S = 3600.0
"""Of a machine that was never seen to stand still: when it will have, an hour is left out."""
LONGEST_S = 7200.0
"""What takes longer than two hours is not taken for settling."""
_OFF = 1.0
"""Spreads by which a signal that still settles is off its late level."""


def slice_of_settled(
    historian: Historian,
    plant: Plant,
    wanted: Slice,
    *,
    settle_s: float | None = None,
    parts: bool = False,
) -> Dataset:
    """Read moments, or parts, of a machine without those of which it still settled.

    Parameters
    ----------
    settle_s : float, optional
        How long that takes, 0 to leave nothing out; by default as measured in what is read, and
        :data:`ASSUMED_S` where no standstill in it would show that.
    parts : bool
        Rows are parts; those of which something is unknown are left out.

    Raises
    ------
    LearnError
        As :func:`~genba.learn.data.equipment.slice_of_equipment`, or
        :func:`~genba.learn.data.parts.slice_of_parts`.
    """
    if settle_s is None and wanted.working:
        whole = slice_of_equipment(historian, plant, replace(wanted, mode=True))
        settle_s = settle_s_of(whole)
        settle_s = ASSUMED_S if settle_s is None else settle_s
    wanted = replace(wanted, settle_s=settle_s or 0.0)
    if not parts:
        return slice_of_equipment(historian, plant, wanted)
    data = slice_of_parts(historian, plant, replace(wanted, mode=False), None)
    known = np.isfinite(data.values)
    often = known.mean(axis=0) > 1 - MOST_UNKNOWN
    return data.take(np.asarray(known[:, often].all(axis=1), np.bool_), "all known")


def settle_s_of(data: Dataset) -> float | None:
    """Measure how long a machine takes to settle, in seconds; None where it never stood still.

    After each standstill of half an hour or more, the level of each signal (what its setting leaves
    over) is taken every five minutes, and held against its level and spread later than two hours.
    It settles for as long as some signal is a spread off, to the same side, in more than half of
    the starts that show it. At most :data:`LONGEST_S`.

    Parameters
    ----------
    data : Dataset
        Rows of a machine at work, as :func:`~genba.learn.data.equipment.slice_of_equipment` gives.
    """
    cuts = np.flatnonzero(np.diff(data.time) >= _STILL_US) + 1
    starts = np.split(np.arange(data.rows), cuts)[1:]  # nobody knows since when it works at first
    if not starts:
        return None
    left, index = Usual.learn(data).left_over(data.values)
    left[index < 0] = np.nan
    since = np.concatenate([data.time[rows] - data.time[rows[0]] for rows in starts])
    later = np.concatenate(starts)[since >= LONGEST_S * US]
    later = later if len(later) >= data.rows // 10 else np.arange(data.rows)
    middle = np.nanmedian(left[later], axis=0)
    spread = 1.4826 * np.nanmedian(np.abs(left[later] - middle), axis=0)
    spread = np.where(spread > 0, spread, np.inf)
    steps = round(LONGEST_S * US) // _STEP_US
    off = np.full((len(starts), steps, left.shape[1]), np.nan)
    for number, rows in enumerate(starts):
        place = (data.time[rows] - data.time[rows[0]]) // _STEP_US
        for step in np.unique(place[place < steps]):
            own = left[rows[place == step]]
            known = np.isfinite(own).all(axis=1)
            if known.any():
                off[number, step] = (np.median(own[known], axis=0) - middle) / spread
    shown = np.isfinite(off).sum(axis=0)
    one_side = np.maximum((off > _OFF).sum(axis=0), (off < -_OFF).sum(axis=0))
    settles = (one_side > 0.5 * shown).any(axis=1)
    last = steps if settles.all() else int(np.argmin(settles))
    return last * _STEP_US / US
