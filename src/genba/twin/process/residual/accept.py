"""Networks are taken only where they beat the plain physics on rows that neither learned from.

The older part of the rows teaches both; the next part decides. Errors many steps ahead are set
side by side, start by start, and starts that overlap are put together into blocks: the gain has to
be worth something, and to be there in nineteen of twenty draws of the blocks.
"""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from genba.errors import TwinError
from genba.twin.process.belief import Belief
from genba.twin.process.episode import Episode, Floats
from genba.twin.process.identify import identify
from genba.twin.process.residual.ensemble import Ensemble
from genba.twin.process.residual.teach import Lesson, taught
from genba.twin.process.residual.world import World
from genba.twin.process.symbolic import Symbolic
from genba.twin.process.track import NOISE_FLOOR, doubted

AHEAD = (1, 5, 20)
WORTH = 0.03
"""By so much of the physics' error the networks have to be better."""
_DRAWS = 1000
_BLOCK = 20
"""Rows that are drawn together."""
_LEARN = 2.0 / 3.0


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether networks are taken, and on what grounds.

    Attributes
    ----------
    gain : float
        Share of the physics' error that they take away, over outputs and 1, 5 and 20 steps.
    low, high : float
        90% interval of the gain over blocks of rows.
    rows : int
        Rows on which this was judged; neither learned from them.
    """

    accepted: bool
    gain: float
    low: float
    high: float
    rows: int
    why: str


def judged(
    plain: Symbolic,
    older: Sequence[Episode],
    lesson: Lesson | None = None,
) -> Verdict:
    """Learn from the first two thirds of the rows, and judge networks on the last third.

    Raises
    ------
    TwinError
        If there are too few rows, or PyTorch is not installed.
    """
    first, last = _cut(older)
    rows = sum(episode.rows for episode in last)
    belief = identify(plain, first)
    ensemble = taught(plain, belief, first, lesson)
    return compared(
        World(plain, belief), World(plain, belief, ensemble), last, what=f"on {rows:,} rows"
    )


@dataclass(frozen=True, slots=True)
class Gain:
    """How much smaller the errors of one world are than those of another, on the same rows.

    Attributes
    ----------
    share : float
        Of the first world's error that the second one takes away, over outputs and 1, 5 and 20
        steps.
    low, high : float
        90% interval of it over blocks of rows.
    rows : int
        Rows that were compared.
    """

    share: float
    low: float
    high: float
    rows: int

    @property
    def worth(self) -> bool:
        """Whether it is worth something, and there in nineteen of twenty draws of the blocks."""
        return self.share >= WORTH and self.low > 0

    def told(self) -> str:
        """Say it in plain words."""
        return f"{abs(self.share):.0%} {'less' if self.share > 0 else 'more'} error"


def gain_ahead(
    one: World, other: World, fresh: Sequence[Episode], block: int = _BLOCK
) -> Gain | None:
    """Set two worlds side by side on rows that neither learned from; None: nothing is known.

    Parameters
    ----------
    block : int
        Rows that are drawn together, since errors of neighbors go together.
    """
    first, second, blocks = [], [], []
    for number, episode in enumerate(fresh):
        a, b = errors_ahead(one, episode), errors_ahead(other, episode)
        first.append(a)
        second.append(b)
        blocks.append(number * 100_000 + np.arange(len(a)) // block)
    if not first:
        return None
    plain, better = np.concatenate(first), np.concatenate(second)
    rows = sum(episode.rows for episode in fresh)
    # An error counts in shares of the first one's mean, so that outputs and horizons weigh alike.
    with np.errstate(invalid="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        scale = np.nanmean(np.where(np.isfinite(plain), plain, np.nan), axis=0)
    # What no sensor tells, such as rounding, is no error.
    span = np.array([variable.span for variable in one.symbolic.process.outputs])
    scale = np.maximum(scale, NOISE_FLOOR * span)
    plain, better = _even(plain, scale), _even(better, scale)
    known = np.isfinite(plain) & np.isfinite(better)
    if known.sum() < 2:
        return None
    plain, better = plain[known], better[known]
    share = float(1.0 - better.mean() / plain.mean())
    return Gain(share, *_interval(plain, better, np.concatenate(blocks)[known]), rows)


def compared(physics: World, networks: World, fresh: Sequence[Episode], *, what: str) -> Verdict:
    """Set a world with networks beside the one without, on rows that neither learned from."""
    found = gain_ahead(physics, networks, fresh)
    rows = sum(episode.rows for episode in fresh)
    if found is None:
        return Verdict(False, 0.0, 0.0, 0.0, rows, f"nothing could be compared {what}")
    told = f"{found.told()} {what}"
    if found.worth:
        why = f"networks are taken: {told}"
    else:
        between = f"({found.low:.0%} to {found.high:.0%})"
        why = f"networks are not taken: {told} {between}; the physics stays alone"
    return Verdict(found.worth, found.share, found.low, found.high, rows, why)


def completed(
    plain: Symbolic, belief: Belief, episodes: Sequence[Episode], lesson: Lesson | None = None
) -> World:
    """Teach networks from all rows, on parameters that were found from them."""
    ensemble = taught(plain, belief, episodes, lesson)
    return World(plain, left_out(plain, belief, ensemble, episodes), ensemble)


def left_out(
    plain: Symbolic, belief: Belief, ensemble: Ensemble, episodes: Sequence[Episode]
) -> Belief:
    """Say anew what is left out by the model, now with networks."""
    return doubted(World(plain, belief, ensemble).symbolic, belief, episodes)


def errors_ahead(world: World, episode: Episode) -> Floats:
    """Size of the error from every row on, (starts, horizons, outputs); NaN where unknown."""
    tracker, numeric = world.tracker(), world.mean
    longest = max(AHEAD)
    starts, states, told = [], [], []
    for row in range(episode.rows):
        u, c = episode.inputs[row], episode.context[row]
        try:
            tracker.seen(episode.shown[row], u, c)
            if row >= 3 and row + min(AHEAD) < episode.rows:
                starts.append(row)
                states.append(tracker.state)
            tracker.went(u, c)
        except TwinError:
            tracker.restart()
    if not starts:
        return np.empty((0, len(AHEAD), len(world.belief.noise)))
    at = np.array(starts)
    x, z = np.array(states), np.tile(world.belief.mean, (len(at), 1))
    for k in range(longest + 1):
        row = np.minimum(at + k, episode.rows - 1)
        with np.errstate(over="ignore", invalid="ignore"):
            x, shown = numeric.step(x, episode.inputs[row], episode.context[row], z)
        if k in AHEAD:
            beyond = (at + k >= episode.rows)[:, None]
            error = np.abs(shown - episode.shown[row])
            ran_away = ~np.isfinite(shown) & np.isfinite(episode.shown[row])
            told.append(np.where(beyond, np.nan, np.where(ran_away, np.inf, error)))
    return np.stack(told, axis=1)


def _even(errors: Floats, scale: Floats) -> Floats:
    """One error a start: the mean of what is known, in shares of the scale; NaN: nothing is."""
    with np.errstate(invalid="ignore", divide="ignore"):
        shares = np.where(scale > 0, errors / scale, np.nan).reshape(len(errors), -1)
    # A model that runs away counts as a hundred times the physics' error.
    known = ~np.isnan(shares)
    total = np.where(known, np.minimum(shares, 100.0), 0.0).sum(axis=1)
    return np.asarray(np.where(known.any(axis=1), total / np.maximum(known.sum(axis=1), 1), np.nan))


def _interval(one: Floats, two: Floats, blocks: npt.NDArray[np.integer]) -> tuple[float, float]:
    names, place = np.unique(blocks, return_inverse=True)
    sums = np.array([np.bincount(place, each, len(names)) for each in (one, two)])
    source = np.random.default_rng(0)
    drawn = source.integers(len(names), size=(_DRAWS, len(names)))
    totals = sums[:, drawn].sum(axis=2)
    low, high = np.quantile(1.0 - totals[1] / totals[0], [0.05, 0.95])
    return float(low), float(high)


def _cut(episodes: Sequence[Episode]) -> tuple[list[Episode], list[Episode]]:
    left = round(_LEARN * sum(episode.rows for episode in episodes))
    first: list[Episode] = []
    last: list[Episode] = []
    for episode in episodes:
        here = min(episode.rows, max(0, left))
        if here > 1:
            first.append(episode.cut(0, here))
        if episode.rows - here > max(AHEAD):
            last.append(episode.cut(here, episode.rows))
        left -= episode.rows
    if not first or not last:
        raise TwinError("too few rows to judge networks by; record for longer")
    return first, last
