"""How people name a split on the command line, and which one is taken where they do not."""

from dataclasses import replace

import numpy as np

from genba.errors import LearnError
from genba.learn.data.dataset import Dataset
from genba.learn.data.synthetic import synthetic_rows
from genba.learn.split.parts import Split, by_blocks, by_group, by_rows, by_time

SPLITS = "time, blocks, rows, or a group such as lot or experiment"


def split_of(data: Dataset, name: str, *, seed: int = 0, gap: int = 0) -> Split:
    """Part a data set as named: ``time``, ``blocks``, ``rows``, or by whole groups of that name.

    Synthetic rows are to learn from, whatever part they would have fallen into.

    Raises
    ------
    LearnError
        If there is no such group, or a part would be empty.
    """
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
    if name == "time":
        return by_time(data, gap=gap)
    if name == "blocks":
        return by_blocks(data, seed=seed, gap=gap)
    if name == "rows":
        return by_rows(data, seed=seed)
    if name in data.groups:
        return by_group(data, name, seed=seed)
    raise LearnError(f"'{name}' is no way to part data set '{data.name}'; name {SPLITS}")
