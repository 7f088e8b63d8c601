"""Few observations lean on many alike: empirical Bayes shrinkage.

What is estimated of one thing (a product on a machine) is drawn to the mean of its group (the same
operation on machines of the same kind) by how little it was observed and how alike the group is:
``weight = t2 / (t2 + s2 / n)``, with ``t2`` the variance between the group's members and ``s2``
that within one (Efron and Morris, *Data analysis using Stein's estimator*, 1975; ``t2`` by
DerSimonian and Laird, *Meta-analysis in clinical trials*, 1986).
"""

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np

from genba.twin.distribution import Shape
from genba.twin.fit import LEAST_FOR_A_SHAPE, Fit, fit

Key = TypeVar("Key", bound=Hashable)

OWN_SHAPE = 30
"""Observations of its own from which on a thing's spread is not borrowed any more."""
_FLOOR = 1e-6


@dataclass(frozen=True, slots=True)
class Pooled:
    """A fit, and how much of it is the thing's own."""

    fit: Fit
    own: int
    """Observations of the thing itself."""
    like: int
    """Observations of like things that it leans on."""
    weight: float
    """Of its own mean against the group's, 0 to 1."""


def pool(
    observed: Mapping[Key, Sequence[float]], members: Sequence[Key], seed: int = 0
) -> dict[Key, Pooled]:
    """Fit every member of one group of positive ratios or times.

    Parameters
    ----------
    observed : mapping
        Observations by member; values must be above 0. Members without any may be missing.
    members : sequence
        All that belong to the group; each gets a fit, as long as anything was observed.
    seed : int
        Of the bootstraps.

    Returns
    -------
    dict
        Empty where nothing at all was observed.
    """
    logs = {
        key: np.log(np.maximum(np.asarray(values, dtype=np.float64), _FLOOR))
        for key, values in observed.items()
        if len(values)
    }
    if not logs:
        return {}
    count = sum(len(values) for values in logs.values())
    within, between, middle = _variances(list(logs.values()))
    residuals = np.exp(np.concatenate([v - v.mean() for v in logs.values()]))
    common = fit(residuals.tolist(), seed)
    found: dict[Key, Pooled] = {}
    for number, key in enumerate(members):
        own = logs.get(key, np.empty(0))
        spread = within / len(own) if len(own) else math.inf
        weight = 1.0 if len(logs) == 1 and len(own) else _weight(between, spread)
        center = weight * float(own.mean()) + (1 - weight) * middle if len(own) else middle
        if len(own) >= OWN_SHAPE:
            mine = fit(np.exp(own).tolist(), seed + number)
            found[key] = Pooled(mine, len(own), count - len(own), 1.0)
            continue
        found[key] = Pooled(
            _moved(common, center, own, residuals), len(own), count - len(own), weight
        )
    return found


def _weight(between: float, spread: float) -> float:
    if math.isinf(spread):
        return 0.0
    return between / (between + spread) if between + spread > 0 else 1.0


def _variances(groups: Sequence[np.ndarray]) -> tuple[float, float, float]:
    """Variance within members, between them, and the group's mean, all of the logs."""
    sizes = np.array([len(g) for g in groups], dtype=np.float64)
    means = np.array([g.mean() for g in groups])
    freedom = float(sizes.sum() - len(groups))
    within = float(sum(((g - g.mean()) ** 2).sum() for g in groups) / freedom) if freedom else 0.0
    grand = float((sizes * means).sum() / sizes.sum())
    if len(groups) < 2:
        return within, 0.0, grand
    scale = float(sizes.sum() - (sizes**2).sum() / sizes.sum())
    excess = float((sizes * (means - grand) ** 2).sum()) - (len(groups) - 1) * within
    between = max(0.0, excess / scale)
    if within == 0.0 and between == 0.0:
        return within, between, grand
    weights = 1.0 / (between + within / sizes + _FLOOR**2)
    return within, between, float((weights * means).sum() / weights.sum())


def _moved(common: Fit, center: float, own: np.ndarray, residuals: np.ndarray) -> Fit:
    """Bring the group's residuals, whose logs have mean 0, to a member's center."""
    note = f"spread of {len(residuals)} alike"
    if common.distribution.shape is Shape.LOGNORMAL and len(residuals) < LEAST_FOR_A_SHAPE:
        note += ", too few to choose a family"
    return replace(
        common,
        distribution=common.distribution.scaled(math.exp(center)),
        count=len(own),
        mean=float(np.exp(own).mean()) if len(own) else math.nan,
        note=note,
    )
