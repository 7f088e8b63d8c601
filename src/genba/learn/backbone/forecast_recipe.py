"""The backbone as a rung of the forecast ladder: as it is, or corrected, as held-out rows say.

The ladder compares it with persistence, the season, a line and trees, and with what
:mod:`genba.learn.backbone.beside` sets beside it, and may take one of these.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from genba.errors import LearnError
from genba.learn.arrays import AnyArray, Floats
from genba.learn.backbone.backbone import Backbone, refined
from genba.learn.backbone.graph import drawn
from genba.learn.backbone.pool import day_of
from genba.learn.backbone.rivals import Corrected
from genba.learn.backbone.window import HORIZON, LENGTH, scaled
from genba.learn.data.dataset import Dataset
from genba.learn.export.graph import INPUT, Graph
from genba.learn.features.windows import windows_of
from genba.learn.recipe.prediction import Prediction
from genba.learn.recipe.protocol import Parts, Task, Weight
from genba.learn.regression.rows import labels_of

FEWEST = 20
_MOST = 4000
_FLOOR = 0.05
_BATCH = 64
"""Windows of a step, as :func:`genba.learn.backbone.backbone.refined` takes them."""


@dataclass(frozen=True, slots=True, eq=False)
class BackboneForecast:
    """Settings: the backbone, steps ahead (24 at most), training here, cover of the interval.

    ``lessons`` are steps of training on the rows at hand, 0 to leave the weights as they are, and
    ``passes`` over the windows where these take more; ``rate`` is their size. An untaught backbone
    with no lessons gives features alone: it says persistence, corrected.
    """

    backbone: Backbone
    steps: int = 1
    lessons: int = 0
    passes: int = 0
    rate: float = 3e-4
    cover: float = 0.9
    name: str = "backbone"
    task: ClassVar[Task] = Task.FORECAST
    weight: ClassVar[Weight] = Weight.MID
    window: ClassVar[int] = LENGTH

    def settings(self) -> dict[str, Any]:
        """Return the settings; of the backbone, what it was taught with."""
        taught = {
            "parameters": self.backbone.parameters,
            "steps": self.backbone.steps,
            "processes": list(self.backbone.processes),
        }
        here = {"lessons": self.lessons, "passes": self.passes, "rate": self.rate}
        return {
            **{"steps": self.steps, **here, "cover": self.cover},
            **{"name": self.name, "backbone": taught},
        }

    def fit(self, train: Dataset, held: Dataset, seed: int) -> "BackboneForecastModel":
        """Fit the correction on ``train``; keep it if it helps on ``held``; set limits there."""
        if not 1 <= self.steps <= HORIZON:
            raise LearnError(
                f"the backbone looks 1 to {HORIZON} rows ahead, not {self.steps}; take longer steps"
            )
        column = _own(train)
        known, ahead = _stretches(train, column, HORIZON)
        other, truth = _stretches(held, column, self.steps)
        day = day_of(train)
        every = max(1, len(known) // _MOST)
        stretches = np.concatenate([known, ahead], axis=1)[len(known) % every :: every]
        backbone = self._taught(stretches, day, seed)
        correction = Corrected(backbone, stretches, day)
        width = len(correction.middle)
        plain = np.zeros((width + 1, HORIZON))
        floor = _FLOOR * float(np.nanstd(train.values[:, column]))
        models = [
            BackboneForecastModel(
                backbone,
                {
                    "middle": correction.middle,
                    "spread": correction.spread,
                    "map": np.asarray(mapped),
                    "reach": np.full(self.steps, np.nan),
                    "options": np.array([float(column), float(len(train.columns)), floor, day]),
                },
            )
            for mapped in (plain, correction.map)
        ]
        apart = [np.abs(model.ahead(other) - truth) for model in models]
        better = apart[0].mean(axis=1) - apart[1].mean(axis=1)
        helps = better.mean() > better.std() / np.sqrt(len(better))
        model = models[int(helps)]
        scale = scaled(other).scale[:, None] + floor
        reach = _quantile(apart[int(helps)] / scale, self.cover)
        return BackboneForecastModel(backbone, {**model.fitted, "reach": reach})

    def _taught(self, stretches: Floats, day: float, seed: int) -> Backbone:
        """Train the backbone here, where that is asked for."""
        if not self.lessons:
            return self.backbone
        steps = max(self.lessons, self.passes * len(stretches) // _BATCH)
        return refined(self.backbone, stretches, steps=steps, rate=self.rate, day=day, seed=seed)

    def restore(self, parts: Parts) -> "BackboneForecastModel":
        """Make the model again; the backbone is among its parts."""
        names = ("middle", "spread", "map", "reach", "options")
        missing = [name for name in names if name not in parts]
        if missing:
            raise LearnError(f"these are no parts of a '{self.name}' model: no '{missing[0]}'")
        return BackboneForecastModel(Backbone.restore(parts), {n: parts[n] for n in names})


@dataclass(frozen=True, slots=True, eq=False)
class BackboneForecastModel:
    """The backbone, and what was fitted here: the correction, and how far the truth may be off."""

    backbone: Backbone
    fitted: Mapping[str, AnyArray]
    threshold: ClassVar[None] = None

    def _column(self, inputs: Floats) -> Floats:
        wanted = int(self.fitted["options"][1])
        if inputs.ndim != 3 or inputs.shape[1:] != (LENGTH, wanted):
            raise LearnError(
                f"the model takes windows of shape {(LENGTH, wanted)}, not {inputs.shape[1:]}; "
                "give it the columns and the window of its card"
            )
        return np.asarray(inputs[:, :, int(self.fitted["options"][0])], np.float64)

    def ahead(self, windows: Floats) -> Floats:
        """Say what comes after windows of the target alone, (n, length) to (n, steps)."""
        day = float(self.fitted["options"][3])
        ahead, summary = self.backbone.both(windows, day)
        seen = scaled(windows)
        if self.backbone.steps == 0:
            ahead = seen.undo(np.zeros(ahead.shape))
        standard = (summary - self.fitted["middle"]) / self.fitted["spread"]
        more = standard @ self.fitted["map"][:-1] + self.fitted["map"][-1]
        told = ahead + seen.scale[:, None] * more
        return np.asarray(told[:, : len(self.fitted["reach"])])

    def predict(self, inputs: Floats) -> Prediction:
        """Say what comes and between which limits."""
        windows = self._column(inputs)
        value = self.ahead(windows)
        scale = scaled(windows).scale[:, None] + self.fitted["options"][2]
        beyond = self.fitted["reach"] * scale
        return Prediction(value, value - beyond, value + beyond)

    def explain(self, inputs: Floats) -> Floats:
        """Return how far the answer lies from the present value; all of it is the target's own."""
        windows = self._column(inputs)
        shares = np.zeros((len(inputs), inputs.shape[2]))
        moved = self.ahead(windows).mean(axis=1) - scaled(windows).anchor
        shares[:, int(self.fitted["options"][0])] = np.nan_to_num(moved)
        return shares

    def parts(self) -> dict[str, AnyArray]:
        """Return the arrays, those of the backbone among them."""
        return {**self.backbone.parts(), **self.fitted}

    def to_onnx(self, shape: tuple[int, int]) -> bytes:
        """Write the graph."""
        self._column(np.empty((0, *shape)))
        steps = len(self.fitted["reach"])
        graph = Graph("backbone_forecast", shape)
        column = graph.constant(np.array([int(self.fitted["options"][0])], np.int64))
        last = graph.constant(np.array([2], np.int64))
        window = graph.add("Squeeze", graph.add("Gather", INPUT, column, axis=2), last)
        day = float(self.fitted["options"][3])
        told = drawn(graph, self.backbone.weights, window, day)
        away = graph.add("Sub", graph.doubles(told.summary), graph.constant(self.fitted["middle"]))
        standard = graph.add("Div", away, graph.constant(self.fitted["spread"]))
        mapped = np.asarray(self.fitted["map"], np.float64)
        more = graph.add("MatMul", standard, graph.constant(mapped[:-1]))
        more = graph.add("Add", more, graph.constant(mapped[-1]))
        whole = more if self.backbone.steps == 0 else graph.add("Add", told.ahead, more)
        value = graph.add("Add", graph.add("Mul", whole, told.scale), told.anchor)
        ends = [graph.constant(np.array([number], np.int64)) for number in (0, steps, 1)]
        value = graph.add("Slice", value, ends[0], ends[1], ends[2])
        floor = graph.constant(np.array([float(self.fitted["options"][2])]))
        scale = graph.add("Add", told.scale, floor)
        beyond = graph.add("Mul", scale, graph.constant(self.fitted["reach"]))
        graph.output("value", graph.floats(value), (steps,))
        graph.output("low", graph.floats(graph.add("Sub", value, beyond)), (steps,))
        graph.output("high", graph.floats(graph.add("Add", value, beyond)), (steps,))
        return graph.to_bytes()


def _own(data: Dataset) -> int:
    target = data.target
    if target is None or target.name not in data.names:
        raise LearnError(
            f"data set '{data.name}' does not hold its target's present value as a column; the "
            "backbone forecasts a signal from its own past: ask one row ahead first"
        )
    return data.names.index(target.name)


def _stretches(data: Dataset, column: int, steps: int) -> tuple[Floats, Floats]:
    """Return windows of the target and what came, where all of that is known."""
    seen = windows_of(data, LENGTH)
    ahead = labels_of(data, steps)[seen.rows]
    windows = seen.values[:, :, column]
    whole = np.isfinite(ahead).all(axis=1) & np.isfinite(scaled(windows).anchor)
    if whole.sum() < FEWEST:
        raise LearnError(
            f"data set '{data.name}' has {int(whole.sum())} windows of {LENGTH} rows with "
            f"{steps} known ones after them, and it takes {FEWEST}; record longer"
        )
    return np.asarray(windows[whole]), np.asarray(ahead[whole])


def _quantile(apart: Floats, cover: float) -> Floats:
    """Split conformal limits (Lei et al., JASA 2018) of each step, (steps,)."""
    count = len(apart)
    rank = min(int(np.ceil((count + 1) * cover)), count) - 1
    return np.asarray(np.sort(apart, axis=0)[rank])
