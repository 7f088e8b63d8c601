"""How people name a split on the command line, and which one is taken where they do not."""

from dataclasses import replace

import numpy as np

from genba.errors import LearnError
from genba.learn.data.dataset import Dataset
from genba.learn.data.synthetic import synthetic_rows
from genba.learn.split.parts import Split, by_blocks, by_group, by_rows, by_time

SPLITS = "time, blocks, rows, or a group such as lot or experiment"
_DEALS = 50
"""Ways to deal groups that are tried until each part holds all classes (stratified groups)."""
BOTH = ("train", "choose", "test")
"""Parts that tell nothing of a class that they do not hold."""


def split_of(data: Dataset, name: str, *, seed: int = 0, gap: int = 0) -> Split:
    """Part a data set as named: ``time``, ``blocks``, ``rows``, or by whole groups of that name.

    ``time or lot`` names two: the second is taken where the first leaves a class out of a part to
    learn from, to choose by or to test on, as bad parts that come seldom and together do, and the
    second leaves it out of none.

    Synthetic rows are to learn from, whatever part they would have fallen into.

    Raises
    ------
    LearnError
        If there are no rows, no such group, or a part would be empty.
    """
    if not data.rows:
        raise LearnError(
            f"data set '{data.name}' has no rows that could be parted; take a longer period, or "
            "leave out columns that are seldom known"
        )
    return to_learn_from(data, _split_of(data, name, seed=seed, gap=gap))


def to_learn_from(data: Dataset, split: Split) -> Split:
    """Move synthetic rows out of what judges and into what is learned from."""
    made = synthetic_rows(data)
    if not made.any():
        return split
    train = np.union1d(split.train[~made[split.train]], np.flatnonzero(made))
    judging = {part: getattr(split, part) for part in ("held", "choose", "test")}
    real = {part: rows[~made[rows]] for part, rows in judging.items()}
    if empty := [part for part, rows in real.items() if not len(rows)]:
        raise LearnError(
            f"data set '{data.name}' has no real rows to judge by ({', '.join(empty)}); add real "
            "ones: what was imagined judges nothing"
        )
    return replace(
        split, train=train, **real, how=f"{split.how}, synthetic rows to learn from alone"
    )


def _split_of(data: Dataset, name: str, *, seed: int, gap: int) -> Split:
    first, _, other = name.partition(" or ")
    if other:
        split = _split_of(data, first, seed=seed, gap=gap)
        lacking = _lacking(data, split)
        if not lacking or (other not in ("blocks", "rows") and other not in data.groups):
            return split
        for again in range(_DEALS):
            instead = _split_of(data, other, seed=seed + again, gap=gap)
            if not _lacking(data, instead):
                return replace(instead, how=f"{instead.how}, since by {first} {lacking}")
        return split
    if name == "time":
        return by_time(data, gap=gap)
    if name == "blocks":
        return by_blocks(data, seed=seed, gap=gap)
    if name == "rows":
        return by_rows(data, seed=seed)
    if name in data.groups:
        return by_group(data, name, seed=seed)
    raise LearnError(f"'{name}' is no way to part data set '{data.name}'; name {SPLITS}")


def _lacking(data: Dataset, split: Split) -> str:
    """Say which class a part does not hold; nothing where each holds all that there are."""
    target = data.target
    if target is None or not target.is_class:
        return ""
    there = np.unique(target.values[np.isfinite(target.values)])
    for part in BOTH:
        gone = np.setdiff1d(there, target.values[getattr(split, part)])
        if len(gone):
            return f"'{part}' held no '{target.classes[int(gone[0])]}'"
    return ""
