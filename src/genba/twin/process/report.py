"""How good a process model is: one step and many steps ahead, and whether its doubt is honest."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from genba.twin.process.belief import Belief
from genba.twin.process.episode import Episode, Floats
from genba.twin.process.slopes import Numeric
from genba.twin.process.symbolic import Symbolic
from genba.twin.process.track import Tracker

_AHEAD = (1, 5, 20, 60)
_EVERY = 5
_NORMAL_95 = 1.96


@dataclass(frozen=True, slots=True)
class Horizon:
    """Errors so many steps ahead, over outputs, in the outputs' units.

    Attributes
    ----------
    error : (outputs,)
        Mean absolute error.
    persistence : (outputs,)
        The same of saying that nothing changes.
    within : (outputs,)
        Share of what happened inside of the 95% interval.
    """

    steps: int
    error: tuple[float, ...]
    persistence: tuple[float, ...]
    within: tuple[float, ...]
    cases: int


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a model may be trusted, and what it never saw.

    Attributes
    ----------
    horizons : tuple of Horizon
        On rows that were not learned from.
    seen : dict
        Lowest and highest of each input and piece of context in what was learned from.
    unmoved : tuple of str
        Inputs that nobody moved: nothing is known of what they do.
    silent : tuple of str
        Parameters of which the recording said next to nothing.
    """

    horizons: tuple[Horizon, ...]
    seen: dict[str, tuple[float, float]]
    unmoved: tuple[str, ...]
    silent: tuple[str, ...]


def standing_of(
    symbolic: Symbolic,
    belief: Belief,
    learned: Sequence[Episode],
    fresh: Sequence[Episode],
) -> Standing:
    """Judge a model on episodes that it was not learned from."""
    process = symbolic.process
    seen = {}
    for of, name in ((process.inputs, "inputs"), (process.context, "context")):
        for place, one in enumerate(of):
            values = np.concatenate([getattr(episode, name)[:, place] for episode in learned])
            seen[one.name] = (float(values.min()), float(values.max()))
    unmoved = tuple(
        one.name
        for one in process.inputs
        if seen[one.name][1] - seen[one.name][0] < 1e-3 * one.span
    )
    silent = tuple(name for name, share in belief.learned().items() if share < 0.1)
    return Standing(_horizons(symbolic, belief, fresh), seen, unmoved, silent)


def _horizons(symbolic: Symbolic, belief: Belief, fresh: Sequence[Episode]) -> tuple[Horizon, ...]:
    gathered: dict[int, list[Floats]] = {steps: [] for steps in _AHEAD}
    for episode in fresh:
        for steps, rows in _forecasts(symbolic, belief, episode).items():
            gathered[steps] += rows
    told = []
    for steps, rows in gathered.items():
        if not rows:
            continue
        error, still, wide = np.moveaxis(np.stack(rows), 1, 0)
        known = np.isfinite(error)
        inside = np.where(known, np.abs(error) <= _NORMAL_95 * wide, np.nan)
        told.append(
            Horizon(
                steps,
                _means(np.abs(error)),
                _means(np.abs(still)),
                _means(inside),
                len(rows),
            )
        )
    return tuple(told)


def _means(values: Floats) -> tuple[float, ...]:
    known = np.isfinite(values)
    total = np.where(known, values, 0.0).sum(axis=0)
    return tuple(np.where(known.any(axis=0), total / np.maximum(known.sum(axis=0), 1), np.nan))


def _forecasts(symbolic: Symbolic, belief: Belief, episode: Episode) -> dict[int, list[Floats]]:
    """From every fifth row on: error, error of persistence and expected spread, (3, outputs)."""
    told: dict[int, list[Floats]] = {steps: [] for steps in _AHEAD}
    tracker, numeric = Tracker(symbolic, belief), Numeric(symbolic)
    source = np.random.default_rng(0)
    drawn = belief.drawn(32, source)
    for row in range(episode.rows - 1):
        u, c = episode.inputs[row], episode.context[row]
        tracker.seen(episode.shown[row], u, c)
        if row % _EVERY == 0 and row >= _EVERY:
            longest = min(max(_AHEAD), episode.rows - 1 - row)
            ahead = slice(row, row + longest + 1)
            starts = tracker.starts(len(drawn), source)
            z = np.vstack([tracker.parameters, drawn[1:]])
            with np.errstate(over="ignore", invalid="ignore"):
                _, shown = numeric.run(
                    starts,
                    episode.inputs[ahead],
                    episode.context[ahead],
                    z,
                    wander=belief.wander,
                    source=source,
                )
            for steps in _AHEAD:
                if steps <= longest:
                    spread = np.nanstd(shown[:, steps], axis=0)
                    wide = np.sqrt(spread**2 + belief.noise**2)
                    real = episode.shown[row + steps]
                    told[steps].append(
                        np.stack([shown[0, steps] - real, episode.shown[row] - real, wide])
                    )
        tracker.went(u, c)
    return told
