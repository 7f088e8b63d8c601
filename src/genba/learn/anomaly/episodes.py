"""Episodes: alarms that belong together, and the time in which they came."""

import numpy as np

from genba.learn.arrays import Booleans, Integers, Texts
from genba.learn.data.dataset import Dataset

WEEK_US = 7 * 86_400 * 1_000_000
FINDING_US = 15 * 60 * 1_000_000


def episodes_of(alarms: Booleans, units: Texts, apart: int = 1) -> Integers:
    """Return where each episode begins, an index into ``alarms``.

    Alarms that are at most ``apart`` rows apart within one unit are one: windows that share rows
    say the same thing (runs declustering; Leadbetter, *Extremes and related properties of random
    sequences and processes*, 1983).
    """
    rows = np.flatnonzero(alarms)
    if len(rows) == 0:
        return rows
    new = (np.diff(rows) > apart) | (units[rows[1:]] != units[rows[:-1]])
    return np.asarray(rows[np.concatenate([[True], new])], np.int64)


def apart_of(data: Dataset, window: int) -> int:
    """Rows by which alarms of one finding may be apart: the window, and at least 15 minutes.

    What comes back within minutes is not another thing to look at.
    """
    step = _step_us(data.time, data.units) if data.timed else 0.0
    return window if step <= 0 else max(window, round(FINDING_US / step))


def weeks_of(data: Dataset, rows: Integers) -> float:
    """Time that some rows stand for, in weeks of 168 hours: each as long as rows are usually apart.

    0 where the data have no times, or rows no neighbors.
    """
    if not data.timed or len(rows) < 2:
        return 0.0
    return _step_us(data.time[rows], data.units[rows]) * len(rows) / WEEK_US


def _step_us(time: Integers, units: Texts) -> float:
    """How far rows of a unit usually are apart; 0 where none has a neighbor."""
    steps = np.diff(time)[units[1:] == units[:-1]]
    steps = steps[steps > 0]
    return float(np.median(steps)) if len(steps) else 0.0
