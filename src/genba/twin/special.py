"""Special functions on arrays: what fitting needs and numpy has not.

Formulas from Abramowitz and Stegun, *Handbook of Mathematical Functions* (1964), by number.
"""

import math

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_SERIES = 400
"""Most terms of the incomplete gamma function's series; ``_LARGE`` bounds what is needed."""
_LARGE = 150.0
"""Shape of a gamma distribution from which on it is as good as normal in the cube root."""


def digamma(x: Floats) -> Floats:
    """Derivative of ln gamma, for ``x > 0`` (6.3.5 up to 8, then 6.3.18). Same shape."""
    shifted, total = np.array(x, dtype=np.float64), np.zeros_like(x, dtype=np.float64)
    for _ in range(8):
        total -= 1.0 / shifted
        shifted += 1.0
    square = 1.0 / shifted**2
    tail = square * (1 / 12 - square * (1 / 120 - square * (1 / 252 - square / 240)))
    return np.asarray(total + np.log(shifted) - 0.5 / shifted - tail)


def trigamma(x: Floats) -> Floats:
    """Second derivative of ln gamma, for ``x > 0`` (6.4.6, then 6.4.12). Same shape."""
    shifted, total = np.array(x, dtype=np.float64), np.zeros_like(x, dtype=np.float64)
    for _ in range(8):
        total += 1.0 / shifted**2
        shifted += 1.0
    square = 1.0 / shifted**2
    tail = square * (1 / 6 - square * (1 / 30 - square * (1 / 42 - square / 30)))
    return np.asarray(total + 1.0 / shifted + square / 2 + tail / shifted)


def normal_cdf(z: Floats) -> Floats:
    """Distribution function of the standard normal, within 1e-7 (26.2.17). Same shape."""
    t = 1.0 / (1.0 + 0.2316419 * np.abs(z))
    poly = t * (
        0.319381530 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429)))
    )
    upper = np.exp(-0.5 * np.square(z)) / math.sqrt(2 * math.pi) * poly
    return np.asarray(np.where(z >= 0, 1.0 - upper, upper))


def gamma_cdf(x: Floats, shape: Floats) -> Floats:
    """Distribution function of the gamma distribution with scale 1.

    The series 6.5.29 below ``_LARGE``; above it Wilson and Hilferty's cube root (26.4.17), whose
    error is below 1e-4 there. ``x`` and ``shape`` are broadcast against each other.
    """
    x, shape = np.broadcast_arrays(np.asarray(x, np.float64), np.asarray(shape, np.float64))
    result = np.zeros(x.shape)
    large = shape > _LARGE
    if large.any():
        k = shape[large]
        cube = np.cbrt(x[large] / k)
        result[large] = normal_cdf((cube - 1 + 1 / (9 * k)) * 3 * np.sqrt(k))
    small = ~large
    if small.any():
        result[small] = _by_series(x[small], shape[small])
    return result


def _by_series(x: Floats, shape: Floats) -> Floats:
    inside = np.clip(x, 1e-300, shape + 12.0 * np.sqrt(shape) + 40.0)  # beyond: 1
    term = 1.0 / shape
    total = term.copy()
    for number in range(1, _SERIES):
        term = term * inside / (shape + number)
        total += term
        if np.all(term < 1e-12 * total):
            break
    distinct, inverse = np.unique(shape, return_inverse=True)
    ln_gamma = np.array([math.lgamma(k) for k in distinct])[inverse.reshape(shape.shape)]
    return np.asarray(np.clip(total * np.exp(shape * np.log(inside) - inside - ln_gamma), 0, 1))
