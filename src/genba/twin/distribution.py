"""How long things take and how often they fail: a distribution as a plain value."""

import math
from dataclasses import dataclass
from enum import StrEnum

from genba.errors import TwinError

QUANTILES = 21
"""Points of an empirical distribution that is drawn from: 0, 5, 10 ... 100 %."""


class Shape(StrEnum):
    """Families of distributions that the kernel draws from."""

    CONSTANT = "constant"
    LOGNORMAL = "lognormal"
    WEIBULL = "weibull"
    GAMMA = "gamma"
    EMPIRICAL = "empirical"


@dataclass(frozen=True, slots=True)
class Distribution:
    """A distribution of values that are 0 or more.

    ===========  ===================  ==================
    shape        a                    b
    ===========  ===================  ==================
    constant     the value            unused
    lognormal    median               sigma of the log
    weibull      scale                shape (1: exponential)
    gamma        scale                shape
    empirical    unused               unused
    ===========  ===================  ==================

    ``quantiles`` of an empirical one are equally spaced from the least to the greatest value,
    with straight lines between them.

    Raises
    ------
    TwinError
        If a parameter is not finite or out of range.
    """

    shape: Shape = Shape.CONSTANT
    a: float = 0.0
    b: float = 0.0
    quantiles: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        if not all(math.isfinite(v) and v >= 0 for v in (self.a, self.b, *self.quantiles)):
            raise TwinError(f"a {self.shape} distribution needs finite values of 0 or more: {self}")
        if self.shape in {Shape.WEIBULL, Shape.GAMMA} and (self.a <= 0 or self.b <= 0):
            raise TwinError(
                f"a {self.shape} distribution needs a scale and a shape above 0: {self}"
            )
        if self.shape is Shape.LOGNORMAL and self.a <= 0:
            raise TwinError(f"a lognormal distribution needs a median above 0: {self}")
        if self.shape is Shape.EMPIRICAL:
            if len(self.quantiles) != QUANTILES:
                raise TwinError(
                    f"an empirical distribution needs {QUANTILES} quantiles, and has "
                    f"{len(self.quantiles)}"
                )
            if list(self.quantiles) != sorted(self.quantiles):
                raise TwinError("the quantiles of an empirical distribution must not fall")

    @property
    def mean(self) -> float:
        """Expected value."""
        match self.shape:
            case Shape.CONSTANT:
                return self.a
            case Shape.LOGNORMAL:
                return self.a * math.exp(self.b**2 / 2)
            case Shape.WEIBULL:
                return self.a * math.gamma(1 + 1 / self.b)
            case Shape.GAMMA:
                return self.a * self.b
            case Shape.EMPIRICAL:
                inner = sum(self.quantiles[1:-1])
                return (inner + (self.quantiles[0] + self.quantiles[-1]) / 2) / (QUANTILES - 1)

    def scaled(self, factor: float) -> "Distribution":
        """Return the distribution of ``factor`` times the value."""
        if self.shape is Shape.EMPIRICAL:
            return Distribution(self.shape, quantiles=tuple(q * factor for q in self.quantiles))
        return Distribution(self.shape, self.a * factor, self.b)


def constant(value: float) -> Distribution:
    """Return the distribution that always gives ``value``."""
    return Distribution(Shape.CONSTANT, value)


def lognormal(median: float, sigma: float) -> Distribution:
    """Return a lognormal distribution by its median and the standard deviation of its log."""
    return Distribution(Shape.LOGNORMAL, median, sigma)


def weibull(scale: float, shape: float) -> Distribution:
    """Return a Weibull distribution; shape 1 is the exponential one, above 1 wears out."""
    return Distribution(Shape.WEIBULL, scale, shape)


def exponential(mean: float) -> Distribution:
    """Return an exponential distribution by its mean."""
    return Distribution(Shape.WEIBULL, mean, 1.0)


def gamma(scale: float, shape: float) -> Distribution:
    """Return a gamma distribution; its mean is scale times shape."""
    return Distribution(Shape.GAMMA, scale, shape)


def empirical(values: list[float]) -> Distribution:
    """Return the distribution of measured values, by their quantiles (type 7).

    Raises
    ------
    TwinError
        If there is no value, or one is negative or not finite.
    """
    if not values:
        raise TwinError("an empirical distribution needs at least one value")
    ordered = sorted(values)
    quantiles = []
    for number in range(QUANTILES):
        place = number / (QUANTILES - 1) * (len(ordered) - 1)
        low = math.floor(place)
        high = min(low + 1, len(ordered) - 1)
        quantiles.append(ordered[low] + (place - low) * (ordered[high] - ordered[low]))
    return Distribution(Shape.EMPIRICAL, quantiles=tuple(quantiles))


AS_PLANNED = constant(1.0)
"""The factor of what takes exactly as long as planned."""
NO_TIME = constant(0.0)
"""The time of what takes none."""
