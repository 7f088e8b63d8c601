"""A finding as a picture: the answer over time, and which signals speak for it."""

from pathlib import Path
from typing import Any

import numpy as np

from genba.learn.anomaly.findings import Finding, usual_of
from genba.learn.arrays import Floats, Integers
from genba.learn.data.dataset import Dataset
from genba.learn.features.windows import windows_of
from genba.learn.recipe.protocol import Model
from genba.plant import US, format_time

_ALARM = "#b3001b"
_CALM = "#8a939c"
_LINE = "#0050b3"
_MOST = 10
_SIGNALS = 3
_WORTH = 0.05
_AROUND = 1.5
"""Lengths of the finding that are shown on either side of it, at least four windows."""


def contributions_picture(
    model: Model, window: int, data: Dataset, finding: Finding, path: Path, title: str
) -> None:
    """Draw a finding into a PNG or SVG file, by the suffix of ``path``.

    Left: the answer against its limit, and below it the signals that speak most, in spreads off
    what is usual at the setting. Right: each signal's share of the answer.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    seen = windows_of(data, window)
    value = model.predict(seen.values).value
    shown = _around(data, seen.rows, finding, window)
    told = [part.column for part in finding.parts[:_SIGNALS] if part.share >= _WORTH]
    told = told or [finding.parts[0].column]
    figure = Figure(figsize=(12, 2.6 + 1.3 * len(told)), facecolor="white", layout="constrained")
    FigureCanvasAgg(figure)
    grid = figure.add_gridspec(1 + len(told), 2, width_ratios=(3, 2), hspace=0.08)
    at, unit, scale = _since(data, seen.rows[shown], finding)
    broken = data.units[seen.rows[shown[1:]]] != data.units[seen.rows[shown[:-1]]]
    at[1:][broken] = np.nan
    first = figure.add_subplot(grid[0, 0])
    _answer(first, at, value[shown])
    for number, name in enumerate(told):
        axes = figure.add_subplot(grid[1 + number, 0], sharex=first)
        _signal(axes, at, _spreads(model, data, name, seen.rows[shown]), name)
        if number < len(told) - 1:
            axes.tick_params(labelbottom=False)
    first.tick_params(labelbottom=False)
    axes.set_xlabel(f"{unit} since the finding began")
    for one in figure.axes:
        end = max((finding.end - finding.begin) / scale, 1e-9)
        one.axvspan(0, end, color=_ALARM, alpha=0.08, linewidth=0)
    _bars(figure.add_subplot(grid[:, 1]), finding)
    when = format_time(finding.begin) if data.timed else f"row {finding.begin}"
    figure.suptitle(f"{title}, {when}", fontsize=12, weight="bold", x=0.01, ha="left")
    figure.savefig(path, dpi=110)


def _around(data: Dataset, rows: Integers, finding: Finding, window: int) -> Integers:
    """Windows to show: the finding and some time beside it."""
    inside = np.flatnonzero((data.time[rows] >= finding.begin) & (data.time[rows] <= finding.end))
    beside = max(4 * window, int(_AROUND * len(inside)))
    low, high = max(0, int(inside[0]) - beside), min(len(rows), int(inside[-1]) + 1 + beside)
    return np.arange(low, high)


def _since(data: Dataset, rows: Integers, finding: Finding) -> tuple[Floats, str, float]:
    """Time since the finding began, its unit, and what of the data's time is one of it."""
    apart = (data.time[rows] - finding.begin).astype(np.float64)
    if not data.timed:
        return apart, "rows", 1.0
    span = float(apart.max() - apart.min())
    for unit, scale in (("days", 86_400 * US), ("hours", 3600 * US), ("minutes", 60 * US)):
        if span >= 2 * scale:
            return apart / scale, unit, float(scale)
    return apart / US, "seconds", float(US)


def _spreads(model: Model, data: Dataset, name: str, rows: Integers) -> Floats:
    """A column off what is usual, in spreads; off its own mean where the model tells none."""
    column = next(n for n, one in enumerate(data.columns) if one.shown == name)
    usual = usual_of(model)
    if usual is None or not usual.measured[column]:
        values = data.values[rows, column]
        return np.asarray((values - values.mean()) / max(float(values.std()), 1e-12))
    left, _ = usual.left_over(data.values[rows])
    return np.asarray(left[:, int(np.sum(usual.measured[:column] > 0))])


def _answer(axes: Any, at: Floats, value: Floats) -> None:
    axes.plot(at, value, color=_LINE, linewidth=1.1)
    axes.axhline(1.0, color=_ALARM, linewidth=1.2, linestyle=(0, (5, 3)))
    axes.set_ylim(0, 1.1 * max(float(np.nanmax(value)), 1.3))
    axes.text(np.nanmin(at), 1.0, " limit", color=_ALARM, fontsize=8, va="bottom")
    if value.max() > 20 * max(float(np.median(value)), 0.05):
        axes.set_yscale("symlog", linthresh=1.0)
        axes.set_yticks([0, 1, *(10.0**n for n in range(1, 6) if 10.0**n <= value.max())])
        axes.yaxis.set_major_formatter("{x:g}")
    axes.set_ylabel("of the limit", fontsize=8)
    _plain(axes)


def _signal(axes: Any, at: Floats, spreads: Floats, name: str) -> None:
    axes.axhspan(-3, 3, color="#e3e6ea", alpha=0.6, linewidth=0)
    axes.plot(at, spreads, color="#333333", linewidth=0.9)
    axes.set_ylabel("spreads", fontsize=8)
    axes.text(0.01, 0.9, name, transform=axes.transAxes, fontsize=9, va="top", weight="bold")
    _plain(axes)


def _bars(axes: Any, finding: Finding) -> None:
    parts = finding.parts[:_MOST][::-1]
    places = np.arange(len(parts))
    shares = [100 * part.share for part in parts]
    colors = [_ALARM if share >= 10 else _CALM for share in shares]
    axes.barh(places, shares, color=colors, height=0.65)
    for place, part, share in zip(places, parts, shares, strict=True):
        off = "" if part.spreads is None else f"  {part.spreads:+.1f} spreads"
        axes.text(share, place, f" {share:.0f}%{off}", va="center", fontsize=8)
    axes.set_yticks(places, [part.column for part in parts], fontsize=9)
    axes.set_xlim(0, 1.45 * max([*shares, 1.0]))
    axes.set_xticks([tick for tick in axes.get_xticks() if 0 <= tick <= 100])
    axes.set_xlabel("share of the answer, %", fontsize=9)
    axes.set_title("what speaks for it", fontsize=10, loc="left")
    _plain(axes)


def _plain(axes: Any) -> None:
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    axes.tick_params(labelsize=8)
