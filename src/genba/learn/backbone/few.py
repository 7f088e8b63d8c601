"""Few labels: what kind of fault, how long still, from a handful of windows, with the same gate.

All ways see the same windows. Classical figures with a linear head and with trees, a network from
scratch, figures of a random frozen backbone, those of the taught one alone, and the taught one
beside the classical ones. Trees (Geurts, Ernst and Wehenkel, *Machine Learning* 63, 2006) were
measured to be the better head for few windows of many figures. The gate compares the ways by
cross-validation over groups (machines, runs) and takes the first one that none beats by more than
one standard error: it may well be a classical one.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from genba.errors import LearnError
from genba.learn.arrays import Floats, Integers, Texts
from genba.learn.backbone.backbone import Backbone, untaught
from genba.learn.backbone.describe import Describer, Reference, plain
from genba.learn.backbone.shape import Shape
from genba.learn.backbone.window import LENGTH

Say: TypeAlias = Callable[[Floats], Floats]
"""Windows (n, length, signals) to classes as indexes, or numbers, (n,)."""

WAYS = {
    "classical": "plain figures, linear head",
    "forest": "plain figures, extremely random trees",
    "backbone": "the backbone's figures, extremely random trees",
    "both": "trees on plain figures, and on plain and the backbone's, that vote",
    "random": "as 'both', with a random frozen backbone",
    "scratch": "a network trained here only",
}
_TREES = 200
_SCRATCH_STEPS = 300


@dataclass(frozen=True, slots=True, eq=False)
class FewShot:
    """Labeled windows: (n, length, signals), answers (n,), groups (n,) that stay together.

    ``classes`` is how many kinds there are; 0 where the answer is a number.
    """

    windows: Floats
    answers: Floats
    groups: Texts
    classes: int = 0

    def __post_init__(self) -> None:
        if self.windows.ndim != 3 or self.windows.shape[1] != LENGTH:
            raise LearnError(
                f"labeled windows have shape {self.windows.shape}; give (n, {LENGTH}, signals), "
                "with NaN where a record is shorter"
            )
        if not np.isfinite(self.answers).all() or len(self.answers) != len(self.windows):
            raise LearnError("give one known label for each window; leave the others out")
        if self.classes and len(np.unique(self.answers)) < 2:
            raise LearnError("all windows have the same label; give some of another kind")

    def take(self, rows: Integers) -> "FewShot":
        """Return some of the windows."""
        return FewShot(self.windows[rows], self.answers[rows], self.groups[rows], self.classes)


@dataclass(frozen=True, slots=True, eq=False)
class FewChoice:
    """What was chosen, and the mean loss of every way (share wrong, or absolute error)."""

    name: str
    losses: Mapping[str, float]
    say: Say


def ways_of(backbone: Backbone, few: FewShot, *, seed: int = 0) -> dict[str, Say]:
    """Fit every way on all the windows."""
    return {name: fitted(name, backbone, few, seed=seed) for name in WAYS}


def fitted(way: str, backbone: Backbone, few: FewShot, *, seed: int = 0) -> Say:
    """Fit one way of :data:`WAYS`."""
    if way == "scratch":
        from genba.learn.backbone.scratch import ScratchNetwork

        network = ScratchNetwork(few.windows, few.answers, few.classes, _SCRATCH_STEPS, seed)
        return network.say
    figures = _figures(way, backbone, few, seed)
    head = _linear(few) if way == "classical" else _forest(few.classes, seed)
    head.fit(figures(few.windows), few.answers)
    if few.classes and way in ("both", "random"):
        return _voted(figures, head, few, seed)
    return lambda windows: np.asarray(head.predict(figures(windows)), np.float64)


def _voted(figures: Say, head: Any, few: FewShot, seed: int) -> Say:
    """Add up the probabilities of a fitted head, and of trees on the plain figures alone."""
    reference, other = Reference.of(few.windows), _forest(few.classes, seed)
    other.fit(plain(few.windows, reference), few.answers)
    kinds = np.unique(few.answers)

    def say(windows: Floats) -> Floats:
        votes = head.predict_proba(figures(windows))
        votes = votes + other.predict_proba(plain(windows, reference))
        return np.asarray(kinds[np.argmax(votes, axis=1)], np.float64)

    return say


def _figures(way: str, backbone: Backbone, few: FewShot, seed: int) -> Say:
    reference = Reference.of(few.windows)
    if way in ("classical", "forest"):
        return lambda windows: plain(windows, reference)
    if way == "random":
        backbone = untaught(Shape.of(backbone.weights), seed)
    describer = Describer(backbone, few.windows, few.answers if few.classes else None)
    if way == "backbone":
        return describer.figures
    return lambda windows: np.concatenate(
        [plain(windows, reference), describer.figures(windows)], axis=1
    )


def _linear(few: FewShot) -> Any:
    from sklearn.linear_model import LogisticRegression, RidgeCV
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    if few.classes:
        return make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=300))
    return make_pipeline(StandardScaler(), RidgeCV(np.logspace(0, 5, 11)))


def _forest(classes: int, seed: int) -> Any:
    from sklearn.ensemble import ExtraTreesClassifier, ExtraTreesRegressor

    kind = ExtraTreesClassifier if classes else ExtraTreesRegressor
    return kind(_TREES, random_state=seed, n_jobs=1, min_samples_leaf=1 if classes else 3)


def choose_few(
    backbone: Backbone,
    few: FewShot,
    *,
    folds: int = 5,
    ways: tuple[str, ...] = tuple(WAYS),
    seed: int = 0,
) -> FewChoice:
    """Compare ways over folds of whole groups, take the lightest good one, fit it on all.

    Raises
    ------
    LearnError
        If there are fewer than two groups.
    """
    names = np.unique(few.groups)
    if len(names) < 2:
        raise LearnError("all labeled windows are of one group; give two machines or runs at least")
    order = np.random.default_rng(seed).permutation(names)
    fold_of = {name: index % min(folds, len(names)) for index, name in enumerate(order)}
    fold = np.array([fold_of[name] for name in few.groups])
    losses = {way: np.empty(len(few.answers)) for way in ways}
    for number in np.unique(fold):
        out = np.flatnonzero(fold == number)
        inside = few.take(np.flatnonzero(fold != number))
        for way in ways:
            said = fitted(way, backbone, inside, seed=seed)(few.windows[out])
            losses[way][out] = _loss(said, few.answers[out], few.classes)
    chosen = ways[0]
    for way in ways[1:]:
        gain = losses[chosen] - losses[way]
        if gain.mean() > gain.std() / np.sqrt(len(gain)):
            chosen = way
    mean = {way: float(loss.mean()) for way, loss in losses.items()}
    return FewChoice(chosen, mean, fitted(chosen, backbone, few, seed=seed))


def _loss(said: Floats, truth: Floats, classes: int) -> Floats:
    return np.asarray(said != truth, np.float64) if classes else np.abs(said - truth)
