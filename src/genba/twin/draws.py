"""Random values as a pure function of (seed, purpose, whose, how manieth): no stream, no order.

The same lot's milling takes the same time in two alternatives, whatever else differs: common
random numbers, which take most of the noise out of a comparison (Law, *Simulation Modeling and
Analysis*, 5th ed., 2015, 11.2). Bits come from the finalizer of SplitMix64 (Steele, Lea and Flood,
"Fast splittable pseudorandom number generators", 2014), gamma values by Marsaglia and Tsang (2000).
"""

# mypy: disable-error-code="no-any-return"
# Fields of records have no types of their own.

import math
from typing import Any

import numpy as np

from genba.jit import compiled
from genba.twin.reach import World, dist_at, quantile_at, whole_at

# Purposes. Each has draws of its own.
OF_SETUP = np.uint64(1)
OF_RUN = np.uint64(2)
OF_PARTS = np.uint64(3)
OF_OVERHEAD = np.uint64(4)
OF_SCRAP = np.uint64(5)
OF_LIFE = np.uint64(6)
OF_REPAIR = np.uint64(7)
OF_DRIVE = np.uint64(8)
OF_HANDLE = np.uint64(9)
OF_SPOIL = np.uint64(10)

CONSTANT, LOGNORMAL, WEIBULL, GAMMA, EMPIRICAL = 0, 1, 2, 3, 4
"""Codes of :class:`genba.twin.distribution.Shape` in its order."""

_ONE = np.uint64(1)
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_OTHER = np.uint64(0xD1B54A32D192ED03)
_MIX1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX2 = np.uint64(0x94D049BB133111EB)
_S30, _S27, _S31, _S11 = np.uint64(30), np.uint64(27), np.uint64(31), np.uint64(11)
_UNIT = 1.0 / 9007199254740992.0


@compiled
def mix(value: Any) -> Any:
    """Scramble 64 bits."""
    value = (value ^ (value >> _S30)) * _MIX1
    value = (value ^ (value >> _S27)) * _MIX2
    return value ^ (value >> _S31)


@compiled
def bits(seed: Any, purpose: Any, whose: Any, count: Any) -> Any:
    """Return 64 random bits for one purpose of one thing for the ``count``-th time."""
    key = mix(seed + purpose * _GOLDEN)
    return mix(mix(key ^ whose) + np.uint64(count) * _GOLDEN)


@compiled
def uniform(word: Any) -> float:
    """Turn 64 bits into a value in (0, 1)."""
    return (np.float64(word >> _S11) + 0.5) * _UNIT


@compiled
def normal(word: Any) -> float:
    """Turn 64 bits into a standard normal value (Box and Muller, 1958)."""
    radius = math.sqrt(-2.0 * math.log(uniform(word)))
    return radius * math.cos(2.0 * math.pi * uniform(mix(word + _GOLDEN)))


@compiled
def _gamma(shape: float, word: Any) -> float:
    boost = 1.0
    if shape < 1.0:
        word = mix(word + _GOLDEN)
        boost = uniform(word) ** (1.0 / shape)
        shape += 1.0
    d = shape - 1.0 / 3.0
    c = 1.0 / math.sqrt(9.0 * d)
    while True:
        word = mix(word + _OTHER)
        z = normal(word)
        v = 1.0 + c * z
        if v <= 0.0:
            continue
        v = v * v * v
        word = mix(word + _OTHER)  # not the bits that the normal value was made of
        if math.log(uniform(word)) < 0.5 * z * z + d - d * v + d * math.log(v):
            return boost * d * v


@compiled
def draw(w: World, index: int, word: Any) -> float:
    """Draw from distribution ``index`` of the table with the given bits."""
    dist = dist_at(w, index)
    shape = dist.shape
    if shape == CONSTANT:
        return dist.a
    if shape == WEIBULL:
        value = -math.log(uniform(word))
        return dist.a * value if dist.b == 1.0 else dist.a * value ** (1.0 / dist.b)
    if shape == LOGNORMAL:
        return dist.a * math.exp(dist.b * normal(word))
    if shape == GAMMA:
        return dist.a * _gamma(dist.b, word)
    last = whole_at(w, 0).quantiles - 1
    place = uniform(word) * last
    low = int(place)
    first = index * (last + 1) + low
    here = quantile_at(w, first).seconds
    return here + (place - low) * (quantile_at(w, first + 1).seconds - here)


@compiled
def draw_left(w: World, index: int, word: Any, age: float) -> float:
    """Draw what is left of a life that has lasted for ``age`` already."""
    dist = dist_at(w, index)
    if age <= 0.0:
        return draw(w, index, word)
    if dist.shape == WEIBULL:
        spent = (age / dist.a) ** dist.b
        return dist.a * (spent - math.log(uniform(word))) ** (1.0 / dist.b) - age
    for _ in range(200):
        life = draw(w, index, word)
        if life > age:
            return life - age
        word = mix(word + _OTHER)
    return 0.0  # it has lived longer than the distribution allows: it fails now


@compiled
def binomial(count: int, probability: float, word: Any) -> int:
    """Draw how many of ``count`` parts it strikes, by inversion of one uniform value."""
    if probability <= 0.0 or count <= 0:
        return 0
    if probability >= 1.0:
        return count
    odds = probability / (1.0 - probability)
    mass = (1.0 - probability) ** count
    left = uniform(word)
    struck = 0
    while left > mass and struck < count:
        left -= mass
        struck += 1
        mass *= odds * (count - struck + 1) / struck
    return struck
