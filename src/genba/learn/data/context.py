"""Lot, product and operation of a machine at each moment, out of the recorded operations."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from genba.historian import Historian
from genba.learn.arrays import Integers, Texts


@dataclass(frozen=True, slots=True, eq=False)
class Context:
    """Texts of each moment, (n,); empty where nothing is known."""

    lot: Texts
    product: Texts
    operation: Texts


def context_of(historian: Historian, equipment: str, time: Integers) -> Context:
    """Look up what a machine worked on at each moment, microseconds UTC, (n,).

    Operations are recorded when they end, so the last one may be unknown. Where two overlap, the
    one that began later counts.
    """
    columns = ("lot", "product", "operation")
    found = historian.rows("operations", equipment=equipment).sort_by("start")
    told = {name: np.full(len(time), "", object) for name in columns}
    starts = _moments(found["start"])
    ends = _moments(found["end"])
    for row in range(found.num_rows):
        within = (time >= starts[row]) & (time < ends[row])
        for name in columns:
            told[name][within] = found[name][row].as_py() or ""
    lot, product, operation = (told[name].astype(np.str_) for name in columns)
    return Context(lot, product, operation)


def _moments(column: pa.ChunkedArray) -> Integers:
    return np.asarray(column.cast(pa.int64()).fill_null(0).to_numpy(), np.int64)
