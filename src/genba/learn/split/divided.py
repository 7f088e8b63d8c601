"""What a split tears apart although it belongs together: neighbors, copies, groups, late labels."""

import numpy as np

from genba.learn.arrays import Booleans, Floats, Integers
from genba.learn.data.dataset import Dataset
from genba.learn.split.alike import alike_pairs
from genba.learn.split.parts import Split

ALIKE = 0.5
"""Neighbors are alike where they differ by less than this share of what two random rows do."""
MOST_NEIGHBORS = 0.25
"""Share of test rows that may have a neighbor in the training part; blocks have a few at cuts."""
MOST_COPIES = 0.01
CONSTANT = 0.95
"""A group has one answer where this share of its rows agree (or of the variance is between)."""
_SEED = 7


def _fitted_on(split: Split) -> Integers:
    return np.concatenate([split.train, split.held, split.choose])


def shuffled(data: Dataset, split: Split) -> str | None:
    """Tell whether test rows have neighbors, alike, in what was learned from."""
    if data.rows < 20 or data.images is not None:
        return None  # pictures are compared themselves: see twice_pictured
    learned = np.zeros(data.rows, np.bool_)
    learned[_fitted_on(split)] = True
    units = data.units
    joined = np.concatenate([[False], units[1:] == units[:-1], [False]])
    left = np.concatenate([[False], learned[:-1]]) & joined[:-1]
    right = np.concatenate([learned[1:], [False]]) & joined[1:]
    share = float(np.mean((left | right)[split.test]))
    if share <= MOST_NEIGHBORS:
        return None
    alike = _alike(data, joined[1:-1])
    if alike is None:
        return None
    name, ratio = alike
    return (
        f"{share:.0%} of the test rows stand right beside a row that was learned from, and "
        f"neighbors are alike ('{name}' differs between neighbors by {ratio:.0%} of what it does "
        "between any two rows)"
    )


def _alike(data: Dataset, joined: Booleans) -> tuple[str, float] | None:
    """Name the column, or the target, whose neighbors are most alike, if a fifth of all are."""
    first = np.flatnonzero(joined)
    if len(first) < 10:
        return None
    other = np.random.default_rng(_SEED).permutation(data.rows)
    named = [(column.name, data.values[:, index]) for index, column in enumerate(data.columns)]
    if data.target is not None:
        named.append((data.target.name, data.target.values))
    ratios = [(name, _ratio(values, first, other)) for name, values in named]
    known = sorted((ratio, name) for name, ratio in ratios if ratio is not None)
    alike = [pair for pair in known if pair[0] < ALIKE]
    of_target = data.target is not None and any(n == data.target.name for _, n in alike)
    if alike and (of_target or len(alike) >= max(1, len(known) // 5)):
        return alike[0][1], alike[0][0]
    return None


def _ratio(values: Floats, first: Integers, other: Integers) -> float | None:
    near = np.abs(values[first + 1] - values[first])
    far = np.abs(values - values[other])
    with np.errstate(invalid="ignore"):
        between = float(np.nanmean(far)) if np.isfinite(far).any() else 0.0
        beside = float(np.nanmean(near)) if np.isfinite(near).any() else np.nan
    return beside / between if between > 0 and np.isfinite(beside) else None


def duplicated(data: Dataset, split: Split) -> str | None:
    """Tell whether copies of test rows, target and all, were learned from.

    Where columns are coarse, so that rows agree by chance, their targets do not: then it is none.
    """
    if data.values.shape[1] == 0:
        return None
    target = np.zeros(data.rows) if data.target is None else data.target.values
    learned = _fitted_on(split)
    alike = _again(data.values, split.test, learned)
    copies = _again(np.column_stack([data.values, target]), split.test, learned)
    share = float(np.mean(copies))
    if share <= MOST_COPIES or share <= 0.5 * float(np.mean(alike)):
        return None
    return f"{share:.0%} of the test rows are copies of rows that were learned from"


def twice_pictured(data: Dataset, split: Split) -> str | None:
    """Tell whether test pictures show what pictures show that were learned from."""
    if data.images is None:
        return None
    pairs = alike_pairs(data.images.pixels)
    learned, tested = _fitted_on(split), split.test
    first, second = pairs.T
    across = np.concatenate(
        [
            first[np.isin(first, tested) & np.isin(second, learned)],
            second[np.isin(second, tested) & np.isin(first, learned)],
        ]
    )
    share = len(np.unique(across)) / max(1, len(tested))
    if share <= MOST_COPIES:
        return None
    return f"{share:.0%} of the test pictures show nearly the same as one that was learned from"


def _again(values: Floats, rows: Integers, among: Integers) -> Booleans:
    """Which rows stand among others too, to nine digits of each column's greatest value."""
    scale = np.nanmax(np.abs(values), axis=0, initial=0.0, where=np.isfinite(values))
    rounded = np.nan_to_num(np.round(values / np.where(scale > 0, scale, 1.0), 9) + 0.0, nan=1e9)
    whole = np.dtype((np.void, rounded.dtype.itemsize * rounded.shape[1]))
    keys = np.ascontiguousarray(rounded).view(whole).ravel()
    return np.isin(keys[rows], keys[among])


def group_divided(data: Dataset, split: Split, group: str) -> str | None:
    """Tell whether groups whose rows share one answer stand on both sides."""
    if data.target is None:
        return None
    labels = data.groups[group]
    both = np.intersect1d(labels[split.test], labels[_fitted_on(split)])
    share = float(np.mean(np.isin(labels[split.test], both)))
    names = np.unique(labels)
    if share <= 0.5 or len(names) < 3:
        return None
    values = data.target.values
    agreeing = _agreement(values, labels.astype(np.str_), is_class=data.target.is_class)
    if agreeing < CONSTANT:
        return None
    return (
        f"{share:.0%} of the test rows belong to {group}s that were learned from, and all rows of "
        f"one {group} have nearly the same '{data.target.name}': a model can learn the {group}s "
        "by heart"
    )


def _agreement(values: Floats, labels: np.ndarray, *, is_class: bool) -> float:
    """Share of rows that agree with their group, or of the variance that lies between groups."""
    known = np.isfinite(values)
    values, labels = values[known], labels[known]
    if len(values) < 2 or np.ptp(values) == 0:
        return 0.0
    _, index = np.unique(labels, return_inverse=True)
    if is_class:
        table = np.zeros((index.max() + 1, int(values.max()) + 1))
        np.add.at(table, (index, values.astype(np.int64)), 1)
        common = table.sum(axis=0).max() / len(values)
        return float(table.max(axis=1).sum() / len(values)) if common < CONSTANT else 0.0
    sums, counts = np.bincount(index, values), np.bincount(index)
    return float(1.0 - np.mean((values - (sums / counts)[index]) ** 2) / np.var(values))


def learned_late(data: Dataset, split: Split) -> str | None:
    """Tell whether labels that were learned from became known after the test had begun."""
    target = data.target
    if target is None or target.known is None or split.kind != "time" or len(split.test) == 0:
        return None
    begin = data.time[split.test].min()
    late = int(np.count_nonzero(target.known[_fitted_on(split)] > begin))
    if late == 0:
        return None
    return f"the labels of {late} rows that were learned from became known after the test had begun"
