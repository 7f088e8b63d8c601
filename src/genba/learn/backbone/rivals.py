"""Plain forecasts that the backbone has to beat, on the same windows, anchored and scaled alike."""

import numpy as np

from genba.learn.arrays import Floats
from genba.learn.backbone.backbone import Backbone
from genba.learn.backbone.window import FARTHEST, HORIZON, LENGTH, scaled

_PENALTIES = (1.0, 10.0, 100.0, 1000.0)
_STRONG = (30.0, 300.0, 3000.0, 30000.0)
_FOLDS = 4


def persistence(windows: Floats) -> Floats:
    """Say that the last known value stays, (n, length) to (n, horizon)."""
    return scaled(windows).undo(np.zeros((len(windows), HORIZON)))


class Ridge:
    """Linear from all rows of the window to all rows ahead; the penalty by cross-validation.

    ``stretches`` is (n, length + horizon); rows of one signal or of many. Folds are contiguous.
    """

    def __init__(self, stretches: Floats) -> None:
        seen = scaled(stretches[:, :LENGTH])
        wanted = seen.of(stretches[:, LENGTH:])
        known = np.isfinite(wanted).all(axis=1)
        inputs, wanted = seen.values[known], np.clip(wanted[known], -FARTHEST, FARTHEST)
        self._map = _fitted(inputs, wanted, _PENALTIES)

    def forecast(self, windows: Floats) -> Floats:
        """Say what comes, (n, length) to (n, horizon)."""
        seen = scaled(windows)
        return seen.undo(seen.values @ self._map)


def _fitted(inputs: Floats, wanted: Floats, penalties: tuple[float, ...]) -> Floats:
    """Fit with the penalty of least absolute error over contiguous folds."""
    fold = np.arange(len(inputs)) * _FOLDS // max(len(inputs), 1)
    errors = []
    for penalty in penalties:
        apart = 0.0
        for number in np.unique(fold):
            out = fold == number
            found = _solved(inputs[~out], wanted[~out], penalty)
            apart += float(np.abs(inputs[out] @ found - wanted[out]).sum())
        errors.append(apart)
    return _solved(inputs, wanted, penalties[int(np.argmin(errors))])


def _solved(inputs: Floats, wanted: Floats, penalty: float) -> Floats:
    square = inputs.T @ inputs + penalty * np.eye(inputs.shape[1])
    return np.asarray(np.linalg.solve(square, inputs.T @ wanted))


class Corrected:
    """A backbone's forecast plus a linear correction from its summary, fitted on a few stretches.

    Of a network with random weights only the features are used: it corrects persistence.
    """

    def __init__(self, backbone: Backbone, stretches: Floats, day: float = 0.0) -> None:
        self._backbone, self._day = backbone, day
        windows = stretches[:, :LENGTH]
        seen = scaled(windows)
        truth = np.clip(seen.of(stretches[:, LENGTH:]), -FARTHEST, FARTHEST)
        known = np.isfinite(truth).all(axis=1)
        summary = backbone.summary(windows, day)[known]
        self.middle, self.spread = summary.mean(axis=0), summary.std(axis=0) + 1e-6
        inputs = self._inputs(summary)
        left = truth[known] - self._base(windows)[known]
        self.map = _fitted(inputs, left, _STRONG)

    def _inputs(self, summary: Floats) -> Floats:
        standard = (summary - self.middle) / self.spread
        return np.column_stack([standard, np.ones(len(standard))])

    def _base(self, windows: Floats) -> Floats:
        seen = scaled(windows)
        if self._backbone.steps == 0:
            return np.zeros((len(windows), HORIZON))
        ahead = self._backbone.forecast(windows, self._day)
        return np.nan_to_num(seen.of(ahead))

    def forecast(self, windows: Floats) -> Floats:
        """Say what comes, (n, length) to (n, horizon)."""
        seen = scaled(windows)
        inputs = self._inputs(self._backbone.summary(windows, self._day))
        return seen.undo(self._base(windows) + inputs @ self.map)
