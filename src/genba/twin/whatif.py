"""What if: the same futures with and without a change, and how sure the difference is.

Both are simulated with the same seeds, and draws depend on what they are for, so that chance plays
the same part in both (common random numbers); the interval is that of the mean of the differences
of the pairs (Law, *Simulation Modeling and Analysis*, 5th ed., 2015, 10.2 and 11.2).
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from genba.errors import TwinError
from genba.twin.changes import Change, Situation, changed
from genba.twin.future import MEASURES, Futures, futures
from genba.twin.line import Line
from genba.twin.policy import Schedule
from genba.twin.state import State

CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Measure:
    """One measure without and with the changes."""

    base_p50: float
    base_p90: float
    changed_p50: float
    changed_p90: float
    difference: float
    """Mean of changed less base, future by future."""
    low: float
    high: float
    """Interval of that mean at ``CONFIDENCE``."""

    @property
    def is_clear(self) -> bool:
        """Whether the interval excludes no difference."""
        return self.low > 0 or self.high < 0


@dataclass(frozen=True)
class Comparison:
    """The answer of :func:`what_if`."""

    changes: tuple[str, ...]
    base: Futures
    changed: Futures
    measures: Mapping[str, Measure]
    """By the names of ``MEASURES``."""


def what_if(
    line: Line,
    state: State,
    changes: Sequence[Change],
    horizon_s: float,
    n: int = 100,
    seed: int = 0,
    schedule: Schedule = (),
) -> Comparison:
    """Compare ``n`` futures of a line with the same futures after changes.

    Parameters
    ----------
    line, state, horizon_s, n, seed, schedule
        As :func:`genba.twin.futures` takes them. The plan is followed in both; what a change takes
        from it (a lot that is cut, a machine that is long down) is decided by the rules.
    changes : sequence of Change
        Applied in their order.

    Raises
    ------
    TwinError
        If there is no change, one makes no sense here, or fewer than two futures are asked for.
    """
    if not changes:
        raise TwinError("what if what? name a change, such as 'mill-2 down until thu 06:00'")
    if n < 2:
        raise TwinError(f"{n} futures give no interval; ask for 2 or more")
    before = Situation(line, state, schedule)
    after = changed(before, changes)
    base, other = (
        futures(s.line, s.state, horizon_s, n, seed, s.schedule, s.outages) for s in (before, after)
    )
    return Comparison(
        changes=tuple(str(change) for change in changes),
        base=base,
        changed=other,
        measures={name: compare(name, base, other) for name in MEASURES},
    )


def compare(name: str, base: Futures, other: Futures) -> Measure:
    """Compare one measure of futures that pair up by their seeds."""
    difference = getattr(other, name) - getattr(base, name)
    count = len(difference)
    mean = float(difference.mean())
    spread = float(np.std(difference, ddof=1)) / math.sqrt(count)
    reach = student(CONFIDENCE, count - 1) * spread
    return Measure(
        base_p50=base.p50(name),
        base_p90=base.p90(name),
        changed_p50=other.p50(name),
        changed_p90=other.p90(name),
        difference=mean,
        low=mean - reach,
        high=mean + reach,
    )


def student(confidence: float, freedom: int) -> float:
    """Return the two-sided quantile of Student's t (exact for 1 and 2, else a series).

    The series is that of Abramowitz and Stegun, *Handbook of Mathematical Functions* (1964),
    26.7.5; its error is below 1 % from 3 degrees of freedom on.
    """
    tail = (1 - confidence) / 2
    if freedom == 1:
        return math.tan(math.pi * (0.5 - tail))
    if freedom == 2:
        return (1 - 2 * tail) * math.sqrt(2 / (1 - (1 - 2 * tail) ** 2))
    z = NormalDist().inv_cdf(1 - tail)
    terms = (
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
        (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92160,
    )
    return z + math.fsum(term / float(freedom) ** k for k, term in enumerate(terms, start=1))
