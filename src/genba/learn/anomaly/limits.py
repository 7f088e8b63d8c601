"""Limits set on normal data that nothing was fitted on, for a wanted rate of false alarms.

Held-out rows are few and alike: what counts is how many separate peaks they hold. Beyond a start,
the tail is taken for exponential, which is the limit of most tails (peaks over threshold; Pickands,
*Annals of Statistics* 3, 1975, with shape 0). Its mean is known from ``k`` peaks only, and so the
limit is that of the predictive distribution, ``(1 + x / (k mean))^-k``: few peaks, wide limits.
"""

from dataclasses import dataclass

import numpy as np

from genba.errors import LearnError
from genba.learn.anomaly.episodes import episodes_of, weeks_of
from genba.learn.arrays import Floats, Integers, Texts
from genba.learn.data.dataset import Dataset

FEWEST = 30
_STARTS = (0.9, 0.8, 0.7, 0.5)
_PEAKS = 10
"""Separate peaks that a tail should rest on, before its start is moved down."""
_FEWEST_PEAKS = 5
_IMPOSSIBLE = 50.0
"""Times more seldom than what is wished for: a peak beyond that is no noise."""
STEADY, CHANGED, UNKNOWN = 0, 1, 2
"""Kinds of windows: one known setting; settings that just changed; one that training never saw."""


@dataclass(frozen=True, slots=True)
class Wish:
    """How often normal data may alarm: a share of rows, or findings a week of running time.

    ``a_week`` counts where the data have times; else ``share`` does.
    """

    share: float = 0.01
    a_week: float | None = None

    def __post_init__(self) -> None:
        if not 0 < self.share < 0.5:
            raise LearnError(
                f"a share of false alarms of {self.share} makes no sense; give 0.0001 to 0.1"
            )
        if self.a_week is not None and not 0 < self.a_week < 1000:
            raise LearnError(
                f"{self.a_week} false alarms a week make no sense; give 0.1 to 100, 2 by default"
            )


def limits_of(
    held: Dataset, rows: Integers, scores: Floats, kinds: Integers, wish: Wish, apart: int
) -> Floats:
    """Find a limit for each kind of window, (3,).

    Parameters
    ----------
    held : Dataset
        Normal data that nothing was fitted on.
    rows, scores, kinds : (n,)
        Where windows end, how far they are from normal, and of what kind they are.
    apart : int
        Rows by which alarms of one finding may be apart.

    Raises
    ------
    LearnError
        If there are too few scores, or some are no numbers.
    """
    _check(scores)
    found = np.zeros(3)
    for kind in (STEADY, CHANGED, UNKNOWN):
        own = kinds == kind
        if own.sum() < FEWEST:
            continue
        units, weeks = held.units[rows[own]], weeks_of(held, rows[own])
        found[kind] = limit_of(scores[own], wish, units=units, weeks=weeks, apart=apart)
    if found[STEADY] == 0:
        found[STEADY] = limit_of(
            scores, wish, units=held.units[rows], weeks=weeks_of(held, rows), apart=apart
        )
    # Where a kind hardly occurred, it is judged no more strictly than the others.
    found[CHANGED] = max(found[CHANGED], found[STEADY])
    found[UNKNOWN] = max(found[UNKNOWN], found[CHANGED])
    return np.maximum(found, 1e-12)


def limit_of(
    scores: Floats,
    wish: Wish,
    *,
    units: Texts | None = None,
    weeks: float = 0.0,
    apart: int = 1,
) -> float:
    """Find the limit that normal scores exceed as often as wished.

    A share that can be counted (five separate peaks beyond) is counted; else, and for findings a
    week, the tail says.

    Raises
    ------
    LearnError
        As with :func:`limits_of`.
    """
    _check(scores)
    units = np.full(len(scores), "", np.str_) if units is None else units
    if wish.a_week is not None and weeks > 0:
        return _by_the_week(scores, wish.a_week * weeks, units, apart)
    counted = float(np.quantile(scores, 1 - wish.share, method="higher"))
    beyond = scores > counted
    if beyond.sum() >= 4 and len(episodes_of(beyond, units, apart)) >= 4:
        return counted
    start, peaks = _start_of(scores, units, apart)
    share = float(np.mean(scores > start))
    if share <= wish.share:
        return max(counted, float(scores.max()))
    excess = float(np.mean(scores[scores > start] - start))
    return max(counted, start + _beyond(excess, peaks, share / wish.share))


def _by_the_week(scores: Floats, wanted: float, units: Texts, apart: int) -> float:
    """``wanted`` findings in the time of the scores, mostly far below one."""
    start, peaks = _start_of(scores, units, apart)
    begins = episodes_of(scores > start, units, apart)
    if len(begins) == 0 or peaks <= wanted:
        return start
    # The peak of an episode lies before the next one begins.
    tops = _without_incidents(np.sort(np.maximum.reduceat(scores, begins) - start), wanted)
    peaks = len(tops)
    return start + _beyond(float(tops.mean()), peaks, max(peaks / wanted, 1.0))


def _without_incidents(tops: Floats, wanted: float) -> Floats:
    """Leave out peaks that the others make next to impossible, at most a fifth of them.

    A held-out period may hold a fault that nobody marked. It must not hide the next one.
    """
    kept = len(tops)
    while kept > max(_FEWEST_PEAKS, 0.8 * len(tops)):
        others = tops[: kept - 1]
        times = len(others) / wanted * _IMPOSSIBLE
        if tops[kept - 1] <= _beyond(float(others.mean()), len(others), max(times, 1.0)):
            break
        kept -= 1
    return tops[:kept]


def _start_of(scores: Floats, units: Texts, apart: int) -> tuple[float, int]:
    """Where the tail starts, and how many separate peaks lie beyond; at least one."""
    best = (float(np.quantile(scores, _STARTS[0])), 1)
    for quantile in _STARTS:
        start = float(np.quantile(scores, quantile))
        peaks = len(episodes_of(scores > start, units, apart))
        if peaks > best[1]:
            best = (start, peaks)
        if peaks >= _PEAKS:
            break
    return best


def _beyond(mean: float, peaks: int, times: float) -> float:
    """How far beyond the start a tail is met ``times`` more seldom than the start itself."""
    return float(peaks * mean * (times ** (1.0 / peaks) - 1.0))


def _check(scores: Floats) -> None:
    if len(scores) < FEWEST or not np.isfinite(scores).all():
        raise LearnError(
            f"a limit takes at least {FEWEST} normal rows that were held out, with finite scores; "
            f"there are {int(np.isfinite(scores).sum())}: record longer"
        )
