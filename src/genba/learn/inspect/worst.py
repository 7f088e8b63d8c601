"""How places speak for their picture: by the mean of the worst of them, few and many.

A spot is a few places that are surely bad; an uneven surface is many that may be. The mean of the
eight worst of 1,600 hardly heard the second: that of several counts hears both (pooling of
instances at several sizes, as Feng and Zhou, AAAI 2017, learn it).
"""

import numpy as np

from genba.learn.arrays import AnyArray, Floats

SHARES = (0.005, 0.02, 0.08)
"""Shares of all places."""


def weights_of_worst(places: int) -> AnyArray:
    """Return how much each place counts, the worst one first, float32; those after count nothing.

    Places of each share count alike, and each share as much as the others; the sum is 1.
    """
    counts = [max(1, round(share * places)) for share in SHARES]
    rank = np.arange(counts[-1])
    each = [(rank < count) / count for count in counts]
    return np.asarray(np.mean(each, axis=0), np.float32)


def worst_of(places: AnyArray) -> Floats:
    """Return the weighted mean of the worst places, (n, ...) to (n,)."""
    flat = np.asarray(places, np.float64).reshape(len(places), -1)
    weights = weights_of_worst(flat.shape[1])
    ordered = np.sort(flat, axis=1)[:, ::-1]
    return np.asarray(ordered[:, : len(weights)] @ weights.astype(np.float64))
