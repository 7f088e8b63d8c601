"""How good a process model is: one step and many steps ahead, and whether its doubt is honest.

What a model believes of its own errors (noise, what is left out, parameters) is too little where
the errors hang together, as those of wrong physics do. So the intervals are widened until they
would have held (split conformal prediction: Vovk, Gammerman & Shafer 2005), a horizon and an
output at a time, on rows that were not learned from; the older part of these gives the factors, and
the newer part says whether they hold.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from genba.twin.process.belief import Belief, Widening
from genba.twin.process.episode import Episode, Floats
from genba.twin.process.residual.world import World
from genba.twin.process.symbolic import Symbolic
from genba.twin.process.unit import UnitProcess

_AHEAD = (1, 5, 20, 60)
_EVERY = 5
_NORMAL_95 = 1.96
_SURE = 0.95
_DRAWN = 32
_LEAST = 10
"""Forecasts from which factors are learned at least."""


@dataclass(frozen=True, slots=True)
class Horizon:
    """Errors so many steps ahead, over outputs, in the outputs' units.

    Attributes
    ----------
    error : (outputs,)
        Mean absolute error, with the context as it came to be.
    persistence : (outputs,)
        The same of saying that nothing changes.
    within : (outputs,)
        Share of what happened inside of the 95% interval as the model itself believes, with the
        context held as it was, as when it is used.
    held : (outputs,)
        The same on the newer half of the forecasts, with intervals widened by what the older half
        took; NaN where there are too few.
    """

    steps: int
    error: tuple[float, ...]
    persistence: tuple[float, ...]
    within: tuple[float, ...]
    cases: int
    held: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Rival:
    """Another model of the same process, on the same rows."""

    name: str
    outputs: tuple[str, ...]
    horizons: tuple[Horizon, ...]


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
    widening : tuple of (steps, factors)
        What intervals are multiplied with to hold, an output each.
    rivals : tuple of Rival
        Physics alone, physics with networks, networks alone: where they were asked for.
    verdict : str
        Whether networks were taken, and why; empty where nobody asked.
    """

    horizons: tuple[Horizon, ...]
    seen: dict[str, tuple[float, float]]
    unmoved: tuple[str, ...]
    silent: tuple[str, ...]
    widening: Widening = ()
    rivals: tuple[Rival, ...] = ()
    verdict: str = ""


def standing_of(
    symbolic: Symbolic,
    belief: Belief,
    learned: Sequence[Episode],
    fresh: Sequence[Episode],
) -> Standing:
    """Judge a model on episodes that it was not learned from."""
    return standing_of_world(World(symbolic, belief), learned, fresh)


def standing_of_world(
    world: World,
    learned: Sequence[Episode],
    fresh: Sequence[Episode],
    *,
    rivals: Sequence[tuple[str, World]] = (),
    verdict: str = "",
) -> Standing:
    """Judge a world, and others beside it, on episodes that none of them was learned from."""
    process = world.plain.process
    seen = {}
    for of, name in ((process.inputs, "inputs"), (process.context, "context")):
        for place, one in enumerate(of):
            values = np.concatenate([getattr(episode, name)[:, place] for episode in learned])
            seen[one.name] = (float(values.min()), float(values.max()))
    unmoved = tuple(one.name for one in process.inputs if not one.moved(seen[one.name]))
    silent = tuple(name for name, share in world.belief.learned().items() if share < 0.1)
    found = _forecasts(world, fresh)
    told = tuple(_rival(name, other, process, fresh) for name, other in rivals)
    return Standing(_horizons(found), seen, unmoved, silent, _widening(found), told, verdict)


def _rival(name: str, world: World, process: UnitProcess, fresh: Sequence[Episode]) -> Rival:
    """Judge another world, which may show fewer outputs than the process has."""
    own = [one.name for one in world.plain.process.outputs]
    places = [place for place, one in enumerate(process.outputs) if one.name in own]
    seen = [replace(episode, shown=episode.shown[:, places]) for episode in fresh]
    return Rival(name, tuple(own), _horizons(_forecasts(world, seen)))


@dataclass(frozen=True, slots=True, eq=False)
class _Forecast:
    """From one row, so many steps ahead; all (outputs,)."""

    error: Floats
    still: Floats
    """Error of saying that nothing changes."""
    share: Floats
    """Size of the error, context held, in standard deviations that the model believes in."""


def _horizons(found: dict[int, list[_Forecast]]) -> tuple[Horizon, ...]:
    told = []
    for steps, forecasts in found.items():
        if not forecasts:
            continue
        error, still, share = (
            np.stack([getattr(one, name) for one in forecasts])
            for name in ("error", "still", "share")
        )
        half = len(share) // 2
        held = tuple(
            _inside(share[half:, place], factor) if np.isfinite(factor) else np.nan
            for place, factor in enumerate(_factors(share[:half], steps))
        )
        told.append(
            Horizon(
                steps,
                _means(np.abs(error)),
                _means(np.abs(still)),
                tuple(_inside(column, 1.0) for column in share.T),
                len(forecasts),
                held,
            )
        )
    return tuple(told)


def _widening(found: dict[int, list[_Forecast]]) -> Widening:
    """Learn factors from all forecasts; those that cannot be learned are 1."""
    told = []
    for steps, forecasts in found.items():
        if forecasts:
            factors = _factors(np.stack([one.share for one in forecasts]), steps)
            told.append((steps, tuple(f if np.isfinite(f) else 1.0 for f in factors)))
    return tuple(told)


def _factors(share: Floats, steps: int) -> tuple[float, ...]:
    """By how much intervals have to be wider, never narrower; NaN where nobody can say.

    Forecasts that overlap count as one: so many steps ahead, from every fifth row.
    """
    told = []
    for column in share.T:
        known = column[np.isfinite(column)]
        if len(known) < _LEAST:
            told.append(np.nan)
            continue
        apart = max(1.0, len(known) / max(1.0, steps / _EVERY))
        level = min(1.0, _SURE * (apart + 1) / apart)
        wide = float(np.quantile(known, level, method="higher"))
        told.append(max(1.0, wide / _NORMAL_95))
    return tuple(told)


def _inside(share: Floats, factor: float) -> float:
    known = share[~np.isnan(share)]
    return float((known <= _NORMAL_95 * factor).mean()) if len(known) else np.nan


def _means(values: Floats) -> tuple[float, ...]:
    known = np.isfinite(values)
    total = np.where(known, values, 0.0).sum(axis=0)
    return tuple(
        np.where(known.any(axis=0), total / np.maximum(known.sum(axis=0), 1), np.nan).tolist()
    )


def _forecasts(world: World, fresh: Sequence[Episode]) -> dict[int, list[_Forecast]]:
    """Look ahead from every fifth row on."""
    told: dict[int, list[_Forecast]] = {steps: [] for steps in _AHEAD}
    for episode in fresh:
        for steps, some in _forecasts_of(world, episode).items():
            told[steps] += some
    return told


def _forecasts_of(world: World, episode: Episode) -> dict[int, list[_Forecast]]:
    told: dict[int, list[_Forecast]] = {steps: [] for steps in _AHEAD}
    tracker, belief = world.tracker(), world.belief
    source = np.random.default_rng(0)
    drawn = belief.drawn(_DRAWN, source)
    for row in range(episode.rows - 1):
        u, c = episode.inputs[row], episode.context[row]
        tracker.seen(episode.shown[row], u, c)
        if row % _EVERY == 0 and row >= _EVERY:
            longest = min(max(_AHEAD), episode.rows - 1 - row)
            ahead = slice(row, row + longest + 1)
            starts = tracker.starts(len(drawn), source)
            z = np.vstack([tracker.parameters, drawn[1:]])
            inputs, context = episode.inputs[ahead], episode.context[ahead]
            with np.errstate(over="ignore", invalid="ignore"):
                _, used = world.futures(starts, inputs, np.tile(c, (len(inputs), 1)), z, source)
                known = used
                if len(c):
                    _, known = world.mean.run(starts[:1], inputs, context, z[:1])
            for steps in _AHEAD:
                if steps <= longest:
                    real = episode.shown[row + steps]
                    wide = np.hypot(np.nanstd(used[:, steps], axis=0), belief.noise)
                    told[steps].append(
                        _Forecast(
                            known[0, steps] - real,
                            episode.shown[row] - real,
                            np.abs(used[0, steps] - real) / wide,
                        )
                    )
        tracker.went(u, c)
    return told
