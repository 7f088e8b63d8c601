"""How long rows remember: rows that resemble their neighbors say less than as many of their own.

The mean of ``n`` rows scatters as that of ``n / tau`` independent ones, with ``tau`` the integrated
autocorrelation time. Two estimates go together. Geyer's initial positive sequence (*Practical
Markov chain Monte Carlo*, Statistical Science 7, 1992) holds where memory is short. The scatter of
the means of blocks (batch means; Schmeiser, *Operations Research* 30, 1982) also sees wandering
that no single lag shows: where blocks of an hour differ more than their minutes would make one
think, memory is long, and a week says little.
"""

from dataclasses import dataclass

import numpy as np

from genba.learn.arrays import Booleans, Floats

FEWEST_BLOCKS = 4
"""Blocks whose means are compared; longer blocks would be too few to tell their scatter."""
_BELIEVED = 4.0
"""Degrees of freedom that short memory is worth beside few blocks."""
_STEEPEST = 0.9
"""A memory that goes on growing does so at most as this power of the length."""
_WORTH = 6.0
"""Independent rows that make one degree of freedom of a measured memory.

Its relative variance is ``2 (2 m + 1) / n`` with lags up to ``m`` (Sokal, *Monte Carlo methods in
statistical mechanics*, 1989), here about three times the memory.
"""
_MOST_LAGGED = 32_768
"""Rows, the newest, that short memory is measured on."""
_SURE = 60.0
"""Degrees of freedom where memory is short, and the scatter known from all rows."""


@dataclass(frozen=True, slots=True, eq=False)
class Memory:
    """The memory of some series of one length, all in time.

    ``short`` (series,) is Geyer's ``tau``; ``blocks`` (levels, series) that of the means of blocks
    of 1, 2, 4 ... rows; ``variance`` (series,) the variance of single rows.
    """

    rows: int
    short: Floats
    blocks: Floats
    variance: Floats

    def scatter(self, length: int) -> tuple[Floats, Floats]:
        """Variance of the mean of ``length`` rows, (series,), and its degrees of freedom.

        Rows that all lie within one swing of a slow process vary less than the process does; the
        variance is that of the process.
        """
        tau, degrees = self.tau(length)
        whole, _ = self.tau(self.rows)
        within = np.maximum(1.0 - whole / self.rows, 0.1)
        degrees = np.minimum(degrees, np.maximum(self.rows / whole / _WORTH, 1.0))
        return self.variance / within * tau / max(length, 1), degrees

    def tau(self, length: int) -> tuple[Floats, Floats]:
        """Rows that count as one in a stretch of ``length``, (series,), and degrees of freedom."""
        levels = len(self.blocks)
        place = np.log2(max(length, 1))
        if levels == 0:
            return self.short, np.full(len(self.short), 1.0)
        low = min(int(place), levels - 1)
        high = min(low + 1, levels - 1)
        part = min(place, levels - 1.0) - low
        seen = self.blocks[low] ** (1 - part) * self.blocks[high] ** part
        if place > levels - 1:
            seen = seen * 2.0 ** ((place - levels + 1) * self._growth())
        count = self.rows / 2.0 ** min(place, levels - 1)
        short = np.minimum(self.short, max(length, 1))
        few = count - 1 + _BELIEVED
        degrees = np.where(seen <= short, max(_SURE, few), few)
        return np.minimum(np.maximum(seen, short), max(length, 1)), degrees

    def _growth(self) -> Floats:
        """By which power of its length the memory still grows at the longest blocks."""
        last = self.blocks[-4:]
        if len(last) < 2:
            return np.full(len(self.short), _STEEPEST)
        steps = np.log2(last[-1] / last[0]) / (len(last) - 1)
        return np.where(last[-1] <= 1.2 * self.short, 0.0, np.clip(steps, 0.0, _STEEPEST))


def memory_of(series: Floats) -> Memory:
    """Measure the memory of series, (rows, series), NaN where a value is unknown."""
    rows = len(series)
    known = np.isfinite(series)
    counts = np.maximum(known.sum(axis=0), 1)
    mean = np.where(known, series, 0.0).sum(axis=0) / counts
    off = np.where(known, series - mean, 0.0)
    variance = (off**2).sum(axis=0) / np.maximum(counts - 1, 1)
    levels = []
    length = 1
    while rows // length >= FEWEST_BLOCKS:
        levels.append(length * _variance_of_means(off, known, length))
        length *= 2
    one = np.where(variance > 0, variance, 1.0)
    blocks = np.array(levels).reshape(len(levels), series.shape[1]) / one
    short = np.array([_geyer(off[:, n], known[:, n]) for n in range(series.shape[1])])
    return Memory(rows, short, np.maximum(blocks, 1e-3), variance)


def _variance_of_means(off: Floats, known: Booleans, length: int) -> Floats:
    """Variance of the means of blocks; a block with less than half its rows known is left out."""
    count = len(off) // length
    off = off[len(off) - count * length :].reshape(count, length, -1)
    there = known[len(known) - count * length :].reshape(count, length, -1).sum(axis=1)
    mean = off.sum(axis=1) / np.maximum(there, 1)
    used = there * 2 >= length
    number = used.sum(axis=0)
    middle = np.where(used, mean, 0.0).sum(axis=0) / np.maximum(number, 1)
    apart = np.where(used, mean - middle, 0.0)
    return np.asarray((apart**2).sum(axis=0) / np.maximum(number - 1, 1))


def _geyer(off: Floats, known: Booleans) -> float:
    """Integrated autocorrelation time by the initial positive sequence; at least 1."""
    off, known = off[-_MOST_LAGGED:], known[-_MOST_LAGGED:]
    rows = len(off)
    if rows < 4 or not np.any(off):
        return 1.0
    size = 1 << (2 * rows - 1).bit_length()
    wave, mask = np.fft.rfft(off, size), np.fft.rfft(known.astype(np.float64), size)
    products = np.fft.irfft(np.abs(wave) ** 2, size)[: rows // 2]
    pairs = np.fft.irfft(np.abs(mask) ** 2, size)[: rows // 2]
    covariance = products / np.maximum(pairs, 1.0)
    correlation = covariance / covariance[0]
    even = len(correlation) // 2 * 2
    sums = correlation[:even:2] + correlation[1:even:2]
    ends = np.flatnonzero(sums <= 0)
    kept = sums[: ends[0]] if len(ends) else sums
    kept = np.minimum.accumulate(kept) if len(kept) else kept
    return _unbiased(max(1.0, float(2.0 * kept.sum() - 1.0)), rows)


def _unbiased(tau: float, rows: int) -> float:
    """Undo what taking the mean of few rows out does to the memory that is seen in them.

    As for the coefficient of a process of first order with this memory (Marriott and Pope,
    *Biometrika* 41, 1954); where that makes it endless, all rows count as half of one.
    """
    seen = (tau - 1.0) / (tau + 1.0)
    mended = seen + (1.0 + 3.0 * seen) / rows
    most = 2.0 * rows
    return most if mended >= 1.0 else min((1.0 + mended) / (1.0 - mended), most)
