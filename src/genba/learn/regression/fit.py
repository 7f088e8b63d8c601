"""How a line, trees, or trees on top of a line are fitted, and their limits set."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from genba.errors import LearnError
from genba.learn.arrays import Booleans, Floats
from genba.learn.data.dataset import Dataset
from genba.learn.export.trees import Trees
from genba.learn.regression.boost import Boost, Objective, grow, joined
from genba.learn.regression.model import NumberModel
from genba.learn.regression.ridge import STRENGTHS, Line, fit_ridge, folds_ahead, folds_of_units
from genba.learn.regression.rows import FEWEST, Rows, labelled
from genba.learn.regression.view import View

UNBOUNDED = (-np.inf, np.inf)
_FEWEST_UNITS = 5


@dataclass(frozen=True, slots=True)
class Aim:
    """What is to be said: how many ``steps`` ahead (0: the row's own target), within which bounds,
    in what interval, and whether whole units are left out to choose and to calibrate.

    With ``newest``, all is fitted once more when limits stand, with the held-out rows too, and the
    penalty of a line is chosen once more: processes drift, and the newest rows say most about what
    comes. Limits stay those of the model that had not seen them. ``alike`` is that of
    :func:`genba.learn.regression.ridge.fit_ridge`.
    """

    steps: int = 0
    bounds: tuple[float, float] = UNBOUNDED
    cover: float = 0.9
    by_unit: bool = False
    newest: bool = False
    alike: float = 0.0


def line_model(
    train: Dataset,
    held: Dataset,
    view: View,
    aim: Aim,
    strengths: tuple[float, ...] = STRENGTHS,
) -> NumberModel:
    """Fit a ridge line on ``train``; set limits on ``held``.

    Raises
    ------
    LearnError
        If too few windows are labelled and known.
    """
    view, rows, judged = _parts(train, held, view, aim)
    line = _line(rows, aim, view.shape[0], strengths)
    needed = np.asarray(np.any(line.weights != 0, axis=1))
    model = _calibrated(_model(train, view, aim, line, None, needed), judged, aim)
    if aim.newest:
        line = _line(rows.and_then(judged), aim, view.shape[0], strengths)
        model = replace(model, weights=line.weights, bias=line.bias)
    return model


def trees_model(
    train: Dataset,
    held: Dataset,
    view: View,
    aim: Aim,
    boost: Boost,
    loss: Objective,
    seed: int,
    *,
    on_line: bool = False,
    anchor: int | None = None,
) -> NumberModel:
    """Grow trees for the value and for both limits; stop early and widen limits on ``held``.

    With ``on_line`` the trees say only what a ridge line leaves over: so the whole extrapolates.
    With ``anchor`` they say what that feature of the view leaves over.

    Raises
    ------
    LearnError
        If too few windows are labelled and known.
    """
    plain = view
    view, rows, judged = _parts(train, held, view, aim)
    if anchor is not None:
        line = _anchored(plain, view, anchor, rows.labels.shape[1])
    elif on_line:
        line = _line(rows, aim, view.shape[0], STRENGTHS)
    else:
        middle = np.median(rows.labels, axis=0)
        line = Line(np.zeros((rows.features.shape[1], len(middle))), middle)
    if np.any(line.weights):
        rows, judged = rows.complete(), judged.complete()
    tail = (1.0 - aim.cover) / 2.0
    wanted: list[Objective | float] = [loss, tail, 1.0 - tail]
    grown = _grown(boost, rows, judged, line, wanted, seed)
    needed = np.asarray(np.isfinite(rows.features).all(axis=0))
    model = _model(train, view, aim, _thrice(line), joined(grown), needed)
    model = _calibrated(model, judged, aim)
    if aim.newest:
        rows = rows.and_then(judged)
        line = _line(rows, aim, view.shape[0], STRENGTHS) if on_line else line
        sizes = [len(trees.root) for trees in grown]
        grown = _grown(boost, rows, None, line, wanted, seed, sizes)
        line = _thrice(line)
        model = replace(model, weights=line.weights, bias=line.bias, trees=joined(grown))
    return model


def _grown(
    boost: Boost,
    rows: Rows,
    judged: Rows | None,
    line: Line,
    wanted: Sequence[Objective | float],
    seed: int,
    sizes: Sequence[int] = (),
) -> list[Trees]:
    """Grow one set of trees for each aim and step; ``sizes`` tell how many trees, if known."""
    left = _left(rows, line)
    grown: list[Trees] = []
    for aim in wanted:
        for step in range(left.shape[1]):
            judge = None if judged is None else (judged.features, _left(judged, line)[:, step])
            own = replace(boost, rounds=sizes[len(grown)]) if sizes else boost
            grown.append(grow(own, rows.features, left[:, step], judge, aim, seed))
    return grown


def _thrice(line: Line) -> Line:
    """Return the line for the value and both limits."""
    return Line(np.tile(line.weights, 3), np.tile(line.bias, 3), line.strengths)


def given_model(
    train: Dataset, held: Dataset, view: View, aim: Aim, weights: Floats, bias: Floats
) -> NumberModel:
    """Make a model of a line that is known beforehand; set limits on ``held``."""
    needed = np.asarray(np.any(weights != 0, axis=1))
    model = _model(train, view, aim, Line(weights, bias), None, needed)
    return _calibrated(model, labelled(held, view, aim.steps), aim)


def _anchored(plain: View, view: View, anchor: int, outputs: int) -> Line:
    """Return the line that says a feature as it was before it was made standard."""
    place = int(np.abs(plain.matrix[:, anchor]).argmax())
    factor = view.matrix[place, anchor] / plain.matrix[place, anchor]
    weights = np.zeros((view.matrix.shape[1], outputs))
    if factor == 0:
        raise LearnError("the target never changes in the part to learn from; record longer")
    weights[anchor] = 1.0 / factor
    return Line(weights, np.full(outputs, -view.offset[anchor] / factor))


def _parts(train: Dataset, held: Dataset, view: View, aim: Aim) -> tuple[View, Rows, Rows]:
    view = view.standard(train)
    return view, labelled(train, view, aim.steps), labelled(held, view, aim.steps)


def _line(rows: Rows, aim: Aim, window: int, strengths: tuple[float, ...]) -> Line:
    known = rows.complete()
    if len(known.row) < FEWEST:
        raise LearnError(
            f"only {len(known.row)} windows know all columns, and a line takes {FEWEST}; "
            "leave out columns that are often unknown"
        )
    apart = aim.by_unit and len(np.unique(known.unit)) >= _FEWEST_UNITS
    folds = folds_of_units(known.unit) if apart else folds_ahead(known.time, window)
    if not folds:
        strengths = (strengths[len(strengths) // 2],)
    return fit_ridge(known.features, known.labels, folds, strengths, aim.alike)


def _left(rows: Rows, line: Line) -> Floats:
    known = np.where(np.isfinite(rows.features), rows.features, 0.0)
    return np.asarray(rows.labels - known @ line.weights - line.bias)


def _model(
    train: Dataset, view: View, aim: Aim, line: Line, trees: Trees | None, needed: Booleans
) -> NumberModel:
    known = np.isfinite(train.values)
    typical = np.zeros(len(train.columns))
    for column in np.flatnonzero(known.any(axis=0)):
        typical[column] = np.median(train.values[known[:, column], column])
    nobody = np.full(max(aim.steps, 1), np.nan)
    return NumberModel(
        view, line.weights, line.bias, trees, nobody, aim.bounds, needed, typical, aim.steps
    )


def _calibrated(model: NumberModel, judged: Rows, aim: Aim) -> NumberModel:
    units = judged.unit if aim.by_unit and len(np.unique(judged.unit)) > 1 else None
    return model.calibrated(judged.features, judged.labels, aim.cover, units)
