"""Choose set-points by trying many courses in a learned model: the cross-entropy method.

Courses are drawn around the best ones so far, run through the model side by side, and drawn anew
around the few that did best (Rubinstein & Kroese 2004; for control Pinneri et al. 2020), from the
last answer shifted by one step on. Nothing is asked of the model but to be run: networks, limits
and edges are all the same. Set-points are held longer the further ahead they are.

A course costs what the mean of the networks makes of it. Its bounds are kept for the wanted share
of futures, each under another member and other likely parameters, from another likely state.
"""

import time
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from genba.control.nmpc import VIOLATED, Ahead, Course
from genba.control.objective import Objective
from genba.errors import ControlError
from genba.twin.process import Numeric, Tracker
from genba.twin.process.episode import Floats
from genba.twin.process.residual import World
from genba.twin.process.residual.driven import driven

Places = npt.NDArray[np.integer]

_SAMPLES = 64
_ELITE = 8
_ROUNDS = 12
_FUTURES = 12
_FIRST, _AGAIN = 0.35, 0.12
"""Spread of the first round in ranges of an input: from nothing, and from the last answer."""
_SETTLED = 1e-4
"""Spread, in ranges, at which there is nothing left to search."""
_SMOOTH = 0.1
_WIDE = 0.15
"""Share of courses that are drawn from the whole range, or hold what is in force."""
_SUBSTEPS = 2
_SEARCH = 0.75
"""Share of the time in which rounds may begin."""


class Sampler:
    """A controller for one world, one objective and one horizon. Not to be shared by threads.

    Takes the place of :class:`genba.control.nmpc.Nmpc`.

    Parameters
    ----------
    world : World
        The model, with the step at which set-points change.
    horizon : int
        Steps that are looked ahead.
    limit_s : float
        Wall time that an answer may take: rounds end before it, and a late answer is none.
    bounds : (2, inputs), optional
        Lowest and highest set-points; by default the ranges of the model.
    clock : callable
        What the limit is measured by, in seconds; the wall's by default.
    """

    def __init__(
        self,
        world: World,
        objective: Objective,
        horizon: int,
        *,
        limit_s: float = 0.1,
        bounds: Floats | None = None,
        seed: int = 0,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        if horizon < 1:
            raise ControlError(f"a horizon of {horizon} steps sees nothing; take 1 or more")
        process = world.plain.process
        self._world, self.horizon, self._limit_s = world, horizon, limit_s
        self._clock = clock
        self._objective = objective.checked(process)
        if bounds is None:
            bounds = np.array([[v.low for v in process.inputs], [v.high for v in process.inputs]])
        self.bounds = bounds
        self._price = _Price(self._objective, world, horizon)
        self._numeric = Numeric(driven(world.plain, min(_SUBSTEPS, world.plain.substeps)))
        self._source = np.random.default_rng(seed)
        self._holds = _holds(horizon)
        self._last: Floats | None = None
        nx, nz = world.plain.sizes[0], world.plain.sizes[4]
        self._away_x = np.zeros((_FUTURES, nx))
        self._away_z = np.zeros((_FUTURES, nz))
        if self._objective.keeps:
            self._away_z = world.belief.drawn(_FUTURES, self._source) - world.belief.mean

    def tightened(self, tracker: Tracker, previous: Floats, ahead: Ahead) -> Ahead:
        """Take in how uncertain the tracker is; the bounds themselves stay."""
        if self._objective.keeps:
            spread = tracker.covariance + 1e-16 * np.eye(len(tracker.covariance))
            root = np.linalg.cholesky(0.5 * (spread + spread.T))
            away = self._source.standard_normal((_FUTURES, len(spread))) @ root.T
            nx = len(tracker.state)
            self._away_x, self._away_z = away[:, :nx], away[:, nx:]
        return ahead

    def advise(self, state: Floats, z: Floats, previous: Floats, ahead: Ahead) -> Course | None:
        """Choose the set-points of the steps to come.

        As :meth:`genba.control.nmpc.Nmpc.advise`; None where not one round fits into the time.

        Raises
        ------
        ControlError
            If what is given is not finite, or has not the shape that is looked ahead.
        """
        begun = self._clock()
        self._price.check(ahead)
        if not all(np.isfinite(part).all() for part in (state, z, previous, ahead.context)):
            raise ControlError(
                f"the state, parameters or references of '{self._world.plain.process.name}' are "
                "not finite; the plain controller holds"
            )
        low, high = self.bounds
        wide = high - low
        held = np.clip(previous, low, high)
        middle = np.tile(held, (len(self._holds), 1)) if self._last is None else self._last
        spread = np.tile((_FIRST if self._last is None else _AGAIN) * wide, (len(middle), 1))
        best, least, longest = middle, np.inf, 0.0
        for turn in range(_ROUNDS):
            since = self._clock()
            if turn and since - begun + 1.2 * longest > _SEARCH * self._limit_s:
                break
            drawn = middle + spread * self._source.standard_normal((_SAMPLES, *middle.shape))
            free = int(_WIDE * _SAMPLES)
            if turn < 2:
                drawn[:free] = low + wide * self._source.random((free, *middle.shape))
                drawn[: free // 3] = drawn[: free // 3, :1]
            drawn[-1], drawn[-2], drawn[-3] = best, held, middle
            drawn = np.clip(drawn, low, high)
            costs = self._costs(drawn, state, z, previous, ahead)
            order = np.argsort(costs)
            if not np.isfinite(costs[order[0]]):
                spread = np.tile(_FIRST * wide, (len(middle), 1))
            elif costs[order[0]] < least:
                best, least = drawn[order[0]], float(costs[order[0]])
            elite = drawn[order[:_ELITE]]
            middle = (1 - _SMOOTH) * elite.mean(axis=0) + _SMOOTH * middle
            spread = elite.std(axis=0) + 0.02 * spread
            longest = max(longest, self._clock() - since)
            if (spread < _SETTLED * wide).all():
                break
        if not np.isfinite(least):
            self._last = None
            return None
        inputs = best[self._places]
        states, _ = self._world.mean.run(state[None], inputs, ahead.context, z[None])
        self._last = _shifted(inputs, self._holds)
        spent = self._clock() - begun
        return None if spent > self._limit_s else Course(inputs, states[0], least, spent)

    @property
    def _places(self) -> Places:
        """Which held set-point is in force in each step."""
        return np.searchsorted(self._holds, np.arange(self.horizon), side="right") - 1

    def _costs(
        self, drawn: Floats, state: Floats, z: Floats, previous: Floats, ahead: Ahead
    ) -> Floats:
        """Run courses, (courses, held, inputs), and say what each costs."""
        inputs = drawn[:, self._places]
        count = len(inputs)
        start, values = np.tile(state, (count, 1)), np.tile(z, (count, 1))
        with np.errstate(over="ignore", invalid="ignore"):
            cost = self._price.of(self._run(start, inputs, values, ahead, None), inputs, ahead)
            cost += self._price.moved(inputs, previous)
            if self._objective.keeps:
                # Every future with every course; the courses of a future stand together.
                start = np.repeat(state + self._away_x, count, axis=0)
                values = np.repeat(z + self._away_z, count, axis=0)
                every = np.tile(inputs, (_FUTURES, 1, 1))
                shown = self._run(start, every, values, ahead, count)
                cost += self._price.violated(
                    shown.reshape(_FUTURES, count, self.horizon + 1, -1), ahead
                )
        return np.where(np.isfinite(cost), cost, np.inf)

    def _run(self, x: Floats, inputs: Floats, z: Floats, ahead: Ahead, apart: int | None) -> Floats:
        """What is shown, (rows, horizon + 1, outputs). ``apart``: rows of each future in turn."""
        ensemble, told = self._world.ensemble, []
        for k in range(self.horizon + 1):
            u = inputs[:, min(k, self.horizon - 1)]
            c = np.tile(ahead.context[min(k, self.horizon - 1)], (len(x), 1))
            heads = np.zeros((len(x), x.shape[1]))
            if ensemble is not None:
                said = ensemble.said(x, u, c)
                heads = said.mean(axis=0) if apart is None else _by_futures(said, apart)
            added = heads[:, : x.shape[1]]
            x, shown = self._numeric.step(x, u, np.concatenate([c, added], axis=1), z)
            if ensemble is not None and ensemble.own:
                shown[:, list(ensemble.own)] += heads[:, ensemble.states :]
            told.append(shown)
        return np.stack(told, axis=1)


class _Price:
    """What courses cost, all at once; as :class:`genba.control.nmpc.Nmpc` writes it."""

    def __init__(self, objective: Objective, world: World, horizon: int) -> None:
        process = world.plain.process
        self._objective, self._horizon = objective, horizon
        self._outputs = [one.name for one in process.outputs]
        self._inputs = [one.name for one in process.inputs]
        self._spans = [one.span for one in process.outputs]
        self._context = len(process.context)

    def check(self, ahead: Ahead) -> None:
        wanted = ((len(self._outputs),), (self._context,), (), (len(self._outputs),))
        parts = (ahead.references, ahead.context, ahead.tariff, ahead.margins)
        for part, width in zip(parts, wanted, strict=True):
            if part.shape != (self._horizon, *width):
                raise ControlError(
                    f"what is known ahead has the shape {part.shape}; {(self._horizon, *width)} "
                    "is looked at"
                )

    def of(self, shown: Floats, inputs: Floats, ahead: Ahead) -> Floats:
        """Targets after each step, and prices during it, (courses,)."""
        cost = np.zeros(len(shown))
        for name, weight in self._objective.targets.items():
            at = self._outputs.index(name)
            cost += weight * ((shown[:, 1:, at] - ahead.references[:, at]) ** 2).sum(axis=1)
        for name, price in self._objective.prices.items():
            cost += price * self._of(name, shown, inputs).sum(axis=1)
        for name, kwh in self._objective.kwh.items():
            cost += kwh * self._of(name, shown, inputs) @ ahead.tariff
        return cost

    def _of(self, name: str, shown: Floats, inputs: Floats) -> Floats:
        """An output or input during each step, (courses, horizon)."""
        if name in self._outputs:
            return shown[:, :-1, self._outputs.index(name)]
        return inputs[:, :, self._inputs.index(name)]

    def moved(self, inputs: Floats, previous: Floats) -> Floats:
        """Quiet, (courses,)."""
        cost = np.zeros(len(inputs))
        for name, weight in self._objective.moves.items():
            at = self._inputs.index(name)
            changes = np.diff(inputs[:, :, at], axis=1, prepend=previous[at])
            cost += weight * (changes**2).sum(axis=1)
        return cost

    def violated(self, shown: Floats, ahead: Ahead) -> Floats:
        """What leaves its bounds in too many futures; (futures, courses, ...) to (courses,)."""
        cost = np.zeros(shown.shape[1])
        for name, (low, high) in self._objective.keeps.items():
            at = self._outputs.index(name)
            sure, margin = self._objective.probability(name), ahead.margins[:, at]
            least = np.quantile(shown[:, :, 1:, at], 1 - sure, axis=0) - margin
            most = np.quantile(shown[:, :, 1:, at], sure, axis=0) + margin
            away = np.maximum(0.0, low - least) + np.maximum(0.0, most - high)
            cost += VIOLATED * away.sum(axis=1) / self._spans[at]
        return cost


def _by_futures(said: Floats, apart: int) -> Floats:
    """Let each future, ``apart`` rows long, follow a member of its own."""
    members, rows, _ = said.shape
    who = (np.arange(rows) // apart) % members
    return np.asarray(said[who, np.arange(rows)])


def _holds(horizon: int) -> Places:
    """First steps of what is held: one by one at first, then longer and longer."""
    told, step = [], 0
    while step < horizon:
        told.append(step)
        step += max(1, len(told) // 2)
    return np.array(told)


def _shifted(inputs: Floats, holds: Places) -> Floats:
    """Take a course one step on, (held, inputs)."""
    later = np.concatenate([inputs[1:], inputs[-1:]])
    return np.asarray(later[holds])
