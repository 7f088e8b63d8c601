"""Step functions and counters read from the historian."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pyarrow as pa

from genba.plant import US, Quality, Role

LOOKBACK_US = 24 * 3600 * US
"""How far before a period the value that held at its start is looked for at first."""

LONGEST_US = 60 * 24 * 3600 * US
"""How far it is looked for at last: longer than a plant holiday."""


class Records(Protocol):
    """What assessing needs of the historian."""

    def samples(self, signals: Sequence[str], start: int, end: int) -> pa.Table:
        """Samples of signals in ``[start, end)``."""
        ...

    def rows(self, name: str, start: int, end: int, **equals: Any) -> pa.Table:
        """Rows of a record table in ``[start, end)``."""
        ...

    def gaps(self, signals: Sequence[str], start: int, end: int) -> pa.Table:
        """Entries of the gap ledger that touch ``[start, end)``."""
        ...


@dataclass(frozen=True, slots=True)
class Series:
    """One signal as arrays in order of time: ``times`` (us), ``values``, ``texts``, ``good``."""

    times: np.ndarray
    values: np.ndarray
    texts: np.ndarray
    good: np.ndarray

    def __len__(self) -> int:
        return len(self.times)


def read(records: Records, signals: Sequence[str], start: int, end: int) -> dict[str, Series]:
    """Read signals over ``[start, end)`` with the value that held just before ``start``.

    That value is looked for within a day before ``start``, and where there is none, within
    ``LONGEST_US``, because states and counters are recorded only when they change.
    """
    found = _read(records, signals, start - LOOKBACK_US, end)
    late = [s for s in signals if s not in found or found[s].times[0] >= start]
    earlier = _read(records, late, start - LONGEST_US, start - LOOKBACK_US)
    for name, before in earlier.items():
        found[name] = _joined(before, found[name]) if name in found else before
    return found


def _joined(first: Series, second: Series) -> Series:
    return Series(
        np.concatenate([first.times, second.times]),
        np.concatenate([first.values, second.values]),
        np.concatenate([first.texts, second.texts]),
        np.concatenate([first.good, second.good]),
    )


def _read(records: Records, signals: Sequence[str], start: int, end: int) -> dict[str, Series]:
    if not signals:
        return {}
    table = records.samples(list(signals), start, end)
    names = table.column("signal").cast(pa.string()).to_numpy(zero_copy_only=False)
    times = table.column("source_time").cast(pa.int64()).to_numpy()
    values = table.column("value").to_numpy(zero_copy_only=False).astype(float)
    texts = table.column("text").cast(pa.string()).to_numpy(zero_copy_only=False)
    good = table.column("quality").to_numpy() != Quality.BAD
    result = {}
    for name in np.unique(names):
        rows = np.flatnonzero(names == name)
        rows = rows[np.argsort(times[rows], kind="stable")]
        result[str(name)] = Series(times[rows], values[rows], texts[rows], good[rows])
    return result


def durations(
    state: Series, mode: Series | None, intervals: Sequence[tuple[int, int]]
) -> dict[tuple[int, int] | None, float]:
    """Seconds that each (state, mode) lasted in the intervals; None counts the unknown.

    A value holds until the next one. Where a machine shows no mode, production is taken.
    """
    changes = np.unique(np.concatenate([state.times, *([] if mode is None else [mode.times])]))
    result: dict[tuple[int, int] | None, float] = {}
    for start, end in intervals:
        inner = changes[(changes > start) & (changes < end)]
        edges = np.concatenate([[start], inner, [end]]).astype(np.int64)
        states = _held(state, edges[:-1])
        modes = np.ones(len(edges) - 1) if mode is None else _held(mode, edges[:-1])
        lengths = np.diff(edges) / US
        for number, kind, length in zip(states, modes, lengths, strict=True):
            key = None if np.isnan(number) or np.isnan(kind) else (int(number), int(kind))
            result[key] = result.get(key, 0.0) + float(length)
    return result


def _held(series: Series, at: np.ndarray) -> np.ndarray:
    """Value that holds at each time; NaN before the first and while the quality is bad."""
    index = np.searchsorted(series.times, at, side="right") - 1
    values = np.where(series.good, series.values, np.nan)
    return np.where(index >= 0, values[np.maximum(index, 0)], np.nan)


def increments(series: Series | None, start: int, end: int) -> tuple[np.ndarray, np.ndarray]:
    """Times and amounts by which a counter grew in ``[start, end)``.

    A value below the one before means that the counter began again at 0. The first value ever
    recorded is where counting begins.
    """
    if series is None:
        return np.empty(0, np.int64), np.empty(0)
    known = series.good & ~np.isnan(series.values)
    times, values = series.times[known], series.values[known]
    if len(values) < 2:
        return np.empty(0, np.int64), np.empty(0)
    steps = np.diff(values)
    steps = np.where(steps < 0, values[1:], steps)
    inside = (times[1:] >= start) & (times[1:] < end) & (steps != 0)
    return times[1:][inside], steps[inside]


def grown(series: Series | None, start: int, end: int) -> float | None:
    """How much a counter grew in ``[start, end)``; None where it was never recorded."""
    if series is None or not np.any(series.good):
        return None
    return float(increments(series, start, end)[1].sum())


def text_at(series: Series | None, when: int) -> str | None:
    """Text that held at a time, or None."""
    if series is None:
        return None
    index = int(np.searchsorted(series.times, when, side="right")) - 1
    while index >= 0 and not series.good[index]:
        index -= 1  # a lost link does not change what the machine does
    if index < 0:
        return None
    text = series.texts[index]
    return None if text is None else str(text)


ROLES = (
    Role.STATE,
    Role.MODE,
    Role.GOOD_COUNT,
    Role.SCRAP_COUNT,
    Role.REWORK_COUNT,
    Role.ENERGY,
    Role.JOB_OPERATION,
    Role.LOTS,
)
"""Roles whose signals the KPIs are computed from."""
