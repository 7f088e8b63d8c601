"""Seeded chance: one independent stream for each purpose, so that no draw shifts another's."""

import math
import zlib

import numpy as np

_BLOCK = 512


class Stream:
    """Random numbers of one purpose, as plain floats.

    Numbers are drawn in blocks from a ``numpy.random.Generator`` and handed out one by one,
    which is several times faster than single draws.
    """

    __slots__ = ("_generator", "_normals", "_uniforms")

    def __init__(self, generator: np.random.Generator) -> None:
        self._generator = generator
        self._normals: list[float] = []
        self._uniforms: list[float] = []

    def apart(self) -> "Stream":
        """Make a stream beside this one, which draws nothing from it."""
        return Stream(self._generator.spawn(1)[0])

    def normal(self, mean: float = 0.0, deviation: float = 1.0) -> float:
        """Gaussian."""
        if not self._normals:
            self._normals = self._generator.standard_normal(_BLOCK).tolist()
        return mean + deviation * self._normals.pop()

    def uniform(self, low: float = 0.0, high: float = 1.0) -> float:
        """Even in ``[low, high)``."""
        if not self._uniforms:
            self._uniforms = self._generator.random(_BLOCK).tolist()
        return low + (high - low) * self._uniforms.pop()

    def chance(self, probability: float) -> bool:
        """True with this probability."""
        return self.uniform() < probability

    def exponential(self, mean: float = 1.0) -> float:
        """Waiting time of a process without memory."""
        return -mean * math.log(1.0 - self.uniform())

    def lognormal(self, median: float, sigma: float) -> float:
        """Positive, skewed; ``sigma`` is the deviation of the logarithm."""
        return median * math.exp(sigma * self.normal())

    def weibull(self, shape: float, scale: float) -> float:
        """Life time; ``scale`` is the age at which 63.2% have failed."""
        return scale * math.pow(self.exponential(), 1.0 / shape)

    def integer(self, low: int, high: int) -> int:
        """Even in ``low .. high``, both included."""
        return low + int(self.uniform() * (high - low + 1))


class Chance:
    """Hands out streams by purpose; the same seed and purpose give the same numbers."""

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def stream(self, purpose: str) -> Stream:
        """Make the stream of a purpose such as ``mill-1.process``."""
        key = zlib.crc32(purpose.encode())
        sequence = np.random.SeedSequence(self.seed, spawn_key=(key,))
        return Stream(np.random.Generator(np.random.PCG64(sequence)))
