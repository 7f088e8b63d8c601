"""Parts as earlier operations leave them, for a machine that runs alone.

Means and spreads are those of the reference plant: one shift and a half under its conventional
controller, over the lots of steel products (polymer ones for molded features).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from genba.testbed.randomness import Stream


@dataclass(frozen=True, slots=True)
class Spread:
    """A feature: its mean, the spread of lots about it, and of parts about their lot."""

    mean: float
    lots: float
    parts: float


FEATURES: Mapping[str, Mapping[str, Spread]] = {
    "mold": {"error_um": Spread(12.0, 6.0, 9.4), "warp_um": Spread(15.0, 1.1, 6.0)},
    "mill": {"error_um": Spread(0.7, 3.6, 3.9), "roughness_um": Spread(0.70, 0.07, 0.064)},
    "bore": {"error_um": Spread(0.4, 2.9, 4.5), "roughness_um": Spread(0.79, 0.03, 0.055)},
    "harden": {
        "case_mm": Spread(0.266, 0.0034, 0.0051),
        "distortion_um": Spread(16.8, 1.5, 5.5),
        "hardness_hrc": Spread(61.9, 0.15, 0.48),
    },
    "grind": {"error_um": Spread(-0.26, 0.68, 0.84), "roughness_um": Spread(0.184, 0.006, 0.013)},
    "assemble": {
        "misalignment_um": Spread(24.0, 7.0, 13.0),
        "gap_um": Spread(0.05, 0.1, 0.1),
        "preload_lack": Spread(0.005, 0.014, 0.024),
        "dent": Spread(0.0046, 0.0002, 0.0),
    },
}
"""By operation, then by feature without the operation's name before it."""
_SIGNED = {"error_um"}


class IncomingLot:
    """One lot that comes to a machine, with what the operations before it left."""

    def __init__(self, operations: Iterable[str], stream: Stream) -> None:
        self._stream = stream
        self._lot = {
            f"{operation}_{name}": (
                stream.normal(spread.mean, spread.lots),
                spread.parts,
                name in _SIGNED,
            )
            for operation in operations
            for name, spread in FEATURES.get(operation, {}).items()
        }

    def features(self) -> dict[str, float]:
        """Hidden features of the lot's next part."""
        drawn: dict[str, float] = {}
        for name, (mean, spread, signed) in self._lot.items():
            value = self._stream.normal(mean, spread)
            drawn[name] = value if signed else max(0.0, value)
        return drawn
