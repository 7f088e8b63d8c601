"""How large the network is."""

from collections.abc import Mapping
from dataclasses import dataclass

from genba.errors import LearnError
from genba.learn.arrays import AnyArray
from genba.learn.backbone.window import HORIZON, LENGTH, PATCH

TOKENS = LENGTH // PATCH
LINEAR = 8
"""Linear maps of the skip path."""
MOST_ORDER = 16
LEVELS = (1, 2, 4, 8, 16)
"""Orders of the autoregressions of values."""
CHANGES = (1, 4, 16)
"""Orders of the autoregressions of changes from row to row."""
PERIODS = tuple(range(2, LENGTH + 1))
"""Periods whose copies are weighed, in rows."""
EXPERTS = LINEAR + len(LEVELS) + len(CHANGES) + 1
"""Forecasts that are weighed: linear ones, autoregressive ones, and the copy."""
TOLD = 4 + 24 + MOST_ORDER + 10 + 3 * (len(LEVELS) + len(CHANGES))
"""Figures of a window that the network is told."""
EPSILON = 1e-5
MOST_PARAMETERS = 5_000_000


@dataclass(frozen=True, slots=True)
class Shape:
    """Numbers per patch, and mixer blocks."""

    width: int = 64
    blocks: int = 2

    def __post_init__(self) -> None:
        if self.width < 8 or self.blocks < 1 or self.parameters > MOST_PARAMETERS:
            raise LearnError(
                f"a backbone of width {self.width} with {self.blocks} blocks has "
                f"{self.parameters:,} parameters; stay within {MOST_PARAMETERS:,}, with a width "
                "of at least 8 and one block"
            )

    @classmethod
    def of(cls, weights: Mapping[str, AnyArray]) -> "Shape":
        """Tell how large a network is by its weights."""
        width = weights["last.gain"].shape[0]
        return cls(width, sum(name.endswith(".time.into") for name in weights))

    @property
    def parameters(self) -> int:
        """How many numbers are learned."""
        width = self.width
        mixing = sum(2 * width + 4 * size * size + 3 * size for size in (TOKENS, width))
        outputs = EXPERTS * HORIZON + HORIZON + len(PERIODS)
        heads = (2 * width + 1) * outputs + len(PERIODS) + 1 + (width + 1) * PATCH
        rest = (2 * PATCH + TOLD + TOKENS + 2) * width + LINEAR * LENGTH * HORIZON
        return self.blocks * mixing + heads + rest
