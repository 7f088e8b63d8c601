"""How a machine's columns stand against those of its sisters, shrunk to what its rows can tell.

Empirical Bayes (Efron and Morris, JASA 70, 1975): a machine's own mean counts as much as machines
differ, measured by how far a mean of its few rows scatters by chance.
"""

from dataclasses import dataclass

import numpy as np

from genba.learn.arrays import Floats
from genba.learn.data.column import ColumnKind
from genba.learn.data.dataset import Dataset

FIRST = 200
"""Rows of a machine, its first, by which it is measured: it was in order then, and they suffice."""


@dataclass(frozen=True, slots=True, eq=False)
class Scale:
    """``factor`` and ``shift`` (columns,): ``values * factor + shift`` are as sisters' would be."""

    factor: Floats
    shift: Floats

    def apply(self, values: Floats) -> Floats:
        """Return values (..., columns) as sisters' would be."""
        return np.asarray(values * self.factor + self.shift)


def scales_of(machines: list[Dataset]) -> list[Scale]:
    """Return the scale of each of several machines with the same columns.

    Setpoints, states and context mean the same everywhere, and stay as they are.
    """
    columns = machines[0].columns
    measured = np.array([c.kind is ColumnKind.MEASUREMENT and not c.levels for c in columns])
    count = len(machines)
    means, spreads, rows = (np.zeros((count, len(columns))) for _ in range(3))
    for place, machine in enumerate(machines):
        first = machine.values[:FIRST]
        known = np.isfinite(first)
        rows[place] = known.sum(axis=0)
        filled = np.where(known, first, 0.0)
        means[place] = filled.sum(axis=0) / np.maximum(rows[place], 1)
        apart = np.where(known, first - means[place], 0.0)
        spreads[place] = np.sqrt((apart**2).sum(axis=0) / np.maximum(rows[place], 1))
    middle = means.mean(axis=0)
    usual = spreads.mean(axis=0)
    usual = np.where(usual > 0, usual, 1.0)
    by_chance = usual**2 / np.maximum(rows, 1)
    between = np.maximum(means.var(axis=0, ddof=1 if count > 1 else 0) - by_chance.mean(axis=0), 0)
    trust = np.where(measured, between / np.maximum(between + by_chance, 1e-300), 0.0)
    # A log spread of n rows scatters by chance with variance 1 / 2n.
    logs = np.log(np.where(spreads > 0, spreads, usual) / usual)
    odd = 1 / np.maximum(2 * rows, 1)
    wide = np.maximum(logs.var(axis=0, ddof=1 if count > 1 else 0) - odd.mean(axis=0), 0)
    factor = np.exp(-np.where(measured, wide / (wide + odd), 0.0) * logs)
    center = trust * means + (1 - trust) * middle
    return [Scale(one, middle - one * own) for one, own in zip(factor, center, strict=True)]
