"""Where in a picture the worst is: one box, for people."""

import numpy as np

from genba.learn.arrays import AnyArray

Box = tuple[int, int, int, int]
"""Left, top, right and bottom in pixels; right and bottom are not part of it."""


def hottest(heat: AnyArray) -> Box | None:
    """Find the box of what hangs together around the greatest heat, down to half of it.

    Parameters
    ----------
    heat : (height, width)
        What of the picture speaks for a defect; None where nothing does.
    """
    peak = float(heat.max())
    if not peak > 0:
        return None
    hot = heat >= peak / 2
    place = np.zeros(heat.shape, bool)
    place[np.unravel_index(int(heat.argmax()), heat.shape)] = True
    count = 0
    while count != (count := int(place.sum())):
        grown = place.copy()
        grown[1:] |= place[:-1]
        grown[:-1] |= place[1:]
        grown[:, 1:] |= place[:, :-1]
        grown[:, :-1] |= place[:, 1:]
        place = grown & hot
    rows, columns = np.nonzero(place)
    return int(columns.min()), int(rows.min()), int(columns.max()) + 1, int(rows.max()) + 1


def told_place(box: Box) -> str:
    """Say it to people."""
    left, top, right, bottom = box
    return f"most at {left}-{right} px from the left, {top}-{bottom} px from the top"
