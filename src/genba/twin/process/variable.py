"""What a process model speaks of: variables with a unit and a range, parameters with a prior."""

import math
from dataclasses import dataclass

from genba.errors import TwinError

STILL = 1e-3
"""Share of a range below which something was not moved."""


@dataclass(frozen=True, slots=True)
class Variable:
    """A state, an input, a piece of context, or something that is shown.

    Attributes
    ----------
    unit : str
        UCUM, as in the plant file.
    low, high : float
        The range in which the model means anything; its width is the scale of the variable.
    """

    name: str
    unit: str
    low: float
    high: float

    def __post_init__(self) -> None:
        _check_name(self.name)
        if not (math.isfinite(self.low) and math.isfinite(self.high) and self.low < self.high):
            raise TwinError(
                f"variable '{self.name}' has the range {self.low} to {self.high}; give finite "
                "bounds, the low one first"
            )

    def moved(self, seen: tuple[float, float]) -> bool:
        """Whether it was moved, where its lowest and highest values were these."""
        return seen[1] - seen[0] >= STILL * self.span

    @property
    def span(self) -> float:
        """Width of the range."""
        return self.high - self.low

    @property
    def middle(self) -> float:
        """Middle of the range."""
        return 0.5 * (self.low + self.high)


@dataclass(frozen=True, slots=True)
class Parameter:
    """A number that is the same in every run and has to be found.

    What is known beforehand is part of it, and is written with a standard normal ``z``:
    ``guess * exp(spread * z)`` where the sign is known, else ``guess + spread * z``.

    Attributes
    ----------
    guess : float
        Literature or nameplate value; not zero where the sign is known.
    spread : float
        Relative standard deviation where the sign is known (0.3: about 30%), else an absolute one.
    signed : bool
        Whether the value may be of either sign.
    """

    name: str
    unit: str
    guess: float
    spread: float
    signed: bool = False

    def __post_init__(self) -> None:
        _check_name(self.name)
        if not (math.isfinite(self.guess) and math.isfinite(self.spread) and self.spread > 0):
            raise TwinError(f"parameter '{self.name}' needs a finite guess and a spread above 0")
        if not self.signed and self.guess == 0:
            raise TwinError(
                f"parameter '{self.name}' is guessed as 0; give a size, or say signed=True"
            )

    def value(self, z: float) -> float:
        """Turn a standard normal number into a value."""
        return (
            self.guess + self.spread * z if self.signed else self.guess * math.exp(self.spread * z)
        )


def _check_name(name: str) -> None:
    if not name.isidentifier():
        raise TwinError(f"'{name}' cannot name a variable; use letters, digits and underscores")
