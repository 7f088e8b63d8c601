"""Made-up signals: what a process does, without any process.

Three families, drawn in equal parts: random ARMA noise about a level that may drift; process-like
responses (steps and ramps through first- and second-order lags with measurement noise, cycles of
batches); and Gaussian processes whose kernels are composed at random, in the manner of KernelSynth
(Ansari et al., *Chronos*, TMLR 2024).
"""

import numpy as np
from scipy.signal import lfilter

from genba.learn.arrays import Floats
from genba.learn.backbone.pool import WHOLE

_LEAD = 60
"""Rows before a stretch in which filters settle."""
_PER_KERNEL = 16


def made_up(count: int, source: np.random.Generator) -> Floats:
    """Draw stretches of signals, (count, length + horizon)."""
    kinds = source.integers(3, size=count)
    drawn = np.empty((count, WHOLE))
    kernels = int((kinds == 2).sum())
    drawn[kinds == 2] = _composed(kernels, source)
    for index in np.flatnonzero(kinds == 0):
        drawn[index] = _noise(source)
    for index in np.flatnonzero(kinds == 1):
        drawn[index] = _response(source)
    return drawn


def _noise(source: np.random.Generator) -> Floats:
    """ARMA(p, q) with stable random poles, on a level that may walk or bend."""
    poles = source.uniform(0, 0.995, int(source.integers(1, 3)))
    if source.random() < 0.3:
        poles[0] = -poles[0] * 0.6
    denominator = np.poly(poles)
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
        period = int(source.integers(6, 60))
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
    signal = (followed + noise)[_LEAD:]
    if source.random() < 0.1:
        signal = np.round(signal * 4) / 4
    return np.asarray(signal)


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
        period = source.uniform(0.05, 0.5)
        turned = np.sin(np.pi * gap / period) / source.uniform(0.4, 1.5)
        return np.asarray(np.exp(-2 * turned**2))
    if kind == 3:
        times = np.linspace(-1, 1, WHOLE) - source.uniform(-1, 1)
        return np.asarray(np.outer(times, times))
    return np.asarray(source.uniform(0.05, 0.5) * np.eye(WHOLE))
