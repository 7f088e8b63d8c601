"""Distributions from what was measured, and how well they fit, from how many observations.

A family is chosen by Akaike's criterion corrected for small samples (AICc; Burnham and Anderson,
*Model Selection and Multimodel Inference*, 2002), with BIC beside it. Its fit is judged by the
statistics of Kolmogorov and Smirnov and of Anderson and Darling. Since the parameters come from the
same data, the tables of these statistics do not hold; the p-value is that of a parametric bootstrap
in which every replicate is fitted anew (Stute, Gonzáles Manteiga and Presedo Quindimil, 1993).
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from genba.errors import TwinError
from genba.twin.distribution import Distribution, Shape, constant, empirical
from genba.twin.families import (
    PARAMETRIC,
    Parameters,
    cdf,
    draw,
    log_likelihood,
    maximum_likelihood,
)
from genba.twin.special import Floats

REPLICATES = 199
LEAST_FOR_A_SHAPE = 8
"""Observations from which on a family is chosen; below, the spread is given as lognormal."""
CONSTANT_CV = 0.003
"""Spread below which a value counts as constant: finer than devices' clocks tell."""
REJECTED_P = 0.01
MEAN_OFF = 0.2
"""Part by which a family's mean may be off the data's: a likely body with a tail that nobody saw
would spoil every total that is simulated with it."""
LEAST_FOR_EMPIRICAL = 40
"""Observations from which on quantiles stand in where every family is rejected."""


@dataclass(frozen=True, slots=True)
class Goodness:
    """How far a fitted distribution is from the data."""

    ks: float
    """Kolmogorov-Smirnov: greatest distance of the distribution functions, 0 to 1."""
    ad: float
    """Anderson-Darling: squared distance, weighed up in the tails."""
    p: float
    """Part of the replicates that lie as far off by Anderson-Darling; small: it does not fit."""


@dataclass(frozen=True, slots=True)
class Fit:
    """A distribution and what it rests on."""

    distribution: Distribution
    count: int
    """Observations, the censored ones included."""
    mean: float
    """Of the observations, censored ones left out; NaN without any."""
    censored: int = 0
    """Observations that were not over: known to be longer, not how long."""
    goodness: Goodness | None = None
    """None: too few observations, a constant, or quantiles that fit by construction."""
    aicc: Mapping[Shape, float] = field(default_factory=dict)
    bic: Mapping[Shape, float] = field(default_factory=dict)
    note: str = ""
    """In plain words, what the reader should know of it."""


def fit(values: Sequence[float], seed: int = 0, replicates: int = REPLICATES) -> Fit:
    """Fit a distribution to values of 0 or more.

    Parameters
    ----------
    values : sequence of float
        At least one.
    seed : int
        Of the bootstrap.
    replicates : int
        Of the bootstrap; 0: no p-value is asked for, and the best family is taken as it is.

    Raises
    ------
    TwinError
        If there is no value, or one is negative or not finite.
    """
    data = np.asarray(values, dtype=np.float64)
    if data.size == 0:
        raise TwinError("nothing was observed; a distribution needs at least one value")
    if not np.all(np.isfinite(data)) or data.min() < 0:
        raise TwinError("a fit takes finite values of 0 or more; clean what was recorded first")
    mean, count = float(data.mean()), int(data.size)
    if mean == 0 or float(data.std()) <= CONSTANT_CV * mean:
        return Fit(constant(mean), count, mean, note="no spread worth a distribution")
    if data.min() <= 0:
        return Fit(
            empirical(data.tolist()), count, mean, note="some values are 0: measured quantiles"
        )
    row = np.sort(data)[np.newaxis, :]
    if count < LEAST_FOR_A_SHAPE:
        note = f"{count} observations: too few to choose a family"
        found = maximum_likelihood(Shape.LOGNORMAL, row)
        if not _keeps_mean(found, mean):
            return Fit(empirical(data.tolist()), count, mean, note=f"{note}: measured quantiles")
        return Fit(_plain(found), count, mean, note=note)
    return _choose(row, mean, seed, replicates)


def _choose(row: Floats, mean: float, seed: int, replicates: int) -> Fit:
    count = row.shape[1]
    every = [maximum_likelihood(shape, row) for shape in PARAMETRIC]
    fitted = {p.shape: p for p in every if _keeps_mean(p, mean)}
    logs = {shape: float(log_likelihood(p, row)[0]) for shape, p in fitted.items()}
    aicc = {s: 4 - 2 * value + 12 / (count - 3) for s, value in logs.items()}
    bic = {s: 2 * math.log(count) - 2 * value for s, value in logs.items()}
    best = min(fitted, key=lambda s: aicc[s])
    goodness = judge(fitted[best], row, seed, replicates) if replicates else None
    if goodness is not None and goodness.p < REJECTED_P and count >= LEAST_FOR_EMPIRICAL:
        return Fit(
            empirical(row[0].tolist()),
            count,
            mean,
            aicc=aicc,
            bic=bic,
            note=f"no family fits (best: {best}, p {goodness.p:.3f}): measured quantiles",
        )
    return Fit(_plain(fitted[best]), count, mean, goodness=goodness, aicc=aicc, bic=bic)


def _keeps_mean(found: Parameters, mean: float) -> bool:
    """Whether a family's mean is about the data's; the gamma's always is."""
    try:
        return abs(_plain(found).mean - mean) <= MEAN_OFF * mean
    except OverflowError:
        return False


def judge(found: Parameters, row: Floats, seed: int, replicates: int = REPLICATES) -> Goodness:
    """Judge how well a fitted family fits sorted values, (1, n)."""
    ks, ad = _distances(cdf(found, row))
    rng = np.random.default_rng([seed, row.shape[1]])
    drawn = np.sort(draw(found, replicates, row.shape[1], rng), axis=1)
    again = maximum_likelihood(found.shape, drawn)
    _, spread = _distances(cdf(again, drawn))
    p = (1 + int(np.sum(spread >= ad[0]))) / (replicates + 1)
    return Goodness(float(ks[0]), float(ad[0]), p)


def _distances(u: Floats) -> tuple[Floats, Floats]:
    """Kolmogorov-Smirnov and Anderson-Darling of sorted distribution values, (rows, n)."""
    count = u.shape[1]
    rank = np.arange(1, count + 1)
    ks = np.maximum(rank / count - u, u - (rank - 1) / count).max(axis=1)
    safe = np.clip(u, 1e-12, 1 - 1e-12)
    terms = (2 * rank - 1) * (np.log(safe) + np.log1p(-safe[:, ::-1]))
    return ks, -count - terms.mean(axis=1)


def _plain(found: Parameters) -> Distribution:
    return Distribution(found.shape, float(found.a[0, 0]), float(found.b[0, 0]))
