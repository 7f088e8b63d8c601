"""What the rows of a unit say together: each row so far votes with its log odds.

One row of a worn tool looks much like one of a new tool; a hundred of them do not. The vote of a
row counts rows up to it and none after it, so it could have been told at that moment.
"""

import numpy as np

from genba.learn.arrays import Booleans, Floats, Texts

_SURE = 1e-6
"""Nothing is surer than this: one row shall not outvote all others."""


def votes(chance: Floats, units: Texts) -> Booleans:
    """Whether rows up to each one of its unit say class 1, (n,); rows of a unit stand in order.

    Class 1 is what is more likely than not: a threshold for single rows may be far from that.
    """
    sure = np.clip(chance, _SURE, 1 - _SURE)
    odds = np.log(sure / (1 - sure))
    said = np.zeros(len(chance), np.bool_)
    for unit in np.unique(units):
        own = units == unit
        said[own] = np.cumsum(odds[own]) >= 0
    return said
