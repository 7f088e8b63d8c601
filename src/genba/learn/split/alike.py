"""Pictures that show the same thing twice: saved again, exposed otherwise, cut a little aside.

Two pictures are alike where they are much nearer to each other than to what else there is. That
holds for one product under many exposures, and lets pass what only looks alike because a camera
always sees the same kind of part: there all are as near to each other.
"""

import numpy as np
from numpy.typing import NDArray

from genba.learn.arrays import Bytes, Integers, Texts

GROUP = "alike"
"""Group that holds which pictures are alike."""
NEAR = 0.25
"""Two pictures are alike where they are nearer than this share of what a picture usually is to its
fifth-part nearest others."""
_CELLS = 32
_RANK = 0.2
_AT_ONCE = 512


def alike_pairs(pixels: Bytes) -> Integers:
    """Return pairs of rows whose pictures are alike, (pairs, 2), the first below the second.

    Parameters
    ----------
    pixels : (rows, height, width) uint8
    """
    rows = len(pixels)
    if rows < 3:
        return np.empty((0, 2), np.int64)
    marks = _marks(pixels)
    pairs: list[Integers] = []
    rank = max(1, min(rows - 2, int(_RANK * rows)))
    apart = [_apart(marks, start) for start in range(0, rows, _AT_ONCE)]
    distance = np.concatenate(apart)
    np.fill_diagonal(distance, np.inf)
    usual = np.partition(distance, rank, axis=1)[:, rank]
    for row in range(rows):
        limit = NEAR * np.minimum(usual[row], usual)
        near = np.flatnonzero((distance[row] < limit) | (distance[row] == 0))
        near = near[near > row]
        pairs.append(np.column_stack([np.full(len(near), row), near]))
    return np.concatenate(pairs).astype(np.int64)


def alike_groups(pixels: Bytes) -> Texts:
    """Return for each picture the group of those that it is alike with, by pairs, (rows,)."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    pairs = alike_pairs(pixels)
    rows = len(pixels)
    links = coo_array((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(rows, rows))
    _, group = connected_components(links, directed=False)
    return np.asarray(group, np.int64).astype(np.str_)


def _marks(pixels: Bytes) -> NDArray[np.float32]:
    """Bring pictures to 32x32 cells, mean 0 and spread 1, so that exposure does not count."""
    rows, height, width = pixels.shape
    tall, wide = min(_CELLS, height), min(_CELLS, width)
    down, across = height // tall, width // wide
    marks = np.empty((rows, tall * wide), np.float32)
    for start in range(0, rows, _AT_ONCE):
        some = pixels[start : start + _AT_ONCE, : tall * down, : wide * across]
        cells = some.reshape(-1, tall, down, wide, across).mean(axis=(2, 4), dtype=np.float32)
        flat = cells.reshape(len(some), -1)
        flat = flat - flat.mean(axis=1, keepdims=True)
        marks[start : start + len(some)] = flat / np.maximum(flat.std(axis=1, keepdims=True), 0.5)
    return marks


def _apart(marks: NDArray[np.float32], start: int) -> NDArray[np.float64]:
    """Return root mean square differences of some rows to all, (some, rows)."""
    some = marks[start : start + _AT_ONCE].astype(np.float64)
    whole = marks.astype(np.float64)
    square = (some**2).sum(axis=1)[:, None] + (whole**2).sum(axis=1) - 2 * some @ whole.T
    return np.asarray(np.sqrt(np.maximum(square, 0.0) / marks.shape[1]), np.float64)
