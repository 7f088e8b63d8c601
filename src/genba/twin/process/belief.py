"""What is believed of a process: parameters with their uncertainty, and the noise of its sensors.

Parameters are held as standard normal ``z``, as
:class:`~genba.twin.process.variable.Parameter` has them, so that "nothing is known but the prior"
is mean 0 and covariance 1.
"""

from dataclasses import dataclass, replace

import numpy as np

from genba.twin.process.episode import Floats
from genba.twin.process.unit import UnitProcess

Widening = tuple[tuple[int, tuple[float, ...]], ...]
"""Steps ahead, and by how much the interval of each output has to be wider to hold."""


@dataclass(frozen=True, slots=True, eq=False)
class Belief:
    """A normal distribution over a process' parameters.

    Attributes
    ----------
    mean : (parameters,) float
    covariance : (parameters, parameters) float
    noise : (outputs,) float
        Standard deviation of what is shown around what the model says, in the outputs' units.
    rows : int
        Rows that it rests on.
    wander : float
        Standard deviation that states pick up in a step, in spans: what the physics leaves out.
    widening : tuple of (steps, factors)
        What intervals have to be multiplied with to hold, as measured; empty where nobody measured.
    """

    process: UnitProcess
    mean: Floats
    covariance: Floats
    noise: Floats
    rows: int = 0
    wander: float = 1e-5
    widening: Widening = ()

    def values(self) -> dict[str, float]:
        """Parameters at the mean, in their units."""
        pairs = zip(self.process.parameters, self.mean, strict=True)
        return {one.name: one.value(float(z)) for one, z in pairs}

    def intervals(self, deviations: float = 1.96) -> dict[str, tuple[float, float]]:
        """Give lower and upper bounds of each parameter, 95% by default."""
        spread = deviations * np.sqrt(np.diag(self.covariance))
        return {
            one.name: (one.value(float(z - wide)), one.value(float(z + wide)))
            for one, z, wide in zip(self.process.parameters, self.mean, spread, strict=True)
        }

    def learned(self) -> dict[str, float]:
        """Give how much of each parameter's prior variance the data took away, 0 to 1."""
        left = np.diag(self.covariance)
        pairs = zip(self.process.parameters, left, strict=True)
        return {one.name: float(np.clip(1.0 - kept, 0.0, 1.0)) for one, kept in pairs}

    def drawn(self, count: int, source: np.random.Generator) -> Floats:
        """Draw parameter vectors, (count, parameters)."""
        root = np.linalg.cholesky(self.covariance + 1e-12 * np.eye(len(self.mean)))
        return self.mean + source.standard_normal((count, len(self.mean))) @ root.T

    def widened(self, steps: int) -> Floats:
        """Give by how much the interval of each output is to be wider so many steps ahead."""
        if not self.widening:
            return np.ones(len(self.noise))
        at = np.array([ahead for ahead, _ in self.widening], float)
        factors = np.array([each for _, each in self.widening], float)
        return np.array([np.interp(steps, at, column) for column in factors.T])

    def loosened(self, drift: float) -> "Belief":
        """Allow each parameter to have drifted by this many prior deviations since."""
        wider = self.covariance + drift**2 * np.eye(len(self.mean))
        return replace(self, covariance=no_wider(wider, np.ones(len(self.mean))))


def no_wider(covariance: Floats, most: Floats) -> Floats:
    """Shrink a covariance so that no variance is above ``most``; correlations stay."""
    scale = np.sqrt(np.minimum(1.0, most / np.maximum(np.diag(covariance), 1e-300)))
    return np.asarray(covariance * np.outer(scale, scale))


def prior(process: UnitProcess, noise: float = 0.01) -> Belief:
    """Believe what the process' author guessed; noise as a share of each output's span."""
    count = len(process.parameters)
    return Belief(
        process,
        np.zeros(count),
        np.eye(count),
        noise * np.array([one.span for one in process.outputs]),
    )
