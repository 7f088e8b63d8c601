"""The ladder: recipes from light to heavy, compared on rows that none of them was fitted on."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Protocol

import numpy as np

from genba.errors import LearnError
from genba.learn.data.dataset import Dataset
from genba.learn.features.windows import Windows, seen_of
from genba.learn.recipe.examine import MEASURES, Scores
from genba.learn.recipe.prediction import Prediction
from genba.learn.recipe.protocol import Model, Parts, Recipe, Task, Weight
from genba.learn.scale import Scale, opened, scale_of
from genba.learn.split.parts import PARTS, Part, Split

MARGIN = 0.01
"""A later rung has to be better by this share of what is left to gain, else the earlier stays."""
_ORDER = (Weight.LIGHT, Weight.MID, Weight.HEAVY)


class Again(StrEnum):
    """Whether the chosen rung is fitted once more, now that nothing is left to choose."""

    NO = "no"
    LIMITS = "limits"
    """With the part for choosing held out as well: for limits that need many held-out rows."""
    ROWS = "rows"
    """On what was fitted on and held out, with the part for choosing held out in its place."""


class Examine(Protocol):
    """Measures a model's answers to the windows of a part whose truth is known."""

    def __call__(
        self, model: Model, recipe: Recipe, part: Dataset, seen: Windows, said: Prediction
    ) -> Scores:
        """Return figures by the names of :data:`genba.learn.recipe.examine.MEASURES`."""
        ...


@dataclass(frozen=True, slots=True)
class Ladder:
    """What is tried for a task: ``rungs`` may be chosen, ``baselines`` only stand beside them.

    ``primary`` is the figure that decides. ``doubt`` reads the figures of the test, and tells what
    speaks against a release (say, more false alarms than anybody puts up with).
    """

    task: Task
    rungs: tuple[Recipe, ...]
    baselines: tuple[Recipe, ...]
    examine: Examine
    primary: str
    doubt: Callable[[Scores], str | None] = lambda scores: None
    fewest_rows: int = 100
    again: Again = Again.NO
    """What becomes of the part for choosing once it has served."""
    least: float = 0.0
    """By how much of the figure a later rung has to be better at least: what is but chance."""


@dataclass(frozen=True, slots=True, eq=False)
class Rung:
    """How one recipe did: figures on the part for choosing and on the test part, or why it fell."""

    recipe: Recipe
    baseline: bool
    fit_s: float = 0.0
    chosen_on: Scores | None = None
    tested: Scores | None = None
    failed: str = ""
    """Why it cannot be chosen; empty where it can."""
    model: Model | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Climb:
    """All rungs, in order, and which one was chosen; None where none could be."""

    ladder: Ladder
    rungs: tuple[Rung, ...]
    chosen: Rung | None
    beats: bool
    """Whether the chosen one is better than every baseline, on the part for choosing."""


def climb(
    data: Dataset,
    split: Split,
    ladder: Ladder,
    *,
    seed: int = 0,
    told: Callable[[str], None] = lambda name: None,
    scale: Scale | None = None,
) -> Climb:
    """Fit every rung, choose on ``choose``, and look at ``test`` once.

    Parameters
    ----------
    told : callable
        Hears the name of each recipe before it is fitted, or before its answer is waited for.
    scale : Scale, optional
        Where rungs are fitted; default as ``GENBA_SCALE`` says. It changes nothing in what comes.

    Returns
    -------
    Climb
        A recipe that refuses the data stands in it with its reason.
    """
    parts = {part: split.take(data, part) for part in PARTS}
    tasks = [
        *((recipe, True) for recipe in ladder.baselines),
        *((recipe, False) for recipe in _light_first(ladder.rungs)),
    ]
    rungs: list[Rung] = []
    with opened(scale_of() if scale is None else scale) as pool:
        tries = pool.run(tried, tasks, ladder, parts, seed)
        for recipe, baseline in tasks:
            told(recipe.name)
            rung, made_of = next(tries)
            rungs.append(_with_model(replace(rung, recipe=recipe, baseline=baseline), made_of))
        chosen = choose(ladder, [rung for rung in rungs if not rung.baseline])
        low = [rung for rung in rungs if rung.baseline and not rung.failed]
        beats = chosen is not None and all(_better(ladder.primary, chosen, other) for other in low)
        if chosen is not None and ladder.again is not Again.NO:
            fits = pool.run(
                _fitted_again, [chosen.recipe], ladder, _regrouped(data, split, ladder), seed
            )
            tested, made_of = next(fits)
            again = _with_model(replace(chosen, tested=tested), made_of)
            rungs[rungs.index(chosen)] = chosen = again
    return Climb(ladder, tuple(rungs), chosen, beats)


def _light_first(rungs: Sequence[Recipe]) -> list[Recipe]:
    return sorted(rungs, key=lambda recipe: _ORDER.index(recipe.weight))


def tried(
    task: tuple[Recipe, bool], ladder: Ladder, parts: dict[Part, Dataset], seed: int
) -> tuple[Rung, Parts | None]:
    """Try one recipe, maybe in another process: its model is told by its parts, plain arrays.

    ``task`` is the recipe, and whether it is a baseline. Without a part ``test`` it is not tested.
    """
    recipe, baseline = task
    rung = Rung(recipe, baseline)
    begun = time.process_time()
    try:
        model = recipe.fit(parts["train"], parts["held"], seed)
        spent = time.process_time() - begun
        chosen_on = measure(ladder, recipe, model, parts["choose"])
        tested = measure(ladder, recipe, model, parts["test"]) if "test" in parts else None
    except LearnError as error:
        return replace(rung, failed=str(error)), None
    failed = ""
    if chosen_on.get(ladder.primary) is None:
        failed = (
            f"{MEASURES[ladder.primary].text} is undefined on the part for choosing, which is too "
            "short, too often interrupted or of one class; record longer"
        )
    rung = replace(rung, fit_s=spent, chosen_on=chosen_on, tested=tested, failed=failed)
    return rung, model.parts()


def _regrouped(data: Dataset, split: Split, ladder: Ladder) -> dict[Part, Dataset]:
    """Return the parts for the last fit."""
    train, held = split.train, np.concatenate([split.held, split.choose])
    if ladder.again is Again.ROWS:
        train, held = np.concatenate([split.train, split.held]), split.choose
    parted = replace(split, train=train, held=held, choose=split.choose[:0])
    return {part: parted.take(data, part) for part in ("train", "held", "test")}


def _fitted_again(
    recipe: Recipe, ladder: Ladder, parts: dict[Part, Dataset], seed: int
) -> tuple[Scores, Parts]:
    """Fit a recipe once more, and test what came of it."""
    model = recipe.fit(parts["train"], parts["held"], seed)
    return measure(ladder, recipe, model, parts["test"]), model.parts()


def _with_model(rung: Rung, made_of: Parts | None) -> Rung:
    return rung if made_of is None else replace(rung, model=rung.recipe.restore(made_of))


def measure(ladder: Ladder, recipe: Recipe, model: Model, part: Dataset) -> Scores:
    """Return the figures of a model on a part.

    Raises
    ------
    LearnError
        If the part is too short for its window.
    """
    seen = seen_of(part, recipe.window)
    return ladder.examine(model, recipe, part, seen, model.predict(seen.values))


def choose(ladder: Ladder, rungs: Sequence[Rung]) -> Rung | None:
    """Go up, and stay below where the next rung is no better by the margin."""
    chosen: Rung | None = None
    for rung in rungs:
        if rung.failed:
            continue
        if chosen is None or _better(ladder.primary, rung, chosen, MARGIN, ladder.least):
            chosen = rung
    return chosen


def _better(name: str, one: Rung, other: Rung, margin: float = 0.0, least: float = 0.0) -> bool:
    """Whether one is better than another by a share of what is left to gain (or of the error)."""
    mine, theirs = _figure(name, one), _figure(name, other)
    if mine is None or theirs is None:
        return theirs is None
    gain, left = (
        (mine - theirs, abs(1.0 - theirs))
        if MEASURES[name].higher
        else (theirs - mine, abs(theirs))
    )
    return bool(gain > max(margin * left, least) + 1e-12)


def _figure(name: str, rung: Rung) -> float | None:
    value = None if rung.chosen_on is None else rung.chosen_on.get(name)
    return value if value is not None and np.isfinite(value) else None
