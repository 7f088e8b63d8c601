"""A heated vessel that loses heat in a way its physics does not know, and recordings of it."""

from collections.abc import Mapping
from typing import Any

import casadi
import numpy as np

from genba.twin.process import Clock, Episode, Numeric, Parameter, Symbolic, Variable, symbolic

STEP_S = 20.0
TRUTH = np.zeros(2)


class Vessel:
    """Heat in by a set-point, heat out to the hall; linear, as a first model would be."""

    name = "vessel"
    clock = Clock.TIME
    states = (Variable("temperature", "Cel", 0.0, 200.0),)
    inputs = (Variable("heating", "kW", 0.0, 10.0),)
    context = (Variable("hall", "Cel", 0.0, 40.0),)
    outputs = (
        Variable("temperature", "Cel", 0.0, 200.0),
        Variable("drawn", "kW", 0.0, 15.0),
    )
    parameters = (
        Parameter("capacity", "kJ/K", 20.0, 0.3),
        Parameter("loss", "kW/K", 0.05, 0.5),
    )

    def rates(self, x: Any, u: Any, c: Any, p: Any) -> Mapping[str, Any]:
        lost = p.loss * (x.temperature - c.hall)
        return {"temperature": (u.heating - lost - self.beyond(x)) / p.capacity}

    def shows(self, x: Any, u: Any, c: Any, p: Any) -> Mapping[str, Any]:
        return {"temperature": x.temperature, "drawn": u.heating + self.aside(u)}

    def beyond(self, x: Any) -> Any:
        return 0.0

    def aside(self, u: Any) -> Any:
        return 0.0


class RealVessel(Vessel):
    """Boils above 95 degrees, and its fan draws power that nobody wrote down."""

    def beyond(self, x: Any) -> Any:
        return 1.5 * (1 + casadi.tanh((x.temperature - 95.0) / 4.0))

    def aside(self, u: Any) -> Any:
        return 0.6 * casadi.sin(u.heating)


def vessel() -> Symbolic:
    return symbolic(Vessel(), STEP_S, 2)


def recorded(
    process: Vessel, *, episodes: int = 2, rows: int = 180, noise: float = 0.1, seed: int = 0
) -> list[Episode]:
    """Heating that jumps every fifteen steps, the hall warm and cold in turn."""
    source, numeric, told = np.random.default_rng(seed), Numeric(symbolic(process, STEP_S, 2)), []
    for _ in range(episodes):
        u = np.repeat(source.uniform(1.0, 8.0, (rows // 15, 1)), 15, axis=0)
        c = 20.0 + 3.0 * np.sin(np.arange(len(u)) / 40.0)[:, None]
        _, shown = numeric.run(np.array([[60.0]]), u, c, TRUTH[None])
        told.append(Episode(u, c, shown[0] + noise * source.standard_normal(shown[0].shape)))
    return told
