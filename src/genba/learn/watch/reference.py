"""What rows were like: a sketch of each column, small enough to be signed with the model."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from genba.errors import LearnError
from genba.learn.arrays import AnyArray, Floats
from genba.learn.watch.memory import Memory, memory_of

FEWEST = 50
"""Rows of which a sketch is made."""
_POINTS = np.linspace(0.0, 1.0, 101)
_FARTHEST = 8.0
_TAIL = 1e-3
FEATURES = ("level", "spread", "shape")
"""What of a column is compared."""


@dataclass(frozen=True, slots=True, eq=False)
class Sketch:
    """Columns as they were, in order of time.

    ``quantiles`` is (columns, 101), NaN for a column that was never known; ``scale`` (columns,) the
    spread as people would see it, 0 where nothing ever changed; ``unknown`` (columns,) the share of
    rows without a value. ``means`` is (columns, features) and ``memory`` holds (columns x features)
    series.
    """

    names: tuple[str, ...]
    quantiles: Floats
    scale: Floats
    unknown: Floats
    means: Floats
    memory: Memory

    @property
    def rows(self) -> int:
        """How many rows it was made of."""
        return self.memory.rows

    def features(self, values: Floats) -> Floats:
        """Turn rows, (rows, columns), into (rows, columns, features).

        Normal scores: by its rank among the reference, each value becomes what it would be in a
        standard normal distribution (van der Waerden); beyond the reference it goes on in parts of
        the spread. ``level`` is that score, ``spread`` its size, and ``shape`` whether the value
        lies in the middle half.
        """
        scores = np.column_stack(
            [
                _scores(values[:, n], self.quantiles[n], self.scale[n])
                for n in range(len(self.names))
            ]
        ).reshape(values.shape)
        return features_of(scores)

    def arrays(self, prefix: str) -> dict[str, AnyArray]:
        """Return it as arrays."""
        return {
            f"{prefix}names": np.array(self.names, np.str_),
            f"{prefix}quantiles": self.quantiles,
            f"{prefix}scale": self.scale,
            f"{prefix}unknown": self.unknown,
            f"{prefix}means": self.means,
            f"{prefix}rows": np.array(self.memory.rows, np.int64),
            f"{prefix}short": self.memory.short,
            f"{prefix}blocks": self.memory.blocks,
            f"{prefix}variance": self.memory.variance,
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, AnyArray], prefix: str) -> "Sketch":
        """Make it again.

        Raises
        ------
        LearnError
            If an array is missing.
        """
        try:
            told = {
                name: np.asarray(arrays[f"{prefix}{name}"], np.float64)
                for name in (
                    "quantiles",
                    "scale",
                    "unknown",
                    "means",
                    "short",
                    "blocks",
                    "variance",
                )
            }
            rows = int(arrays[f"{prefix}rows"])
            names = tuple(str(name) for name in arrays[f"{prefix}names"])
        except KeyError as error:
            raise LearnError(
                f"the reference of this model lacks {error}; train the model anew"
            ) from None
        memory = Memory(rows, told["short"], told["blocks"], told["variance"])
        return cls(names, told["quantiles"], told["scale"], told["unknown"], told["means"], memory)


def sketch_of(names: Sequence[str], values: Floats) -> Sketch:
    """Make a sketch of rows in order of time, (rows, columns), NaN where a value is unknown.

    Raises
    ------
    LearnError
        If there are too few rows to say what is usual.
    """
    if len(values) < FEWEST:
        raise LearnError(f"{len(values)} rows are too few for a reference; it takes {FEWEST}")
    known = np.isfinite(values)
    columns = range(values.shape[1])
    quantiles = np.array([_quantiles(values[known[:, n], n]) for n in columns])
    scale = np.array([scale_of(values[known[:, n], n]) for n in columns])
    empty = Memory(len(values), np.empty(0), np.empty((0, 0)), np.empty(0))
    blank = Sketch(tuple(names), quantiles, scale, 1 - known.mean(axis=0), np.empty(0), empty)
    features = blank.features(values)
    means = np.nan_to_num(mean_of(features))
    memory = memory_of(features.reshape(len(values), -1))
    return Sketch(blank.names, quantiles, scale, blank.unknown, means, memory)


def features_of(scores: Floats) -> Floats:
    """Level, spread and shape of normal scores, behind a new last axis."""
    middle = np.where(np.isfinite(scores), np.abs(scores) < 0.6745, np.nan)
    return np.stack([scores, np.abs(scores), middle], axis=-1)


def mean_of(features: Floats) -> Floats:
    """Mean over the first axis of what is known; NaN where nothing is."""
    known = np.isfinite(features)
    count = known.sum(axis=0)
    total = np.where(known, features, 0.0).sum(axis=0)
    return np.asarray(np.where(count > 0, total / np.maximum(count, 1), np.nan))


def scale_of(values: Floats) -> float:
    """Return the spread of known values: from quartiles, else the standard deviation."""
    if len(values) == 0:
        return 0.0
    low, high = np.quantile(values, [0.25, 0.75])
    plain = float(np.std(values))
    if plain <= 1e-12 * (1.0 + float(np.abs(values).max())):
        return 0.0
    return float(high - low) / 1.349 or plain


def _quantiles(values: Floats) -> Floats:
    if len(values) == 0:
        return np.full(len(_POINTS), np.nan)
    return np.asarray(np.quantile(values, _POINTS))


def _scores(values: Floats, quantiles: Floats, scale: float) -> Floats:
    """Return the normal scores of values; NaN where unknown or where nothing ever changed."""
    from scipy.special import ndtri

    if scale == 0 or not np.isfinite(quantiles[0]):
        return np.full(len(values), np.nan)
    known = np.isfinite(values)
    place = np.where(known, values, quantiles[0])
    low = np.searchsorted(quantiles, place, side="left")
    high = np.searchsorted(quantiles, place, side="right")
    last = len(_POINTS) - 1
    tied = (_POINTS[np.minimum(low, last)] + _POINTS[np.clip(high - 1, 0, last)]) / 2
    rank = np.where(high > low, tied, np.interp(place, quantiles, _POINTS))
    inside = ndtri(np.clip(rank, _TAIL, 1 - _TAIL))
    beyond = np.minimum(place - quantiles[0], 0.0) + np.maximum(place - quantiles[-1], 0.0)
    scores = np.clip(inside + beyond / scale, -_FARTHEST, _FARTHEST)
    return np.where(known, scores, np.nan)
