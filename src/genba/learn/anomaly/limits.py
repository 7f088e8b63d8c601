"""Limits set on normal data that nothing was fitted on, for a wanted share of false alarms."""

import numpy as np

from genba.errors import LearnError
from genba.learn.arrays import Floats

FEWEST = 30
_TAIL = 0.1


def limit_of(scores: Floats, share: float) -> float:
    """Find the limit that normal scores exceed in a share of all rows.

    Where the share is too small to be counted (fewer than five rows beyond), the tail above the
    90th percentile is taken for exponential, which is the limit of most tails (peaks over
    threshold; Pickands, *Annals of Statistics* 3, 1975, with shape 0), and the limit lies where
    that tail reaches the share.

    Raises
    ------
    LearnError
        If there are too few scores, or some are no numbers.
    """
    if len(scores) < FEWEST or not np.isfinite(scores).all():
        raise LearnError(
            f"a limit takes at least {FEWEST} normal rows that were held out, with finite scores; "
            f"there are {int(np.isfinite(scores).sum())}: record longer"
        )
    if not 0 < share < 0.5:
        raise LearnError(f"a share of false alarms of {share} makes no sense; give 0.0001 to 0.1")
    if share * len(scores) >= 5:
        return float(np.quantile(scores, 1 - share, method="higher"))
    start = float(np.quantile(scores, 1 - _TAIL))
    beyond = scores[scores > start] - start
    if len(beyond) == 0:
        return float(scores.max())
    far = start + float(beyond.mean()) * np.log(_TAIL / share)
    return max(float(far), float(np.quantile(scores, 1 - share)))
