"""Numbers as whole numbers modulo 2^64 or 2^128: sums are exact, and a mask hides all of them.

In such a ring a number plus one drawn evenly from the ring is itself spread evenly: it tells
nothing (the one-time pad). Floats go in as fixed-point numbers, negative ones as their complement.
"""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from genba.errors import LearnError
from genba.learn.arrays import Floats

Words: TypeAlias = NDArray[np.uint64]
"""Elements of a ring, (n, limbs): 64 bits each, the lowest first."""

_WORD = 2.0**64


@dataclass(frozen=True, slots=True)
class Ring:
    """Whole numbers modulo ``2^(64 limbs)`` (1 or 2), ``fraction`` bits of them after the point."""

    limbs: int
    fraction: int

    def most(self, parties: int) -> float:
        """Return the greatest size of numbers of which so many add up without wrapping."""
        return float(2.0 ** (64 * self.limbs - 1 - self.fraction) / parties) * (1 - 2.0**-20)

    def encode(self, values: Floats, parties: int) -> Words:
        """Turn numbers (n,) into elements (n, limbs).

        Raises
        ------
        LearnError
            If one is not finite, or so large that a sum over ``parties`` might wrap.
        """
        if not np.isfinite(values).all():
            place = int(np.flatnonzero(~np.isfinite(values))[0])
            raise LearnError(
                f"number {place} of {len(values)} of this site's answer is not finite, and is not "
                "sent; look for wild values in its columns"
            )
        largest = float(np.abs(values).max(initial=0.0))
        if largest > self.most(parties):
            raise LearnError(
                f"this site's answer holds {largest:.3g}, and at most {self.most(parties):.3g} can "
                "be added up safely; give the column in a larger unit, or mend it"
            )
        scaled = np.rint(values * 2.0**self.fraction)
        negative = scaled < 0
        size = np.abs(scaled)
        words = np.zeros((len(values), self.limbs), np.uint64)
        high = np.floor(size / _WORD) if self.limbs == 2 else np.zeros(len(values))
        words[:, 0] = (size - high * _WORD).astype(np.uint64)
        if self.limbs == 2:
            words[:, 1] = high.astype(np.uint64)
        return np.where(negative[:, None], self.subtract(np.zeros_like(words), words), words)

    def decode(self, words: Words) -> Floats:
        """Turn elements (n, limbs) back into numbers (n,)."""
        negative = words[:, -1] >= np.uint64(2**63)
        size = np.where(negative[:, None], self.subtract(np.zeros_like(words), words), words)
        values = size[:, 0].astype(np.float64)
        if self.limbs == 2:
            values = values + size[:, 1].astype(np.float64) * _WORD
        return np.asarray(np.where(negative, -values, values) * 2.0**-self.fraction)

    def add(self, one: Words, other: Words) -> Words:
        """Add element by element."""
        total = one + other
        if self.limbs == 2:
            total[:, 1] += (total[:, 0] < one[:, 0]).astype(np.uint64)
        return total

    def subtract(self, one: Words, other: Words) -> Words:
        """Subtract element by element."""
        rest = one - other
        if self.limbs == 2:
            rest[:, 1] -= (one[:, 0] < other[:, 0]).astype(np.uint64)
        return rest


WIDE = Ring(2, 50)
"""For sums over rows: up to 10^23, in steps of 10^-15."""
NARROW = Ring(1, 36)
"""For what is clipped before it is sent: up to 10^8, in steps of 10^-11, at half the bytes."""
RINGS = {"wide": WIDE, "narrow": NARROW}
