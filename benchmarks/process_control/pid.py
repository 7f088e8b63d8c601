"""A PID loop for each target, tuned by search on the true plant: what a good plant would run."""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import differential_evolution

from benchmarks.process_control.plants import STEPS, TANKS, Kind
from genba.twin.process import Numeric


@dataclass
class Pid:
    """Position form with the integral held at the stops; one gain set a target.

    ``pairs`` says which input answers which target.
    """

    kind: Kind
    gains: np.ndarray
    """(targets, 4): bias, proportional, integral, derivative; in shares of the input's range."""
    pairs: tuple[int, ...]

    def __post_init__(self) -> None:
        self.start()

    def start(self) -> None:
        self._sum = np.zeros(len(self.pairs))
        self._last: np.ndarray | None = None

    def choose(self, shown: np.ndarray, wanted: np.ndarray) -> np.ndarray:
        span = np.array([high - low for _, low, high in self.kind.targets.values()])
        error = (wanted - shown[self.kind.places]) / span
        slope = np.zeros_like(error) if self._last is None else error - self._last
        self._last = error
        tried = self._sum + error
        g = self.gains
        share = g[:, 0] + g[:, 1] * error + g[:, 2] * tried + g[:, 3] * slope
        free = (share > 0) & (share < 1)
        self._sum = np.where(
            free | (np.sign(g[:, 2] * error) != np.sign(share - 0.5)), tried, self._sum
        )
        inputs = np.empty(len(self.pairs))
        inputs[list(self.pairs)] = self.kind.low + np.clip(share, 0, 1) * (
            self.kind.high - self.kind.low
        )
        return inputs


def tuned(kind: Kind, seeds: list[int], *, noise: float = 0.0) -> Pid:
    """Search gains on the true plant (ours of it, which is faster) and the very sequences."""
    numeric, z = Numeric(kind.model), kind.z()
    pairs = (1, 0) if kind is TANKS else (0,)
    sequences = [kind.sequence(seed) for seed in seeds]
    source = np.random.default_rng(0)
    errors = [1 + noise * source.standard_normal((STEPS, len(kind.start))) for _ in seeds]

    def cost(flat: np.ndarray) -> float:
        pid = Pid(kind, flat.reshape(-1, 4), pairs)
        total = 0.0
        for wanted, error in zip(sequences, errors, strict=True):
            pid.start()
            x = np.array(kind.start)
            for k in range(STEPS - 1):
                u = pid.choose(x * error[k], wanted[k + 1])
                x = numeric.step(x[None], u[None], np.zeros((1, 0)), z[None])[0][0]
                total += float(((x[kind.places] - wanted[k + 1]) ** 2).sum())
        return total if np.isfinite(total) else 1e9

    sign = -1.0 if kind is not TANKS else 1.0  # a warmer jacket burns more of what is wanted
    one = [(0.0, 1.0), *(sorted((0.0, sign * most)) for most in (8.0, 2.0, 8.0))]
    found = differential_evolution(
        cost, one * len(pairs), maxiter=40, popsize=8, seed=0, tol=1e-6, polish=True
    )
    return Pid(kind, found.x.reshape(-1, 4), pairs)
