"""The mark of rows that no plant ever showed. It stays on them wherever they go.

A file says it twice: each row in a column ``synthetic``, and the Parquet metadata under
``genba.synthetic`` (JSON: model, seed, event). In a data set the mark is a group, which no recipe
learns from, and it stands in the lineage, and so on the card of each model. Synthetic rows are to
learn from alone: what judges a model is real.
"""

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa

from genba.learn.arrays import Booleans, Texts
from genba.learn.data.dataset import Dataset

SYNTHETIC = "synthetic"
"""The column, and the group: ``yes`` or ``no``."""
METADATA = b"genba.synthetic"


def marks_of(table: pa.Table) -> Texts | None:
    """Say of each row whether it is synthetic; None where nothing says that any is."""
    origin = origin_of(table)
    if SYNTHETIC in table.column_names and pa.types.is_boolean(table.schema.field(SYNTHETIC).type):
        # Nothing said of a row in a table that has such rows is no proof that it is real.
        marked = np.array([value is not False for value in table[SYNTHETIC].to_pylist()])
    elif origin is not None:
        marked = np.ones(table.num_rows, bool)
    else:
        return None
    return np.where(marked, "yes", "no").astype(np.str_)


def origin_of(table: pa.Table) -> dict[str, Any] | None:
    """Say which model made the rows, with which seed and event; None where nobody says."""
    told = (table.schema.metadata or {}).get(METADATA)
    if told is None:
        return None
    try:
        found = json.loads(told)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def marked(data: Dataset, marks: Texts, origin: dict[str, Any] | None) -> Dataset:
    """Put the mark on a data set, and into its lineage."""
    count = int((marks == "yes").sum())
    if not count:
        return data
    told = ", ".join(f"{name} {value}" for name, value in sorted((origin or {}).items()))
    step = f"{count} of {data.rows} rows are synthetic: {told or 'their origin is not said'}"
    return replace(data, groups={**data.groups, SYNTHETIC: marks}, lineage=data.lineage.then(step))


def synthetic_rows(data: Dataset) -> Booleans:
    """Say which rows are synthetic, (rows,)."""
    marks = data.groups.get(SYNTHETIC)
    return np.zeros(data.rows, bool) if marks is None else np.asarray(marks == "yes")
