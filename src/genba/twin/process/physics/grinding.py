"""Plunge grinding, part by part: what infeed and spark-out make of size, surface and power.

- Power is that of chips, which goes with infeed, and that of rubbing flats, which goes with wheel
  speed and grows as the wheel dulls: Malkin & Guo, *Grinding Technology*, 2nd ed., ch. 5. It goes
  with the heat of the zone, so a limit on it is a margin to burning (ch. 6).
- The real infeed lags by ``tau``; what is left decays in spark-out as ``exp(-t/tau)``: ch. 12.
- Roughness goes with a power of the removal rate and falls to about half in spark-out: ch. 10.

Diameter, width, stock and hardness are of one product; each product has parameters of its own.
"""

from collections.abc import Mapping

from genba.twin.process.maths import exp, power
from genba.twin.process.unit import Clock, Expression, Names
from genba.twin.process.variable import Parameter, Variable

_INFEED, _WHEEL_M_S, _COOLANT_C = 8.0, 35.0, 25.0
_SMOOTHEST = 0.45
"""Share of the plunged roughness that long spark-out leaves."""


class Grinding:
    """One grinder. Hidden: how dull the wheel is, and where its size has drifted to."""

    name = "grinding"
    clock = Clock.RUN
    states = (Variable("offset", "um", -6.0, 6.0), Variable("rubbing", "kW", 0.0, 3.0))
    inputs = (
        Variable("infeed", "um/s", 2.0, 25.0),
        Variable("spark_out", "s", 0.5, 25.0),
    )
    context = (Variable("coolant", "Cel", 5.0, 60.0), Variable("wheel", "m/s", 15.0, 50.0))
    outputs = (
        Variable("size", "um", -30.0, 30.0),
        Variable("roughness", "um", 0.0, 1.0),
        Variable("power", "kW", 0.0, 12.0),
        Variable("cycle", "s", 0.0, 200.0),
        Variable("energy", "kW.h", 0.0, 0.5),
    )
    parameters = (
        Parameter("zero", "um", 0.0, 3.0, signed=True),
        Parameter("tau", "s", 1.2, 0.3),
        Parameter("thermal", "um/K", 0.3, 0.5),
        Parameter("chip", "kW.s/um", 0.15, 0.6),
        Parameter("rough", "um", 0.4, 0.3),
        Parameter("rough_power", "1", 0.3, 0.3),
        Parameter("besides", "s", 40.0, 0.4),
        Parameter("stock", "um", 80.0, 0.2),
        Parameter("base", "kW", 3.0, 0.4),
    )

    def rates(self, x: Names, u: Names, c: Names, p: Names) -> Mapping[str, Expression]:
        """Both wander; dressing is not told."""
        return {"offset": 0.0 * x.offset, "rubbing": 0.0 * x.rubbing}

    def shows(self, x: Names, u: Names, c: Names, p: Names) -> Mapping[str, Expression]:
        """What gauges, the drive, clock and meter say of a part."""
        left = u.infeed * p.tau * exp(-u.spark_out / p.tau)
        smooth = _SMOOTHEST + (1.0 - _SMOOTHEST) * exp(-u.spark_out / (2.5 * p.tau))
        grinding = p.chip * u.infeed + x.rubbing * c.wheel / _WHEEL_M_S
        plunge = p.stock / u.infeed
        cycle = p.besides + plunge + u.spark_out
        return {
            "size": p.zero + x.offset + 2.0 * left + p.thermal * (c.coolant - _COOLANT_C),
            "roughness": p.rough * power(u.infeed / _INFEED, p.rough_power) * smooth,
            "power": grinding,
            "cycle": cycle,
            "energy": (p.base * cycle + grinding * plunge) / 3600.0,
        }
