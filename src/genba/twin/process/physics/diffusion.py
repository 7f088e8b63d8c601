"""Gas carburizing, batch by batch: how deep the case becomes, how parts warp, what it takes.

Case depth goes with the root of time and diffusivity, ``x = k sqrt(D t)``, D after Arrhenius with
about 140 kJ/mol for carbon in austenite (Tibbetts, J. Appl. Phys. 51, 1980; Harris 1944), and with
how much carbon the surface holds above the depth at which the case is measured (Krauss, *Steels*,
2nd ed., ch. 21). It is written at a reference temperature, since pre-factor and activation energy
can hardly be told apart otherwise.

Parts warp the more, the hotter they were and the deeper their case (Thelning, *Steel and its Heat
Treatment*, ch. 7). A batch takes the heat of its load and fixture, and what the furnace loses while
it is in, which goes with temperature and time.
"""

from collections.abc import Mapping

from genba.twin.process.maths import exp, sqrt
from genba.twin.process.unit import Clock, Expression, Names
from genba.twin.process.variable import Parameter, Variable

_REFERENCE_K = 1193.15
_KELVIN = 273.15
_GAS = 8.314e-3
_CARBON = 0.85
_SOAKED_MIN = 30.0
_MEASURED_AT = 0.35
"""Percent of carbon where the case is said to end (550 HV, ISO 18203)."""


class Diffusion:
    """One carburizing furnace. Hidden: what thermocouple and probe are off by, as case depth."""

    name = "diffusion"
    clock = Clock.RUN
    states = (Variable("offset", "mm", -0.05, 0.05),)
    inputs = (
        Variable("temperature", "Cel", 850.0, 960.0),
        Variable("soak", "min", 5.0, 120.0),
        Variable("carbon", "%", 0.5, 1.2),
    )
    context = ()
    outputs = (
        Variable("case", "mm", 0.0, 1.0),
        Variable("hardness", "1", 40.0, 70.0),
        Variable("distortion", "um", 0.0, 100.0),
        Variable("cycle", "s", 0.0, 20000.0),
        Variable("energy", "kW.h", 0.0, 200.0),
    )
    parameters = (
        Parameter("depth", "mm", 0.25, 0.3),
        Parameter("activation", "kJ/mol", 140.0, 0.1),
        Parameter("heating", "min", 8.0, 0.6),
        Parameter("hardest", "1", 62.0, 0.03),
        Parameter("warped", "um", 15.0, 0.3),
        Parameter("warping", "1/K", 0.011, 0.3),
        Parameter("besides", "s", 1000.0, 0.5),
        Parameter("warming", "kW.h", 8.0, 0.6),
        Parameter("holding", "kW", 12.0, 0.4),
    )

    def rates(self, x: Names, u: Names, c: Names, p: Names) -> Mapping[str, Expression]:
        """It wanders; it goes nowhere by itself."""
        return {"offset": 0.0 * x.offset}

    def shows(self, x: Names, u: Names, c: Names, p: Names) -> Mapping[str, Expression]:
        """Case, hardness and distortion of a part; time and energy of the batch."""
        inverse = 1.0 / (u.temperature + _KELVIN) - 1.0 / _REFERENCE_K
        faster = exp(-p.activation / _GAS * inverse)
        time = (u.soak + p.heating) / _SOAKED_MIN * faster
        rich = (u.carbon - _MEASURED_AT) / (_CARBON - _MEASURED_AT)
        hotter = u.temperature + _KELVIN - _REFERENCE_K
        cycle = p.besides + 60.0 * u.soak
        return {
            "case": x.offset + p.depth * sqrt(time) * sqrt(rich),
            "hardness": p.hardest - 55.0 * (u.carbon - 0.80) * (u.carbon - 0.80),
            "distortion": p.warped * exp(p.warping * hotter),
            "cycle": cycle,
            "energy": p.warming + p.holding * (1.0 + hotter / _REFERENCE_K) * cycle / 3600.0,
        }
