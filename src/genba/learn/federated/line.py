"""A line over all sites, exactly as if all rows lay in one place.

Ridge regression needs sums of products alone (one round); logistic regression takes Newton's steps,
whose slope and bend are sums over rows too. What comes out is what a central fit would give, to
rounding.
"""

import numpy as np

from genba.errors import LearnError
from genba.learn.arrays import Floats
from genba.learn.federated.design import Design
from genba.learn.federated.limits import bare_head
from genba.learn.federated.model import FederatedModel, Standards
from genba.learn.federated.network import Shape
from genba.learn.federated.total import Total, asked
from genba.learn.federated.worker import PARTS
from genba.learn.regression.ridge import STRENGTHS
from genba.learn.regression.view import View

PENALTIES = (0.01, 0.1, 1.0, 10.0, 100.0)
"""Of logistic regression, over all rows together."""
MOST_PARAMETERS = 600
"""Of logistic regression: its bend has the square of it."""
_STEPS = 30
_WILD = 1e4
"""A site's rows may lie so many (pooled) spreads apart, squared and on average."""
WRONG = (
    "the sum over all sites makes no sense ({}): a site's columns hold something wrong, and which "
    "one cannot be told from a sum; look at each site's ledger and its columns"
)


def standards_of(total: Total, design: Design, view: View) -> tuple[Standards, Floats, Floats]:
    """Return what is usual, how many rows the parts have (4,), and the sums of labels.

    Raises
    ------
    LearnError
        If the sums make no sense.
    """
    features, columns = view.matrix.shape[1], len(design.columns)
    sums = total(asked("means"))
    sizes = (len(PARTS), max(len(design.classes), 1), features, features, columns, columns)
    rows, labels, known, first, seen, whole = np.split(sums, np.cumsum(sizes)[:-1])
    if (
        rows[0] < 1
        or min(known.min(), seen.min(), rows.min()) < -0.5
        or known.max() > rows[0] + 0.5
    ):
        raise LearnError(WRONG.format("counts of rows"))
    mean, typical = first / np.maximum(known, 1), whole / np.maximum(seen, 1)
    middle = labels[0] / rows[0] if design.kind == "number" else 0.0
    told = {"mean": mean, "typical": typical, "label": np.array([middle, 1.0])}
    squares = total(asked("spreads", told))
    if squares.min() < -1e-6:
        raise LearnError(WRONG.format("squares below 0"))
    spread = np.sqrt(np.maximum(squares[:features], 0.0) / np.maximum(known, 1))
    alive = spread > 1e-9 * (np.abs(mean) + 1e-9)
    factor = np.where(alive, 1.0 / np.where(alive, spread, 1.0), 0.0)
    label = np.array([0.0, 1.0])
    if design.kind == "number":
        scale = float(np.sqrt(max(squares[features], 0.0) / rows[0]))
        if scale <= 0:
            raise LearnError("the target never differs over all sites; choose another target")
        label = np.array([middle, scale])
    width = np.sqrt(np.maximum(squares[features + 1 :], 0.0) / np.maximum(seen, 1))
    return Standards(mean, factor, label, typical, width), rows, labels


def usual_of(design: Design, view: View, standards: Standards, labels: Floats) -> FederatedModel:
    """Return the model that says what is usual, whatever the signals say."""
    shape = Shape(view.matrix.shape[1], 0, design.outputs)
    flat = np.zeros(shape.size)
    if design.kind != "number":
        shares = np.log((labels + 1.0) / (labels + 1.0).sum())
        flat[-design.outputs :] = shares if design.kind == "many" else shares[1] - shares[0]
    return model_of(design, view, standards, shape, flat)


def model_of(
    design: Design, view: View, standards: Standards, shape: Shape, flat: Floats
) -> FederatedModel:
    """Return a model without limits yet."""
    head = bare_head(design)
    return FederatedModel(view, standards, shape, flat, head, design.bounds, design.imputes)


def line_of(total: Total, design: Design, view: View, standards: Standards) -> FederatedModel:
    """Fit on all sites' ``train``; choose the penalty on all sites' ``held``.

    Raises
    ------
    LearnError
        If a sum makes no sense, or classes times features are too many.
    """
    shape = Shape(view.matrix.shape[1], 0, design.outputs)
    lines = (
        _ridges(total, standards, shape)
        if design.kind == "number"
        else _logistics(total, standards, shape)
    )
    question = asked("losses", {**standards.arrays(), "flats": lines}, part="held", hidden=0)
    told = total(question)
    if not (told[0] > 0 and np.isfinite(told).all() and told.min() >= -1e-6):
        raise LearnError(WRONG.format("losses on held-out rows"))
    return model_of(design, view, standards, shape, lines[int(np.argmin(told[1:]))])


def _ridges(total: Total, standards: Standards, shape: Shape) -> Floats:
    """Return the lines of all penalties, (strengths, parameters)."""
    size = shape.inputs + 2
    sums = total(asked("gram", standards.arrays()))
    product = np.zeros((size, size))
    product[np.triu_indices(size)] = sums
    product = product + np.triu(product, 1).T
    rows = product[0, 0]
    _refuse_wild(np.diag(product), rows)
    mean, middle = product[0, 1:-1] / rows, product[0, -1] / rows
    cross = product[1:-1, 1:-1] - rows * np.outer(mean, mean)
    along = product[1:-1, -1] - rows * mean * middle
    values, vectors = np.linalg.eigh(cross)
    if values.min() < -1e-6 * max(values.max(), 1.0):
        raise LearnError(WRONG.format("products of features"))
    turned = vectors.T @ along
    lines = []
    for strength in STRENGTHS:
        weights = vectors @ (turned / (np.maximum(values, 0.0) + strength * rows))
        lines.append(np.append(weights, middle - mean @ weights))
    return np.array(lines)


def _refuse_wild(squares: Floats, rows: float) -> None:
    if not np.isfinite(squares).all() or rows < 1 or squares.max() > _WILD * rows:
        raise LearnError(WRONG.format("products of features"))


def _logistics(total: Total, standards: Standards, shape: Shape) -> Floats:
    """Return the lines of all penalties, by Newton's steps, halved until each helps."""
    if shape.size > MOST_PARAMETERS:
        raise LearnError(
            f"{shape.size} parameters of a logistic line are too many for exact sums, which take "
            f"{MOST_PARAMETERS}; look back on fewer rows, or use the network alone"
        )
    strengths = np.array(PENALTIES)
    lines = np.zeros((len(strengths), shape.size))
    tried, least = lines.copy(), np.full(len(strengths), np.inf)
    steps, done = np.zeros_like(lines), np.zeros(len(strengths), np.bool_)
    penalty = np.ones(shape.size)
    penalty[-shape.outputs :] = 1e-6
    for _ in range(_STEPS):
        sums = total(asked("newton", {**standards.arrays(), "lines": tried}))
        told = sums.reshape(len(strengths), -1)
        if not np.isfinite(told).all() or told[:, 0].min() < -1e-6:
            raise LearnError(WRONG.format("losses of a line"))
        for place, strength in enumerate(strengths):
            if done[place]:
                continue
            drawn = strength * penalty
            loss = told[place, 0] + 0.5 * float(drawn @ tried[place] ** 2)
            if loss > least[place] + 1e-9 * abs(least[place]):
                steps[place] /= 2
            else:
                lines[place], least[place] = tried[place], loss
                steps[place] = _step(told[place, 1:], drawn, lines[place], shape.size)
            done[place] = np.abs(steps[place]).max() < 1e-9
            tried[place] = lines[place] - steps[place]
        if done.all():
            break
    return lines


def _step(told: Floats, drawn: Floats, line: Floats, size: int) -> Floats:
    slope = told[:size] + drawn * line
    bend = np.zeros((size, size))
    bend[np.triu_indices(size)] = told[size:]
    bend = bend + np.triu(bend, 1).T + np.diag(drawn + 1e-9)
    return np.asarray(np.linalg.solve(bend, slope))
