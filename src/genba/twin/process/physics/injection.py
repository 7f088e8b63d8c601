"""Injection molding, shot by shot: what holding, heat and time make of a part's size and weight.

- The cavity sees the holding pressure less what is lost on the way (viscosity of the lot, wear of
  the ring): Osswald & Turng, *Injection Molding Handbook*, 2nd ed., ch. 5.
- Volumetric shrinkage is linear in pressure, mold and melt temperature around the usual setting,
  which is the equation of state of a polymer (Tait) cut off after its first term; linear shrinkage
  is a third of it, and what the part weighs is what has not shrunk: ibid., ch. 6.
- A part that leaves the mold warm shrinks freely: the middle of a wall cools by
  ``8/pi2 exp(-t/tau)``, Ballman & Shusman 1959; ``tau = wall2 / (pi2 diffusivity)``.

Pressure, weight and size are of one product; each product has parameters of its own.
"""

from collections.abc import Mapping

from genba.twin.process.maths import exp, soft_positive
from genba.twin.process.unit import Clock, Expression, Names
from genba.twin.process.variable import Parameter, Variable

_HOLD_BAR, _MOLD_C, _MELT_C = 350.0, 70.0, 250.0
_MIDDLE = 0.81
"""8 / pi2."""


class Injection:
    """One press with one mold. Hidden: pressure lost on the way, and how the lot shrinks."""

    name = "injection"
    clock = Clock.RUN
    states = (Variable("lost", "bar", 0.0, 300.0), Variable("drift", "%", -0.3, 0.3))
    inputs = (Variable("hold", "bar", 100.0, 1200.0), Variable("cooling", "s", 2.0, 90.0))
    context = (Variable("mold", "Cel", 10.0, 150.0), Variable("melt", "Cel", 150.0, 320.0))
    outputs = (
        Variable("size", "um", -500.0, 500.0),
        Variable("weight", "g", 0.0, 500.0),
        Variable("cavity", "bar", 0.0, 1200.0),
        Variable("cycle", "s", 0.0, 200.0),
        Variable("energy", "kW.h", 0.0, 1.0),
    )
    parameters = (
        Parameter("length", "mm", 60.0, 0.6),
        Parameter("size_zero", "um", 0.0, 60.0, signed=True),
        Parameter("weight_zero", "g", 50.0, 1.0),
        Parameter("by_pressure", "%/bar", 0.006, 0.4),
        Parameter("by_mold", "%/K", 0.02, 0.5),
        Parameter("by_melt", "%/K", 0.008, 0.5),
        Parameter("tau", "s", 8.0, 0.4),
        Parameter("solid", "Cel", 100.0, 0.1),
        Parameter("warm", "um/K", 2.0, 0.6),
        Parameter("besides", "s", 13.0, 0.3),
        Parameter("base", "kW", 5.0, 0.5),
        Parameter("by_shot", "kW.h", 0.03, 0.8),
    )

    def rates(self, x: Names, u: Names, c: Names, p: Names) -> Mapping[str, Expression]:
        """Both wander; neither goes anywhere by itself."""
        return {"lost": 0.0 * x.lost, "drift": 0.0 * x.drift}

    def shows(self, x: Names, u: Names, c: Names, p: Names) -> Mapping[str, Expression]:
        """What gauge, scale, sensor, clock and meter say of a shot."""
        cavity = u.hold - x.lost
        shrinkage = x.drift - p.by_pressure * (cavity - _HOLD_BAR)
        shrinkage += p.by_mold * (c.mold - _MOLD_C) + p.by_melt * (c.melt - _MELT_C)
        middle = c.mold + (c.melt - c.mold) * _MIDDLE * exp(-u.cooling / p.tau)
        cycle = p.besides + u.cooling
        return {
            "size": p.size_zero
            - 10.0 * p.length / 3.0 * shrinkage
            - p.warm * soft_positive(middle - p.solid, 2.0),
            "weight": p.weight_zero * (1.0 - 0.01 * shrinkage),
            "cavity": cavity,
            "cycle": cycle,
            "energy": p.base * cycle / 3600.0 + p.by_shot,
        }
