"""How sure a mean over seeds is."""

import math
import statistics
from collections.abc import Sequence


def half_width(values: Sequence[float]) -> float:
    """Half of the 95% interval of a mean, by Student's t; takes two values or more."""
    from scipy import stats

    t = float(stats.t.ppf(0.975, len(values) - 1))
    return t * statistics.stdev(values) / math.sqrt(len(values))
