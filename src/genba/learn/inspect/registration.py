"""Laying a picture on a golden one: by whole pixels, where they differ least.

Subpixel shifts are left to the tolerance of :mod:`genba.learn.inspect.template`: an edge that moves
by half a pixel stays between its neighbors' values.
"""

import numpy as np

from genba.learn.arrays import AnyArray, Integers

GRID = 2
"""Every second pixel along both axes decides about a shift."""


def shifts_of(reach: int) -> Integers:
    """Return all shifts (down, right) up to ``reach``, the nearest first, (shifts, 2)."""
    each = np.arange(-reach, reach + 1)
    all_of_them = np.array([(down, right) for down in each for right in each], np.int64)
    return all_of_them[np.argsort((all_of_them**2).sum(axis=1), kind="stable")]


def shift_between(picture: AnyArray, golden: AnyArray, reach: int) -> tuple[int, int]:
    """Return (down, right): ``picture[y + down, x + right]`` shows what ``golden[y, x]`` does.

    The least sum of squared differences within the frame that every shift leaves.
    """
    height, width = golden.shape
    rows, columns = slice(reach, height - reach, GRID), slice(reach, width - reach, GRID)
    wanted = golden[rows, columns].astype(np.float64)
    best, least = (0, 0), np.inf
    for down, right in shifts_of(reach):
        seen = picture[
            reach + down : height - reach + down : GRID,
            reach + right : width - reach + right : GRID,
        ]
        apart = float(np.square(seen - wanted).sum())
        if apart < least:
            best, least = (int(down), int(right)), apart
    return best


def moved(picture: AnyArray, down: int, right: int, reach: int) -> AnyArray:
    """Return the picture moved by a shift of at most ``reach``; its edge pixels are repeated."""
    height, width = picture.shape
    wide = np.pad(picture, reach, mode="edge")
    return wide[reach + down : reach + down + height, reach + right : reach + right + width]
