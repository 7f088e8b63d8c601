"""How large the network is."""

from dataclasses import dataclass

from genba.errors import LearnError
from genba.learn.backbone.window import HORIZON, LENGTH, PATCH

TOKENS = LENGTH // PATCH
EXPERTS = 8
"""Linear maps of the skip path."""
EPSILON = 1e-5
MOST_PARAMETERS = 5_000_000


@dataclass(frozen=True, slots=True)
class Shape:
    """Numbers per patch, and mixer blocks."""

    width: int = 96
    blocks: int = 3

    def __post_init__(self) -> None:
        if self.width < 8 or self.blocks < 1 or self.parameters > MOST_PARAMETERS:
            raise LearnError(
                f"a backbone of width {self.width} with {self.blocks} blocks has "
                f"{self.parameters:,} parameters; stay within {MOST_PARAMETERS:,}, with a width "
                "of at least 8 and one block"
            )

    @property
    def parameters(self) -> int:
        """How many numbers are learned."""
        width = self.width
        mixing = sum(2 * width + 4 * size * size + 3 * size for size in (TOKENS, width))
        heads = 2 * width * (EXPERTS + HORIZON) + EXPERTS + HORIZON + width * PATCH + PATCH
        rest = 2 * PATCH * width + TOKENS * width + 2 * width + EXPERTS * LENGTH * HORIZON
        return self.blocks * mixing + heads + rest
