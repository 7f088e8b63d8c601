"""Data sets from tables: a CSV or Parquet file, a published release, an Arrow table in memory."""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv, parquet

from genba.errors import LearnError
from genba.learn.arrays import Floats, Integers, Texts
from genba.learn.data.column import Column, ColumnKind, Known
from genba.learn.data.dataset import Dataset
from genba.learn.data.lineage import Lineage
from genba.learn.data.synthetic import SYNTHETIC, marked, marks_of, origin_of
from genba.learn.data.target import Target
from genba.learn.data.titles import unit_in_title

_MOST_LEVELS = 200
_FEWEST_US, _MOST_COUNT = 600_000_000_000_000, 1_000_000_000
"""Numbers from here on are microseconds (of 1989 and later); numbers below the second are counts,
say of cycles; those between would be seconds or milliseconds, which nobody said."""


def read_release(path: Path, **how: Any) -> Dataset:
    """Read a CSV or Parquet file; the keywords are those of :func:`from_table`.

    Raises
    ------
    LearnError
        If the file cannot be read, or as with :func:`from_table`.
    """
    try:
        content = path.read_bytes()
        reader = pa.BufferReader(content)
        if path.suffix.lower() in (".parquet", ".pq"):
            table = parquet.read_table(reader)
        elif path.suffix.lower() in (".csv", ".txt"):
            table = csv.read_csv(reader)
        else:
            raise LearnError(f"{path} is neither .csv nor .parquet; convert it to one of them")
    except OSError as error:
        raise LearnError(f"{path} cannot be read: {error.strerror or error}") from None
    except pa.ArrowException as error:
        raise LearnError(
            f"{path} is no table: {str(error).splitlines()[0]}; mend the file"
        ) from None
    _refuse_titles(table, path)
    digest = hashlib.sha256(content).hexdigest()
    how.setdefault("name", path.stem)
    return from_table(table, release=f"{path.name} sha256:{digest}", **how)


def _refuse_titles(table: pa.Table, path: Path) -> None:
    """Refuse a table whose columns cannot be told apart, or read."""
    try:
        titles = table.column_names
    except UnicodeDecodeError:
        raise LearnError(
            f"{path} has column titles that are not UTF-8; save it as UTF-8 (CSV UTF-8)"
        ) from None
    twice = sorted({title for title in titles if titles.count(title) > 1})
    if twice:
        raise LearnError(f"{path} has several columns called '{twice[0]}'; give each its own title")


def from_table(
    table: pa.Table,
    *,
    name: str = "table",
    target: str | None = None,
    classes: Sequence[str] | None = None,
    numeric: bool | None = None,
    time: str | None = None,
    groups: Mapping[str, str] | None = None,
    units: Mapping[str, str] | None = None,
    signals: Mapping[str, str] | None = None,
    before: Collection[str] = (),
    after: Collection[str] = (),
    context: Collection[str] = (),
    without: Collection[str] = (),
    label_time: str | None = None,
    release: str = "",
    seed: int = 0,
) -> Dataset:
    """Make a data set of a table.

    Parameters
    ----------
    table : pa.Table
        One row per moment or part. Texts become categories, booleans 0 and 1.
    target : str, optional
        Column to be said. Texts, booleans, and numbers with ``classes`` are classes.
    classes : sequence of str, optional
        Names of the classes in order: of texts the texts, of numbers their names from the least
        up. For two classes the second is the one that is looked for.
    numeric : bool, optional
        Whether the target is a number; default as its type says.
    time : str, optional
        Column of times: timestamps, ISO 8601 texts, or numbers in microseconds. Small numbers are
        counts, say of cycles: rows go by them. With those, and without a column, nothing is said in
        hours.
    groups : mapping, optional
        Group to column: ``{"unit": "engine", "lot": "batch"}``. These are not learned from.
    units : mapping, optional
        Column to UCUM unit; where none is given, one in brackets at the end of a title counts.
        ``signals``: column to the id of the plant's signal.
    before, after, context : collections of str
        Columns known before or only after the answer; context of lot, tool or calendar.
    without : collection of str
        Columns to leave out.
    label_time : str, optional
        Column that says when each label became known.

    Raises
    ------
    LearnError
        If a named column is not there, or a column holds what cannot be learned from.
    """
    groups = dict(groups or {})
    named = [target, time, label_time, *groups.values()]
    for wanted in (*filter(None, named), *(units or {}), *before, *after, *context, *without):
        if wanted not in table.column_names:
            raise LearnError(
                f"'{name}' has no column '{wanted}'; it has {', '.join(table.column_names[:12])}"
                f"{' ...' if table.num_columns > 12 else ''}"
            )
    if table.num_rows == 0:
        raise LearnError(f"'{name}' has no rows; check the file")
    marks = marks_of(table)
    moments, timed = np.arange(table.num_rows), False
    if time is not None:
        moments, timed = _moments(table[time], name, time)
    if label_time is not None and not timed:
        raise LearnError(f"'{name}' has times of labels and none of rows; name --time, too")
    labels = {group: _texts(table[column]) for group, column in groups.items()}
    order = _order(moments, labels)
    apart = {*filter(None, named), *without, *([] if marks is None else [SYNTHETIC])}
    kept = [c for c in table.column_names if c not in apart]
    columns, values = [], []
    for column in kept:
        numbers, levels = _numbers(table[column], name, column)
        columns.append(
            Column(
                column,
                (units or {}).get(column) or unit_in_title(column),
                ColumnKind.CONTEXT if column in context else ColumnKind.MEASUREMENT,
                (signals or {}).get(column),
                Known.AFTER if column in after else _when(column, before, context),
                levels,
            )
        )
        values.append(numbers[order])
    query = {"columns": kept, "target": target, "time": time, "groups": groups}
    if label_time is not None:
        query["label_time"] = label_time
    found = None
    if target is not None:
        known = None
        if label_time is not None:
            known = _label_times(table, name, label_time, target, moments)[order]
        found = _target(table[target], name, target, classes, numeric, order, known, units or {})
    made = Dataset(
        name,
        tuple(columns),
        np.column_stack(values) if values else np.empty((table.num_rows, 0)),
        moments[order],
        Lineage("file" if release else "made", query, release, seed=seed),
        {group: column[order] for group, column in labels.items()},
        found,
        timed=timed,
    )
    return made if marks is None else marked(made, marks[order], origin_of(table))


def _when(column: str, before: Collection[str], context: Collection[str]) -> Known:
    return Known.BEFORE if column in before or column in context else Known.DURING


def _order(moments: Integers, labels: Mapping[str, Texts]) -> Integers:
    """Sort by unit and time, so that the rows of a unit stand together."""
    if "unit" not in labels:
        return np.argsort(moments, kind="stable")
    _, first, index = np.unique(labels["unit"], return_index=True, return_inverse=True)
    return np.lexsort((moments, first[index]))


def _times(column: pa.ChunkedArray, name: str, title: str) -> Integers:
    try:
        if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
            column = column.cast(pa.timestamp("us"))
        if pa.types.is_temporal(column.type):
            column = column.cast(pa.timestamp("us", getattr(column.type, "tz", None)))
        column = column.cast(pa.int64())
    except pa.ArrowException:
        raise LearnError(
            f"column '{title}' of '{name}' holds no times; write them like 2026-01-05T06:00:00, "
            "or leave --time out to go by the order of the rows"
        ) from None
    if column.null_count:
        raise LearnError(f"column '{title}' of '{name}' lacks a time in {column.null_count} rows")
    return np.asarray(column.to_numpy(), np.int64)


def _moments(column: pa.ChunkedArray, name: str, title: str) -> tuple[Integers, bool]:
    """Read times, or counts; say which it is."""
    moments = _times(column, name, title)
    if pa.types.is_temporal(column.type) or pa.types.is_string(column.type):
        return moments, True
    most = int(np.abs(moments).max())
    if _MOST_COUNT <= most < _FEWEST_US:
        raise LearnError(
            f"column '{title}' of '{name}' holds numbers up to {most}, too many for a count and "
            "too few for microseconds; write times like 2026-01-05T06:00:00"
        )
    return moments, most >= _FEWEST_US


def _label_times(
    table: pa.Table, name: str, title: str, target: str, moments: Integers
) -> Integers:
    """Read when each label came; a row without a label needs no time of it."""
    missing = np.asarray(table[title].is_null())
    lacking = int((missing & ~np.asarray(table[target].is_null(nan_is_null=True))).sum())
    if lacking:
        raise LearnError(f"column '{title}' of '{name}' lacks the time of {lacking} labels")
    known = moments.copy()
    known[~missing] = _times(table[title].filter(pa.array(~missing)), name, title)
    return known


def _texts(column: pa.ChunkedArray) -> Texts:
    return np.array([str(value) for value in column.to_pylist()], np.str_)


def _numbers(column: pa.ChunkedArray, name: str, title: str) -> tuple[Floats, tuple[str, ...]]:
    kind = column.type
    if pa.types.is_boolean(kind) or pa.types.is_integer(kind) or pa.types.is_floating(kind):
        return np.asarray(column.cast(pa.float64()).to_numpy(), np.float64), ()
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        levels = sorted(value for value in pc.unique(column).to_pylist() if value is not None)
        if len(levels) > _MOST_LEVELS:
            raise LearnError(
                f"column '{title}' of '{name}' has {len(levels)} different texts, too many for a "
                f"category; leave it out with --without '{title}', or make it a group"
            )
        place = {level: index for index, level in enumerate(levels)}
        numbers = [np.nan if v is None else float(place[v]) for v in column.to_pylist()]
        return np.array(numbers, np.float64), tuple(levels)
    mend = f"leave it out with --without '{title}'"
    if pa.types.is_temporal(kind):
        raise LearnError(
            f"column '{title}' of '{name}' holds times, and no values; name it with --time or "
            f"--label-time, or {mend}"
        )
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        raise LearnError(
            f"column '{title}' of '{name}' holds texts that are not UTF-8; save the file as UTF-8, "
            f"or {mend}"
        )
    what = "nothing at all" if pa.types.is_null(kind) else f"{kind}, which is no number or text"
    raise LearnError(f"column '{title}' of '{name}' holds {what}; {mend}")


def _target(
    column: pa.ChunkedArray,
    name: str,
    title: str,
    classes: Sequence[str] | None,
    numeric: bool | None,
    order: Integers,
    known: Integers | None,
    units: Mapping[str, str],
) -> Target:
    values, levels = _numbers(column, name, title)
    unit = units.get(title, "1")
    if levels:
        wanted = tuple(classes or levels)
        if set(wanted) != set(levels):
            raise LearnError(
                f"target '{title}' of '{name}' has the classes {', '.join(levels)}; "
                "name exactly these"
            )
        place = np.array([wanted.index(level) for level in levels], np.float64)
        indexed = np.where(np.isfinite(values), place[np.nan_to_num(values).astype(int)], np.nan)
        return Target(title, indexed[order], "1", wanted, known)
    as_class = bool(classes) or pa.types.is_boolean(column.type) if numeric is None else not numeric
    if not as_class:
        return Target(title, values[order], unit, (), known)
    seen = np.unique(values[np.isfinite(values)])
    names = tuple(classes or (f"{value:g}" for value in seen))
    if len(names) != len(seen):
        raise LearnError(
            f"target '{title}' of '{name}' has {len(seen)} different values and {len(names)} "
            "names of classes; give one name for each"
        )
    indexed = np.where(np.isfinite(values), np.searchsorted(seen, values), np.nan)
    return Target(title, indexed[order], "1", names, known)
