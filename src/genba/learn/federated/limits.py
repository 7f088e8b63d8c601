"""Limits and calibration from sums over held-out rows: counts in bins, and losses at temperatures.

Where the rows themselves would be needed to set a limit, bins take their place; a limit is the
outer edge of its bin, so that it holds at least as often as it says.
"""

import numpy as np

from genba.errors import LearnError
from genba.learn.arrays import Floats, Texts
from genba.learn.federated.design import Design
from genba.learn.federated.model import FederatedModel
from genba.learn.federated.total import Total, asked
from genba.learn.quality.conformal import class_limits
from genba.learn.quality.head import Head

BINS = 1000
RAW_TOP = 15.0
"""Raw scores of classes beyond are counted as this."""
TEMPERATURES = np.exp(np.linspace(-3, 3, 121))
_REACH = 10.0
"""Residuals are counted up to so many times their root mean square."""


def limited(total: Total, design: Design, model: FederatedModel) -> FederatedModel:
    """Return a model whose limits hold on the held-out rows of all sites together.

    Raises
    ------
    LearnError
        If the sums make no sense.
    """
    if design.kind == "number":
        return model.with_head(_width(total, design, model))
    if design.kind == "two":
        return model.with_head(_two(total, design, model))
    counted = total(asked("warmth", model.core()))
    warm = _bare(design, float(TEMPERATURES[np.argmin(counted)]))
    counts = np.rint(total(asked("chances", model.with_head(warm).core()))).astype(np.int64)
    counts = np.maximum(counts, 0).reshape(len(design.classes), BINS)
    limits = np.zeros(len(design.classes))
    for index, own in enumerate(counts):
        chances = np.zeros((int(own.sum()), len(design.classes)))
        chances[:, index] = np.repeat(np.arange(BINS) / BINS, own)
        limits[index] = class_limits(chances, np.full(len(chances), index), design.cover)[index]
    return model.with_head(Head("many", warm.slope, 0.0, float("nan"), limits))


def bare_head(design: Design) -> Head:
    """Return a head that leaves scores as they are, before limits are known."""
    return _bare(design, 1.0)


def _bare(design: Design, slope: float) -> Head:
    size = 1 if design.kind == "number" else max(len(design.classes), 2)
    empty = np.full(size, np.nan) if design.kind == "number" else np.zeros(size)
    threshold = 0.5 if design.kind == "two" else float("nan")
    return Head(design.kind, slope, 0.0, threshold, empty)


def residual_counts(apart: Floats, units: Texts | None, top: float) -> Floats:
    """Return how many rows (or units) there are, and their weight in each bin and beyond.

    A unit weighs one, spread over its rows; see :mod:`genba.learn.regression.intervals`.
    """
    weight, count = np.ones(len(apart)), len(apart)
    if units is not None:
        _, place, sizes = np.unique(units, return_inverse=True, return_counts=True)
        weight, count = 1.0 / sizes[place], len(sizes)
    bins = np.minimum((apart / top * BINS).astype(np.int64), BINS)
    return np.concatenate([[float(count)], np.bincount(bins, weight, BINS + 1)])


def _width(total: Total, design: Design, model: FederatedModel) -> Head:
    """Return half the width of an interval that holds as often as it should; NaN if too few say."""
    question = asked(
        "losses",
        {**model.standards.arrays(), "flats": model.flat[None]},
        part="held",
        hidden=model.shape.hidden,
    )
    rows, loss = total(question)
    top = _REACH * float(np.sqrt(2 * loss / rows)) * model.standards.label[1]
    if not (np.isfinite(top) and top > 0):
        raise LearnError("the residuals of all sites together make no sense; check each site's log")
    sums = total(asked("residuals", model.core(), top=top))
    reached = np.cumsum(sums[1:]) / (sums[0] + 1.0) >= design.cover - 1e-9
    place = int(np.argmax(reached))
    width = (place + 1) * top / BINS if reached.any() and place < BINS else float("nan")
    return Head("number", 1.0, 0.0, float("nan"), np.array([width]))


def _two(total: Total, design: Design, model: FederatedModel) -> Head:
    counts = np.maximum(np.rint(total(asked("scores", model.core()))).astype(np.int64), 0)
    middles = (np.arange(BINS) + 0.5) / BINS * 2 * RAW_TOP - RAW_TOP
    raw = np.repeat(np.tile(middles, 2), counts)[:, None]
    labels = np.repeat((np.arange(2 * BINS) >= BINS).astype(np.float64), counts)
    return Head.fit(raw, labels, "two", design.costs, design.cover)
