"""What instruments do to a signal: hold, round, saturate, spike, add noise, and begin late."""

import numpy as np

from genba.learn.arrays import Floats, Integers
from genba.learn.backbone.window import LENGTH

_HELD, _ROUNDED, _SATURATED, _SPIKED, _NOISY, _LATE = 0.12, 0.08, 0.08, 0.05, 0.2, 0.1
"""Shares of signals to which each happens."""


def measured(signals: Floats, source: np.random.Generator) -> Floats:
    """Send signals, (n, length + horizon), through instruments; some come back as they are."""
    signals = signals - signals.mean(axis=1, keepdims=True)
    signals = signals / (signals.std(axis=1, keepdims=True) + 1e-9)
    count, rows = signals.shape

    def some(share: float) -> Integers:
        return np.flatnonzero(source.random(count) < share)

    noisy = some(_NOISY)
    signals[noisy] += source.exponential(0.3, (len(noisy), 1)) * source.normal(
        size=(len(noisy), rows)
    )
    for index in some(_SPIKED):
        at = source.integers(rows, size=int(source.integers(1, 5)))
        signals[index, at] += source.normal(0, 4, len(at))
    for index in some(_SATURATED):
        end = np.quantile(signals[index], source.uniform(0.5, 0.95))
        signals[index] = np.minimum(signals[index], end) * source.choice([-1.0, 1.0])
    for index in some(_HELD):
        every = int(source.integers(2, 10))
        taken = np.arange(rows) // every * every + int(source.integers(every)) - every + 1
        signals[index] = signals[index, np.maximum(taken, 0)]
    for index in some(_ROUNDED):
        step = source.uniform(0.1, 0.8)
        signals[index] = np.round(signals[index] / step) * step
    return signals


def late(stretches: Floats, source: np.random.Generator) -> Floats:
    """Let some stretches begin late: what lies before is not known."""
    begun = np.where(
        source.random(len(stretches)) < _LATE,
        source.integers(0, LENGTH * 3 // 4, len(stretches)),
        0,
    )
    early = np.arange(stretches.shape[1]) < begun[:, None]
    return np.where(early, np.nan, stretches)
