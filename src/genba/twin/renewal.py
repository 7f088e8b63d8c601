"""Time between stops from running spans that mostly end without one (right-censored).

What is recorded of a machine is a renewal process over its running time: spans that ended in a
stop, and one that was still going on. Leaving the last one out would make machines look worse than
they are (Meeker and Escobar, *Statistical Methods for Reliability Data*, 1998).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from genba.errors import TwinError
from genba.twin.distribution import Distribution, exponential, weibull
from genba.twin.fit import REPLICATES, Fit, Goodness
from genba.twin.special import Floats

LEAST_FOR_WEAR = 6
"""Stops among like machines from which on a Weibull shape is fitted; below, they come at random."""
PRIOR_STOPS = 2.0
"""What like machines count for in one machine's rate, in stops: a weak prior, said in the report.
"""


@dataclass(frozen=True, slots=True)
class Spans:
    """Running times of one machine in seconds, between stops and beside them."""

    ended_s: tuple[float, ...] = ()
    """From one stop to the next."""
    open_s: tuple[float, ...] = ()
    """That were still going on at the end of the recording."""
    first_s: float | None = None
    """From the begin of the recording to the first stop: it counts for the rate, but since nobody
    knows when it began it says nothing of wear. None: there was no stop."""

    @property
    def stops(self) -> int:
        """How many stops there were."""
        return len(self.ended_s) + (self.first_s is not None)

    @property
    def total_s(self) -> float:
        """Running time in all."""
        return sum(self.ended_s) + sum(self.open_s) + (self.first_s or 0.0)


def fit_between(spans: Spans, like: Sequence[Spans] = (), seed: int = 0) -> Fit:
    """Fit the running time between stops of one machine, leaning on like machines.

    The rate is shrunk to that of ``like`` machines (gamma prior worth ``PRIOR_STOPS`` stops); the
    Weibull shape is fitted to all of them together, since one machine's stops are too few for it,
    and is kept only where it beats the exponential by AICc.

    Parameters
    ----------
    spans : Spans
        The machine's own.
    like : sequence of Spans
        Of machines of the same kind, without this one.

    Raises
    ------
    TwinError
        If neither it nor like machines ever stopped.
    """
    whole = [spans, *like]
    stops, total_s = sum(s.stops for s in whole), sum(s.total_s for s in whole)
    if stops == 0 or total_s <= 0:
        raise TwinError("no stop was recorded; keep what the plan says")
    own = spans.stops
    rate = (own + PRIOR_STOPS) / (spans.total_s + PRIOR_STOPS * total_s / stops)
    if not like:
        rate = stops / total_s
    ended, opened = _pooled(whole)
    shape, goodness = _shape(ended, opened, seed)
    between = _by_mean(1.0 / rate, shape)
    mean = float(np.mean(spans.ended_s)) if spans.ended_s else math.nan
    note = f"{own} stops in {spans.total_s / 3600:.1f} h of running"
    if like:
        note += f"; with {stops - own} of like machines"
    return Fit(between, own + len(spans.open_s), mean, len(spans.open_s), goodness, note=note)


def fit_together(whole: Sequence[Spans], seed: int = 0) -> Fit:
    """Fit one distribution to several things that are taken as the same (vehicles of a kind).

    Raises
    ------
    TwinError
        If none of them ever stopped.
    """
    stops, total_s = sum(s.stops for s in whole), sum(s.total_s for s in whole)
    if stops == 0 or total_s <= 0:
        raise TwinError("no stop was recorded; keep what the plan says")
    ended = np.asarray([x for s in whole for x in s.ended_s], dtype=np.float64)
    opened = np.asarray([x for s in whole for x in s.open_s], dtype=np.float64)
    scale = stops / total_s
    shape, goodness = _shape(
        np.maximum(ended * scale, 1e-9), np.maximum(opened * scale, 1e-9), seed
    )
    mean = float(ended.mean()) if ended.size else math.nan
    note = f"{stops} stops in {total_s / 3600:.1f} h, {len(whole)} together"
    between = _by_mean(1.0 / scale, shape)
    return Fit(between, stops + len(opened), mean, len(opened), goodness, note=note)


def _pooled(whole: Sequence[Spans]) -> tuple[Floats, Floats]:
    """Spans of all machines in units of each machine's own shrunk mean, so that shapes compare."""
    ended: list[float] = []
    opened: list[float] = []
    stops, total_s = sum(s.stops for s in whole), sum(s.total_s for s in whole)
    for spans in whole:
        own = (spans.stops + PRIOR_STOPS) / (spans.total_s + PRIOR_STOPS * total_s / stops)
        ended += [s * own for s in spans.ended_s]
        opened += [s * own for s in spans.open_s]
    return np.maximum(np.asarray(ended), 1e-9), np.maximum(np.asarray(opened), 1e-9)


def _shape(ended: Floats, opened: Floats, seed: int) -> tuple[float, Goodness | None]:
    """Weibull shape of all spans, 1 where wear is not shown; and how well it fits."""
    if len(ended) < LEAST_FOR_WEAR:
        return 1.0, None
    shape, scale = censored_weibull(ended, opened)
    plain = float((ended.sum() + opened.sum()) / len(ended))
    count = len(ended) + len(opened)
    with_wear = 4 - 2 * _log_likelihood(ended, opened, shape, scale) + 12 / max(count - 3, 1)
    without = 2 - 2 * _log_likelihood(ended, opened, 1.0, plain) + 4 / max(count - 2, 1)
    if without <= with_wear:
        shape, scale = 1.0, plain
    return shape, _judge(ended, opened, shape, scale, seed)


def censored_weibull(ended: Floats, opened: Floats) -> tuple[float, float]:
    """Maximum-likelihood shape and scale from ended and open spans; at least two ended.

    Bisection on the profile equation of the shape, which rises with it.
    """
    whole = np.log(np.concatenate([ended, opened]))
    top, middle = whole.max(), float(np.log(ended).mean())

    def slope(k: float) -> float:
        weight = np.exp(k * (whole - top))
        return float((weight * whole).sum() / weight.sum()) - 1.0 / k - middle

    low, high = 0.05, 50.0
    for _ in range(80):
        k = math.sqrt(low * high)
        low, high = (k, high) if slope(k) < 0 else (low, k)
    k = math.sqrt(low * high)
    scale = math.exp(top) * (float(np.exp(k * (whole - top)).sum()) / len(ended)) ** (1 / k)
    return k, scale


def _log_likelihood(ended: Floats, opened: Floats, shape: float, scale: float) -> float:
    density = np.log(shape / scale) + (shape - 1) * np.log(ended / scale)
    whole = np.concatenate([ended, opened])
    return float(density.sum() - ((whole / scale) ** shape).sum())


def _judge(ended: Floats, opened: Floats, shape: float, scale: float, seed: int) -> Goodness:
    """Compare with the Kaplan-Meier curve; replicates are censored as the data are.

    Each replicate draws a new span for every recorded one, and cuts it where an open one was cut
    (ended spans are cut nowhere: an approximation, since when they would have been cut is unknown).
    """
    rng = np.random.default_rng([seed, len(ended)])
    ks, ad = _distance(ended, opened, shape, scale)
    worse = 0
    for _ in range(REPLICATES):
        fresh = scale * rng.weibull(shape, len(ended) + len(opened))
        cut = np.concatenate([np.full(len(ended), np.inf), opened])
        over = fresh < cut
        again, rest = np.maximum(fresh[over], 1e-9), cut[~over]
        if len(again) < 2:
            continue
        k, c = (
            (1.0, float((again.sum() + rest.sum()) / len(again)))
            if shape == 1.0
            else censored_weibull(again, rest)
        )
        worse += _distance(again, rest, k, c)[1] >= ad
    return Goodness(ks, ad, (1 + worse) / (REPLICATES + 1))


def _distance(ended: Floats, opened: Floats, shape: float, scale: float) -> tuple[float, float]:
    """Greatest, and mean squared tail-weighed, distance between Kaplan-Meier and the Weibull."""
    order = np.sort(ended)
    whole = np.sort(np.concatenate([ended, opened]))
    at_risk = len(whole) - np.searchsorted(whole, order, side="left")
    survival = np.cumprod(1.0 - 1.0 / at_risk)
    before = np.concatenate([[1.0], survival[:-1]])
    fitted = np.exp(-((order / scale) ** shape))
    gaps = np.maximum(np.abs(survival - fitted), np.abs(before - fitted))
    weight = np.maximum(fitted * (1 - fitted), 1e-4)
    return float(gaps.max()), float(np.mean(((survival + before) / 2 - fitted) ** 2 / weight))


def _by_mean(mean_s: float, shape: float) -> Distribution:
    if shape == 1.0:
        return exponential(mean_s)
    return weibull(mean_s / math.gamma(1 + 1 / shape), shape)
