"""A motor that turns a machine against friction: speed, current, warmth.

Torque against inertia, viscous and dry friction and a load that is known from elsewhere: Armstrong,
Dupont & Canudas de Wit, *Automatica* 30(7), 1994 (friction); the drive holds its speed in
proportion to what is missing. Dry friction is rounded off at rest, so that it has slopes.
"""

from collections.abc import Mapping

from genba.twin.process.maths import tanh
from genba.twin.process.unit import Clock, Expression, Names
from genba.twin.process.variable import Parameter, Variable

_CREEPING = 2.0
"""rad/s over which dry friction turns around."""


class Drive:
    """One motor with its drive."""

    name = "drive"
    clock = Clock.TIME
    states = (Variable("speed", "rad/s", -350.0, 350.0), Variable("warmth", "K", 0.0, 120.0))
    inputs = (Variable("setpoint", "rad/s", -314.0, 314.0),)
    context = (Variable("load", "N.m", -50.0, 50.0),)
    outputs = (
        Variable("speed", "rad/s", -350.0, 350.0),
        Variable("current", "A", -100.0, 100.0),
        Variable("warmth", "K", 0.0, 120.0),
    )
    parameters = (
        Parameter("inertia", "kg.m2", 0.05, 0.7),
        Parameter("dry", "N.m", 1.0, 0.7),
        Parameter("viscous", "N.m.s", 0.01, 0.7),
        Parameter("gain", "N.m.s", 0.5, 0.7),
        Parameter("torque", "N.m/A", 1.0, 0.4),
        Parameter("heating", "K/A2/s", 2e-4, 0.7),
        Parameter("cooling", "1/s", 2e-3, 0.5),
    )

    def rates(self, x: Names, u: Names, c: Names, p: Names) -> Mapping[str, Expression]:
        """Torque less friction and load; loss in the winding less what is carried off."""
        driven = p.gain * (u.setpoint - x.speed)
        rubbed = p.dry * tanh(x.speed / _CREEPING) + p.viscous * x.speed
        current = self._current(x, u, p)
        return {
            "speed": (driven - rubbed - c.load) / p.inertia,
            "warmth": p.heating * current * current - p.cooling * x.warmth,
        }

    def shows(self, x: Names, u: Names, c: Names, p: Names) -> Mapping[str, Expression]:
        """All that a drive tells of itself."""
        return {"speed": x.speed, "current": self._current(x, u, p), "warmth": x.warmth}

    @staticmethod
    def _current(x: Names, u: Names, p: Names) -> Expression:
        return p.gain * (u.setpoint - x.speed) / p.torque
