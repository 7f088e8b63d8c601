"""Made-up signals: what a process does, without any process.

Four families, drawn in equal parts: random ARMA noise, resonances among it, about a level that may
drift; process-like responses (steps and ramps through first- and second-order lags with measurement
noise, cycles of batches); the load of a plant that works by the clock; and Gaussian processes whose
kernels are composed at random, in the manner of KernelSynth (Ansari et al., *Chronos*, TMLR 2024).
Some pass through what instruments do to them: see :mod:`genba.learn.backbone.instruments`.
"""

import numpy as np
from scipy.signal import lfilter

from genba.learn.arrays import Floats
from genba.learn.backbone.instruments import measured
from genba.learn.backbone.pool import WHOLE

_LEAD = 60
"""Rows before a stretch in which filters settle."""
_PER_KERNEL = 16
_DATED, _ODD = 0.7, 0.3
_DAYS = (96, 96, 96, 96, 24, 48, 72, 144, 288)
"""Rows of a day: mostly of a quarter of an hour, and at other usual paces."""


def made_up(count: int, source: np.random.Generator) -> tuple[Floats, Floats]:
    """Draw stretches of signals, (count, length + horizon), and the rows of a day, (count,).

    Some processes go by the clock and most do not; of either kind, how long a day is may be known
    (rows) or not (0).
    """
    kinds = source.integers(4, size=count)
    drawn = np.empty((count, WHOLE))
    kernels = int((kinds == 2).sum())
    drawn[kinds == 2] = _composed(kernels, source)
    for kind, family in ((0, _noise), (1, _response)):
        for index in np.flatnonzero(kinds == kind):
            drawn[index] = family(source)
    day = source.choice(_DAYS, count).astype(float)
    other = source.random(count) < _ODD
    day[other] = source.integers(12, 600, int(other.sum()))
    for index in np.flatnonzero(kinds == 3):
        drawn[index] = _clocked(int(day[index]), source)
    return measured(drawn, source), np.where(source.random(count) < _DATED, day, 0.0)


def _noise(source: np.random.Generator) -> Floats:
    """ARMA(p, q) with stable random poles, on a level that may walk or bend."""
    poles = 1 - np.exp(source.uniform(np.log(0.005), 0, int(source.integers(1, 3))))
    if source.random() < 0.3:
        poles[0] = -poles[0] * 0.6
    if source.random() < 0.35:
        pairs = int(source.integers(1, 4))
        turns = np.exp(1j * source.uniform(0.03, 1, pairs) ** 1.5 * np.pi)
        ringing = (1 - np.exp(source.uniform(np.log(0.003), np.log(0.3), pairs))) * turns
        poles = np.concatenate([poles * (source.random() < 0.5), ringing, np.conj(ringing)])
    denominator = np.real(np.poly(poles))
    numerator = np.concatenate([[1.0], source.uniform(-0.7, 0.7, int(source.integers(0, 3)))])
    length = WHOLE + _LEAD
    driven = lfilter(numerator, denominator, source.normal(size=length))[_LEAD:]
    driven = driven / (driven.std() + 1e-9)
    if source.random() < 0.5:
        driven = driven + source.exponential(1.0) * source.normal(size=WHOLE)
    if source.random() < 0.4:
        walk = np.cumsum(source.normal(size=WHOLE)) / np.sqrt(WHOLE)
        driven = driven + source.exponential(2.0) * walk
    if source.random() < 0.3:
        driven = driven + source.normal(0, 2) * np.linspace(0, 1, WHOLE) ** source.uniform(0.5, 2)
    return np.asarray(driven)


def _response(source: np.random.Generator) -> Floats:
    """Follow moving set points through a lag, with noise, and perhaps cycles on top."""
    length = WHOLE + _LEAD
    target = np.zeros(length)
    if source.random() < 0.5:
        period = int(source.integers(6, 90))
        duty = source.uniform(0.2, 0.8)
        phase = (np.arange(length) + source.integers(period)) % period
        target += np.where(phase < duty * period, 1.0, 0.0)
        if source.random() < 0.3:
            target += source.normal(0, 1) * phase / period
    for _ in range(int(source.integers(0, 4))):
        at = int(source.integers(length))
        target[at:] += source.normal(0, 2)
    if source.random() < 0.3:
        at = int(source.integers(length - 1))
        target[at:] += source.normal(0, 3) * np.linspace(0, 1, length - at)
    lag = source.uniform(0, 0.97)
    followed = lfilter([1 - lag], [1, -lag], target)
    if source.random() < 0.4:
        ring = source.uniform(0.5, 0.97) * np.exp(1j * source.uniform(0.05, 1.0))
        denominator = np.real(np.poly([ring, np.conj(ring)]))
        followed = lfilter([denominator.sum()], denominator, followed)
    if source.random() < 0.3:
        times = np.arange(length)
        turn = 2 * np.pi / source.uniform(5, 120)
        followed = followed + source.exponential(0.7) * np.sin(turn * times + source.uniform(0, 7))
    noise = source.exponential(0.25) * source.normal(size=length)
    if source.random() < 0.5:
        held = source.uniform(0, 0.9)
        noise = lfilter([1.0], [1, -held], noise)
    return np.asarray((followed + noise)[_LEAD:])


def _clocked(day: int, source: np.random.Generator) -> Floats:
    """Work by shifts of a day: busy and noisy hours, quiet ones, days off, days that differ."""
    days = 2 + (WHOLE + day) // day
    hour = np.arange(day) / day
    shape = np.zeros(day)
    for _ in range(int(source.integers(1, 4))):
        begin, lasts = source.random(), source.uniform(0.1, 0.6)
        shape += source.uniform(0.3, 1.0) * (((hour - begin) % 1.0) < lasts)
    if source.random() < 0.5:
        shape += source.uniform(0, 1.0) * np.sin(2 * np.pi * (hour - source.random()))
    size = 1 + source.uniform(0, 0.4) * source.normal(size=days)
    size = np.where(source.random(days) < source.choice([0.0, 0.15, 0.3]), 0.05, size)
    start = int(source.integers(day))
    length = WHOLE + start
    load = (size[:, None] * shape).ravel()[:length]
    held = source.uniform(0, 0.9)
    rough = lfilter([np.sqrt(1 - held * held)], [1, -held], source.normal(size=length))
    if source.random() < 0.3:
        rough = np.abs(rough) ** source.uniform(1, 2)
    busy = source.uniform(0, 0.5) * np.abs(load) + source.exponential(0.03)
    load = lfilter([1 - 0.8 * held], [1, -0.8 * held], load) + busy * rough
    if source.random() < 0.4:
        load = np.maximum(load, source.uniform(0, 0.2))
    return np.asarray(load[start:])


def _composed(count: int, source: np.random.Generator) -> Floats:
    """Draw Gaussian processes; one composed kernel serves a few of them."""
    drawn = np.empty((count, WHOLE))
    gap = np.abs(np.arange(WHOLE)[:, None] - np.arange(WHOLE)[None, :]) / WHOLE
    for start in range(0, count, _PER_KERNEL):
        kernel = _kernel(gap, source)
        for _ in range(int(source.integers(0, 3))):
            other = _kernel(gap, source)
            kernel = kernel + other if source.random() < 0.6 else kernel * other
        root = np.linalg.cholesky(kernel + 1e-6 * np.trace(kernel) / WHOLE * np.eye(WHOLE))
        few = min(_PER_KERNEL, count - start)
        drawn[start : start + few] = source.normal(size=(few, WHOLE)) @ root.T
    return drawn


def _kernel(gap: Floats, source: np.random.Generator) -> Floats:
    """One kernel on times 0 to 1: smooth, rough, periodic, a line, or white noise."""
    kind = int(source.integers(5))
    if kind == 0:
        return np.asarray(np.exp(-0.5 * (gap / source.uniform(0.03, 0.6)) ** 2))
    if kind == 1:
        return np.asarray(np.exp(-gap / source.uniform(0.03, 1.0)))
    if kind == 2:
        period = source.uniform(0.05, 0.8)
        turned = np.sin(np.pi * gap / period) / source.uniform(0.4, 1.5)
        return np.asarray(np.exp(-2 * turned**2))
    if kind == 3:
        times = np.linspace(-1, 1, WHOLE) - source.uniform(-1, 1)
        return np.asarray(np.outer(times, times))
    return np.asarray(source.uniform(0.05, 0.5) * np.eye(WHOLE))
