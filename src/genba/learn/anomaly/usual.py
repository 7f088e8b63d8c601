"""What is usual at each setting: the context of a machine that makes many products.

A press that molds four parts has four normals. What tells them apart is known at every moment: the
setpoints. Measurements are regressed on them; a setting that training showed often has a level and
a spread of its own, drawn toward the regression where it has few rows (James and Stein 1961; the
weight is that of Gelman and Hill, *Data analysis using regression and multilevel models*, ch. 12).
What is left over is judged, so that one model serves all products, also those to come: a setting
that was never seen is judged by the regression, with a spread as wide as settings miss it by.
"""

from dataclasses import dataclass

import numpy as np

from genba.learn.anomaly.limits import CHANGED, STEADY, UNKNOWN
from genba.learn.arrays import Booleans, Floats, Integers
from genba.learn.data.column import ColumnKind
from genba.learn.data.dataset import Dataset
from genba.learn.export.graph import INPUT, Graph
from genba.learn.recipe.protocol import Parts

_MEASURED = (ColumnKind.MEASUREMENT, ColumnKind.COUNTER)
MOST_SETTINGS = 64
"""With more, setpoints are taken for a continuum, and the regression alone says what is usual."""
_FEWEST_ROWS = 20
_ALIKE = 10.0
"""Rows that follow each other and count as one: they are alike."""
_SHARED = 5.0
"""Rows that count, after which a setting's own spread counts as much as the common one."""
_MOST_OF = 0.8
_NEAR = 1e-4
_LEAST = 0.2
"""Of the common spread: no setting is taken for steadier than this."""
_WIDE = 3.0
"""Times the spread at an unseen setting, where there is one setting only to learn it from."""
_PARTS = ("measured", "settings", "offsets", "scales", "middle", "spread", "slopes", "wide")


@dataclass(frozen=True, slots=True, eq=False)
class Usual:
    """Levels and spreads by setting.

    ``measured`` (columns,) says which columns are judged; the others are the setting. ``settings``
    (known, set), ``offsets`` and ``scales`` (known, judged); ``middle`` and ``spread`` (2, set) are
    the center and scale of setpoints, and their least and greatest; ``slopes`` (1 + set, judged);
    ``wide`` (judged,), the spread at a setting that was never seen.
    """

    measured: Floats
    settings: Floats
    offsets: Floats
    scales: Floats
    middle: Floats
    spread: Floats
    slopes: Floats
    wide: Floats

    @classmethod
    def learn(cls, train: Dataset) -> "Usual":
        """Take levels and spreads from normal data."""
        measured = _judged(train)
        setting, values = train.values[:, ~measured], train.values[:, measured]
        known, index, counts = _settings_of(setting)
        center, scale = _center(setting)
        slopes = _slopes((setting - center) / scale, values, index, counts)
        left = values - _line(setting, center, scale, slopes)
        offsets, scales, within = _levels(left, index, counts)
        wide = np.hypot(within, _missed((known - center) / scale, values, index, within))
        limits = (setting.min(axis=0), setting.max(axis=0)) if len(setting) else (center, center)
        return cls(
            measured.astype(np.float64),
            known,
            offsets,
            scales,
            np.stack([center, scale]),
            np.stack(limits),
            slopes,
            wide,
        )

    def left_over(self, values: Floats) -> tuple[Floats, Integers]:
        """Return what the setting does not explain, in spreads, and which setting it is.

        ``values`` is (..., columns); gives (..., judged), and (...,) with -1 where the setting was
        never seen.
        """
        measured = self.measured > 0
        setting, judged = values[..., ~measured], values[..., measured]
        index = self._index(setting)
        base = _line(setting, self.middle[0], self.middle[1], self.slopes)
        offsets = np.concatenate([self.offsets, np.zeros((1, judged.shape[-1]))])
        scales = np.concatenate([self.scales, self.wide[None]])
        return (judged - base - offsets[index]) / scales[index], index

    def of_windows(self, inputs: Floats) -> tuple[Floats, Integers, Integers]:
        """Return what is left over in windows (n, window, judged), the setting of each last row,
        -1 if unknown, (n,), and of what kind each is (n,).

        Kinds are those of :mod:`genba.learn.anomaly.limits`.
        """
        left, index = self.left_over(inputs)
        last = index[:, -1]
        changed = (index != last[:, None]).any(axis=1)
        kinds = np.where(last < 0, UNKNOWN, np.where(changed, CHANGED, STEADY))
        return left, last, kinds.astype(np.int64)

    def graph(self, graph: Graph) -> tuple[str, str, str]:
        """Add the same to a graph, float64: (n, window, judged); one-hot kinds (n, 3); and one-hot
        settings of the last rows, (n, known + 1), the last for an unknown one.

        Without setpoints there is one setting, of which nothing needs to be told: an empty name.
        """
        if self.settings.shape[1] == 0:
            return self._plain_graph(graph)
        left, hits, known = self._left_graph(graph)
        return left, *self._kinds(graph, hits, known)

    def rows_graph(self, graph: Graph) -> tuple[str, str]:
        """Add what is left over to a graph, (n, window, judged) float64, and which rows are at a
        known setting, (n, window, 1); an empty name where there is one setting.
        """
        if self.settings.shape[1] == 0:
            return self._plain_graph(graph)[0], ""
        left, _, known = self._left_graph(graph)
        return left, known

    def _left_graph(self, graph: Graph) -> tuple[str, str, str]:
        """What is left over; one-hot settings of all rows; and whether they are known."""
        measured = self.measured > 0
        inputs = graph.doubles(INPUT)
        judged = graph.add("Gather", inputs, graph.constant(np.flatnonzero(measured)), axis=2)
        setting = graph.add("Gather", inputs, graph.constant(np.flatnonzero(~measured)), axis=2)
        hits = self._hits(graph, setting)
        known = graph.add("ReduceSum", hits, graph.constant(np.array([2], np.int64)), keepdims=1)
        unseen = graph.add("Sub", graph.constant(np.array(1.0)), known)
        centered = graph.add("Sub", setting, graph.constant(self.middle[0]))
        standard = graph.add("Div", centered, graph.constant(self.middle[1]))
        line = graph.add("MatMul", standard, graph.constant(self.slopes[1:]))
        base = graph.add("Add", line, graph.constant(self.slopes[0]))
        base = graph.add("Add", base, graph.add("MatMul", hits, graph.constant(self.offsets)))
        own = graph.add("MatMul", hits, graph.constant(self.scales))
        wide = graph.add("Mul", unseen, graph.constant(self.wide))
        left = graph.add("Div", graph.add("Sub", judged, base), graph.add("Add", own, wide))
        return left, hits, known

    def by_column(self, shares: Floats) -> Floats:
        """Add up shares of judged columns, or of their means and spreads, (n, columns)."""
        measured = self.measured > 0
        count = int(measured.sum())
        told = np.zeros((len(shares), len(measured)))
        parts = shares.reshape(len(shares), -1, count).sum(axis=1)
        told[:, measured] = parts
        return told

    def parts(self) -> dict[str, Floats]:
        """Return the arrays, for the parts of a model."""
        return {f"usual_{name}": getattr(self, name) for name in _PARTS}

    @classmethod
    def from_parts(cls, parts: Parts) -> "Usual":
        """Read what :meth:`parts` wrote; KeyError if something is missing."""
        return cls(*(np.asarray(parts[f"usual_{name}"], np.float64) for name in _PARTS))

    def _index(self, setting: Floats) -> Integers:
        if not self.continuous:
            return _index_of(setting, self.settings)
        low, high = self._range()
        within = ((setting >= low) & (setting <= high)).all(axis=-1)
        return np.where(within, 0, -1)

    def _range(self) -> Floats:
        """Least and greatest setpoints, with the room that rounding takes; (2, set)."""
        room = _NEAR * (1 + np.abs(self.spread))
        return np.asarray(self.spread + room * np.array([[-1.0], [1.0]]))

    @property
    def continuous(self) -> bool:
        """Whether setpoints are a range, not a list of settings."""
        return bool(np.isnan(self.settings).any())

    def _hits(self, graph: Graph, setting: str) -> str:
        """One-hot settings, (n, window, known) float64."""
        if self.continuous:
            low, high = self._range()
            parts = [
                graph.add("GreaterOrEqual", setting, graph.constant(low)),
                graph.add("LessOrEqual", setting, graph.constant(high)),
            ]
            within = [graph.doubles(part) for part in parts]
            near = graph.add("Mul", *within)
        else:
            last = graph.constant(np.array([2], np.int64))
            apart = graph.add(
                "Sub", graph.add("Unsqueeze", setting, last), graph.constant(self.settings)
            )
            allowed = graph.constant(_NEAR * (1 + np.abs(self.settings)))
            near = graph.doubles(graph.add("LessOrEqual", graph.add("Abs", apart), allowed))
        axis = graph.constant(np.array([2 if self.continuous else 3], np.int64))
        wanted = graph.constant(np.array(self.settings.shape[1] - 0.5))
        count = graph.add("ReduceSum", near, axis, keepdims=int(self.continuous))
        return graph.doubles(graph.add("Greater", count, wanted))

    def _plain_graph(self, graph: Graph) -> tuple[str, str, str]:
        """Without setpoints all is one setting, and every window is steady."""
        inputs = graph.doubles(INPUT)
        base = graph.constant(self.slopes[0] + self.offsets[0])
        left = graph.add("Sub", inputs, base)
        left = graph.add("Div", left, graph.constant(self.scales[0]))
        count = graph.add("Gather", graph.add("Shape", inputs), graph.constant(np.array([0])))
        shape = graph.add("Concat", count, graph.constant(np.array([3])), axis=0)
        kinds = graph.add("Expand", graph.constant(np.array([[1.0, 0.0, 0.0]])), shape)
        return left, kinds, ""

    def _kinds(self, graph: Graph, hits: str, known: str) -> tuple[str, str]:
        """One-hot kinds (steady, changed, unknown) and last settings out of one-hot settings."""
        newest = graph.constant(np.array([-1], np.int64))
        axis = graph.constant(np.array([1], np.int64))
        all_axes = graph.constant(np.array([1, 2], np.int64))
        one = graph.constant(np.array(1.0))
        now = graph.add("Squeeze", graph.add("Gather", known, newest, axis=1), axis)
        unseen = graph.add("Sub", one, now)
        last = graph.add("Gather", hits, newest, axis=1)
        moved = graph.add("Abs", graph.add("Sub", hits, last))
        apart = graph.add("ReduceSum", moved, all_axes, keepdims=0)
        few = graph.add("Greater", apart, graph.constant(np.array(0.5)))
        changed = graph.add("Unsqueeze", graph.doubles(few), axis)
        steady = graph.add("Mul", now, graph.add("Sub", one, changed))
        kinds = graph.add("Concat", steady, graph.add("Mul", now, changed), unseen, axis=1)
        own = graph.add("Squeeze", last, axis)
        return kinds, graph.add("Concat", own, unseen, axis=1)


def settings_told(train: Dataset, later: Dataset) -> tuple[str, ...]:
    """Say in plain words how many settings were seen, and how much of what came later was not."""
    usual = Usual.learn(train)
    if usual.settings.shape[1] == 0:
        return ()
    names = [
        column.name
        for column, judged in zip(train.columns, usual.measured, strict=True)
        if not judged
    ]
    told = "a range of settings" if usual.continuous else f"{len(usual.settings)} settings"
    _, index = usual.left_over(later.values)
    return (
        f"It knows {told} of {', '.join(names)}, each with a normal of its own; "
        f"{np.mean(index < 0):.1%} of the rows it was tested on were at others, which it judges "
        "by a line through those that it knows, and widely.",
    )


def _judged(data: Dataset) -> Booleans:
    """Which columns are judged: what is measured or counted; all where there is nothing else."""
    judged = np.array([column.kind in _MEASURED for column in data.columns])
    return judged if judged.any() else np.ones(len(judged), bool)


def _settings_of(setting: Floats) -> tuple[Floats, Integers, Integers]:
    """Known settings (known, set), the setting of each row (-1: none), and rows of each.

    A setting is known where it held often; ramps from one to the next are not. Where known ones do
    not make up most rows, setpoints are a continuum: that is told by one setting of NaN.
    """
    rows, width = setting.shape
    if width == 0:
        return np.zeros((1, 0)), np.zeros(rows, np.int64), np.array([rows])
    found, counts = np.unique(setting, axis=0, return_counts=True)
    found = found[np.argsort(-counts, kind="stable")][: 4 * MOST_SETTINGS]
    known: list[Floats] = []
    for one in found:
        if not any(_near(one, other, 3 * _NEAR).all() for other in known):
            known.append(one)
    settings = np.array(known)
    index = _index_of(setting, settings)
    counts = np.bincount(index[index >= 0], minlength=len(settings))
    often = np.flatnonzero(counts >= min(_FEWEST_ROWS, counts.max()))
    if len(often) > MOST_SETTINGS or counts[often].sum() < _MOST_OF * rows:
        return np.full((1, width), np.nan), np.zeros(rows, np.int64), np.array([rows])
    return settings[often], _index_of(setting, settings[often]), counts[often]


def _near(values: Floats, known: Floats, share: float = _NEAR) -> Booleans:
    return np.asarray(np.abs(values - known) <= share * (1 + np.abs(known)))


def _index_of(setting: Floats, settings: Floats) -> Integers:
    found = np.full(setting.shape[:-1], -1, np.int64)
    for number, known in enumerate(settings):
        found[_near(setting, known).all(axis=-1)] = number
    return found


def _center(setting: Floats) -> tuple[Floats, Floats]:
    center, scale = setting.mean(axis=0), setting.std(axis=0)
    return center, np.where(scale > 1e-9 * (1 + np.abs(center)), scale, 1.0)


def _line(setting: Floats, center: Floats, scale: Floats, slopes: Floats) -> Floats:
    return np.asarray(slopes[0] + ((setting - center) / scale) @ slopes[1:])


def _slopes(standard: Floats, values: Floats, index: Integers, counts: Integers) -> Floats:
    """Ridge regression on setpoints; a setting counts by what it shows, not by how long it ran."""
    weight = 1.0 / np.maximum(counts[np.maximum(index, 0)], 1)
    weight = weight / weight.sum() * len(counts)
    middle = np.average(values, axis=0, weights=weight)
    at = np.average(standard, axis=0, weights=weight)
    apart = standard - at
    within = (apart * weight[:, None]).T @ apart + np.eye(standard.shape[1])
    slopes = np.linalg.solve(within, (apart * weight[:, None]).T @ (values - middle))
    return np.concatenate([(middle - at @ slopes)[None], slopes])


def _levels(left: Floats, index: Integers, counts: Integers) -> tuple[Floats, Floats, Floats]:
    """Offsets and spreads of settings, drawn toward the regression's; the spread within settings.

    Where a signal never varies within settings, its spread is what is between them, else 1.
    """
    alone = (counts / _ALIKE)[:, None]
    means = np.stack([left[index == number].mean(axis=0) for number in range(len(counts))])
    inner = left - means[np.maximum(index, 0)]
    inner = inner[index >= 0]
    total = np.sqrt(np.mean(inner**2, axis=0))
    varied = left.std(axis=0)
    total = np.where(total > 1e-9 * (1e-3 + varied), total, np.where(varied > 0, varied, 1.0))
    between = alone * np.mean(means**2, axis=0)
    offsets = means * between / (between + total**2) if len(counts) > 1 else means
    squares = np.stack(
        [np.mean((left[index == n] - means[n]) ** 2, axis=0) for n in range(len(counts))]
    )
    own = alone / (alone + _SHARED)
    scales = np.sqrt(own * squares + (1 - own) * total**2)
    return offsets, np.maximum(scales, _LEAST * total), total


def _missed(standard: Floats, values: Floats, index: Integers, within: Floats) -> Floats:
    """By how much a line through the other settings misses each setting, (judged,).

    One setting alone, or a range, tells nothing of that: then a few spreads.
    """
    if len(standard) < 2:
        return _WIDE * within
    means = np.stack([values[index == number].mean(axis=0) for number in range(len(standard))])
    apart = []
    for number in range(len(standard)):
        others = np.arange(len(standard)) != number
        ones = np.arange(int(others.sum()))
        slopes = _slopes(standard[others], means[others], ones, np.ones_like(ones))
        apart.append(means[number] - slopes[0] - standard[number] @ slopes[1:])
    # Few settings may miss by luck less than the next one will.
    return np.asarray(np.sqrt(np.mean(np.square(apart), axis=0)) * (1 + 2 / len(standard)))
