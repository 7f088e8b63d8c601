"""How many findings a week a plant bears, and what a count of them says about that."""

from dataclasses import dataclass

import numpy as np

from genba.errors import LearnError
from genba.learn.anomaly.episodes import WEEK_US

BUDGET_A_WEEK = 2.0
"""Findings of one model in a week of running time that people will look into."""
LEVEL = 0.95
"""Confidence of each of the two bounds."""


@dataclass(frozen=True, slots=True)
class Rate:
    """Episodes that were counted in some time, as a rate with bounds.

    The bounds are the exact one-sided ones of a Poisson count (Garwood, *Biometrika* 28, 1936),
    each at 95%.

    Parameters
    ----------
    count : int
        Findings, each from when it was raised until it was cleared.
    weeks : float
        Running time in weeks of 168 hours.

    Raises
    ------
    LearnError
        If there is no time.
    """

    count: int
    weeks: float

    def __post_init__(self) -> None:
        if not self.weeks > 0:
            raise LearnError("a rate over no time is undefined; take a longer stretch")

    @property
    def a_week(self) -> float:
        """Findings a week, as counted."""
        return self.count / self.weeks

    @property
    def low(self) -> float:
        """The true rate is higher than this, at 95%."""
        from scipy.stats import chi2

        return 0.0 if self.count == 0 else float(chi2.ppf(1 - LEVEL, 2 * self.count)) / self._twice

    @property
    def high(self) -> float:
        """The true rate is lower than this, at 95%."""
        from scipy.stats import chi2

        return float(chi2.ppf(LEVEL, 2 * self.count + 2)) / self._twice

    @property
    def _twice(self) -> float:
        return 2 * self.weeks

    def exceeds(self, budget: float) -> bool:
        """Whether so many findings within the budget would be a chance of less than 5%."""
        return self.low > budget

    def keeps(self, budget: float) -> bool:
        """Whether it is sure, at 95%, that the budget holds."""
        return self.high <= budget

    def weeks_to_be_sure(self, budget: float) -> float:
        """Running time without any further finding after which that would be sure."""
        from scipy.stats import chi2

        return float(chi2.ppf(LEVEL, 2 * self.count + 2)) / (2 * budget)


def rate_of(count: int, moments: int, step_s: float) -> Rate:
    """Count episodes over so many moments that were answered, one each ``step_s``."""
    return Rate(count, float(np.round(moments * step_s * 1e6)) / WEEK_US)
