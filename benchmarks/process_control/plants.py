"""The two pc-gym plants, what is known of them beforehand, and how to talk to them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.process_control.peer import HERE, Peer
from genba.twin.process import Symbolic, UnitProcess, symbolic
from genba.twin.process.physics.reactor import StirredReactor
from genba.twin.process.physics.tanks import FourTanks

PYTHON = HERE / ".pc-gym" / "bin" / "python"
STEPS = 60


@dataclass(frozen=True)
class Kind:
    """One plant: its name in pc-gym, our physics for it, and what is wanted of it."""

    name: str
    process: UnitProcess
    start: tuple[float, ...]
    seconds: float
    """Of an episode, in our physics' seconds."""
    clock: float
    """The same in pc-gym's own unit of time."""
    low: float
    high: float
    targets: dict[str, tuple[str, float, float]]
    """Output -> name in pc-gym, and the range from which set-points are drawn."""
    drift: dict[str, float]
    substeps: int
    truth: dict[str, float]
    """Our parameters that are the plant's own, for the oracle alone."""
    drifted: dict[str, float]

    @property
    def model(self) -> Symbolic:
        return symbolic(self.process, self.seconds / STEPS, self.substeps)

    @property
    def places(self) -> list[int]:
        names = [one.name for one in self.process.outputs]
        return [names.index(name) for name in self.targets]

    def z(self, *, drifted: bool = False) -> np.ndarray:
        values = {**self.truth, **(self.drifted if drifted else {})}
        return np.array(
            [np.log(values[one.name] / one.guess) / one.spread for one in self.process.parameters]
        )

    def sequence(self, seed: int) -> np.ndarray:
        """Draw set-points, (steps, targets): three levels, each for a third of the episode."""
        source = np.random.default_rng([seed, len(self.targets)])
        levels = [source.uniform(low, high, 3) for _, low, high in self.targets.values()]
        return np.repeat(np.array(levels).T, STEPS // 3, axis=0)


REACTOR_TRUTH = {
    "renewal": 1.0,
    "feed_concentration": 1.0,
    "feed_temperature": 350.0,
    "rate_at_350_k": 7.2e10 * np.exp(-8750 / 350),
    "activation": 8750.0,
    "heat_of_reaction": 5e4 / (1000 * 0.239),
    "heat_transfer": 5e4 / (1000 * 0.239 * 100),
}
TANK_TRUTH = {
    **{"outlet_1": 0.0035, "outlet_2": 0.003, "outlet_3": 0.002, "outlet_4": 0.0025},
    **{"above_1": 0.002, "above_2": 0.0025},
    **{"pump_1_to_1": 0.2 * 0.00085, "pump_2_to_2": 0.2 * 0.00095},
    **{"pump_2_to_3": 0.8 * 0.00095, "pump_1_to_4": 0.8 * 0.00085},
}
REACTOR = Kind(
    "cstr",
    StirredReactor(),
    (0.8, 330.0),
    25 * 60.0,
    25.0,
    295.0,
    302.0,
    {"concentration": ("Ca", 0.82, 0.92)},
    {"UA": 0.85, "k0": 0.90},
    8,
    REACTOR_TRUTH,
    {
        "heat_transfer": 0.85 * REACTOR_TRUTH["heat_transfer"],
        "rate_at_350_k": 0.90 * REACTOR_TRUTH["rate_at_350_k"],
    },
)
TANKS = Kind(
    "four_tank",
    FourTanks(),
    (0.141, 0.112, 0.072, 0.42),
    1000.0,
    1000.0,
    0.1,
    10.0,
    {"level_3": ("h3", 0.1, 0.5), "level_4": ("h4", 0.1, 0.4)},
    {"k1": 0.85, "k2": 1.10, "a3": 1.15},
    4,
    TANK_TRUTH,
    {
        "pump_1_to_1": 0.85 * TANK_TRUTH["pump_1_to_1"],
        "pump_1_to_4": 0.85 * TANK_TRUTH["pump_1_to_4"],
        "pump_2_to_2": 1.10 * TANK_TRUTH["pump_2_to_2"],
        "pump_2_to_3": 1.10 * TANK_TRUTH["pump_2_to_3"],
        "outlet_3": 1.15 * TANK_TRUTH["outlet_3"],
        "above_1": 1.15 * TANK_TRUTH["above_1"],
    },
)
KINDS = (REACTOR, TANKS)


class PcGym(Peer):
    """A plant of pc-gym in a process of its own."""

    def __init__(self) -> None:
        super().__init__(PYTHON, "pc_gym_server.py", "set_point_control")

    def make(self, kind: Kind, wanted: np.ndarray, noise: float, *, drifted: bool) -> None:
        targets = {name: column for (name, _, _), column in zip(
            kind.targets.values(), wanted.T.tolist(), strict=True
        )}  # fmt: skip
        bounds = [kind.low] * len(kind.process.inputs), [kind.high] * len(kind.process.inputs)
        self._ask(
            make={
                "model": kind.name,
                "steps": STEPS,
                "seconds": kind.clock,
                "start": kind.start,
                "targets": targets,
                "low": bounds[0],
                "high": bounds[1],
                "noise": noise,
                "drift": kind.drift if drifted else {},
            }
        )

    def reset(self, seed: int) -> np.ndarray:
        return np.array(self._ask(reset=seed)["shown"])

    def step(self, inputs: Sequence[float]) -> tuple[np.ndarray, float]:
        told = self._ask(step=[float(value) for value in inputs])
        return np.array(told["shown"]), float(told["cost"])

    def oracle(self, horizon: int) -> float:
        return float(self._ask(oracle=horizon)["cost"])
