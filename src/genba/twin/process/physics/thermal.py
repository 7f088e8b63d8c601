"""A heated body with losses to its surroundings: barrels, molds, ovens, baths.

Lumped capacitance with linear losses and radiation left to the residual: Incropera & DeWitt,
*Fundamentals of Heat and Mass Transfer*, ch. 5. The controller that holds the set-point is first
order, too: what it gives is proportional to what is missing, up to the heater's rating.
"""

from collections.abc import Mapping

from genba.twin.process.maths import soft_positive
from genba.twin.process.unit import Clock, Expression, Names
from genba.twin.process.variable import Parameter, Variable


class HeatedBody:
    """One lump under a proportional controller."""

    name = "heated_body"
    clock = Clock.TIME
    states = (Variable("temperature", "Cel", 0.0, 350.0),)
    inputs = (Variable("setpoint", "Cel", 20.0, 320.0),)
    context = (Variable("ambient", "Cel", -10.0, 50.0),)
    outputs = (Variable("temperature", "Cel", 0.0, 350.0), Variable("power", "kW", 0.0, 50.0))
    parameters = (
        Parameter("capacity", "kJ/K", 60.0, 0.7),
        Parameter("loss", "kW/K", 0.01, 0.7),
        Parameter("gain", "kW/K", 0.5, 0.8),
        Parameter("base", "kW", 1.0, 0.8),
    )

    def rates(self, x: Names, u: Names, c: Names, p: Names) -> Mapping[str, Expression]:
        """Heat in less heat lost."""
        lost = p.loss * (x.temperature - c.ambient)
        return {"temperature": (self._heat(x, u, c, p) - lost) / p.capacity}

    def shows(self, x: Names, u: Names, c: Names, p: Names) -> Mapping[str, Expression]:
        """Temperature, and electric power with what runs besides."""
        return {"temperature": x.temperature, "power": p.base + self._heat(x, u, c, p)}

    @staticmethod
    def _heat(x: Names, u: Names, c: Names, p: Names) -> Expression:
        held = p.loss * (u.setpoint - c.ambient)
        return soft_positive(held + p.gain * (u.setpoint - x.temperature), 0.05)
