"""What set-points of a settled plant cost, learned from steps, and where it costs least.

A continuous plant under its regulatory loops is held at set-points until it has settled; what it
then shows (cost, and everything that has limits) is linear enough in set-points near by. The slopes
are learned with their doubt from a few designed steps, and the cheapest point is taken that keeps
each limit with the doubt taken off (chance constraints), no farther away than the steps speak for.
Learned anew at each point, this is a climb by response surfaces (Box & Wilson 1951); that the model
is made to agree with the plant in value and slope where the plant is makes the point at which it
rests an optimum of the plant, and not of the model (modifier adaptation: Marchetti, Chachuat &
Bonvin 2009).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.linalg import hadamard
from scipy.optimize import minimize
from scipy.stats import chi2

from genba.errors import ControlError
from genba.twin.process.episode import Floats

_STILL = 1e-9
_LUCK = 0.2
"""How likely noise may be larger than it is taken for: few records look quiet by chance."""


@dataclass(frozen=True, slots=True)
class Handle:
    """A set-point that may be moved.

    Attributes
    ----------
    low, high : float
        Between which it may ever be, in its own unit.
    step : float
        By which an experiment moves it to either side.

    Raises
    ------
    ControlError
        If the range does not hold a step to either side.
    """

    name: str
    low: float
    high: float
    step: float

    def __post_init__(self) -> None:
        room = self.high - self.low
        if not (math.isfinite(room) and 0 < self.step <= 0.5 * room):
            raise ControlError(
                f"set-point '{self.name}' moves by {self.step:g} within {self.low:g} to "
                f"{self.high:g}; give a range that holds a step to either side"
            )


@dataclass(frozen=True, slots=True)
class Keep:
    """Limits of the mean of an output, what disturbances do already taken off."""

    name: str
    low: float = -math.inf
    high: float = math.inf


@dataclass(frozen=True, slots=True, eq=False)
class Response:
    """Outputs as linear functions of set-points near a point, and the doubt about them.

    Attributes
    ----------
    centre, steps : (handles,)
        Set-points are counted from the center, in steps.
    names : tuple of str
        Of the outputs.
    weights : (handles + 1, outputs)
        Value at the center, then slopes by a step.
    covariance : (handles + 1, handles + 1)
        Of the weights, to be multiplied with an output's noise, squared.
    noise : (outputs,)
        Standard deviation of a settled value around the linear response.
    unmoved : (handles,) of bool
        Set-points that nobody moved: nothing is known of what they do.
    """

    centre: Floats
    steps: Floats
    names: tuple[str, ...]
    weights: Floats
    covariance: Floats
    noise: Floats
    unmoved: Floats

    def mean(self, u: Floats) -> Floats:
        """Give the expected outputs, (outputs,), at set-points (handles,)."""
        return np.asarray(self._row(u) @ self.weights)

    def doubt(self, u: Floats) -> Floats:
        """Give the standard deviation of the expected outputs, (outputs,)."""
        row = self._row(u)
        return np.asarray(self.noise * math.sqrt(float(row @ self.covariance @ row)))

    def doubt_of_change(self, u: Floats, before: Floats) -> Floats:
        """Give the standard deviation of what a move changes, (outputs,)."""
        row = self._row(u) - self._row(before)
        return np.asarray(self.noise * math.sqrt(float(row @ self.covariance @ row)))

    def _row(self, u: Floats) -> Floats:
        return np.concatenate([[1.0], (np.asarray(u) - self.centre) / self.steps])


def respond(
    handles: Sequence[Handle], names: Sequence[str], inputs: Floats, outputs: Floats
) -> Response:
    """Learn the response of settled outputs to set-points.

    Slopes have a prior as wide as an output's own spread in the records, so that few records make
    doubt and not nonsense. The noise is what the linear response leaves, curvature included.

    Parameters
    ----------
    inputs : (n, handles)
        Set-points that were held until the plant had settled.
    outputs : (n, outputs)
        What it showed then, on average.

    Raises
    ------
    ControlError
        If values are not finite, or there are not more records than set-points that moved.
    """
    inputs, outputs = np.asarray(inputs, float), np.asarray(outputs, float)
    if not (np.isfinite(inputs).all() and np.isfinite(outputs).all()):
        raise ControlError("a settled record has values that are not finite; leave it out")
    steps = np.array([handle.step for handle in handles])
    centre = inputs.mean(axis=0)
    moved = (inputs - centre) / steps
    unmoved = np.ptp(moved, axis=0) < _STILL
    free = len(inputs) - 1 - int((~unmoved).sum())
    if free < 1:
        raise ControlError(
            f"{len(inputs)} settled records do not tell {int((~unmoved).sum())} set-points apart; "
            f"record {1 - free} more"
        )
    rows = np.hstack([np.ones((len(inputs), 1)), moved])
    spread = np.maximum(outputs.std(axis=0), 1e-12)
    weights = np.zeros((rows.shape[1], outputs.shape[1]))
    # In an output's own spread the prior of a slope is 1, of the middle none.
    ease = np.diag(np.concatenate([[0.0], np.full(len(handles), 1e-2)]))
    covariance = np.linalg.inv(rows.T @ rows + ease)
    weights = covariance @ rows.T @ outputs
    left = ((outputs - rows @ weights) ** 2).sum(axis=0) / chi2.ppf(_LUCK, free)
    noise = np.maximum(np.sqrt(left), 1e-6 * spread)
    return Response(centre, steps, tuple(names), weights, covariance, noise, unmoved)


def designed(handles: Sequence[Handle], now: Floats, seed: int = 0) -> Floats:
    """Give set-points to hold one after the other, (runs, handles), so that slopes can be told.

    Two levels, orthogonal (Plackett & Burman 1946, from a Hadamard matrix), around now or as near
    to it as the ranges leave room for a step to either side.
    """
    runs = 1 << max(2, math.ceil(math.log2(len(handles) + 2)))
    signs = hadamard(runs)[:, 1 : len(handles) + 1]
    order = np.random.default_rng(seed).permutation(runs)
    steps = np.array([handle.step for handle in handles])
    low = np.array([handle.low for handle in handles]) + steps
    high = np.array([handle.high for handle in handles]) - steps
    return np.asarray(np.clip(now, low, high) + signs[order] * steps)


@dataclass(frozen=True, slots=True, eq=False)
class Optimum:
    """Where it is expected to cost least.

    Attributes
    ----------
    inputs : (handles,)
    gain, doubt : float
        Expected saving against now, and its standard deviation.
    binding : tuple of str
        Limits, ranges of set-points, and how far one move may reach: what holds it there.
    """

    inputs: Floats
    gain: float
    doubt: float
    binding: tuple[str, ...]


def cheapest(
    response: Response,
    handles: Sequence[Handle],
    keeps: Sequence[Keep],
    cost: str,
    now: Floats,
    *,
    reach: float = 2.0,
    deviations: float = 2.0,
    caution: float = 1.0,
) -> Optimum:
    """Find the set-points of least cost that keep every limit.

    Parameters
    ----------
    cost : str
        The output to make small.
    reach : float
        How far from now each set-point may go, in its steps.
    deviations : float
        Of doubt and noise that are left free before each limit. A limit that is not kept so now is
        not to be left any worse.
    caution : float
        Deviations of doubt about a saving that are taken off it.

    Raises
    ------
    ControlError
        If cost or a limit is of an output that the response does not have.
    """
    names = list(response.names)
    for name in (cost, *(keep.name for keep in keeps)):
        if name not in names:
            raise ControlError(f"'{name}' was not recorded; there are {', '.join(names)}")
    steps, now = response.steps, np.asarray(now, float)
    low = np.maximum([h.low for h in handles], now - reach * steps)
    high = np.minimum([h.high for h in handles], now + reach * steps)
    low, high = np.minimum(low, now), np.maximum(high, now)
    low, high = np.where(response.unmoved, now, low), np.where(response.unmoved, now, high)
    place = names.index(cost)

    def paid(share: Floats) -> float:
        u = now + share * steps
        doubt = response.doubt_of_change(u, now)[place]
        return float(response.mean(u)[place] + caution * doubt) / scale

    def room(share: Floats) -> Floats:
        """Of each limit, in the output's noise."""
        u = now + share * steps
        mean, wide = response.mean(u), deviations * np.hypot(response.doubt(u), response.noise)
        left = []
        for keep in keeps:
            at = names.index(keep.name)
            for limit, way in ((keep.low, 1.0), (keep.high, -1.0)):
                if math.isfinite(limit):
                    left.append((way * (mean[at] - limit) - wide[at]) / response.noise[at])
        return np.array(left)

    scale = max(abs(float(response.mean(now)[place])), 1e-12)
    start = np.minimum(room(np.zeros(len(now))), 0.0)
    found = minimize(
        paid, np.zeros(len(now)) + 1e-3,
        bounds=list(zip((low - now) / steps, (high - now) / steps, strict=True)),
        constraints=[{"type": "ineq", "fun": lambda share: room(share) - start}],
        method="SLSQP", options={"maxiter": 300, "ftol": 1e-9},
    )  # fmt: skip
    share = np.clip(found.x, (low - now) / steps, (high - now) / steps)
    kept = bool((room(share) - start >= -0.05).all())
    u = now + share * steps if kept and paid(share) < paid(np.zeros(len(now))) else now
    edge = [(now - u) / steps, (u - now) / steps]
    far = tuple(
        f"reach of {handle.name}"
        for handle, most in zip(handles, np.maximum(*edge), strict=True)
        if most > reach - 1e-3
    )
    gain = float(response.mean(now)[place] - response.mean(u)[place])
    binding = _binding(keeps, handles, room(np.asarray((u - now) / steps)) - start, u)
    return Optimum(u, gain, float(response.doubt_of_change(u, now)[place]), binding + far)


def _binding(
    keeps: Sequence[Keep], handles: Sequence[Handle], room: Floats, u: Floats
) -> tuple[str, ...]:
    sides = [
        f"{keep.name} {word}"
        for keep in keeps
        for limit, word in ((keep.low, "low"), (keep.high, "high"))
        if math.isfinite(limit)
    ]
    told = [side for side, left in zip(sides, room, strict=True) if left < 0.1]
    for handle, value in zip(handles, u, strict=True):
        if min(value - handle.low, handle.high - value) < 1e-3 * handle.step:
            told.append(f"range of {handle.name}")
    return tuple(told)
