"""What a window says about its own course, in closed form: nothing here is learned.

Autocorrelations (from the spectrum of the window, Wiener-Khinchin); autoregressive forecasts of
several orders, of the values and of their changes (Levinson, 1947; Durbin, 1960); and copies of
what followed one period before, for every period. A network of few parameters cannot fit an
autoregression inside its layers, so it is handed the fitted ones and weighs them: zero-shot, but
not without looking at the window. Imports PyTorch.
"""

from dataclasses import dataclass
from typing import Any

import torch

from genba.learn.backbone.lags import REPORTED, TINY, WHITE, places, spectral
from genba.learn.backbone.shape import CHANGES, LEVELS, MOST_ORDER, PERIODS
from genba.learn.backbone.window import HORIZON, LENGTH


@dataclass(frozen=True, slots=True, eq=False)
class Context:
    """``ahead`` (n, fitted, horizon) forecasts; ``alike`` (n, periods) autocorrelation at each
    period; ``daily`` (n, periods) 1 at the period of a day; ``copied`` (n, periods, horizon) values
    one period before; ``told`` (n, told) figures.
    """

    ahead: Any
    alike: Any
    daily: Any
    copied: Any
    told: Any


def context_of(values: Any, known: Any, day: Any) -> Context:
    """Fit inside each window, (n, length) of anchored and scaled values and flags of known ones.

    ``day`` (n,) is how many rows a day has, 0 where nobody knows.
    """
    with torch.no_grad():
        flags = known.double()
        level = values.double()
        mean = (level * flags).sum(1, keepdim=True) / flags.sum(1, keepdim=True).clamp(min=1.0)
        centered = (level - mean) * flags
        changes = torch.zeros_like(level)
        changes[:, 1:] = (level[:, 1:] - level[:, :-1]) * flags[:, 1:] * flags[:, :-1]
        moments = centered_moments(centered)
        alike = moments / (moments[:, :1] + TINY)
        coefficients, mirrored, left = autoregressive(moments)
        other, _, other_left = autoregressive(centered_moments(changes))
        fitted = torch.stack(
            [coefficients[order] for order in LEVELS] + [other[order] for order in CHANGES], dim=1
        )
        past = torch.stack(
            [centered[:, -MOST_ORDER:]] * len(LEVELS) + [changes[:, -MOST_ORDER:]] * len(CHANGES),
            dim=1,
        )
        stepped = _stepped(fitted, past)
        ahead = torch.cat(
            [
                stepped[:, : len(LEVELS)] + mean[:, :, None],
                torch.cumsum(stepped[:, len(LEVELS) :], dim=2),
            ],
            dim=1,
        )
        copied = values[:, torch.from_numpy(places())].reshape(len(values), -1, HORIZON)
        padded = torch.cat([alike, torch.zeros_like(alike[:, :1])], dim=1)
        dated = (day > 0).double()
        size = torch.log2(day.double().clamp(min=1.0) / LENGTH) * dated
        seen = dated * (day <= LENGTH)
        clock = torch.stack([dated, size, seen], dim=1)
        told = torch.cat(
            [mean, clock, alike[:, 1:25], mirrored, torch.log(left), torch.log(other_left)]
            + [ahead[:, :, at] for at in REPORTED],
            dim=1,
        ).clamp(-8, 8)
        periods = torch.tensor(PERIODS, dtype=torch.float64)
        daily = (day.double()[:, None] - periods).abs() < 0.5
        kind = values.dtype
        return Context(
            ahead.to(kind), padded[:, PERIODS[0] :].to(kind), daily.to(kind), copied, told.to(kind)
        )


def centered_moments(centered: Any) -> Any:
    """Return sums of lagged products, (n, length), from the spectrum of the padded window."""
    waves, back = spectral()
    turned = centered @ torch.from_numpy(waves)
    half = turned.shape[1] // 2
    power = turned[:, :half] ** 2 + turned[:, half:] ** 2
    return power @ torch.from_numpy(back)


def autoregressive(moments: Any) -> tuple[dict[int, Any], Any, Any]:
    """Solve for every order up to the highest one: coefficients by order, each (n, most), newest
    row last; partial autocorrelations (n, most); and what share of the variance each order
    of ``LEVELS`` leaves, (n, levels).
    """
    power = moments[:, 0] * (1 + WHITE) + TINY
    whole = power
    taken = moments[:, :0]
    mirrored, left, found = [], [], {}
    for order in range(1, MOST_ORDER + 1):
        lagged = moments[:, 1:order].flip(1)
        partial = (moments[:, order] - (taken * lagged).sum(1)) / power
        taken = torch.cat([taken - partial[:, None] * taken.flip(1), partial[:, None]], dim=1)
        power = power * (1 - partial * partial) + TINY
        mirrored.append(partial)
        if order in LEVELS:
            left.append(power / whole)
            nothing = torch.zeros_like(moments[:, : MOST_ORDER - order])
            found[order] = torch.cat([nothing, taken.flip(1)], dim=1)
    return found, torch.stack(mirrored, dim=1), torch.stack(left, dim=1)


def _stepped(fitted: Any, past: Any) -> Any:
    """Go on from the past, (n, fitted, most), step by step, (n, fitted, horizon)."""
    ahead = []
    for _ in range(HORIZON):
        following = (fitted * past).sum(2, keepdim=True)
        ahead.append(following)
        past = torch.cat([past[:, :, 1:], following], dim=2)
    return torch.cat(ahead, dim=2)
