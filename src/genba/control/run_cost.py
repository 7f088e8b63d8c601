"""What a part is expected to cost at set-points that are thought of: bad parts, energy, time, wear.

A part is bad where an output is out of its tolerance; how likely that is follows from the predicted
normal distribution, whose width holds the doubt about state and parameters and the noise: a chance
constraint as a cost (Prékopa 1995).
"""

import numpy as np
from scipy.special import ndtr

from genba.control.bound import Bound
from genba.control.runs import shared_programs
from genba.control.worth import Worth
from genba.errors import ControlError
from genba.plant import Plant
from genba.twin.process import Numeric, Tracker
from genba.twin.process.episode import Floats
from genba.twin.process.scatter import Scatter

_FUTURES = 256
_UNTOLD = 0.002
"""Error of a gain that no model tells of, as a part of what a bad part costs."""
_LASTS = "cycle"
"""Output that says how long a run takes, in seconds."""


class RunCost:
    """Prices runs of one process.

    Raises
    ------
    ControlError
        If the plant file has no objective for it, or names what the physics does not have.
    """

    def __init__(self, plant: Plant, bound: Bound) -> None:
        self._numeric = Numeric(bound.symbolic)
        objective = bound.objective()
        names = [v.name for v in bound.physics.outputs]
        inputs = [v.name for v in bound.physics.inputs]
        self._by_output = np.array([objective.prices.get(name, 0.0) for name in names])
        self._by_input = np.array([objective.prices.get(name, 0.0) for name in inputs])
        self._kwh_of_output = np.array([objective.kwh.get(name, 0.0) for name in names])
        self._kwh_of_input = np.array([objective.kwh.get(name, 0.0) for name in inputs])
        self._kwh_price = bound.kwh_price
        self._lasts = names.index(_LASTS) if _LASTS in names else None
        self._weights = np.array([objective.targets.get(name, 0.0) for name in names])
        self._wanted = bound.references()
        self._kept = _limits(bound, dict(objective.keeps), names)
        self._products = {
            product: _limits(bound, {n: (k.low, k.high) for n, k in kept.items()}, names)
            for product, kept in bound.process.tolerances.items()
        }
        like = [name.removesuffix("_end") for name in names]
        self._like = np.array(
            [names.index(n if n in names else m) for n, m in zip(like, names, strict=True)]
        )
        self._scatter = Scatter(bound.physics)
        kept = {place for of in (self._kept, *self._products.values()) for place, _, _ in of}
        costs = (self._by_output != 0) | (self._kwh_of_output != 0)
        self.only_paid = np.array([costs[at] and at not in kept for at in range(len(names))])
        """Outputs that cost and decide nothing else (time, energy): they are not followed, since a
        pause or a draft is no fault of the process."""
        told = bound.process.scrap_cost
        self._bad = {p.id: p.material_cost if told is None else told for p in plant.products}
        for family, costs in _by_family(self._bad, bound, plant).items():
            self._bad[family] = sum(costs) / len(costs)

    def bad(self, product: str) -> float:
        """What a bad part costs."""
        return self._bad.get(product, 0.0)

    def of(self, tracker: Tracker, product: str, u: Floats, context: Floats, now: int) -> Floats:
        """Give the expected cost of a part, (n,), at each of ``u``, (n, inputs)."""
        mean, spread = self.predicted(tracker, u, context)
        return self._expected(product, mean, spread, u, now)

    def worth(
        self, tracker: Tracker, product: str, ways: Floats, context: Floats, now: int
    ) -> Worth:
        """Set one choice beside another, (2, inputs): what is in force, and what is thought of.

        Both are priced for the same draws of state and parameters, so that what is doubted of both
        alike is no doubt of the gain.
        """
        shown, slope = self._linear(tracker, ways, context)
        source = np.random.default_rng(0)
        root = np.linalg.cholesky(tracker.covariance + 1e-12 * np.eye(len(tracker.covariance)))
        off = source.standard_normal((_FUTURES, len(root))) @ root.T
        drawn = [shown[way] + off @ slope[way].T for way in range(2)]
        costs = [
            self._expected(
                product, drawn[way], self._noise(tracker, drawn[way]),
                np.tile(ways[way], (_FUTURES, 1)), now,
            )
            for way in range(2)
        ]  # fmt: skip
        return Worth.of(costs[0] - costs[1], _UNTOLD * self.bad(product))

    def _expected(self, product: str, mean: Floats, spread: Floats, u: Floats, now: int) -> Floats:
        """Price parts of which mean and spread, (n, outputs), are predicted."""
        good = np.ones(len(u))
        for place, low, high in (*self._kept, *self._products.get(product, ())):
            wide = spread[:, place]
            good *= ndtr((high - mean[:, place]) / wide) - ndtr((low - mean[:, place]) / wide)
        paid = mean @ self._by_output + u @ self._by_input + self._electricity(mean, u, now)
        off = ((mean - self._wanted) ** 2) @ self._weights
        # A bad part's energy and time are paid, too, for the one that takes its place.
        return np.asarray((paid + off) + (1.0 - good) * (self.bad(product) + paid))

    def _electricity(self, mean: Floats, u: Floats, now: int) -> Floats:
        """Price kilowatt hours by the hours that the run takes from now on, (n,)."""
        used = np.asarray(mean @ self._kwh_of_output + u @ self._kwh_of_input)
        if self._kwh_price is None or not used.any():
            return np.zeros(len(u))
        lasts_s = np.zeros(len(u)) if self._lasts is None else mean[:, self._lasts]
        return np.asarray(used * np.array(self._kwh_price.means(now, lasts_s.tolist())))

    def predicted(self, tracker: Tracker, u: Floats, context: Floats) -> tuple[Floats, Floats]:
        """Give mean and standard deviation of outputs, each (n, outputs)."""
        shown, slope = self._linear(tracker, u, context)
        variance = np.einsum("nij,jk,nik->ni", slope, tracker.covariance, slope)
        return shown, np.sqrt(np.maximum(variance, 0.0) + self._noise(tracker, shown) ** 2)

    def _noise(self, tracker: Tracker, shown: Floats) -> Floats:
        """Give by how much parts scatter around what is shown, (n, outputs)."""
        # What nobody measures, such as the size at a tool's end, scatters as its like does.
        return self._scatter.noise(tracker.belief.noise[self._like], shown)

    def _linear(self, tracker: Tracker, u: Floats, context: Floats) -> tuple[Floats, Floats]:
        """Give what is shown, (n, outputs), and how it goes with states and parameters."""
        count = len(u)
        now = self._numeric.linear(
            np.tile(tracker.state, (count, 1)),
            u,
            np.tile(context, (count, 1)),
            np.tile(tracker.parameters, (count, 1)),
        )
        return now.shown, np.concatenate([now.shown_x, now.shown_z], axis=2)


def _by_family(costs: dict[str, float], bound: Bound, plant: Plant) -> dict[str, list[float]]:
    """Give the costs of products that share a program, by the program's name."""
    found: dict[str, list[float]] = {}
    for product, family in shared_programs(plant, bound.process.equipment).items():
        found.setdefault(family, []).append(costs[product])
    return found


def _limits(
    bound: Bound, kept: dict[str, tuple[float, float]], names: list[str]
) -> tuple[tuple[int, float, float], ...]:
    for name in kept:
        if name not in names:
            raise ControlError(
                f"process '{bound.process.id}' bounds '{name}', which '{bound.process.physics}' "
                f"does not show; it shows {', '.join(names)}"
            )
    return tuple((names.index(name), low, high) for name, (low, high) in kept.items())
