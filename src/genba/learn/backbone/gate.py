"""The gate: every way to forecast, on windows that none was fitted on, and the lightest good one.

The backbone is asked as it is (zero-shot), through a linear correction (few-shot) and trained
further (fine-tuned); beside it stand persistence, ridge, the same network from scratch, and the
same correction on random frozen features. A heavier way is taken only where it is better by more
than one standard error over the held-out windows: often the answer is "do not fine-tune".
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

import numpy as np

from genba.errors import LearnError
from genba.learn.arrays import Floats
from genba.learn.backbone.backbone import Backbone, refined, untaught
from genba.learn.backbone.pool import WHOLE
from genba.learn.backbone.rivals import Corrected, Ridge, persistence
from genba.learn.backbone.shape import Shape
from genba.learn.backbone.window import LENGTH

Forecast: TypeAlias = Callable[[Floats], Floats]
"""Windows of one signal, (n, length), to what comes, (n, horizon)."""

WAYS = {
    "persistence": "the last value stays",
    "ridge": "linear on the window, fitted here",
    "zero-shot": "the backbone as it is",
    "few-shot": "the backbone, corrected linearly here",
    "random": "the same correction on random frozen features",
    "scratch": "the same network, trained here only",
    "tuned": "the backbone, trained further here",
}
"""All rows of the report, from light to heavy."""
FEWEST = 8
"""Windows that are needed to fit, and to choose."""


@dataclass(frozen=True, slots=True, eq=False)
class Choice:
    """What was chosen, why, and the error of every way on the held-out windows.

    Errors are mean absolute ones in parts of each signal's spread in training.
    """

    name: str
    reason: str
    errors: Mapping[str, float]
    ways: Mapping[str, Forecast]

    def forecast(self, windows: Floats) -> Floats:
        """Forecast in the chosen way."""
        return self.ways[self.name](windows)

    def table(self) -> str:
        """Return the rows as text, the chosen one marked."""
        lines = [
            f"{'>' if name == self.name else ' '} {name:<12}{error:8.4f}  {WAYS[name]}"
            for name, error in self.errors.items()
        ]
        return "\n".join([*lines, self.reason])


def ways_of(
    backbone: Backbone,
    train: Floats,
    *,
    tune_steps: int = 60,
    scratch_steps: int = 150,
    day: float = 0.0,
    seed: int = 0,
) -> dict[str, Forecast]:
    """Fit every way on stretches of the target process, (n, length + horizon, signals).

    ``day`` is how many rows a day has, 0 where that is not known; all but the plain ones hear it.
    """
    flat = single(train)
    fresh = untaught(Shape.of(backbone.weights), seed)
    tuned = refined(backbone, flat, steps=tune_steps, day=day, seed=seed)
    scratch = refined(fresh, flat, steps=scratch_steps, rate=2e-3, day=day, seed=seed)
    return {
        "persistence": persistence,
        "ridge": Ridge(flat).forecast,
        "zero-shot": partial(backbone.forecast, day=day),
        "few-shot": Corrected(backbone, flat, day).forecast,
        "random": Corrected(fresh, flat, day).forecast,
        "scratch": partial(scratch.forecast, day=day),
        "tuned": partial(tuned.forecast, day=day),
    }


def choose(
    backbone: Backbone,
    train: Floats,
    held: Floats,
    *,
    tune_steps: int = 60,
    scratch_steps: int = 150,
    day: float = 0.0,
    seed: int = 0,
) -> Choice:
    """Fit every way on ``train``, compare on ``held``, (n, length + horizon, signals) each.

    Raises
    ------
    LearnError
        If there are too few stretches, or they have another length.
    """
    for name, part in (("train", train), ("held", held)):
        if part.ndim != 3 or part.shape[1] != WHOLE or len(part) < FEWEST:
            raise LearnError(
                f"'{name}' has shape {part.shape}; give at least {FEWEST} stretches of {WHOLE} "
                "rows, (stretches, rows, signals)"
            )
    ways = ways_of(
        backbone,
        train,
        tune_steps=tune_steps,
        scratch_steps=scratch_steps,
        day=day,
        seed=seed,
    )
    each = {name: errors_of(way, held, spread_of(train)) for name, way in ways.items()}
    name, reason = _lightest(each)
    return Choice(name, reason, {n: float(e.mean()) for n, e in each.items()}, ways)


def _lightest(each: Mapping[str, Floats]) -> tuple[str, str]:
    names = list(each)
    chosen = names[0]
    for name in names[1:]:
        gain = each[chosen] - each[name]
        if gain.mean() > gain.std() / np.sqrt(len(gain)):
            chosen = name
    if chosen == "tuned":
        return chosen, "fine-tuned: better than all that is lighter by more than one standard error"
    less = float(1 - each["tuned"].mean() / max(float(each[chosen].mean()), 1e-12))
    told = (
        f"only {less:.1%} better, within one standard error" if less > 0 else f"{-less:.1%} worse"
    )
    return chosen, f"do not fine-tune: on held-out windows it is {told}"


def single(stretches: Floats) -> Floats:
    """Return stretches of single signals, (n * signals, length), of (n, length, signals)."""
    return np.asarray(stretches.transpose(0, 2, 1).reshape(-1, stretches.shape[1]))


def spread_of(train: Floats) -> Floats:
    """Return the spread of each signal over all stretches, (signals,); NaN where it is constant."""
    spread = np.nanstd(train, axis=(0, 1))
    return np.where(spread > 1e-9, spread, np.nan)


def errors_of(way: Forecast, stretches: Floats, spread: Floats) -> Floats:
    """Return the mean absolute error of each stretch in parts of ``spread``, (n,)."""
    count, _, signals = stretches.shape
    flat = single(stretches)
    apart = np.abs(way(flat[:, :LENGTH]) - flat[:, LENGTH:])
    with np.errstate(invalid="ignore"):
        scaled = np.nanmean(apart, axis=1).reshape(count, signals) / spread
    return np.asarray(np.nanmean(scaled, axis=1))
