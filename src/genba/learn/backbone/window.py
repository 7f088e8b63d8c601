"""A window of one signal, anchored at its last value and brought to a common scale."""

from dataclasses import dataclass

import numpy as np

from genba.errors import LearnError
from genba.learn.arrays import AnyArray, Booleans, Floats

LENGTH = 96
"""Rows that the backbone looks back on."""
HORIZON = 24
"""Rows that it looks ahead."""
PATCH = 8
"""Rows in a patch, the unit that the network mixes."""
FARTHEST = 12.0
"""Scaled values beyond this are cut: one spike must not decide everything."""
FEWEST = 8
"""Known values that a window needs."""


def heard(day: float) -> float:
    """Return the rows of a day where a window holds a whole one, else 0: nothing to copy from."""
    return day if 1 < day <= LENGTH else 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Scaled:
    """``values`` (n, length) with 0 where nothing is known, ``known`` likewise, and the anchor.

    ``anchor`` is the last known value, (n,); ``scale`` the spread within the window, 0 where it is
    constant: then nothing but persistence is said. ``anchor + scale * value`` is the signal again.
    """

    values: Floats
    known: Booleans
    anchor: Floats
    scale: Floats

    def of(self, ahead: AnyArray) -> Floats:
        """Anchor and scale what comes, (n, horizon); NaN where the window was constant."""
        by = np.where(self.scale > 0, self.scale, np.nan)
        return np.asarray((ahead - self.anchor[:, None]) / by[:, None], np.float64)

    def undo(self, ahead: AnyArray) -> Floats:
        """Bring forecasts, (n, horizon), back to the unit of the signal."""
        return np.asarray(self.anchor[:, None] + self.scale[:, None] * ahead, np.float64)


def scaled(windows: Floats) -> Scaled:
    """Anchor and scale windows of one signal, (n, length); NaN where a value is not known.

    Per-window normalization as in Kim et al., *Reversible instance normalization*, ICLR 2022, but
    about the last value, so that a network that says 0 says persistence.

    Raises
    ------
    LearnError
        If they have another length.
    """
    windows = np.asarray(windows, np.float64)
    if windows.ndim != 2 or windows.shape[1] != LENGTH:
        raise LearnError(
            f"the backbone takes windows of {LENGTH} rows of one signal, not of shape "
            f"{windows.shape[1:]}; cut the signal to that, or fill its beginning with NaN"
        )
    known = np.isfinite(windows)
    enough = known.sum(axis=1) >= FEWEST
    filled = np.where(known, windows, 0.0)
    count = np.maximum(known.sum(axis=1), 1)
    last = LENGTH - 1 - np.argmax(known[:, ::-1], axis=1)
    anchor = np.where(enough, filled[np.arange(len(windows)), last], np.nan)
    mean = filled.sum(axis=1) / count
    apart = np.where(known, windows - mean[:, None], 0.0)
    spread = np.sqrt((apart**2).sum(axis=1) / count)
    flat = spread <= 1e-9 * (1 + np.abs(mean))
    by = np.where(flat, 1.0, spread)[:, None]
    usable = known & ~flat[:, None] & enough[:, None]
    values = np.where(usable, (filled - anchor[:, None]) / by, 0.0)
    cut = np.clip(values, -FARTHEST, FARTHEST)
    return Scaled(cut, known, anchor, np.where(flat, 0.0, spread))
