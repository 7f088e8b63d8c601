"""Random numbers and hashes in compiled functions: small, fast, the same on every machine."""

import numpy as np

from genba.jit import inlined, lean
from genba.plan.shop.shop import Ints


def seeded(seed: int, stream: int = 0) -> Ints:
    """Return the state of a generator; streams of one seed are independent of each other."""
    words = np.random.SeedSequence([seed, stream]).generate_state(1, np.uint64)
    return words.astype(np.int64)


@lean
def below(state: Ints, bound: int) -> int:
    """Draw a whole number in ``[0, bound)``, ``bound`` up to 2**31 (Knuth's MMIX generator)."""
    state[0] = state[0] * 6364136223846793005 + 1442695040888963407
    return int(((state[0] >> 33) & 0x7FFFFFFF) % bound)


@lean
def unit(state: Ints) -> float:
    """Draw a number in ``[0, 1)``."""
    state[0] = state[0] * 6364136223846793005 + 1442695040888963407
    return float(((state[0] >> 33) & 0x7FFFFFFF) / 2147483648.0)


@inlined
def mixed(first: int, second: int) -> int:
    """Hash two numbers (the finalizer of SplitMix64, with signed words)."""
    word = first * -7046029254386353131 + second * -4417276706812531889
    word = (word ^ ((word >> 30) & 0x3FFFFFFFF)) * -4658895280553007687
    word = (word ^ ((word >> 27) & 0x1FFFFFFFFF)) * -7723592293110705685
    return word ^ ((word >> 31) & 0x1FFFFFFFF)
