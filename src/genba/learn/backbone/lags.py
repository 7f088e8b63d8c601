"""Constant maps between a window, its spectrum and its lags, and what keeps fits solvable."""

from functools import cache

import numpy as np

from genba.learn.arrays import Floats, Integers
from genba.learn.backbone.shape import PERIODS
from genba.learn.backbone.window import HORIZON, LENGTH

WHITE = 0.005
"""Share of white noise that is added to every variance, so that a smooth window stays solvable."""
TINY = 1e-9
REPORTED = (0, 5, HORIZON - 1)
"""Steps ahead of the fitted forecasts that the network is told."""


@cache
def spectral() -> tuple[Floats, Floats]:
    """Return maps to cosines and sines of the window padded to twice its length, and back."""
    whole = 2 * LENGTH
    turn = 2 * np.pi * np.outer(np.arange(LENGTH), np.arange(LENGTH + 1)) / whole
    weight = np.full(LENGTH + 1, 2.0 / whole)
    weight[0] = weight[-1] = 1.0 / whole
    return np.concatenate([np.cos(turn), np.sin(turn)], axis=1), np.cos(turn).T * weight[:, None]


@cache
def places() -> Integers:
    """Return which row each step ahead copies for each period, (periods * horizon,)."""
    steps = np.arange(HORIZON)
    return np.concatenate([LENGTH - period + steps % period for period in PERIODS])
