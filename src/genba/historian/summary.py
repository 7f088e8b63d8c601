"""What remains of the samples of one step: how many, how large, between which extremes.

A row is a function of its own step's samples alone, so that it can be made again whenever one comes
late. What held before a step's first sample is not in it: rows that follow each other are put
together (:func:`compose`, :func:`means`) with what the earlier one left, and the time-weighted mean
and the increase come out as they would from the samples themselves.
"""

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from genba.historian.schema import ROLLUP_1M, TIME
from genba.plant import Quality

_NEVER = np.iinfo(np.int64).max

Columns = dict[str, Any]


def summarize(samples: pa.Table, step_us: int) -> pa.Table:
    """Make a row of every signal's samples within a step.

    Parameters
    ----------
    samples : pa.Table
        ``signal``, ``source_time``, ``store_time``, ``value``, ``quality``; sorted by signal,
        source time and sequence.
    step_us : int
        Length of a step in microseconds; steps begin at multiples of it since 1970.

    Returns
    -------
    pa.Table
        Rows of a rollup, without ``sequence``.
    """
    if samples.num_rows == 0:
        return _empty()
    codes, names = _codes(samples["signal"])
    times, stored = numbers(samples["source_time"]), numbers(samples["store_time"])
    value = samples["value"].to_numpy().astype(float)
    known = np.isfinite(value) & (samples["quality"].to_numpy() < Quality.BAD)
    step = times // step_us
    starts = _starts(codes, step)
    ends = (step + 1) * step_us
    following = np.append(times[1:], 0)
    lasts = np.append(starts[1:], len(times)) - 1
    following[lasts] = ends[lasts]
    hold_s = (following - times) / 1e6
    plain = np.where(known, value, 0.0)
    places = np.arange(len(times))
    columns: Columns = {
        "signal": names.take(pa.array(codes[starts])),
        "time": step[starts] * step_us,
        "store_time": np.maximum.reduceat(stored, starts),
        "count": np.diff(np.append(starts, len(times))),
        "good": np.add.reduceat(known.astype(np.int64), starts),
        "sum": np.add.reduceat(plain, starts),
        "area": np.add.reduceat(plain * hold_s, starts),
        "known_s": np.add.reduceat(np.where(known, hold_s, 0.0), starts),
        "begin": times[starts],
        "held": known[lasts],
        "increase": _increase(value, value, known, starts),
        **_extremes(value, value, times, times, known, starts),
    }
    first = np.minimum.reduceat(np.where(known, places, len(times) - 1), starts)
    last = np.maximum.reduceat(np.where(known, places, 0), starts)
    columns |= {"first": value[first], "first_time": times[first]}
    columns |= {"last": value[last], "last_time": times[last]}
    return _table(columns)


def compose(rows: pa.Table, fine_us: int, step_us: int, origin: int = 0) -> pa.Table:
    """Make rows of longer steps out of rows of shorter ones.

    Parameters
    ----------
    rows : pa.Table
        Rows of a rollup, sorted by signal and time, one of a step.
    fine_us, step_us : int
        Length of their steps, and of those to make, in microseconds.
    origin : int
        A time at which one of the longer steps begins.
    """
    if rows.num_rows == 0:
        return _empty()
    codes, names = _codes(rows["signal"])
    times, begin = numbers(rows["time"]), numbers(rows["begin"])
    step = (times - origin) // step_us
    starts = _starts(codes, step)
    lasts = np.append(starts[1:], len(times)) - 1
    until = np.append(begin[1:], 0)
    until[lasts] = (step[lasts] + 1) * step_us + origin
    held = rows["held"].to_numpy(zero_copy_only=False)
    good = numbers(rows["good"])
    last = _floats(rows["last"])
    bridge_s = np.where(held, (until - times - fine_us) / 1e6, 0.0)
    some = good > 0
    places = np.arange(len(times))
    first_place = np.minimum.reduceat(np.where(some, places, len(times) - 1), starts)
    last_place = np.maximum.reduceat(np.where(some, places, 0), starts)
    within = np.add.reduceat(_floats(rows["increase"]), starts)
    columns: Columns = {
        "signal": names.take(pa.array(codes[starts])),
        "time": step[starts] * step_us + origin,
        "store_time": np.maximum.reduceat(numbers(rows["store_time"]), starts),
        "count": np.add.reduceat(numbers(rows["count"]), starts),
        "good": np.add.reduceat(good, starts),
        "sum": np.add.reduceat(_floats(rows["sum"]), starts),
        "area": np.add.reduceat(
            _floats(rows["area"]) + np.where(held, last, 0.0) * bridge_s, starts
        ),
        "known_s": np.add.reduceat(_floats(rows["known_s"]) + bridge_s, starts),
        "begin": begin[starts],
        "held": held[lasts],
        "increase": within + _increase(_floats(rows["first"]), last, some, starts),
        **_extremes(
            _floats(rows["min"]),
            _floats(rows["max"]),
            numbers(rows["min_time"]),
            numbers(rows["max_time"]),
            some,
            starts,
        ),
        "first": _floats(rows["first"])[first_place],
        "first_time": numbers(rows["first_time"])[first_place],
        "last": last[last_place],
        "last_time": numbers(rows["last_time"])[last_place],
    }
    return _table(columns)


def means(rows: pa.Table, step_us: int) -> tuple[np.ndarray, np.ndarray]:
    """Return each row's time-weighted mean (nan where unknown) and increase, with what held before.

    ``rows`` are sorted by signal and time.
    """
    codes, _ = _codes(rows["signal"])
    times, begin = numbers(rows["time"]), numbers(rows["begin"])
    held, last = rows["held"].to_numpy(zero_copy_only=False), _floats(rows["last"])
    some = numbers(rows["good"]) > 0
    carried = np.zeros(len(times), bool)
    carried[1:] = held[:-1] & (codes[1:] == codes[:-1])
    ahead_s = np.where(carried, (begin - times) / 1e6, 0.0)
    before = np.where(carried, np.roll(last, 1), 0.0)
    known_s = _floats(rows["known_s"]) + ahead_s
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(known_s > 0, (_floats(rows["area"]) + before * ahead_s) / known_s, np.nan)
    return mean, _floats(rows["increase"]) + _steps(
        _floats(rows["first"]), last, some, codes.astype(np.int64)
    )


def integral(rows: pa.Table, fine_us: int, at: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Integrate one signal's rows up to times at which steps begin.

    Returns
    -------
    tuple of ndarray
        Value times seconds, and seconds that the value is known, from the first row on.
    """
    if rows.num_rows == 0:
        return np.zeros(len(at)), np.zeros(len(at))
    ends, begin = numbers(rows["time"]) + fine_us, numbers(rows["begin"])
    held = rows["held"].to_numpy(zero_copy_only=False)
    last = np.where(held, _floats(rows["last"]), 0.0)
    bridge_s = np.where(held[:-1], (begin[1:] - ends[:-1]) / 1e6, 0.0)
    place = np.searchsorted(ends, at, side="right") - 1
    inside = np.maximum(place, 0)
    beyond_s = np.where(held[inside], (at - ends[inside]) / 1e6, 0.0)
    found = []
    for name, rate in (("area", last), ("known_s", np.ones(len(ends)))):
        own = _floats(rows[name])
        upto = np.cumsum(own) + np.concatenate([[0.0], np.cumsum(bridge_s * rate[:-1])])
        found.append(np.where(place >= 0, upto[inside] + beyond_s * rate[inside], 0.0))
    return found[0], found[1]


def _extremes(
    low: np.ndarray,
    high: np.ndarray,
    low_times: np.ndarray,
    high_times: np.ndarray,
    known: np.ndarray,
    starts: np.ndarray,
) -> Columns:
    """Return least and greatest value of each group, and when each was reached first."""
    counts = np.diff(np.append(starts, len(known)))
    least = np.minimum.reduceat(np.where(known, low, np.inf), starts)
    most = np.maximum.reduceat(np.where(known, high, -np.inf), starts)
    at_least = known & (low == np.repeat(least, counts))
    at_most = known & (high == np.repeat(most, counts))
    return {
        "min": least,
        "min_time": np.minimum.reduceat(np.where(at_least, low_times, _NEVER), starts),
        "max": most,
        "max_time": np.minimum.reduceat(np.where(at_most, high_times, _NEVER), starts),
    }


def _increase(
    first: np.ndarray, last: np.ndarray, known: np.ndarray, starts: np.ndarray
) -> np.ndarray:
    """Return how far a counter came from one known value to the next, summed by group."""
    group = np.zeros(len(known), np.int64)
    group[starts[1:]] = 1
    group = np.cumsum(group)
    return np.add.reduceat(_steps(first, last, known, group), starts)


def _steps(first: np.ndarray, last: np.ndarray, known: np.ndarray, group: np.ndarray) -> np.ndarray:
    """Return each row's increase from the known row before it in its group.

    A counter that falls has begun again at zero.
    """
    steps = np.zeros(len(known))
    places = np.flatnonzero(known)
    if len(places) > 1:
        here, before = places[1:], places[:-1]
        change = first[here] - last[before]
        grown = np.where(change >= 0, change, first[here])
        steps[here] = np.where(group[here] == group[before], grown, 0.0)
    return steps


def _starts(codes: np.ndarray, step: np.ndarray) -> np.ndarray:
    changed = (codes[1:] != codes[:-1]) | (step[1:] != step[:-1])
    return np.concatenate([[0], np.flatnonzero(changed) + 1])


def _codes(column: pa.ChunkedArray) -> tuple[np.ndarray, pa.Array]:
    encoded = column.cast(pa.string()).combine_chunks().dictionary_encode()
    if isinstance(encoded, pa.ChunkedArray):
        encoded = encoded.chunk(0)
    return encoded.indices.to_numpy(), encoded.dictionary


def numbers(column: pa.ChunkedArray) -> np.ndarray:
    """Return times or counts as integers; what is null as 0."""
    return pc.fill_null(column.cast(pa.int64()), 0).to_numpy()  # type: ignore[no-any-return]


def _floats(column: pa.ChunkedArray) -> np.ndarray:
    return pc.fill_null(column, 0.0).to_numpy()  # type: ignore[no-any-return]


_OF_VALUES = ("min", "min_time", "max", "max_time", "first", "first_time", "last", "last_time")
_FIELDS = [field.with_nullable(True) for field in ROLLUP_1M.schema if field.name != "sequence"]
ROWS = pa.schema(_FIELDS)
"""Of rows that are not in a table yet."""


def _table(columns: Columns) -> pa.Table:
    """Build rows; what tells of values is null where no good one was."""
    none = columns["good"] == 0
    arrays = []
    for field in _FIELDS:
        column = columns[field.name]
        if not isinstance(column, pa.Array):
            if pa.types.is_timestamp(field.type):
                column = np.where(none, 0, column) if field.name in _OF_VALUES else column
                column = pa.array(column, pa.int64()).cast(TIME)
            else:
                column = pa.array(column, field.type)
        if field.name in _OF_VALUES and none.any():
            column = pc.if_else(pa.array(~none), column, pa.scalar(None, field.type))
        arrays.append(column)
    return pa.Table.from_arrays(arrays, schema=ROWS)


def _empty() -> pa.Table:
    return ROWS.empty_table()
