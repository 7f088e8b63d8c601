"""Samples on a grid of times: as-of values and time-weighted means, by step interpolation.

A sample holds from its source time until the next one of its signal.
"""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from genba.errors import HistorianError
from genba.historian.schema import TIME
from genba.plant import Quality

MOST_POINTS = 10_000_000


def points(start: int, end: int, step_us: int) -> np.ndarray:
    """Grid ``start, start + step, ...`` before ``end``, in microseconds.

    Raises
    ------
    HistorianError
        If the step is not positive, or gives more than ten million points.
    """
    if step_us <= 0:
        raise HistorianError(f"a step of {step_us} us is not positive; give a longer one")
    if (end - start) / step_us > MOST_POINTS:
        raise HistorianError(
            f"that grid has more than {MOST_POINTS:,} points; shorten the period or widen the step"
        )
    return np.arange(start, end, step_us, dtype=np.int64)


def asof(samples: pa.Table, signals: tuple[str, ...], times: np.ndarray) -> pa.Table:
    """Value of each signal at each time: a column ``time`` and one per signal.

    A column is text if the signal's samples hold text, else float64. It is null before the first
    sample and where the last sample is of bad quality. ``samples`` must be sorted by signal, time
    and sequence.
    """
    columns = {"time": pa.array(times, TIME)}
    for name in signals:
        own = samples.filter(pc.equal(samples["signal"], name))
        texts = own.num_rows > 0 and own["text"].null_count < own.num_rows
        values = own["text" if texts else "value"].combine_chunks()
        bad = np.asarray(own["quality"].to_numpy() >= Quality.BAD)
        held = np.searchsorted(_times(own), times, side="right") - 1
        known = held >= 0
        known[known] &= ~bad[held[known]]
        columns[name] = values.take(pa.array(held, pa.int64(), mask=~known))
    return pa.table(columns)


def time_weighted_mean(
    samples: pa.Table, signals: tuple[str, ...], times: np.ndarray, step_us: int, end: int
) -> pa.Table:
    """Mean of each signal over each step, each value weighted by how long it held.

    A step in which nothing is known of a signal has no row; where a signal is unknown for a part
    of a step, the mean is over the rest.
    """
    edges = np.append(times, min(int(times[-1]) + step_us, end))
    parts = []
    for name in signals:
        own = samples.filter(pc.equal(samples["signal"], name))
        value = own["value"].to_numpy().astype(float)
        known = np.isfinite(value) & (own["quality"].to_numpy() < Quality.BAD)
        total = _integral(_times(own), np.where(known, value, 0.0), edges)
        spell = _integral(_times(own), known.astype(float), edges)
        length, area = np.diff(spell), np.diff(total)
        some = length > 0
        parts.append(
            pa.table(
                {
                    "signal": pa.repeat(name, int(some.sum())),
                    "time": pa.array(times[some], TIME),
                    "value": pa.array(area[some] / length[some]),
                }
            )
        )
    return pa.concat_tables(parts)


def _integral(times: np.ndarray, values: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Integral of a step function in value times seconds, from its first step up to each time."""
    if len(times) == 0:
        return np.zeros(len(at))
    area = np.concatenate([[0.0], np.cumsum(values[:-1] * np.diff(times) / 1e6)])
    held = np.searchsorted(times, at, side="right") - 1
    inside = np.maximum(held, 0)
    reached = area[inside] + values[inside] * (at - times[inside]) / 1e6
    return np.where(held >= 0, reached, 0.0)


def _times(own: pa.Table) -> np.ndarray:
    return own["source_time"].cast(pa.int64()).to_numpy()  # type: ignore[no-any-return]
