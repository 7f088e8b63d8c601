"""A robot cell, part by part: what speed makes of time, energy and of how far joints lie apart.

- A move with a trapezoidal speed profile takes ``d/v + v/a``; summed over a program's moves, way
  and ramps are two numbers: Lynch & Park, *Modern Robotics*, ch. 9.
- A robot leaves its path the more, the faster it goes (path accuracy, ISO 9283), here with the
  square of speed, as forces do; worn fingers and a fixture that has moved add what they add.
- Parts lie around their hole in two directions. Where both scatter by ``s``, the distance is
  Rayleigh's: its mean is 1.25 ``s``, and the chance of more than ``d`` is ``exp(-d2 / 2 s2)``.

What is off is looked at in a plane, so that it is told by gauging alone; force and torque of a
joint say nothing of it. Way, program and parts are of one product; each has parameters of its own.
"""

from collections.abc import Mapping

from genba.twin.process.maths import soft_positive
from genba.twin.process.unit import Clock, Expression, Names
from genba.twin.process.variable import Parameter, Variable

_MEAN = 1.2533
"""Of Rayleigh's distribution with scale 1: the root of half pi."""
_TAIL = 0.75
"""Deviation of the normal distribution that has about Rayleigh's tail where 0.1 to 10% lie beyond a
limit; its own deviation is 0.655."""


class Assembly:
    """One robot cell. Hidden: play of fingers and fixture, in each of two directions."""

    name = "assembly"
    clock = Clock.RUN
    states = (Variable("play", "um", 0.0, 40.0),)
    inputs = (Variable("speed", "m/s", 0.1, 2.5),)
    context = ()
    outputs = (
        Variable("misalignment", "um", 0.0, 200.0),
        Variable("misalignment_spread", "um", 0.0, 100.0),
        Variable("cycle", "s", 0.0, 600.0),
        Variable("energy", "kW.h", 0.0, 0.5),
    )
    parameters = (
        Parameter("path", "um.s2/m2", 12.0, 0.5),
        Parameter("way", "m", 18.0, 0.5),
        Parameter("ramps", "s2/m", 7.0, 0.4),
        Parameter("besides", "s", 50.0, 0.5),
        Parameter("base", "kW", 0.8, 0.5),
        Parameter("motion", "kW.s2/m2", 1.0, 0.5),
    )

    def rates(self, x: Names, u: Names, c: Names, p: Names) -> Mapping[str, Expression]:
        """It wanders: fingers wear, fixtures move and are aligned again."""
        return {"play": 0.0 * x.play}

    def shows(self, x: Names, u: Names, c: Names, p: Names) -> Mapping[str, Expression]:
        """What gauge, clock and meter say of a part, and how far parts scatter."""
        scatter = soft_positive(x.play, 4.0) + p.path * u.speed * u.speed
        moves = p.way / u.speed + p.ramps * u.speed
        cycle = p.besides + moves
        return {
            "misalignment": _MEAN * scatter,
            "misalignment_spread": _TAIL * scatter,
            "cycle": cycle,
            "energy": (p.base * cycle + p.motion * u.speed * u.speed * moves) / 3600.0,
        }
