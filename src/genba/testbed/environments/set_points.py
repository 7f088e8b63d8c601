"""Actions: from -1 to 1 for each set-point, and what they mean to the machine."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from genba.errors import TestbedError
from genba.plant import DataType, Plant

Action = NDArray[np.float32]
Around = Literal["range", "recipe"]


@dataclass(frozen=True, slots=True)
class SetPoint:
    """One set-point with the range that the plant file allows to whoever writes it."""

    name: str
    low: float
    high: float
    whole: bool
    """Whether the device takes whole numbers only."""

    def over_range(self, action: float) -> float:
        """-1 is the low end of the range and 1 the high end."""
        return self._shaped(self.low + 0.5 * (action + 1.0) * (self.high - self.low))

    def about(self, recipe: float, action: float) -> float:
        """0 is the recipe; 1 is 30% of it more, or a tenth of the range, whichever is less.

        What would leave the range stays at its end.
        """
        reach = min(0.3 * abs(recipe), 0.1 * (self.high - self.low))
        return self._shaped(min(self.high, max(self.low, recipe + action * reach)))

    def action_for(self, value: float) -> float:
        """Invert :meth:`over_range`."""
        return 2.0 * (value - self.low) / (self.high - self.low) - 1.0

    def _shaped(self, value: float) -> float:
        return float(round(value)) if self.whole else value


def set_points_of(plant: Plant, machine: str, names: Sequence[str]) -> tuple[SetPoint, ...]:
    """Read the ranges of a machine's set-points from the plant file.

    Raises
    ------
    TestbedError
        If one has no range there.
    """
    found: list[SetPoint] = []
    for name in names:
        signal = plant.signals.get(f"{machine}.{name}")
        if signal is None:
            continue
        limits = signal.range
        if limits is None or limits.low is None or limits.high is None:
            raise TestbedError(
                f"{signal.id} has no range in plant.yaml, so actions have no scale; add one"
            )
        found.append(SetPoint(name, limits.low, limits.high, signal.type is DataType.INT))
    return tuple(found)


def checked(action: Any, names: Sequence[str]) -> Sequence[float]:
    """Check an action, and give it as plain numbers.

    Raises
    ------
    TestbedError
        If its shape is wrong, or a value is no number from -1 to 1.
    """
    try:
        values = np.asarray(action, dtype=np.float64)
    except (TypeError, ValueError):
        raise TestbedError(
            f"an action is {len(names)} numbers, not {action!r}; "
            f"give one for each of {', '.join(names)}"
        ) from None
    if values.shape != (len(names),):
        raise TestbedError(
            f"an action has the shape {values.shape}, not ({len(names)},); "
            f"give one number for each of {', '.join(names)}"
        )
    for name, value in zip(names, values.tolist(), strict=True):
        if not math.isfinite(value) or abs(value) > 1.0 + 1e-6:
            raise TestbedError(
                f"the action for {name} is {value:g}; give a number from -1 to 1 (numpy.clip does)"
            )
    plain: Sequence[float] = values.tolist()
    return plain


def meaning(
    points: Sequence[SetPoint], action: Sequence[float], recipe: Mapping[str, float], around: Around
) -> dict[str, float]:
    """What an action sets, in the units of the signals."""
    return {
        point.name: point.over_range(value)
        if around == "range"
        else point.about(recipe[point.name], value)
        for point, value in zip(points, action, strict=True)
    }
