"""What a signal said over time, as arrays: step functions, texts and counters."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from genba.plant import US, Quality

LOOKBACKS_US = (24 * 3600 * US, 7 * 24 * 3600 * US, 60 * 24 * 3600 * US)
"""How far before a period the value that held at its start is looked for, step by step."""


class Records(Protocol):
    """What calibration asks of the historian."""

    def samples(self, signals: Sequence[str], start: int, end: int) -> pa.Table:
        """Samples of signals in ``[start, end)``, microseconds UTC."""
        ...

    def rows(self, name: str, start: int, end: int, **equals: Any) -> pa.Table:
        """Rows of a record table in ``[start, end)``."""
        ...


@dataclass(frozen=True, slots=True)
class Trace:
    """One signal's samples in order of time; those of bad quality are left out.

    A lost link does not change what a machine does: the last value holds on.
    """

    times: NDArray[np.int64]
    """Source times, microseconds UTC."""
    values: NDArray[np.float64]
    """NaN where the signal is text."""
    texts: NDArray[np.object_]

    def _index(self, when: int) -> int:
        return int(np.searchsorted(self.times, when, side="right")) - 1

    def value_at(self, when: int) -> float | None:
        """Return the number that held at a time; None before the first."""
        index = self._index(when)
        return float(self.values[index]) if index >= 0 else None

    def text_at(self, when: int) -> str | None:
        """Return the text that held at a time; None before the first."""
        index = self._index(when)
        return None if index < 0 or self.texts[index] is None else str(self.texts[index])

    def spans(self, start: int, end: int) -> Iterator[tuple[int, int, float, str]]:
        """Go through what held when in ``[start, end)``: begin, end, number, text."""
        inner = self.times[(self.times > start) & (self.times < end)]
        edges = np.unique(np.concatenate([[start], inner, [end]])).tolist()
        for begin, until in pairwise(edges):
            index = self._index(begin)
            if index >= 0:
                yield begin, until, float(self.values[index]), str(self.texts[index] or "")

    def grown(self, start: int, end: int) -> float:
        """How far a counter came in ``[start, end)``, with straight lines between its samples.

        A value below the one before means that it began again at 0.
        """
        if len(self.times) == 0:
            return 0.0
        both = np.interp([start, end], self.times, self._total())
        return float(both[1] - both[0])

    def grown_between(self, edges: NDArray[np.int64]) -> NDArray[np.float64]:
        """How far a counter came between successive times: one value less than ``edges``."""
        if len(self.times) == 0:
            return np.zeros(max(len(edges) - 1, 0))
        return np.diff(np.interp(edges, self.times, self._total()))

    def counted(self, start: int, end: int) -> float:
        """How far a counter of whole things came with samples in ``(start, end]``."""
        first, last = self._index(start), self._index(end)
        if last < 0:
            return 0.0
        total = self._total()
        return float(total[last] - (total[first] if first >= 0 else total[0]))

    def _total(self) -> NDArray[np.float64]:
        steps = np.diff(self.values, prepend=self.values[:1])
        return np.cumsum(np.where(steps < 0, self.values, steps))


def read_traces(
    records: Records, signals: Sequence[str], start: int, end: int
) -> Mapping[str, Trace]:
    """Read signals over ``[start, end)`` with the value that held at ``start``.

    A signal that never said anything is missing in the answer.
    """
    parts: dict[str, list[Trace]] = {}
    missing, until = list(signals), end
    for lookback in LOOKBACKS_US:
        if not missing:
            break
        for name, trace in _read(records, missing, start - lookback, until).items():
            parts.setdefault(name, []).insert(0, trace)
        missing = [s for s in missing if s not in parts or parts[s][0].times[0] > start]
        until = start - lookback
    return {name: _joined(found) for name, found in parts.items()}


def _joined(parts: Sequence[Trace]) -> Trace:
    if len(parts) == 1:
        return parts[0]
    return Trace(
        np.concatenate([p.times for p in parts]),
        np.concatenate([p.values for p in parts]),
        np.concatenate([p.texts for p in parts]),
    )


def _read(records: Records, signals: Sequence[str], start: int, end: int) -> Mapping[str, Trace]:
    table = records.samples(list(signals), start, end)
    good = table.column("quality").to_numpy() != Quality.BAD
    names = table.column("signal").cast(pa.string()).to_numpy(zero_copy_only=False)[good]
    times = table.column("source_time").cast(pa.int64()).to_numpy()[good]
    values = table.column("value").to_numpy(zero_copy_only=False).astype(np.float64)[good]
    texts = table.column("text").cast(pa.string()).to_numpy(zero_copy_only=False)[good]
    found: dict[str, Trace] = {}
    for name in np.unique(names):
        rows = np.flatnonzero(names == name)
        found[str(name)] = Trace(times[rows], values[rows], texts[rows])
    return found
