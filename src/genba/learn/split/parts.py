"""Honest parts of a data set: by time, by group, in blocks. Rows at random only where they may be.

A model is fitted on ``train``; limits, calibration and early stopping use ``held``; rungs are
compared on ``choose``; ``test`` is looked at once, for the report.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from genba.errors import LearnError
from genba.learn.arrays import Integers, Texts
from genba.learn.data.dataset import UNIT, Dataset

Part = Literal["train", "held", "choose", "test"]
PARTS: tuple[Part, ...] = ("train", "held", "choose", "test")
SHARES = (0.5, 0.15, 0.15, 0.2)
"""Of train, held, choose and test."""


@dataclass(frozen=True, slots=True, eq=False)
class Split:
    """Rows of each part, and in plain words how they were parted."""

    train: Integers
    held: Integers
    choose: Integers
    test: Integers
    how: str
    kind: Literal["time", "group", "blocks", "rows", "given"]

    def __post_init__(self) -> None:
        rows = np.concatenate([self.rows_of(part) for part in PARTS])
        if len(np.unique(rows)) < len(rows):
            raise LearnError("a row stands in two parts of a split; put each into one")

    def rows_of(self, part: Part) -> Integers:
        """Return the rows of a part."""
        return np.asarray(getattr(self, part), np.int64)

    def take(self, data: Dataset, part: Part) -> Dataset:
        """Return a part as a data set of its own.

        Where rows of a unit are left out in between, the unit is cut there, so that no window
        joins what was not neighbors.
        """
        rows = np.sort(self.rows_of(part))
        taken = data.take(rows, f"{part} of a split {self.how}")
        units = data.units
        same = units[rows[1:]] == units[rows[:-1]]
        cut = same & (np.diff(rows) > 1)
        if not cut.any():
            return taken
        number = np.concatenate([[0], np.cumsum(cut)])
        named = np.array([f"{u}#{n}" for u, n in zip(units[rows], number, strict=True)], np.str_)
        return replace(taken, groups={**taken.groups, UNIT: named})


def refuse_one_sided(data: Dataset, split: Split) -> None:
    """Refuse a split whose training part shows one class alone.

    Raises
    ------
    LearnError
        If it does; with what there is and what may mend it.
    """
    target = data.target
    if target is None or not target.is_class:
        return
    labels = target.values[split.rows_of("train")]
    there = np.unique(labels[np.isfinite(labels)].astype(np.int64))
    if len(there) < 2:
        named = ", ".join(target.classes[index] for index in there) or "none"
        raise LearnError(
            f"the rows to learn from ({split.how}) show one class of '{target.name}' alone: "
            f"{named}; take a longer period, or split by blocks, where classes come and go"
        )


def by_time(data: Dataset, shares: Sequence[float] = SHARES, gap: int = 0) -> Split:
    """Part by time: the past to learn from, the newest to test on.

    All units are cut at the same moments; where there are no times, each at the same share of its
    rows. ``gap`` rows of each unit after a cut belong to no part.

    Raises
    ------
    LearnError
        If a part would be empty.
    """
    shares = _checked(shares)
    if data.timed:
        moments = np.quantile(data.time, np.cumsum(shares)[:-1], method="higher")
        where = np.searchsorted(moments, data.time, side="right")
    else:
        where = np.empty(data.rows, np.int64)
        for unit in np.unique(data.units):
            rows = np.flatnonzero(data.units == unit)
            where[rows] = _parts_of(len(rows), shares)
    where = _with_gaps(where, data.units, gap)
    return _split(data, where, f"by time ({_told(shares)})", "time")


def by_group(
    data: Dataset,
    group: str,
    shares: Sequence[float] = SHARES,
    *,
    seed: int | None = None,
) -> Split:
    """Part whole groups (lots, tools, experiments): no group stands in two parts.

    Groups come in the order in which they began, the newest to test; with ``seed`` in random order.

    Raises
    ------
    LearnError
        If there is no such group, or a part would be empty.
    """
    shares = _checked(shares)
    labels = _group(data, group)
    names, first = np.unique(labels, return_index=True)
    order = np.lexsort((first, data.time[first]))
    if seed is not None:
        order = np.random.default_rng(seed).permutation(len(names))
    sizes = np.array([np.count_nonzero(labels == name) for name in names[order]])
    middle = (np.cumsum(sizes) - sizes / 2) / data.rows
    place = np.searchsorted(np.cumsum(shares)[:-1], middle, side="right")
    part_of = dict(zip(names[order], place, strict=True))
    where = np.array([part_of[label] for label in labels], np.int64)
    return _split(data, where, f"by whole {group}s ({_told(shares)})", "group")


def leave_out(data: Dataset, group: str, *, seed: int = 0) -> list[Split]:
    """Return one split for each group: test on it, learn from the others.

    Of the others a tenth each, whole groups, is ``held`` and ``choose``.

    Raises
    ------
    LearnError
        If there are fewer than four groups.
    """
    labels = _group(data, group)
    names = np.unique(labels)
    if len(names) < 4:
        raise LearnError(
            f"data set '{data.name}' has {len(names)} {group}s; leaving one out takes at least 4"
        )
    few = max(1, len(names) // 10)
    splits = []
    for left in names:
        others = np.random.default_rng(seed).permutation(names[names != left])
        where = np.zeros(data.rows, np.int64)
        where[np.isin(labels, others[:few])] = 1
        where[np.isin(labels, others[few : 2 * few])] = 2
        where[labels == left] = 3
        splits.append(_split(data, where, f"that leaves {group} {left} out", "group"))
    return splits


def by_blocks(
    data: Dataset,
    blocks: int = 20,
    shares: Sequence[float] = SHARES,
    *,
    seed: int = 0,
    gap: int = 0,
) -> Split:
    """Part into contiguous blocks of time, given to the parts at random.

    For data whose classes come and go, so that the newest part alone would not hold them all.
    ``gap`` rows after each cut belong to no part.

    Raises
    ------
    LearnError
        If there are fewer rows than blocks, or fewer blocks than parts.
    """
    shares = _checked(shares)
    if blocks < len(PARTS) or data.rows < blocks:
        raise LearnError(
            f"{data.rows} rows cannot be cut into {blocks} blocks for {len(PARTS)} parts; "
            "take at least 4 blocks and as many rows"
        )
    block = np.empty(data.rows, np.int64)
    order = np.argsort(data.time, kind="stable")
    block[order] = np.arange(data.rows) * blocks // data.rows
    shuffled = np.random.default_rng(seed).permutation(blocks)
    part = np.empty(blocks, np.int64)
    part[shuffled] = _parts_of(blocks, shares)
    where = _with_gaps(part[block], np.char.add(data.units, block.astype(np.str_)), gap)
    return _split(data, where, f"into {blocks} blocks of time ({_told(shares)})", "blocks")


def by_rows(data: Dataset, shares: Sequence[float] = SHARES, *, seed: int = 0) -> Split:
    """Part rows at random: only honest where rows have nothing to do with their neighbors.

    The leakage check refuses it where they have.

    Raises
    ------
    LearnError
        If a part would be empty.
    """
    shares = _checked(shares)
    where = np.empty(data.rows, np.int64)
    where[np.random.default_rng(seed).permutation(data.rows)] = _parts_of(data.rows, shares)
    return _split(data, where, f"by rows at random ({_told(shares)})", "rows")


def _group(data: Dataset, group: str) -> Texts:
    if group not in data.groups:
        raise LearnError(
            f"data set '{data.name}' has no group '{group}'; "
            f"it has {', '.join(data.groups) or 'none'}: name the column with --group"
        )
    return data.groups[group]


def _checked(shares: Sequence[float]) -> tuple[float, ...]:
    if len(shares) != len(PARTS) or min(shares) <= 0 or abs(sum(shares) - 1) > 1e-9:
        raise LearnError(
            f"shares {tuple(shares)} do not part a data set; give four above 0 that add up to 1, "
            f"for {', '.join(PARTS)}"
        )
    return tuple(shares)


def _parts_of(count: int, shares: tuple[float, ...]) -> Integers:
    """Which part each of ``count`` things in order belongs to."""
    at = (np.arange(count) + 0.5) / max(count, 1)
    return np.searchsorted(np.cumsum(shares)[:-1], at, side="right")


def _with_gaps(where: Integers, units: Texts, gap: int) -> Integers:
    """Take ``gap`` rows after each change of part, within a unit, out of all parts (-1)."""
    if gap <= 0:
        return where
    gapped = where.copy()
    cuts = np.flatnonzero((where[1:] != where[:-1]) | (units[1:] != units[:-1])) + 1
    for cut in cuts:
        gapped[cut : cut + gap] = -1
    return gapped


def _split(
    data: Dataset, where: Integers, how: str, kind: Literal["time", "group", "blocks", "rows"]
) -> Split:
    rows = [np.flatnonzero(where == index) for index in range(len(PARTS))]
    for part, found in zip(PARTS, rows, strict=True):
        if len(found) == 0:
            raise LearnError(
                f"data set '{data.name}' parted {how} leaves nothing for '{part}'; "
                "give more rows or groups, or other shares"
            )
    return Split(rows[0], rows[1], rows[2], rows[3], how, kind)


def _told(shares: tuple[float, ...]) -> str:
    return "/".join(f"{100 * share:.0f}" for share in shares)
