"""Parts of pictures: whole groups, and some with defects in each part however few there are."""

import numpy as np

from genba.errors import LearnError
from genba.learn.arrays import Booleans, Texts
from genba.learn.data.dataset import Dataset
from genba.learn.inspect.pictures import labels_of
from genba.learn.split.parts import PARTS, SHARES, Split

ROWS = "rows"
"""Every picture on its own."""


def part_pictures(
    data: Dataset,
    group: str,
    shares: tuple[float, ...] = SHARES,
    *,
    golden: Booleans | None = None,
    seed: int = 0,
) -> Split:
    """Part whole groups at random: those with a defect and those without each by ``shares``.

    ``group`` is one of the data set's, or ``rows``. Rows that are ``golden`` are learned from.

    Raises
    ------
    LearnError
        If there is no such group, or too few groups to give each part some of both.
    """
    if group != ROWS and group not in data.groups:
        raise LearnError(
            f"'{group}' is no way to part the pictures of '{data.name}'; name one of "
            f"{', '.join((*data.groups, ROWS))}"
        )
    labels = np.arange(data.rows).astype(np.str_) if group == ROWS else data.groups[group]
    bad = labels_of(data)
    free = np.ones(data.rows, np.bool_) if golden is None else ~golden
    having = np.unique(labels[bad & free])
    others = np.setdiff1d(np.unique(labels[free]), having)
    together = len(others) < len(PARTS)  # groups that hold both, as a board and its golden one
    where = np.full(data.rows, -1, np.int64)
    source = np.random.default_rng(seed)
    for names in (np.union1d(having, others),) if together else (having, others):
        order = source.permutation(names)
        for name, part in zip(order, _places(labels[free], order, shares), strict=True):
            where[(labels == name) & free] = part
    for index, named in enumerate(PARTS):
        if len(np.unique(bad[where == index])) < 2:  # golden ones do not count yet
            raise LearnError(
                f"pictures of '{data.name}' make {len(having)} {_told(group)} with a defect and "
                f"{len(others)} without one, too few to give '{named}' some of both; add pictures, "
                "or part them by another group"
            )
    where[~free] = 0
    rows = [np.flatnonzero(where == index) for index in range(len(PARTS))]
    told = "/".join(f"{100 * share:.0f}" for share in shares)
    how = f"by {_told(group)} ({told}), those with defects and those without alike"
    return Split(rows[0], rows[1], rows[2], rows[3], how, "rows" if group == ROWS else "group")


def _told(group: str) -> str:
    return {ROWS: "single pictures", "alike": "sets of alike pictures"}.get(
        group, f"whole {group}s"
    )


def _places(labels: Texts, order: Texts, shares: tuple[float, ...]) -> list[int]:
    """Part of each group, in this order: by its pictures' share, but no part stays empty."""
    sizes = np.array([np.count_nonzero(labels == name) for name in order])
    middle = (np.cumsum(sizes) - sizes / 2) / sizes.sum()
    if len(order) < len(PARTS):
        return list(range(len(order)))
    cuts = np.searchsorted(middle, np.cumsum(shares)[:-1])
    cuts = np.maximum.accumulate(np.maximum(cuts, 1) - np.arange(3)) + np.arange(3)
    most = len(order) - np.arange(3)[::-1] - 1
    cuts = np.minimum(cuts, most)
    return [int(one) for one in np.searchsorted(cuts, np.arange(len(order)), side="right")]
