"""A Gantt chart as a picture, drawn by matplotlib."""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from genba.plan.report.gantt import COLORS, Bar, BarKind, Gantt
from genba.plant import US

_LATE = "#b3001b"
_CLOSED = "#e3e6ea"
_NOW = "#0050b3"
_UNKNOWN = "#999999"
_WIDTH_IN = 20.0
_MACHINE_IN = 0.34
_VEHICLE_IN = 0.2
_LEGEND_NAMES = 16
_COLUMNS = 14
"""Marks of the legend side by side."""
_CHARACTER_IN = 0.075
"""Width of a letter of the labels."""


def gantt_png(chart: Gantt, path: Path, dpi: int = 110) -> None:
    """Draw a chart into a PNG file; its height follows the number of rows."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    sizes = [_VEHICLE_IN if row.is_vehicle else _MACHINE_IN for row in chart.rows]
    marks = min(len(chart.groups), _LEGEND_NAMES + 1) + 4
    below = 0.55 + 0.2 * -(-marks // _COLUMNS)
    height = max(2.2, sum(sizes) + 1.15 + below)
    figure = Figure(figsize=(_WIDTH_IN, height), facecolor="white")
    FigureCanvasAgg(figure)
    names = max((len(row.id) for row in chart.rows), default=4)
    left = min(0.2, (0.3 + 0.085 * names) / _WIDTH_IN)
    axes = figure.add_axes((left, below / height, 0.985 - left, 1 - (1.15 + below) / height))
    middles = [-(sum(sizes[:index]) + size / 2) for index, size in enumerate(sizes)]
    _lay_out(chart, axes, sizes, middles)
    _draw_bars(chart, axes, sizes, middles)
    axes.axvline(0, color=_NOW, linewidth=1.5, linestyle=(0, (5, 3)), zorder=5)
    figure.text(0.01, 1 - 0.3 / height, chart.title, fontsize=15, weight="bold", va="center")
    for index, fact in enumerate(chart.facts[:3]):
        where = 1 - (0.56 + 0.2 * index) / height
        figure.text(0.01, where, fact, fontsize=10, color="#5c6670", va="center")
    _legend(chart, figure, height)
    figure.savefig(path, dpi=dpi)


def _lay_out(chart: Gantt, axes: Any, sizes: list[float], middles: list[float]) -> None:
    """Draw what lies below the bars: rows, closed times, the time axis."""
    axes.set_xlim(-0.01 * chart.end, 1.01 * chart.end)
    axes.set_ylim(-sum(sizes) - 0.02, 0.02)
    axes.set_yticks(middles, [row.id for row in chart.rows], fontsize=9)
    axes.tick_params(length=0)
    for side in ("top", "right", "left", "bottom"):
        axes.spines[side].set_visible(False)
    for index, (row, size, middle) in enumerate(zip(chart.rows, sizes, middles, strict=True)):
        low = middle - size / 2
        if index % 2:
            axes.axhspan(low, low + size, color="#f6f7f9", zorder=0, linewidth=0)
        spans = [(start, end - start) for start, end in row.closed]
        axes.broken_barh(spans, (low, size), facecolor=_CLOSED, zorder=1)
    ticks = list(_marks(chart))
    axes.set_xticks([tick for tick, _ in ticks], [text for _, text in ticks], fontsize=9)
    axes.grid(axis="x", color="#d3d8de", linewidth=0.6, zorder=1)
    axes.set_axisbelow(True)


def _marks(chart: Gantt) -> Iterable[tuple[float, str]]:
    """Yield about fifteen marks at round local times, the day named where it begins."""
    span_s = chart.end * chart.tick_s
    if not chart.zero:
        step = max(1, round(chart.end / 12, -max(0, len(str(chart.end)) - 2)))
        yield from ((tick, f"{tick:,.0f}") for tick in range(0, chart.end + 1, int(step)))
        return
    hours = next(
        (h for h in (0.25, 0.5, 1, 2, 4, 6, 12, 24, 48, 168) if span_s / 3600 / h <= 18), 336
    )
    zone = ZoneInfo(chart.timezone)
    begin = dt.datetime.fromtimestamp(chart.zero / US, zone)
    at = begin.replace(hour=0, minute=0, second=0, microsecond=0)
    day = None
    while True:
        tick = (at.timestamp() - chart.zero / US) / chart.tick_s
        if tick > chart.end * 1.01:
            return
        if tick >= -0.01 * chart.end:
            text = f"{at:%H:%M}" if hours < 24 else ""
            if at.date() != day:
                text = f"{text}\n{at:%a} {at.day} {at:%b}"
                day = at.date()
            yield tick, text
        # Wall time goes on over a change of the clocks.
        at = (at.replace(tzinfo=None) + dt.timedelta(hours=hours)).replace(tzinfo=zone)


def _draw_bars(chart: Gantt, axes: Any, sizes: list[float], middles: list[float]) -> None:
    looks: dict[tuple[int, int, BarKind, bool], list[Bar]] = defaultdict(list)
    for bar in chart.bars:
        looks[bar.row, bar.group, bar.kind, bar.late].append(bar)
    for (row, group, kind, late), bars in looks.items():
        color = _UNKNOWN if group < 0 else chart.color(group)
        marked = late and kind not in (BarKind.SETUP, BarKind.EMPTY)
        height = sizes[row] * (0.14 if kind is BarKind.EMPTY else 0.76)
        whole = [(bar.start, bar.end - bar.start) for bar in bars if len(bar.pieces) > 1]
        axes.broken_barh(
            whole, (middles[row] - 0.02, 0.04), facecolor=color, alpha=0.6, zorder=2, linewidth=0
        )
        axes.broken_barh(
            [(start, end - start) for bar in bars for start, end in bar.pieces],
            (middles[row] - height / 2, height),
            facecolor=_faded(color) if kind is BarKind.SETUP else color,
            edgecolor=color if kind is BarKind.SETUP else (_LATE if marked else "#00000066"),
            hatch="//////" if kind is BarKind.SETUP else None,
            linewidth=0.3 if not marked else 0.8 if kind is BarKind.CARRY else 1.5,
            zorder=4 if marked else 3,
        )
        if kind is BarKind.RUN:
            _label(chart, axes, bars, middles[row], color)


def _label(chart: Gantt, axes: Any, bars: Iterable[Bar], middle: float, color: str) -> None:
    """Write lots on bars that are wide enough."""
    inches = axes.get_position().width * _WIDTH_IN / (1.02 * chart.end)
    for bar in bars:
        start, end = max(bar.pieces, key=lambda piece: piece[1] - piece[0])
        if bar.label and (end - start) * inches > _CHARACTER_IN * len(bar.label) + 0.06:
            axes.text(
                *((start + end) / 2, middle, bar.label),
                **{"ha": "center", "va": "center", "fontsize": 7.5, "zorder": 6},
                color=_ink(color),
            )


def _legend(chart: Gantt, figure: Any, height: float) -> None:
    from matplotlib.patches import Patch

    marks = [
        Patch(facecolor=chart.color(index), label=name)
        for index, name in enumerate(chart.groups[:_LEGEND_NAMES])
    ]
    if len(chart.groups) > _LEGEND_NAMES:
        more = len(chart.groups) - _LEGEND_NAMES
        marks.append(Patch(facecolor="none", label=f"and {more} more"))
    marks += [
        Patch(facecolor="white", edgecolor=COLORS[-3], hatch="//////", label="set-up"),
        Patch(facecolor="none", edgecolor=_LATE, linewidth=1.5, label="late"),
        Patch(facecolor=_CLOSED, label="closed"),
        Patch(facecolor=_NOW, label="now"),
    ]
    figure.legend(
        handles=marks,
        loc="lower left",
        bbox_to_anchor=(0.005, 0.02 / height),
        ncols=min(len(marks), _COLUMNS),
        frameon=False,
        fontsize=9,
        handlelength=1.4,
        columnspacing=1.3,
    )


def _faded(color: str) -> str:
    """Return a color with three quarters of white in it."""
    parts = (int(color[at : at + 2], 16) for at in (1, 3, 5))
    return "#" + "".join(f"{round(0.25 * part + 0.75 * 255):02x}" for part in parts)


def _ink(color: str) -> str:
    """Return black or white, whichever stands out more (relative luminance, WCAG 2.1)."""
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
        for part in (int(color[at : at + 2], 16) / 255 for at in (1, 3, 5))
    ]
    light = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return "#000000" if light > 0.2 else "#ffffff"
