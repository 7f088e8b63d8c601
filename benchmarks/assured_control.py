"""Whatever drives: does the plant stay in its envelope, and what does that cost?

``python -m benchmarks.assured_control [--episodes 10000]``

Plants: pc-gym's four tanks and its reactor (our own integration of them, which is faster). In each
episode the parameters differ from those believed (drawn from the belief), the state is known only
to within an error that is drawn anew in each step, and something drives for 60 steps: set-points at
random, always at a stop, the stop that brings the plant nearest to its bounds, nonsense (NaN,
infinite, out of range, of the wrong number), silence and lateness by turns, or a sensor that
freezes for ten steps. The monitor is a count of true states outside of the envelope, and knows
nothing of the shield. Frozen sensors are beyond what the proof speaks of, and counted apart.

The cost: the model's own controller over six set-point sequences inside the envelope, on the plant
as believed, with the shield and without.
"""

import argparse
import math
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from benchmarks.process_control.plants import REACTOR, TANKS
from genba.control.assured import Room, class_of, recovery_of
from genba.control.nmpc import Ahead, Nmpc
from genba.control.objective import Objective
from genba.guard.assurance import Shield, Simplex, Source
from genba.twin.process import Belief, Numeric, Symbolic, prior

STEPS = 60
BAR_COST = 0.02
PROVED = ("random", "stops", "worst", "nonsense", "silent")
BEYOND = "frozen"


@dataclass
class Case:
    name: str
    model: Symbolic
    belief: Belief
    room: Room
    unsure: np.ndarray
    steady: bool
    targets: dict[str, tuple[float, float]]

    def __post_init__(self) -> None:
        self.numeric = Numeric(self.model)
        self.known = class_of(self.numeric, self.belief, self.room, self.unsure)
        self.recovery = recovery_of(self.known, steady=self.steady)
        self.shield = Shield(self.known, self.recovery)

    def context(self, source: np.random.Generator) -> np.ndarray:
        low, high = self.room.context
        return source.uniform(low, high) if len(low) else np.zeros(0)

    def step(self, x: np.ndarray, u: np.ndarray, c: np.ndarray, z: np.ndarray) -> np.ndarray:
        return self.numeric.step(x[None], u[None], c[None], z[None])[0][0]


def cases() -> list[Case]:
    def believed(model: Symbolic, mean: np.ndarray, spread: float) -> Belief:
        wide = spread**2 * np.eye(len(mean))
        return replace(prior(model.process), mean=mean, covariance=wide)

    tanks, reactor = TANKS.model, REACTOR.model
    none = np.zeros((2, 0))
    return [
        Case(
            "four tanks",
            tanks,
            believed(tanks, TANKS.z(), 0.03),
            Room(np.array([[0.01] * 4, [0.6] * 4]), np.array([[0.1] * 2, [10.0] * 2]), none),
            np.full(4, 0.002),
            True,
            {"level_3": (0.15, 0.45), "level_4": (0.15, 0.45)},
        ),
        Case(
            "reactor",
            reactor,
            believed(reactor, REACTOR.z(), 0.01),
            Room(np.array([[0.75, 319.0], [0.95, 331.0]]), np.array([[295.0], [302.0]]), none),
            np.array([0.0005, 0.05]),
            False,
            {"concentration": (0.84, 0.89)},
        ),
    ]


def adversary(case: Case, kind: str, z: np.ndarray, source: np.random.Generator) -> Callable:
    low, high = case.room.inputs
    corners = np.array(np.meshgrid(*zip(low, high, strict=True))).reshape(len(low), -1).T

    def worst(x: np.ndarray, c: np.ndarray) -> np.ndarray:
        """The stop after which some state is nearest to a bound, or beyond it."""
        least, most = case.room.states
        near = []
        for u in corners:
            after = case.step(case.step(x, u, c, z), u, c, z)
            near.append(
                np.minimum((after - least) / (most - least), (most - after) / (most - least)).min()
            )
        return corners[int(np.argmin(near))]

    def choose(x: np.ndarray, c: np.ndarray) -> tuple[list[float] | None, float]:
        if kind == "worst":
            return worst(x, c).tolist(), 0.0
        if kind == "stops":
            return corners[source.integers(len(corners))].tolist(), 0.0
        if kind == "nonsense":
            odd = [math.nan, math.inf, -math.inf, 1e9, float(high[0])]
            count = len(low) + int(source.integers(-1, 2))
            return [odd[source.integers(5)] for _ in range(max(count, 0))], 0.0
        if kind == "silent":
            if source.random() < 0.4:
                return None, 0.0
            return corners[source.integers(len(corners))].tolist(), float(source.exponential(1.0))
        return source.uniform(low, high).tolist(), 0.0

    return choose


def perturbed(case: Case, kind: str, seed: int) -> tuple[int, Counter[str]]:
    """Run an episode; steps outside of the envelope, and who drove."""
    source = np.random.default_rng([seed, len(case.name)])
    z = case.belief.drawn(1, source)[0]
    choose, simplex = adversary(case, kind, z, source), Simplex(case.shield, late_s=1.0)
    x, outside, drove = np.array(case.recovery.state), 0, Counter[str]()
    least, most = case.room.states
    freezes, frozen = int(source.integers(5, 40)), None
    for step in range(STEPS):
        c = case.context(source)
        seen = x + source.uniform(-1, 1, len(x)) * case.unsure
        if kind == BEYOND and freezes <= step < freezes + 10:
            frozen = seen if frozen is None else frozen
            seen = frozen
        chosen, age = choose(x, c)
        told = simplex.decide(seen.tolist(), chosen, age)
        drove[told.source.value] += 1
        x = case.step(x, np.array(told.inputs), c, z)
        outside += bool((x < least).any() or (x > most).any())
    return outside, drove


def cost(case: Case, *, shielded: bool) -> tuple[float, float]:
    """The controller's cost over six sequences, and the share of steps that were held back."""
    names = [one.name for one in case.model.process.outputs]
    places = [names.index(name) for name in case.targets]
    spans = np.array([high - low for low, high in case.targets.values()])
    weights = {name: 1 / span**2 for name, span in zip(case.targets, spans, strict=True)}
    paid, held = 0.0, 0
    for seed in range(6):
        own = Nmpc(case.model, Objective(weights), 15, limit_s=5.0, bounds=case.room.inputs)
        source, simplex = np.random.default_rng([9, seed]), Simplex(case.shield)
        wanted = np.array([source.uniform(low, high, 3) for low, high in case.targets.values()])
        x, u = np.array(case.recovery.state), np.array(case.recovery.inputs)
        c = case.room.context.mean(axis=0) if case.room.context.size else np.zeros(0)
        for step in range(STEPS):
            now = wanted[:, step * 3 // STEPS]
            references = np.zeros((15, len(names)))
            references[:, places] = now
            ahead = replace(Ahead.plain(case.model, 15, references), context=np.tile(c, (15, 1)))
            course = own.advise(x, case.belief.mean, u, ahead)
            chosen = None if course is None else course.inputs[0]
            if shielded:
                told = simplex.decide(x.tolist(), None if chosen is None else chosen.tolist())
                held += told.source is not Source.ADVANCED
                u = np.array(told.inputs)
            elif chosen is not None:
                u = chosen
            x = case.step(x, u, c, case.belief.mean)
            paid += float((((x[places] - now) / spans) ** 2).sum())
    return paid, held / (6 * STEPS)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--episodes", type=int, default=10_000, help="over all plants and drivers")
    args = parser.parse_args()
    failed = False
    plants = cases()
    each = math.ceil(args.episodes / (len(plants) * len(PROVED)))
    for case in plants:
        print(f"{case.name}: proved {case.shield.horizon} steps ahead")
        for kind in (*PROVED, BEYOND):
            outside, drove, begun = 0, Counter[str](), time.process_time()
            for seed in range(each):
                steps, who = perturbed(case, kind, seed)
                outside += steps
                drove += who
            failed |= outside > 0 and kind in PROVED
            spent = (time.process_time() - begun) / (each * STEPS)
            who = ", ".join(f"{name} {n / drove.total():.0%}" for name, n in drove.most_common())
            print(
                f"  {kind}: {each:,} episodes, {outside:,} steps outside of the envelope "
                f"({who}; {spent * 1e6:.0f} us a step with the plant)"
            )
        plain, _ = cost(case, shielded=False)
        safe, held = cost(case, shielded=True)
        more = safe / plain - 1
        failed |= more > BAR_COST
        print(f"  cost of the shield {more:+.2%} (bar {BAR_COST:.0%}); held back in {held:.0%}")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
