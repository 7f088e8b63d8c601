"""The ladder of forecasts."""

import numpy as np

from genba.learn.data.dataset import Dataset
from genba.learn.features.windows import Windows
from genba.learn.forecast.ahead import step_us
from genba.learn.forecast.recipes import BoostedForecast, LinearForecast, Naive
from genba.learn.recipe.examine import Scores, examine_number
from genba.learn.recipe.ladder import Again, Ladder
from genba.learn.recipe.prediction import Prediction
from genba.learn.recipe.protocol import Model, Recipe, Task
from genba.learn.regression.rows import labels_of

_DAY_US = 86_400_000_000
_PLAIN = 24
_SHARE = 20
"""A window may be as long as this part of the rows, at most."""


def forecast_ladder(data: Dataset, *, steps: int = 1, more: tuple[Recipe, ...] = ()) -> Ladder:
    """Return the rungs for a data set that :func:`genba.learn.forecast.ahead.ahead` made.

    Persistence and the value of a day before stand beside the rungs. Where rows have no times, or
    a day is too long for the data, 24 rows take the place of a day. ``more`` are heavier rungs.
    """
    period = _PLAIN
    if data.timed:
        rows = round(_DAY_US / step_us(data))
        period = rows if 2 <= rows <= data.rows // _SHARE else _PLAIN
    rungs: tuple[Recipe, ...] = (
        LinearForecast(window=period + 1, steps=steps),
        BoostedForecast(window=period + 1, steps=steps),
        *more,
    )
    baselines: tuple[Recipe, ...] = (
        Naive(steps=steps),
        Naive(period, steps, name="season"),
    )
    return Ladder(Task.FORECAST, rungs, baselines, examine_forecast, "mae", again=Again.ROWS)


def examine_forecast(
    model: Model, recipe: Recipe, part: Dataset, seen: Windows, said: Prediction
) -> Scores:
    """Measure answers step by step against what came, over all steps together."""
    steps = said.value.shape[1] if said.value.ndim == 2 else 0
    truth = labels_of(part, steps)[seen.rows]
    flat = Prediction(
        said.value.ravel(),
        None if said.low is None else said.low.ravel(),
        None if said.high is None else said.high.ravel(),
    )
    return examine_number(np.asarray(truth.ravel()), flat)
