"""What a site computes when it is asked: a fixed list of sums over its own rows, and nothing else.

A question is a :class:`genba.learn.federated.message.Message` whose ``kind`` is one of
:data:`KINDS`. It holds all that an answer hangs on, so that a site that was started anew answers as
before. An answer is a vector that means something only when it is added up.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from genba.errors import LearnError
from genba.learn.arrays import AnyArray, Floats, Texts
from genba.learn.data.dataset import Dataset
from genba.learn.export.parity import NET_TOLERANCE, TOLERANCE, parity_of
from genba.learn.features.windows import windows_of
from genba.learn.federated.design import Design
from genba.learn.federated.figures import figures_of, figures_size
from genba.learn.federated.limits import BINS, RAW_TOP, TEMPERATURES, residual_counts
from genba.learn.federated.message import Message
from genba.learn.federated.model import FederatedModel, Standards
from genba.learn.federated.network import Shape, losses_of, pull_of, raw_of, slope_of, taught
from genba.learn.quality.calibration import sigmoid, softmax
from genba.learn.regression.rows import FEWEST
from genba.learn.regression.view import View

_PARITY_ROWS = 500
PARTS = ("train", "held", "choose", "test")


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """Labelled rows of a part as features (n, features), labels (n,) and units (n,)."""

    features: Floats
    labels: Floats
    units: Texts


Alone = Callable[[str], FederatedModel]
"""Fits a recipe, by its name, on a site's own rows."""


class Worker:
    """One site's rows, and what it tells of them.

    Parameters
    ----------
    parts : mapping of str to Dataset
        ``train`` and ``held``, and ``choose`` and ``test`` where these are asked about.
    name : str
        Of the site: its own random numbers hang on it.
    alone : callable, optional
        Fits what the site would have without the others.

    Raises
    ------
    LearnError
        If a part has too few labelled rows.
    """

    def __init__(
        self,
        design: Design,
        parts: Mapping[str, Dataset],
        name: str = "site",
        alone: Alone | None = None,
    ) -> None:
        self.design, self.name = design, name
        self.view = design.view()
        self._alone, self._fitted = alone, dict[str, FederatedModel]()
        self._seen = {part: _seen(design, self.view, data) for part, data in parts.items()}
        self._columns = np.where(np.isfinite(parts["train"].values), parts["train"].values, np.nan)
        last = parts.get("test", parts["held"])
        self._windows = windows_of(last, design.window).values[:_PARITY_ROWS]
        self._standard: tuple[str, dict[str, Seen]] | None = None

    def rows(self, part: str) -> int:
        """How many labelled rows a part has."""
        return len(self._seen[part].labels)

    def answer(self, question: Message) -> Floats:
        """Return the site's numbers, (size of the question,).

        Raises
        ------
        LearnError
            If there is no such question, or it does not fit the design.
        """
        kind = question.text("kind")
        if kind not in KINDS:
            raise LearnError(f"a site answers no question of the kind '{kind}'; nothing was sent")
        try:
            found = getattr(self, f"_{kind}")(question.head, question.arrays)
        except (KeyError, ValueError, IndexError, TypeError) as error:
            raise LearnError(
                f"the question '{kind}' does not fit this plan ({error}); use one Genba everywhere"
            ) from None
        told = np.asarray(found, np.float64)
        if told.shape != (size_of(self.design, self.view, question),):
            raise LearnError(f"the answer to '{kind}' has a wrong shape; use one Genba everywhere")
        return told

    def _ready(self, part: str, arrays: Mapping[str, AnyArray]) -> tuple[Seen, Standards]:
        """Return a part with standard features and labels."""
        standards = Standards.from_arrays(arrays)
        key = f"{standards.mean.tobytes().hex()} {standards.label.tobytes().hex()}"
        if self._standard is None or self._standard[0] != key:
            self._standard = (key, {})
        made = self._standard[1]
        if part not in made:
            seen = self._seen[part]
            features = standards.apply(seen.features, imputes=self.design.imputes)
            labels = (seen.labels - standards.label[0]) / standards.label[1]
            made[part] = Seen(features, labels, seen.units)
        return made[part], standards

    # -- what is usual ------------------------------------------------------------------------

    def _means(self, head: Mapping[str, object], arrays: Mapping[str, AnyArray]) -> Floats:
        seen = self._seen["train"]
        known, columns = np.isfinite(seen.features), np.isfinite(self._columns)
        return np.concatenate(
            [
                [
                    float(len(self._seen[part].labels)) if part in self._seen else 0.0
                    for part in PARTS
                ],
                _label_sums(seen.labels, self.design),
                known.sum(axis=0),
                np.where(known, seen.features, 0.0).sum(axis=0),
                columns.sum(axis=0),
                np.where(columns, self._columns, 0.0).sum(axis=0),
            ]
        )

    def _spreads(self, head: Mapping[str, object], arrays: Mapping[str, AnyArray]) -> Floats:
        seen = self._seen["train"]
        apart = seen.features - arrays["mean"]
        columns = self._columns - arrays["typical"]
        labels = seen.labels - arrays["label"][0]
        return np.concatenate(
            [np.nansum(apart**2, axis=0), [float(labels @ labels)], np.nansum(columns**2, axis=0)]
        )

    # -- the line -----------------------------------------------------------------------------

    def _gram(self, head: Mapping[str, object], arrays: Mapping[str, AnyArray]) -> Floats:
        seen, _ = self._ready("train", arrays)
        whole = np.column_stack([np.ones(len(seen.labels)), seen.features, seen.labels])
        product = whole.T @ whole
        return np.asarray(product[np.triu_indices(len(product))])

    def _newton(self, head: Mapping[str, object], arrays: Mapping[str, AnyArray]) -> Floats:
        """Return, of each of several lines, the loss, its slope and its bend."""
        seen, _ = self._ready("train", arrays)
        kind, outputs = self.design.kind, self.design.outputs
        shape = Shape(seen.features.shape[1], 0, outputs)
        whole = np.column_stack([seen.features, np.ones(len(seen.labels))])
        told = []
        for flat in np.asarray(arrays["lines"], np.float64):
            raw = raw_of(shape, flat, seen.features)
            slope = whole.T @ pull_of(raw, seen.labels, kind)
            told += [
                np.array([losses_of(raw, seen.labels, kind).sum()]),
                slope.ravel(),
                _bend(whole, raw),
            ]
        return np.concatenate(told)

    def _losses(self, head: Mapping[str, object], arrays: Mapping[str, AnyArray]) -> Floats:
        """Return the rows of a part, and the loss of each of several sets of parameters."""
        seen, standards = self._ready(str(head["part"]), arrays)
        shape = Shape(seen.features.shape[1], int(str(head["hidden"])), self.design.outputs)
        told = [float(len(seen.labels))]
        for flat in np.asarray(arrays["flats"], np.float64):
            raw = raw_of(shape, flat, seen.features)
            if self.design.kind == "number":
                low, high = (np.array(self.design.bounds) - standards.label[0]) / standards.label[1]
                raw = np.clip(raw, low, high)
            told.append(float(losses_of(raw, seen.labels, self.design.kind).sum()))
        return np.array(told)

    # -- the network --------------------------------------------------------------------------

    def _slope(self, head: Mapping[str, object], arrays: Mapping[str, AnyArray]) -> Floats:
        """Return held-out rows and their loss, the site's weight, and loss and slope times it."""
        tuning = self.design.tuning
        told = {**arrays, "flats": arrays["flat"][None]}
        judged = self._losses({"part": "held", "hidden": tuning.hidden}, told)
        seen, _ = self._ready("train", arrays)
        shape = Shape(seen.features.shape[1], tuning.hidden, self.design.outputs)
        flat = np.asarray(arrays["flat"], np.float64)
        kind = self.design.kind
        slope = slope_of(shape, flat, seen.features, seen.labels, kind)
        loss = losses_of(raw_of(shape, flat, seen.features), seen.labels, kind).mean()
        weight = len(seen.labels) / float(str(head["rows"]))
        return np.concatenate([judged, [weight, weight * loss], weight * slope])

    def _train(self, head: Mapping[str, object], arrays: Mapping[str, AnyArray]) -> Floats:
        """Return the change that the own rows ask for, cut to length, times the site's weight."""
        seen, _ = self._ready("train", arrays)
        tuning = self.design.tuning
        shape = Shape(seen.features.shape[1], tuning.hidden, self.design.outputs)
        common = np.asarray(arrays["flat"], np.float64)
        told = (self.design.seed, int(str(head["round"])), *self.name.encode())
        after = taught(
            shape,
            common,
            np.asarray(arrays["slope"], np.float64),
            seen.features,
            seen.labels,
            self.design.kind,
            tuning,
            float(str(head["rate"])),
            np.random.default_rng(told),
        )
        change = after - common
        change *= min(1.0, tuning.clip / max(float(np.linalg.norm(change)), 1e-12))
        weight = len(seen.labels) / float(str(head["rows"]))
        return np.concatenate([[weight], weight * change])

    # -- limits and figures -------------------------------------------------------------------

    def _residuals(self, head: Mapping[str, object], arrays: Mapping[str, AnyArray]) -> Floats:
        seen = self._seen["held"]
        said = FederatedModel.from_core(self.view, arrays).answer(seen.features).value
        units = seen.units if self.design.by_unit else None
        return residual_counts(np.abs(said - seen.labels), units, float(str(head["top"])))

    def _scores(self, head: Mapping[str, object], arrays: Mapping[str, AnyArray]) -> Floats:
        """Count raw scores of two classes in bins, by class."""
        seen = self._seen["held"]
        raw = FederatedModel.from_core(self.view, arrays).raw(seen.features)[:, 0]
        edges = np.linspace(-RAW_TOP, RAW_TOP, BINS + 1)
        raw = np.clip(raw, -RAW_TOP, RAW_TOP)
        counts = [np.histogram(raw[seen.labels == label], edges)[0] for label in (0, 1)]
        return np.concatenate(counts).astype(np.float64)

    def _warmth(self, head: Mapping[str, object], arrays: Mapping[str, AnyArray]) -> Floats:
        """Return the log loss of several classes at each temperature."""
        seen = self._seen["held"]
        raw = FederatedModel.from_core(self.view, arrays).raw(seen.features)
        return np.array([losses_of(raw * a, seen.labels, "many").sum() for a in TEMPERATURES])

    def _chances(self, head: Mapping[str, object], arrays: Mapping[str, AnyArray]) -> Floats:
        """Count the chances of the true class in bins, by class."""
        seen = self._seen["held"]
        classes = FederatedModel.from_core(self.view, arrays).answer(seen.features).classes
        assert classes is not None  # noqa: S101 - the head of several classes gives them
        edges = np.linspace(0, 1, BINS + 1)
        counts = [
            np.histogram(classes[seen.labels == index, index], edges)[0]
            for index in range(len(self.design.classes))
        ]
        return np.concatenate(counts).astype(np.float64)

    def _figures(self, head: Mapping[str, object], arrays: Mapping[str, AnyArray]) -> Floats:
        model = FederatedModel.from_core(self.view, arrays)
        return self.figures(model, str(head["part"]))

    def figures(self, model: FederatedModel, part: str) -> Floats:
        """Return the sums that the figures of a model on a part are made of."""
        seen = self._seen[part]
        return figures_of(self.design, model, model.answer(seen.features), seen.labels)

    def _own(self, head: Mapping[str, object], arrays: Mapping[str, AnyArray]) -> Floats:
        """Return the same of the model that this site would have alone."""
        return self.figures(self.alone(str(head["recipe"])), str(head["part"]))

    def alone(self, recipe: str) -> FederatedModel:
        """Return the model of this site's own rows; fitted once.

        Raises
        ------
        LearnError
            If it cannot be fitted.
        """
        if recipe not in self._fitted:
            if self._alone is None:
                raise LearnError("this site fits no model of its own")
            self._fitted[recipe] = self._alone(recipe)
        return self._fitted[recipe]

    def _parity(self, head: Mapping[str, object], arrays: Mapping[str, AnyArray]) -> Floats:
        """Return whether the ONNX graph of a model says the same on this site's windows, and 1.

        The graph is made here, of the model's arrays: nothing that came from elsewhere is run.
        """
        model = FederatedModel.from_core(self.view, arrays)
        tolerance = NET_TOLERANCE if model.shape.hidden else TOLERANCE
        graph = model.to_onnx(self.view.shape)
        return np.array([float(parity_of(model, graph, self._windows, tolerance).holds), 1.0])


KINDS = (
    *("means", "spreads", "gram", "newton", "losses", "slope", "train"),
    *("residuals", "scores", "warmth", "chances", "figures", "own", "parity"),
)
"""What a site may be asked."""


def size_of(design: Design, view: View, question: Message) -> int:
    """Return how many numbers the answer to a question holds; hub and sites reckon it alike."""
    features, columns = int(view.matrix.shape[1]), len(design.columns)
    kind = question.text("kind")
    line = (features + 1) * design.outputs
    if kind == "means":
        labels = max(len(design.classes), 1)
        return len(PARTS) + labels + 2 * (features + columns)
    if kind == "spreads":
        return features + 1 + columns
    if kind == "gram":
        return (features + 2) * (features + 3) // 2
    if kind == "newton":
        return len(question.arrays["lines"]) * (1 + line + line * (line + 1) // 2)
    if kind == "losses":
        return 1 + len(question.arrays["flats"])
    if kind in ("train", "slope"):
        more = 1 if kind == "train" else 4
        return more + Shape(features, design.tuning.hidden, design.outputs).size
    if kind == "residuals":
        return 2 + BINS
    if kind == "scores":
        return 2 * BINS
    if kind == "warmth":
        return len(TEMPERATURES)
    if kind == "parity":
        return 2
    if kind == "chances":
        return len(design.classes) * BINS
    return figures_size(design)


def _seen(design: Design, view: View, data: Dataset) -> Seen:
    features, rows = view.of_data(data)
    labels = data.labels()[rows]
    known = np.isfinite(labels)
    if not design.imputes:
        known &= np.isfinite(features).all(axis=1)
    if known.sum() < FEWEST:
        raise LearnError(
            f"data set '{data.name}' has {int(known.sum())} labelled and known windows in a part, "
            f"and it takes {FEWEST}; record longer, or give this part a larger share"
        )
    return Seen(features[known], labels[known], data.units[rows][known])


def _label_sums(labels: Floats, design: Design) -> Floats:
    if design.kind == "number":
        return np.array([labels.sum()])
    counts = np.bincount(labels.astype(np.int64), minlength=len(design.classes))
    return np.asarray(counts, np.float64)


def _bend(whole: Floats, raw: Floats) -> Floats:
    """Return the second derivatives by (feature, output), upper triangle."""
    size, outputs = whole.shape[1], raw.shape[1]
    bend = np.zeros((size, outputs, size, outputs))
    if outputs == 1:
        chance = sigmoid(raw)
        bend[:, 0, :, 0] = whole.T @ (whole * (chance * (1 - chance)))
    else:
        chance = softmax(raw)
        for one in range(outputs):
            for other in range(outputs):
                weight = chance[:, one] * ((one == other) - chance[:, other])
                bend[:, one, :, other] = whole.T @ (whole * weight[:, None])
    flat = bend.reshape(size * outputs, size * outputs)
    return np.asarray(flat[np.triu_indices(len(flat))])
