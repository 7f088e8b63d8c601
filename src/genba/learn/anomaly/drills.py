"""Drills: faults put into recorded normal data, since real ones are rare and hardly ever labelled.

A drill says what a model would find of this size and kind, not what goes wrong in this plant. The
report says so.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from genba.learn.arrays import Floats
from genba.learn.data.dataset import Dataset
from genba.learn.features.windows import runs_of, windows_of
from genba.learn.recipe.protocol import Model

MOST = 120
LENGTH = 60
"""Rows that a drill lasts."""


def _offset(values: Floats, sigma: float, at: Floats) -> Floats:
    return values + 3.0 * sigma


def _drift(values: Floats, sigma: float, at: Floats) -> Floats:
    return values - 4.0 * sigma * at


def _stuck(values: Floats, sigma: float, at: Floats) -> Floats:
    return np.full_like(values, values[0])


def _noise(values: Floats, sigma: float, at: Floats) -> Floats:
    return np.asarray(values + 2.5 * sigma * np.cos(np.arange(len(values)) * 2.4))


KINDS: dict[str, Callable[[Floats, float, Floats], Floats]] = {
    "offset of 3 standard deviations": _offset,
    "drift to 4 standard deviations": _drift,
    "stuck value": _stuck,
    "3 times the noise": _noise,
}


@dataclass(frozen=True, slots=True)
class Drill:
    """One fault in one column, and how far from normal the model thinks it: the median answer over
    the second half of the stretch.
    """

    column: str
    kind: str
    far: float


def drills(
    model: Model, window: int, data: Dataset, sigma: Floats, seed: int, lead: int = 0
) -> list[Drill]:
    """Put faults into stretches of normal data, one column at a time.

    ``sigma`` is the spread of each column in the training data, (columns,); where it is 0 there is
    no drill. With ``lead`` rows of normal data before each drill, windows of up to that length meet
    the same ones.

    Returns
    -------
    list of Drill
        Empty where no stretch of normal data is long enough.
    """
    before = max(window, lead)
    starts = [
        int(start) + before - window
        for rows in runs_of(data)
        for start in range(int(rows[0]), int(rows[-1]) + 2 - LENGTH - before, LENGTH)
    ]
    plans = [
        (index, kind) for index in np.flatnonzero(sigma > 0) for kind in KINDS if len(starts) > 0
    ]
    if not plans:
        return []
    random = np.random.default_rng(seed)
    chosen = random.permutation(len(plans))[:MOST]
    return [
        _drill(model, window, data, sigma, plans[number], int(random.choice(starts)))
        for number in sorted(chosen)
    ]


def _drill(
    model: Model,
    window: int,
    data: Dataset,
    sigma: Floats,
    plan: tuple[int, str],
    start: int,
) -> Drill:
    column, kind = plan
    rows = np.arange(start, start + LENGTH + window - 1)
    values = data.values[rows].copy()
    at = np.linspace(0, 1, LENGTH)
    values[window - 1 :, column] = KINDS[kind](values[window - 1 :, column], sigma[column], at)
    stretch = Dataset("drill", data.columns, values, np.arange(len(rows)), data.lineage)
    seen = windows_of(stretch, window).values[LENGTH // 2 :]
    return Drill(data.names[column], kind, float(np.median(model.predict(seen).value)))
