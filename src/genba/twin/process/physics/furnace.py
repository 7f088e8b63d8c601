"""A batch furnace: lining and load, joined by radiation, under a controller with limited power.

Two lumps and Stefan and Boltzmann's law: Incropera & DeWitt, *Fundamentals of Heat and Mass
Transfer*, ch. 5 and 13. The load's temperature is measured, so it stands in the context; without a
load its sensor shows the furnace's own, and nothing flows.
"""

from collections.abc import Mapping

from genba.twin.process.maths import soft_positive
from genba.twin.process.unit import Clock, Expression, Names
from genba.twin.process.variable import Parameter, Variable

_KELVIN = 273.15
_SIGMA = 5.670e-11
"""Stefan and Boltzmann's constant, kW/(m2.K4)."""
_ROUNDED_KW = 0.5


class FurnaceHeat:
    """Heat of one furnace, charge by charge."""

    name = "furnace_heat"
    clock = Clock.TIME
    states = (Variable("temperature", "Cel", 0.0, 1100.0),)
    inputs = (Variable("setpoint", "Cel", 20.0, 1000.0),)
    context = (Variable("ambient", "Cel", -10.0, 50.0), Variable("load", "Cel", 0.0, 1100.0))
    outputs = (Variable("temperature", "Cel", 0.0, 1100.0), Variable("power", "kW", 0.0, 200.0))
    parameters = (
        Parameter("capacity", "kJ/K", 200.0, 0.7),
        Parameter("loss", "kW/K", 0.012, 0.7),
        Parameter("radiating", "m2", 0.5, 1.0),
        Parameter("gain", "kW/K", 2.0, 0.8),
        Parameter("rating", "kW", 80.0, 0.3),
        Parameter("base", "kW", 3.0, 0.8),
    )

    def rates(self, x: Names, u: Names, c: Names, p: Names) -> Mapping[str, Expression]:
        """Heat in, less what is lost and what the load takes."""
        lost = p.loss * (x.temperature - c.ambient)
        taken = self._taken(x, c, p)
        return {"temperature": (self._heat(x, u, c, p) - lost - taken) / p.capacity}

    def shows(self, x: Names, u: Names, c: Names, p: Names) -> Mapping[str, Expression]:
        """Temperature, and electric power with what runs besides."""
        return {"temperature": x.temperature, "power": p.base + self._heat(x, u, c, p)}

    @staticmethod
    def _taken(x: Names, c: Names, p: Names) -> Expression:
        hot, cold = x.temperature + _KELVIN, c.load + _KELVIN
        return p.radiating * _SIGMA * (hot**4 - cold**4)

    def _heat(self, x: Names, u: Names, c: Names, p: Names) -> Expression:
        held = p.loss * (u.setpoint - c.ambient) + self._taken(x, c, p)
        wanted = soft_positive(held + p.gain * (u.setpoint - x.temperature), _ROUNDED_KW)
        return p.rating - soft_positive(p.rating - wanted, _ROUNDED_KW)
