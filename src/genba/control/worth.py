"""Is a move worth it? What it is expected to gain, beside how little the model knows of that.

A target that is nearer than the model's own error is left alone: moving there gains what the model
thinks it does only if the model is right to less than that.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from genba.control.bound import Bound
from genba.control.nmpc import VIOLATED, Ahead
from genba.twin.process import Belief
from genba.twin.process.episode import Floats

_QUANTILES = np.array([NormalDist().inv_cdf((k + 0.5) / 25) for k in range(25)])
_BY_LOSS = float(1.0 / np.sqrt(2.0 * NormalDist().cdf(-1.0) - NormalDist().pdf(1.0)))
"""Deviation of a normal gain that is as large, over the root mean square of its losses."""


@dataclass(frozen=True, slots=True)
class Worth:
    """What a course gains over leaving everything as it is, in the objective's own cost.

    Attributes
    ----------
    gain : float
        Expected: of all steps that were looked ahead, or of a part.
    doubt : float
        What may be lost instead: root mean square of the losses among the futures that parameters,
        state, and the error that the model made on rows that it had not seen leave open. In such a
        scale that a normally distributed gain exceeds it where it exceeds its standard deviation.
        What may be gained beyond what is expected is no doubt: a chance of bad parts is small on
        one side of it, and large on the other.
    """

    gain: float
    doubt: float

    @classmethod
    def of(cls, gains: Floats, error: float = 0.0) -> "Worth":
        """Sum up what is gained in each future, (futures,); ``error``: its deviation besides."""
        all_of = (gains[:, None] + error * _QUANTILES).ravel() if error > 0 else gains
        lost = np.minimum(all_of, 0.0)
        return cls(float(gains.mean()), _BY_LOSS * float(np.sqrt((lost**2).mean())))

    @property
    def enough(self) -> bool:
        """Whether the gain exceeds its doubt."""
        return self.gain > self.doubt

    def told(self) -> str:
        """Say why it is left alone."""
        return f"a move would gain {self.gain:.3g} and its doubt is {self.doubt:.3g}"


def worth(
    bound: Bound,
    belief: Belief,
    paths: tuple[Floats, Floats],
    courses: tuple[Floats, Floats],
    ahead: Ahead,
) -> Worth:
    """Set a course beside leaving everything as it is.

    Parameters
    ----------
    paths : two of (futures, steps, outputs)
        What is shown in the same futures: if nothing is changed, and with the course. They differ
        by what is not known, and not by what may disturb both ways alike.
    courses : two of (steps, inputs)
        Set-points of either.
    ahead : Ahead
        References and tariff of these steps.
    """
    costs = [_cost(bound, path, u, ahead) for path, u in zip(paths, courses, strict=True)]
    gains = costs[0] - costs[1]
    return Worth.of(gains, _by_error(bound, belief, paths))


def _cost(bound: Bound, shown: Floats, u: Floats, ahead: Ahead) -> Floats:
    """Cost of each future, as the optimizer counts it."""
    wanted = bound.objective()
    names = [one.name for one in bound.physics.outputs]
    inputs = [one.name for one in bound.physics.inputs]
    cost = np.zeros(len(shown))
    for name, weight in wanted.targets.items():
        at = names.index(name)
        cost += weight * ((shown[:, :, at] - ahead.references[:, at]) ** 2).sum(axis=1)
    steps: Sequence[tuple[str, Floats]] = [
        *((name, np.full(len(u), price)) for name, price in wanted.prices.items()),
        *((name, kwh * ahead.tariff) for name, kwh in wanted.kwh.items()),
    ]
    for name, price in steps:
        used = shown[:, :, names.index(name)] if name in names else u[None, :, inputs.index(name)]
        cost = cost + (price * used).sum(axis=1)
    for name, weight in wanted.moves.items():
        cost += weight * float((np.diff(u[:, inputs.index(name)]) ** 2).sum())
    for name, (low, high) in wanted.keeps.items():
        at = names.index(name)
        beyond = np.maximum(low - shown[:, :, at], 0.0) + np.maximum(shown[:, :, at] - high, 0.0)
        cost += VIOLATED / bound.physics.outputs[at].span * beyond.sum(axis=1)
    return np.asarray(cost)


def _by_error(bound: Bound, belief: Belief, paths: tuple[Floats, Floats]) -> float:
    """Doubt of a gain by the model's own error, which is about the same on both ways.

    Of a squared distance the gain changes by twice the difference of both ways for each unit of it;
    of what is paid by the unit it does not change. Noise is another in each step; by what intervals
    had to be widened on rows that were not learned from goes on from step to step.
    """
    names = [one.name for one in bound.physics.outputs]
    stays, moved = paths
    doubt = 0.0
    for name, weight in bound.objective().targets.items():
        at = names.index(name)
        apart = np.abs(moved[:, :, at].mean(axis=0) - stays[:, :, at].mean(axis=0))
        spread = moved[:, :, at].std(axis=0)
        steps = range(1, len(apart) + 1)
        wider = np.array([belief.widened(k)[at] for k in steps])
        noise = belief.noise[at]
        error = np.sqrt(np.maximum(wider**2 - 1.0, 0.0)) * np.hypot(spread, noise)
        by_noise = float(np.linalg.norm(2.0 * weight * apart * noise))
        doubt = float(np.hypot(doubt, np.hypot((2.0 * weight * apart * error).sum(), by_noise)))
    return doubt
