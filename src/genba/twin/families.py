"""Lognormal, gamma and Weibull: maximum likelihood, distribution function, random values.

All take a matrix of samples, a row for each, so that a bootstrap is one call. Parameters are those
of :class:`genba.twin.distribution.Distribution`.
"""

from dataclasses import dataclass

import numpy as np

from genba.twin.distribution import Shape
from genba.twin.special import Floats, digamma, gamma_cdf, normal_cdf, trigamma

PARAMETRIC = (Shape.LOGNORMAL, Shape.GAMMA, Shape.WEIBULL)
"""Families that are tried."""

_STEPS = 60
_LEAST_SPREAD = 1e-9
_MOST_SHAPE = 1e8


@dataclass(frozen=True, slots=True)
class Parameters:
    """``a`` and ``b`` of a family, one of each per sample, as columns (rows, 1)."""

    shape: Shape
    a: Floats
    b: Floats


def maximum_likelihood(shape: Shape, values: Floats) -> Parameters:
    """Fit a family to each row of ``values`` (rows, n), all above 0, n at least 2.

    Lognormal in closed form; the gamma's shape by Minka's generalized Newton steps (*Estimating a
    Gamma distribution*, 2002); the Weibull's by Newton steps on its profile equation (Law,
    *Simulation Modeling and Analysis*, 6.2.2).
    """
    logs = np.log(values)
    if shape is Shape.LOGNORMAL:
        middle = logs.mean(axis=1, keepdims=True)
        sigma = np.maximum(logs.std(axis=1, keepdims=True), _LEAST_SPREAD)
        return Parameters(shape, np.exp(middle), sigma)
    if shape is Shape.GAMMA:
        return _gamma(values, logs)
    return _weibull(logs)


def _gamma(values: Floats, logs: Floats) -> Parameters:
    mean = values.mean(axis=1, keepdims=True)
    gap = np.maximum(np.log(mean) - logs.mean(axis=1, keepdims=True), 1.0 / _MOST_SHAPE)
    k = (3 - gap + np.sqrt((gap - 3) ** 2 + 24 * gap)) / (12 * gap)
    for _ in range(_STEPS):
        slope = k**2 * (1 / k - trigamma(k))
        inverse = 1 / k + (np.log(k) - digamma(k) - gap) / slope
        fresh = np.clip(1 / np.maximum(inverse, 1 / _MOST_SHAPE), 1e-3, _MOST_SHAPE)
        done = bool(np.all(np.abs(fresh - k) <= 1e-10 * k))
        k = fresh
        if done:
            break
    return Parameters(Shape.GAMMA, mean / k, k)


def _weibull(logs: Floats) -> Parameters:
    top = logs.max(axis=1, keepdims=True)
    y = logs - top
    middle = y.mean(axis=1, keepdims=True)
    k = 1.2825 / np.maximum(y.std(axis=1, keepdims=True), _LEAST_SPREAD)
    for _ in range(_STEPS):
        weight = np.exp(k * y)
        total = weight.sum(axis=1, keepdims=True)
        first = (weight * y).sum(axis=1, keepdims=True) / total
        second = (weight * y**2).sum(axis=1, keepdims=True) / total
        step = (first - 1 / k - middle) / (second - first**2 + 1 / k**2)
        fresh = np.clip(k - step, k / 3, 3 * k)
        done = bool(np.all(np.abs(fresh - k) <= 1e-10 * k))
        k = fresh
        if done:
            break
    scale = np.exp(top) * np.mean(np.exp(k * y), axis=1, keepdims=True) ** (1 / k)
    return Parameters(Shape.WEIBULL, scale, k)


def log_likelihood(found: Parameters, values: Floats) -> Floats:
    """Return the log likelihood of each row: (rows,)."""
    logs, a, b = np.log(values), found.a, found.b
    if found.shape is Shape.LOGNORMAL:
        z = (logs - np.log(a)) / b
        terms = -0.5 * z**2 - np.log(b) - 0.5 * np.log(2 * np.pi) - logs
    elif found.shape is Shape.GAMMA:
        terms = (b - 1) * logs - values / a - b * np.log(a) - _ln_gamma(b)
    else:
        terms = np.log(b) - b * np.log(a) + (b - 1) * logs - (values / a) ** b
    return np.asarray(terms.sum(axis=1))


def _ln_gamma(x: Floats) -> Floats:
    """Stirling's series (6.1.41) above 8, reached by recurrence."""
    shifted, total = x.copy(), np.zeros_like(x)
    for _ in range(8):
        total -= np.log(shifted)
        shifted = shifted + 1.0
    series = 1 / (12 * shifted) - 1 / (360 * shifted**3) + 1 / (1260 * shifted**5)
    return np.asarray(
        total + (shifted - 0.5) * np.log(shifted) - shifted + 0.5 * np.log(2 * np.pi) + series
    )


def cdf(found: Parameters, values: Floats) -> Floats:
    """Distribution function at each value, shape (rows, n)."""
    if found.shape is Shape.LOGNORMAL:
        return normal_cdf((np.log(values) - np.log(found.a)) / found.b)
    if found.shape is Shape.GAMMA:
        return gamma_cdf(values / found.a, found.b)
    return np.asarray(-np.expm1(-((values / found.a) ** found.b)))


def draw(found: Parameters, rows: int, count: int, rng: np.random.Generator) -> Floats:
    """Draw ``rows`` samples of ``count`` values from a family with one row of parameters."""
    a, b = float(found.a[0, 0]), float(found.b[0, 0])
    size = (rows, count)
    if found.shape is Shape.LOGNORMAL:
        values = a * np.exp(b * rng.standard_normal(size))
    elif found.shape is Shape.GAMMA:
        values = a * rng.gamma(b, size=size)
    else:
        values = a * rng.weibull(b, size=size)
    return np.asarray(np.maximum(values, np.finfo(np.float64).tiny))
