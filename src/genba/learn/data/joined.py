"""Rows of several data sets of the same columns as one."""

from collections.abc import Sequence

import numpy as np

from genba.learn.data.dataset import UNIT, Dataset
from genba.learn.data.target import Target


def joined(parts: Sequence[Dataset], name: str, note: str) -> Dataset:
    """Put rows one after the other; units stay apart, and the first part's words are used.

    The target is kept, and groups other than units are not.

    Parameters
    ----------
    note : str
        What was joined, for the lineage.

    Raises
    ------
    LearnError
        If the first part has a target and another has none.
    """
    first = parts[0]
    units = [np.char.add(f"{place}:", part.units) for place, part in enumerate(parts)]
    target = None
    if first.target is not None:
        labels = np.concatenate([part.labels() for part in parts])
        target = Target(first.target.name, labels, first.target.unit, first.target.classes)
    return Dataset(
        name,
        first.columns,
        np.concatenate([part.values for part in parts]),
        np.concatenate([part.time for part in parts]),
        first.lineage.then(note),
        {UNIT: np.concatenate(units)},
        target,
        timed=first.timed,
    )
