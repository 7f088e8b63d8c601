"""Intervals and sets that hold the truth as often as they say, whatever the model.

Split conformal prediction (Papadopoulos et al., ECML 2002; Vovk's class-conditional form): rows
that nothing was fitted on say how far off answers are. It holds for rows that are like those; where
the process drifts, the watch shows that it no longer does.
"""

import numpy as np

from genba.learn.arrays import Booleans, Floats


def half_width(truth: Floats, said: Floats, cover: float) -> float:
    """Half the width of an interval around an answer; infinite where rows are too few to say."""
    apart = np.sort(np.abs(truth - said))
    place = int(np.ceil((len(apart) + 1) * cover)) - 1
    return float(apart[place]) if place < len(apart) else float("inf")


def class_limits(classes: Floats, labels: Floats, cover: float) -> Floats:
    """For each class, the probability from which on it belongs to the set, (classes,).

    Each class is in the set of its own rows with probability ``cover``; where too few rows are of
    a class, its limit is 0: it is always in the set.
    """
    limits = np.zeros(classes.shape[1])
    for index in range(classes.shape[1]):
        own = np.sort(classes[labels == index, index])
        place = int(np.floor((len(own) + 1) * (1 - cover))) - 1
        limits[index] = own[place] if place >= 0 else 0.0
    return limits


def sets_of(classes: Floats, limits: Floats) -> Booleans:
    """Which classes each row may be, (n, classes)."""
    return np.asarray(classes >= limits)
