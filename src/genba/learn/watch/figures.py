"""How good answers are where the truth came later, and how sure one can be with so few labels.

Intervals come from a moving-block bootstrap (Kuensch, *Annals of Statistics* 17, 1989): mistakes of
neighboring rows go together, so blocks as long as their memory are drawn, not rows.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from genba.learn.arrays import Booleans, Floats, Integers
from genba.learn.data.target import Target
from genba.learn.quality.conformal import sets_of
from genba.learn.quality.head import COVER, kind_of
from genba.learn.recipe.examine import calibration_error
from genba.learn.recipe.prediction import Prediction
from genba.learn.watch.memory import memory_of

FEWEST = 30.0
"""Labels, counted as independent ones, below which nothing is said."""
CALIBRATED = 0.05
"""An expected calibration error up to this does no harm."""
_DRAWS = 200
_SIDES = (2.5, 97.5)
_SURE = 2.81
"""Standard errors that two figures have to be apart: by chance once in 400 times."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure with its 95% interval; ``labels`` as many independent ones as it stands on.

    ``chance`` is what a perfectly calibrated model would show at most in 99 of 100 samples of this
    size (``ece`` alone; Broecker and Smith, *Weather and Forecasting* 22, 2007).
    """

    name: str
    value: float
    low: float
    high: float
    labels: float
    chance: float | None = None


@dataclass(frozen=True, slots=True)
class Quality:
    """Figures of one stretch of rows whose truth is known."""

    figures: tuple[Figure, ...]

    def get(self, name: str) -> Figure | None:
        """Return one by its name."""
        return next((one for one in self.figures if one.name == name), None)

    def as_json(self) -> list[dict[str, Any]]:
        """Plain values."""
        return [asdict(one) for one in self.figures]


def quality_of(
    target: Target,
    rows: Integers,
    said: Prediction,
    seed: int = 0,
    limits: Floats | None = None,
) -> Quality | None:
    """Measure answers to some rows of a target, in order of time; None where no label is known.

    ``limits`` (classes,) are those of conformal sets, by class the probability from which on a row
    may be of it; None where a model makes none.

    Numbers: ``mae``, and ``covered`` where there is an interval. Two classes: ``brier``, ``auc``,
    ``ece``, ``covered``. More: ``accuracy``, ``ece``, ``covered``.
    """
    truth = target.values[rows]
    value = said.value if said.value.ndim == 1 else said.value[:, 0]
    known = np.isfinite(truth) & np.isfinite(value)
    if known.sum() < 2:
        return None
    kind = kind_of(target)
    judged = _Judged(truth[known], value[known], kind, seed)
    if kind == "number":
        if said.low is not None and said.high is not None:
            low, high = (one if one.ndim == 1 else one[:, 0] for one in (said.low, said.high))
            judged.hits = ((truth >= low) & (truth <= high))[known]
        return judged.numbers()
    if said.classes is not None:
        judged.classes = said.classes[known]
        if limits is not None:
            place = truth[known].astype(np.int64)
            judged.hits = sets_of(judged.classes, limits)[np.arange(len(place)), place]
    return judged.two() if kind == "two" else judged.many()


class _Judged:
    """Answers beside the truth, in order of time."""

    def __init__(
        self, truth: Floats, value: Floats, kind: Literal["number", "two", "many"], seed: int
    ) -> None:
        self.truth, self.value = truth, value
        self.hits: Booleans | None = None
        self.classes: Floats | None = None
        self._random = np.random.default_rng(seed)
        rows = len(truth)
        off = value - truth if kind != "many" else value
        self._tau = float(memory_of(off[:, None]).tau(rows)[0][0])
        block = int(np.clip(np.ceil(2 * self._tau), 1, max(rows // 5, 1)))
        self._draws = [self._drawn(rows, block) for _ in range(_DRAWS)]

    def _drawn(self, rows: int, block: int) -> Integers:
        starts = self._random.integers(0, rows - block + 1, -(-rows // block))
        drawn = (starts[:, None] + np.arange(block)).reshape(-1)
        return np.asarray(drawn[:rows], np.int64)

    def _figure(self, name: str, of: Callable[[Integers], float | None]) -> Figure | None:
        whole = of(np.arange(len(self.truth)))
        if whole is None:
            return None
        drawn = [told for draw in self._draws if (told := of(draw)) is not None]
        low, high = np.percentile(drawn, _SIDES) if drawn else (whole, whole)
        labels = len(self.truth) / self._tau
        return Figure(name, whole, float(low), float(high), labels)

    def _quality(self, *found: Figure | None) -> Quality:
        return Quality(tuple(one for one in (*found, self._covered()) if one is not None))

    def _covered(self) -> Figure | None:
        hits = self.hits
        if hits is None:
            return None
        return self._figure("covered", lambda rows: float(hits[rows].mean()))

    def numbers(self) -> Quality:
        apart = np.abs(self.value - self.truth)
        return self._quality(self._figure("mae", lambda rows: float(apart[rows].mean())))

    def two(self) -> Quality:
        square = (self.value - self.truth) ** 2
        brier = self._figure("brier", lambda rows: float(square[rows].mean()))
        auc = self._figure("auc", lambda rows: _auc(self.truth[rows] == 1, self.value[rows]))
        return self._quality(brier, auc, self._ece(self.truth == 1, self.value))

    def many(self) -> Quality:
        if self.classes is None:
            return self._quality()
        right = self.classes.argmax(axis=1) == self.truth
        accuracy = self._figure("accuracy", lambda rows: float(right[rows].mean()))
        return self._quality(accuracy, self._ece(right, self.classes.max(axis=1)))

    def _ece(self, hit: Booleans, said: Floats) -> Figure | None:
        found = self._figure("ece", lambda rows: calibration_error(hit[rows], said[rows]))
        if found is None:
            return None
        worth = max(int(found.labels), 2)
        draws = []
        for _ in range(_DRAWS):
            taken = self._random.choice(said, worth)
            draws.append(calibration_error(self._random.random(worth) < taken, taken))
        chance = float(np.percentile(draws, 99))
        return Figure(found.name, found.value, found.low, found.high, found.labels, chance)


def _auc(bad: Booleans, value: Floats) -> float | None:
    """Area under the curve by ranks (Mann and Whitney); None with one class alone."""
    from scipy.stats import rankdata

    up = int(bad.sum())
    down = len(bad) - up
    if up == 0 or down == 0:
        return None
    return float((rankdata(value)[bad].sum() - up * (up + 1) / 2) / (up * down))


_WORSE = {"mae": 0.1, "brier": 0.1, "auc": 0.02, "accuracy": 0.02}
"""How much worse matters: of errors a share, of others the difference."""


def broken(now: Quality, then: Quality | None) -> tuple[str, ...] | None:
    """Say in plain words what of the card does not hold any more; None where labels are too few.

    A figure is worse where it is beyond what it and that of the card scatter, and by so much that
    it matters. Intervals and sets are broken where they hold the truth less often than they say;
    probabilities where they are off by more than chance and more than ``CALIBRATED``.
    """
    if not now.figures or max(one.labels for one in now.figures) < FEWEST:
        return None
    told = []
    for one in now.figures:
        before = None if then is None else then.get(one.name)
        if one.name == "covered":
            if one.high < COVER - 0.02:
                told.append(f"intervals hold {one.value:.0%} of the truth, and say {COVER:.0%}")
        elif one.name == "ece":
            if one.chance is not None and one.value > max(one.chance, CALIBRATED):
                told.append(f"probabilities are off by {one.value:.2f} on average")
        elif before is not None and _worse(one, before):
            told.append(f"{one.name} {one.value:.3g} now, {before.value:.3g} on the card")
    return tuple(told)


def _worse(now: Figure, then: Figure) -> bool:
    """Whether a figure is worse by more than matters, and by more than both could scatter."""
    much, higher = _WORSE[now.name], now.name in ("auc", "accuracy")
    apart = then.value - now.value if higher else now.value - then.value
    scatter = np.hypot(now.high - now.low, then.high - then.low) / (2 * 1.96)
    return bool(apart > (much if higher else much * then.value) and apart > _SURE * scatter)
