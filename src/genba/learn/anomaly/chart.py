"""Control charts of parts: small shifts of a machine's signals, averaged from part to part.

A chart of single values (Shewhart) needs a large fault; one that remembers finds a small one that
stays: the exponentially weighted moving average (Roberts, *Technometrics* 1, 1959), which is as
quick as a cumulative sum (Page, *Biometrika* 41, 1954; compared by Lucas and Saccucci,
*Technometrics* 32, 1990). What is charted is what the setting, that is product and recipe, leaves
over of each signal (Montgomery, *Introduction to Statistical Quality Control*, ch. 10: short runs).

Parts that follow each other are alike, so that tabled limits do not hold. Each signal's chart has a
limit of its own, by how far it strays in normal parts and how many of these count as independent: a
prediction limit by Student's t, for its share of the wanted false alarms. One that wanders (a
temperature over the day) gets a wide one, and does not widen the others'. Parts that were left out
in turn then have the last word: no limit is nearer than they went.

A chart looks back no farther than its window, and begins there at its target: an alarm ends at most
so many parts after its cause has ended.
"""

from dataclasses import asdict, dataclass, replace
from typing import Any, ClassVar

import numpy as np

from genba.errors import LearnError
from genba.learn.anomaly.crossed import PLENTY, crossed
from genba.learn.anomaly.episodes import weeks_of
from genba.learn.anomaly.limits import STEADY
from genba.learn.anomaly.usual import Usual
from genba.learn.arrays import AnyArray, Floats, Integers
from genba.learn.data.dataset import Dataset
from genba.learn.data.joined import joined
from genba.learn.export.graph import Graph
from genba.learn.features.windows import windows_of
from genba.learn.recipe.prediction import Prediction
from genba.learn.recipe.protocol import Parts, Task, Weight

_FEWEST = 60
_MOST_SPREADS = 6.0
"""A single part says no more than that: one outlier is no shift (winsorized, as robust charts are).
"""


@dataclass(frozen=True, slots=True)
class ChartRecipe:
    """Settings: what the newest part weighs, parts looked back on, and the wanted false alarms."""

    newest: float = 0.2
    window: int = 20
    false_alarms: float = 0.01
    a_week: float | None = None
    name: str = "ewma"
    task: ClassVar[Task] = Task.ANOMALY
    weight: ClassVar[Weight] = Weight.LIGHT

    def settings(self) -> dict[str, Any]:
        """Return the settings."""
        return asdict(self)

    def fit(self, train: Dataset, held: Dataset, seed: int) -> "ChartModel":
        """Take what is usual and the limits from ``train``, and widen them to what ``held`` shows;
        where parts are few, both from all of them by cross-fitting.
        """
        if train.rows > PLENTY:
            model = self._fitted(train)
            far = model.predict(windows_of(held, self.window).values).value
        else:
            both = joined([train, held], train.name, "with the part held out")
            far = crossed(both, self.window, self._fitted)[1]
            model = self._fitted(both)
        return replace(model, limits=model.limits * max(1.0, float(far.max())))

    def _fitted(self, normal: Dataset) -> "ChartModel":
        """Take what is usual, and the limits by how the charts stray."""
        if normal.rows < max(_FEWEST, 2 * self.window):
            raise LearnError(
                f"{normal.rows} normal parts are too few for charts over {self.window}; record "
                "longer"
            )
        usual = Usual.learn(_known(normal))
        columns = int(usual.measured.sum())
        weights = np.asarray(self.newest * (1 - self.newest) ** np.arange(self.window)[::-1], float)
        model = ChartModel(ChartView(usual), weights, np.ones(columns))
        seen = windows_of(normal, self.window)
        charts = model.charts(seen.values)
        weeks = weeks_of(normal, seen.rows)
        wanted = self.a_week * weeks if self.a_week and weeks else self.false_alarms * len(charts)
        limits = np.array([_limit(chart, wanted / columns) for chart in charts.T])
        return replace(model, limits=limits)

    def restore(self, parts: Parts) -> "ChartModel":
        """Make the model again."""
        try:
            names = ("weights", "limits")
            arrays = (np.asarray(parts[one], np.float64) for one in names)
            return ChartModel(ChartView(Usual.from_parts(parts)), *arrays)
        except KeyError as error:
            raise LearnError(f"these are no parts of a '{self.name}' model: no {error}") from None


@dataclass(frozen=True, slots=True, eq=False)
class ChartView:
    """What the setting leaves over of each part; nothing at a setting that was never seen."""

    usual: Usual

    def of(self, inputs: Floats) -> tuple[Floats, Integers]:
        """Return what is left over, (n, window, judged), 0 where unknown; all is of one kind."""
        left, index = self.usual.left_over(inputs)
        left = np.where((index < 0)[..., None], 0.0, np.nan_to_num(left))
        return np.clip(left, -_MOST_SPREADS, _MOST_SPREADS), np.full(len(inputs), STEADY)


@dataclass(frozen=True, slots=True, eq=False)
class ChartModel:
    """The ``view``, the ``weights`` of the parts of a window (window,), oldest first, and the
    ``limits`` of the columns' charts, to either side (judged,).
    """

    view: ChartView
    weights: Floats
    limits: Floats
    threshold: ClassVar[float] = 1.0

    def charts(self, inputs: Floats) -> Floats:
        """Return where each chart is, as a part of its limit, (n, judged); signs mean direction."""
        left, _ = self.view.of(inputs)
        return np.asarray(np.einsum("w,nwc->nc", self.weights, left) / self.limits)

    def predict(self, inputs: Floats) -> Prediction:
        """Return the chart that is farthest from its target, as a part of its limit."""
        return Prediction(np.abs(self.charts(inputs)).max(axis=1))

    def explain(self, inputs: Floats) -> Floats:
        """Return each column's chart as a part of its limit, squared, so that the farthest stands
        out.
        """
        return self.view.usual.by_column(self.charts(inputs) ** 2)

    def parts(self) -> dict[str, AnyArray]:
        """Return the arrays."""
        return {**self.view.usual.parts(), "weights": self.weights, "limits": self.limits}

    def to_onnx(self, shape: tuple[int, int]) -> bytes:
        """Write the graph."""
        graph = Graph("chart", shape)
        left, known = self.view.usual.rows_graph(graph)
        none = graph.constant(np.array(0.0))
        left = graph.add("Where", graph.add("IsNaN", left), none, left)
        left = graph.add("Mul", left, known) if known else left
        most = graph.constant(np.array(_MOST_SPREADS))
        left = graph.add("Clip", left, graph.constant(np.array(-_MOST_SPREADS)), most)
        charted = graph.add("MatMul", graph.constant(self.weights[None]), left)
        parts = graph.add("Div", graph.add("Abs", charted), graph.constant(self.limits))
        axes = graph.constant(np.array([1, 2], np.int64))
        told = graph.add("ReduceMax", parts, axes, keepdims=0)
        graph.output("value", graph.floats(told))
        return graph.to_bytes()


def _limit(chart: Floats, wanted: float) -> float:
    """Return how far a chart of normal parts, in order (n,), is expected to go ``wanted`` times in
    as long again, to either side; at most, since values beyond that follow each other.
    """
    from scipy.stats import t as student

    alone = _alone(chart)
    share = min(max(wanted, 1e-9) / len(chart), 0.5)
    reach = float(student.ppf(1 - share / 2, max(alone - 1, 1.0))) * np.sqrt(1 + 1 / alone)
    return float(max(reach * np.sqrt(np.mean(chart**2)), 1e-9))


def _alone(chart: Floats) -> float:
    """Return how many values of a series count as independent: its length over the sum of its
    correlations, as far as pairs of them are above 0 (Geyer, *Statistical Science* 7, 1992).
    """
    count = len(chart)
    apart = chart - chart.mean()
    size = 1 << (2 * count - 1).bit_length()
    power = np.abs(np.fft.rfft(apart, size)) ** 2
    correlation = np.fft.irfft(power, size)[:count]
    if correlation[0] <= 0:
        return 2.0
    pairs = correlation[: count // 2 * 2].reshape(-1, 2).sum(axis=1) / correlation[0]
    last = int(np.argmax(pairs <= 0)) if (pairs <= 0).any() else len(pairs)
    return float(np.clip(count / max(2 * pairs[:last].sum() - 1, 1.0), 2.0, count))


def _known(data: Dataset) -> Dataset:
    """Put the middle of its column in place of what is unknown: it teaches nothing."""
    values = data.values
    if np.isfinite(values).all():
        return data
    if not np.isfinite(values).any(axis=0).all():
        raise LearnError("a column of the normal parts is unknown throughout; leave it out")
    return replace(data, values=np.where(np.isfinite(values), values, np.nanmedian(values, axis=0)))
