"""Many questions at once: how few of the answers may be chance."""

import numpy as np

from genba.learn.arrays import Booleans, Floats


def discoveries(chances: Floats, rate: float) -> Booleans:
    """Tell which of several p-values stand, with at most a share ``rate`` of them by chance.

    Benjamini and Hochberg, *Controlling the false discovery rate*, JRSS B 57, 1995; columns of one
    machine go up and down together, for which Benjamini and Yekutieli (Annals of Statistics 29,
    2001) show that it holds too. Where nothing drifted, any discovery at all has chance ``rate``.
    NaN is a question that was not asked.
    """
    asked = np.isfinite(chances)
    order = np.sort(chances[asked])
    reached = np.flatnonzero(order <= rate * np.arange(1, len(order) + 1) / max(len(order), 1))
    limit = order[reached[-1]] if len(reached) else -1.0
    return np.asarray(asked & (chances <= limit))


def together(chances: Floats, axis: int = -1) -> Floats:
    """Make one p-value of several about one thing, whatever ties them.

    Cauchy combination (Liu and Xie, *JASA* 115, 2020): exact in the tail under any dependence.
    """
    kept = np.clip(chances, 1e-300, 1 - 1e-15)
    # tan(pi (1/2 - p)) is 1 / tan(pi p), which keeps its digits where p is tiny.
    told = (1.0 / np.tan(np.pi * kept)).mean(axis=axis)
    return np.asarray(np.where(told > 1e8, 1.0 / (np.pi * told), 0.5 - np.arctan(told) / np.pi))
