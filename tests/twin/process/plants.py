"""Processes with known parameters, and recordings of them."""

import numpy as np

from genba.twin.process import Episode, Numeric, Symbolic, symbolic
from genba.twin.process.physics.reactor import StirredReactor
from genba.twin.process.physics.tanks import FourTanks

REACTOR = {
    "renewal": 1.0,
    "feed_concentration": 1.0,
    "feed_temperature": 350.0,
    "rate_at_350_k": 1.0,
    "activation": 8750.0,
    "heat_of_reaction": 209.2,
    "heat_transfer": 2.09,
}
TANKS = {
    "outlet_1": 0.0035,
    "outlet_2": 0.003,
    "outlet_3": 0.002,
    "outlet_4": 0.0025,
    "above_1": 0.002,
    "above_2": 0.0025,
    "pump_1_to_1": 0.00017,
    "pump_2_to_2": 0.00019,
    "pump_2_to_3": 0.00076,
    "pump_1_to_4": 0.00068,
}


def reactor() -> Symbolic:
    return symbolic(StirredReactor(), step_s=25.0, substeps=8)


def tanks() -> Symbolic:
    return symbolic(FourTanks(), step_s=1000 / 60)


def z_of(model: Symbolic, values: dict[str, float]) -> np.ndarray:
    return np.array(
        [
            (values[p.name] - p.guess) / p.spread
            if p.signed
            else np.log(values[p.name] / p.guess) / p.spread
            for p in model.process.parameters
        ]
    )


def recorded(
    model: Symbolic,
    values: dict[str, float],
    start: list[float],
    low: float,
    high: float,
    *,
    episodes: int = 5,
    noise: float = 0.0,
    seed: int = 0,
) -> list[Episode]:
    """Set-points that jump every five steps; noise in parts of what is shown."""
    source, numeric, told = np.random.default_rng(seed), Numeric(model), []
    for _ in range(episodes):
        u = np.repeat(source.uniform(low, high, (12, len(model.process.inputs))), 5, axis=0)[:59]
        c = np.zeros((59, 0))
        _, shown = numeric.run(np.array([start]), u, c, z_of(model, values)[None])
        told.append(Episode(u, c, shown[0] * (1 + noise * source.standard_normal(shown[0].shape))))
    return told


def reactor_episodes(**more: float) -> list[Episode]:
    return recorded(reactor(), REACTOR, [0.8, 330.0], 295.0, 302.0, **more)


def tank_episodes(**more: float) -> list[Episode]:
    return recorded(tanks(), TANKS, [0.14, 0.11, 0.07, 0.42], 0.1, 10.0, **more)
