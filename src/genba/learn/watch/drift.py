"""Whether rows changed: beyond what chance and memory explain, and by so much that it matters."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np

from genba.learn.arrays import Floats, Integers
from genba.learn.watch.correction import discoveries, together
from genba.learn.watch.reference import FEATURES, Sketch, mean_of

FEWEST = 20
"""Rows below which nothing is said."""
RATE = 0.01
"""Chance of finding drift in any column where there is none."""
MATTERS = 0.5
"""Parts of the spread by which values have to move, at least, for a drift to matter.

A shift of a normal distribution by half its spread is a population stability index of 0.25, from
which on most people call a shift a major one.
"""
SWINGS = 30.0
"""Independent rows that a reference has to be worth; fewer do not say what is usual."""
TELLS = 1.0
"""A test that could not tell this much, in parts of the spread, is too weak to say 'no drift'."""
LOST = 0.1
"""More of the rows unknown than before, as a share of all, from which on it is a drift."""
_POINTS = np.linspace(0.0, 1.0, 101)


class Said(StrEnum):
    """What is said of a column."""

    STEADY = "steady"
    DRIFTED = "drifted"
    TOO_FEW = "too few rows to say"


@dataclass(frozen=True, slots=True)
class Moved:
    """One column, then and now.

    ``moved`` is the mean distance between the two distributions (Wasserstein) in parts of the
    spread, ``chance`` the p-value, ``effective`` how many independent rows the rows now are worth,
    and ``least`` the shift in parts of the spread that would be found.
    """

    name: str
    said: Said
    moved: float
    chance: float
    effective: float
    least: float
    what: str
    """What changed most, in plain words."""
    then: float
    now: float
    """Medians."""


@dataclass(frozen=True, slots=True)
class Drift:
    """What was found of all columns, the one that moved most first."""

    rows: int
    columns: tuple[Moved, ...]

    @property
    def said(self) -> Said:
        """Drifted where one column did; too few where any could not be told and none drifted."""
        told = {column.said for column in self.columns}
        if Said.DRIFTED in told:
            return Said.DRIFTED
        return Said.TOO_FEW if Said.TOO_FEW in told or not told else Said.STEADY

    @property
    def drifted(self) -> tuple[Moved, ...]:
        """The columns that did."""
        return tuple(column for column in self.columns if column.said is Said.DRIFTED)

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        from dataclasses import asdict

        columns = [asdict(column) for column in self.columns]
        return {"said": self.said.value, "rows": self.rows, "columns": columns}


def drift_of(
    then: Sketch, values: Floats, *, rate: float = RATE, matters: float = MATTERS
) -> Drift:
    """Compare rows in order of time, (rows, columns), with what they were like.

    The means of three features of each column (:meth:`Sketch.features`) are compared. How much the
    mean of so many rows scatters by itself is read off the reference (:class:`Memory`): memory of
    the process makes long stretches worth few independent rows. One p-value a column (Cauchy
    combination), corrected for the number of columns (Benjamini-Hochberg).

    Returns
    -------
    Drift
        A column drifted where that is significant *and* its values moved by ``matters`` of their
        spread. Where a shift by a whole spread would not be noticed, it is too few rows to say.
    """
    known = np.isfinite(values)
    rows = known.sum(axis=0)
    chances, least, effective = _tested(then, values, rows, rate)
    moved = np.array([_distance(then, n, values[known[:, n], n]) for n in range(len(then.names))])
    found = discoveries(chances, rate) & (moved >= matters)
    lost = 1 - known.mean(axis=0) - then.unknown if len(values) else np.zeros(len(rows))
    columns = []
    for n in range(len(then.names)):
        weak = not least[n] <= TELLS or rows[n] < FEWEST
        gone = lost[n] >= LOST and len(values) >= FEWEST
        woke = then.scale[n] == 0 and moved[n] > 0 and rows[n] >= FEWEST
        told = Said.TOO_FEW if weak and then.scale[n] > 0 else Said.STEADY
        said = Said.DRIFTED if found[n] or gone or woke else told
        what = _what(then, n, values[known[:, n], n], lost[n] if gone else 0.0)
        middle = float(np.median(values[known[:, n], n])) if rows[n] else float("nan")
        columns.append(
            Moved(
                then.names[n], said, float(moved[n]), float(chances[n]), float(effective[n]),
                float(least[n]), what if said is Said.DRIFTED else "",
                float(then.quantiles[n, 50]), middle,
            )
        )  # fmt: skip
    columns.sort(key=lambda one: (one.said is not Said.DRIFTED, -one.moved))
    return Drift(len(values), tuple(columns))


def _tested(
    then: Sketch, values: Floats, rows: Integers, rate: float
) -> tuple[Floats, Floats, Floats]:
    """P-value, least shift that would be found, and effective rows, each (columns,)."""
    from scipy.stats import t as student

    count, wide = len(then.names), len(FEATURES)
    means = mean_of(then.features(values))
    length = max(int(rows.max(initial=0)), 1)
    now, degrees = then.memory.scatter(length)
    before, _ = then.memory.scatter(then.rows)
    scatter = np.sqrt(_with_level((now + before).reshape(count, wide)))
    degrees = np.maximum(degrees.reshape(count, wide), 1.0)
    tau, _ = then.memory.tau(length)
    effective = rows / np.maximum(tau.reshape(count, wide)[:, 0], 1.0)
    worth = then.rows / then.memory.tau(then.rows)[0].reshape(count, wide)[:, 0]
    told = (rows >= FEWEST) & (worth >= SWINGS)
    enough = told[:, None] & (scatter > 0) & np.isfinite(means)
    size = np.where(enough, np.abs(means - then.means) / np.where(scatter > 0, scatter, 1.0), 0.0)
    single = np.clip(2 * student.sf(size, degrees), 1e-300, 1.0)
    chances = np.where(enough.any(axis=1), together(single), np.nan)
    # The least shift found even where no other column moves: the strictest step of the correction.
    strict = student.isf(rate / (2 * max(count, 1) * wide), degrees[:, 0])
    least = np.where(enough[:, 0], strict * scatter[:, 0], np.inf)
    return np.asarray(chances), np.asarray(least), np.asarray(effective)


def _with_level(variance: Floats) -> Floats:
    """Add what an uncertain level does to spread and shape, (columns, features).

    Scores that are off by ``d`` have a mean size of about ``d**2`` times the density at 0 more, and
    lie in the middle half less often, ``d**2`` times 0.214; ``d`` is as uncertain as the level.
    """
    second = np.array([0.0, 0.399, 0.214])
    return np.asarray(variance + 3.0 * (variance[:, :1] * second) ** 2)


def _distance(then: Sketch, column: int, values: Floats) -> float:
    """Wasserstein distance to the reference in parts of its spread."""
    if len(values) == 0 or not np.isfinite(then.quantiles[column, 0]):
        return 0.0
    apart = np.abs(np.quantile(values, _POINTS) - then.quantiles[column])
    mean = float(np.mean((apart[1:] + apart[:-1]) / 2))
    if then.scale[column] == 0:
        return float("inf") if mean > 1e-9 * (1 + abs(then.quantiles[column, 50])) else 0.0
    return mean / float(then.scale[column])


def _what(then: Sketch, column: int, values: Floats, lost: float) -> str:
    """Say what changed most: the level, the spread, or how often it is known."""
    if lost:
        return f"unknown in {lost:.0%} more of the rows than before"
    if len(values) == 0:
        return ""
    quantiles = then.quantiles[column]
    if then.scale[column] == 0:
        return f"never changed before, stood at {quantiles[50]:.4g}"
    low, middle, high = np.quantile(values, [0.25, 0.5, 0.75])
    shift = (middle - quantiles[50]) / then.scale[column]
    ratio = (high - low) / max(quantiles[75] - quantiles[25], 1e-300)
    if abs(shift) >= 0.2 or 0.8 < ratio < 1.25:
        return f"{'up' if shift > 0 else 'down'} by {abs(shift):.2g} of its spread"
    return f"scatters {ratio:.2g} times as much"
