"""A secret in shares: so many together tell it, fewer tell nothing.

Shamir, *How to share a secret*, CACM 22, 1979: a random polynomial over a prime field, here that of
the Mersenne prime 2^521 - 1, whose value at 0 is the secret.
"""

import secrets
from collections.abc import Callable, Mapping
from itertools import combinations, islice

from genba.errors import LearnError

PRIME = 2**521 - 1
BYTES = 32
"""Length of a secret."""
_TRIES = 200


def split(secret: bytes, shares: int, threshold: int) -> list[int]:
    """Return shares at 1, 2, ...; ``threshold`` of them tell a secret of 32 bytes.

    Raises
    ------
    LearnError
        If the secret has another length, or the threshold is not within 1 and ``shares``.
    """
    if len(secret) != BYTES or not 1 <= threshold <= shares:
        raise LearnError(
            f"a secret of {len(secret)} bytes cannot be split {threshold} of {shares}; take "
            f"{BYTES} bytes and a threshold within the number of shares"
        )
    drawn = [secrets.randbelow(PRIME) for _ in range(threshold - 1)]
    return [_value([int.from_bytes(secret), *drawn], at) for at in range(1, shares + 1)]


def _value(terms: list[int], at: int) -> int:
    total = 0
    for term in reversed(terms):
        total = (total * at + term) % PRIME
    return total


def joined(shares: Mapping[int, int]) -> bytes | None:
    """Return the secret of shares by their places (Lagrange at 0); None where it is none."""
    total = 0
    for at, value in shares.items():
        above, below = 1, 1
        for other in shares:
            if other != at:
                above = above * -other % PRIME
                below = below * (at - other) % PRIME
        total = (total + value * above * pow(below, -1, PRIME)) % PRIME
    return total.to_bytes(BYTES) if total < 2 ** (8 * BYTES) else None


def sure(shares: Mapping[int, int], threshold: int, right: Callable[[bytes], bool]) -> bytes:
    """Return the secret that is proven right, from whichever shares tell it: some may be false.

    Raises
    ------
    LearnError
        If there are too few shares, or too many of them are false.
    """
    for few in islice(combinations(sorted(shares), threshold), _TRIES):
        found = joined({at: shares[at] for at in few})
        if found is not None and right(found):
            return found
    raise LearnError(
        f"{len(shares)} shares do not tell a secret that takes {threshold}: too few came, or some "
        "are false"
    )
