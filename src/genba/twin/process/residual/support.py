"""Where there are data: a smooth gate that is 1 among the rows learned from and falls to 0 away."""

from dataclasses import dataclass
from typing import Any

import casadi
import numpy as np
from scipy.spatial import cKDTree

from genba.twin.process.episode import Floats
from genba.twin.process.unit import Expression

_CENTERS = 40
_ADMITTED = 0.02
"""Share of the rows learned from for which the gate may be less than nine tenths open."""
_HALF = 0.9


@dataclass(frozen=True, slots=True, eq=False)
class Support:
    """Bells around some rows, one of which stands near every other row.

    Attributes
    ----------
    centers : (centers, features)
        In the features' own scale, as everything here.
    width : float
        Standard deviation of a bell.
    level : float
        Sum of the bells at which the gate is half open.
    """

    centers: Floats
    width: float
    level: float

    def open(self, features: Floats) -> Floats:
        """Say how far each row is among the data, 0 to 1; (..., features) to (...)."""
        flat = features.reshape(-1, features.shape[-1])
        square = (
            (flat**2).sum(axis=1)[:, None]
            - 2.0 * flat @ self.centers.T
            + (self.centers**2).sum(axis=1)
        )
        near = np.exp(-0.5 * np.maximum(square, 0.0) / self.width**2).sum(axis=1)
        return np.asarray(_gate(near, self.level).reshape(features.shape[:-1]))

    def expression(self, features: Expression) -> Expression:
        """Write the same in symbols, (features,) to a number."""
        near = 0.0
        for center in self.centers:
            near += casadi.exp(-0.5 * casadi.sumsqr(features - center) / self.width**2)
        return _gate(near, self.level)

    def as_plain(self) -> dict[str, Any]:
        """Plain values."""
        return {"centers": self.centers.tolist(), "width": self.width, "level": self.level}

    @classmethod
    def from_plain(cls, told: dict[str, Any]) -> "Support":
        """Read what :meth:`as_plain` wrote."""
        return cls(np.array(told["centers"], float), float(told["width"]), float(told["level"]))


def _gate(near: Any, level: float) -> Any:
    """Rise from 0 to 1 with the square: flat at both ends."""
    return near**2 / (near**2 + level**2)


def support_of(features: Floats) -> Support:
    """Lay bells over rows, (rows, features): the farthest row of all is the next one's center.

    The width is what every row needs to have a center within one and a half; the level leaves the
    gate nine tenths open, or more, for 98% of the rows.
    """
    rows = np.unique(features, axis=0)
    picked = [int(np.argmin(((rows - rows.mean(axis=0)) ** 2).sum(axis=1)))]
    away = ((rows - rows[picked[0]]) ** 2).sum(axis=1)
    while len(picked) < min(_CENTERS, len(rows)) and away.max() > 1e-4:
        picked.append(int(np.argmax(away)))
        away = np.minimum(away, ((rows - rows[picked[-1]]) ** 2).sum(axis=1))
    centers = rows[picked]
    apart, _ = cKDTree(centers).query(rows)
    width = max(float(np.quantile(apart, 0.98)) / 1.5, 0.15)
    bells = Support(centers, width, 1.0)
    square = ((features[:, None] - centers) ** 2).sum(axis=2)
    near = np.exp(-0.5 * square / width**2).sum(axis=1)
    level = float(np.quantile(near, _ADMITTED)) * np.sqrt(1.0 / _HALF - 1.0)
    return Support(bells.centers, bells.width, level)
