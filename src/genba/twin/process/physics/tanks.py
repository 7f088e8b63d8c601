"""Four coupled tanks, two above two, fed by two pumps whose flows are split.

Outflow after Torricelli; the process of K. H. Johansson, "The quadruple-tank process", IEEE Trans.
Control Systems Technology 8(3), 2000. Only the outlets over the tanks' areas, and the share of a
pump that reaches a tank over its area, can be told from levels; these are the parameters.
"""

from collections.abc import Mapping

from genba.twin.process.maths import sqrt
from genba.twin.process.unit import Clock, Expression, Names
from genba.twin.process.variable import Parameter, Variable

_FALL = 2.0 * 9.81


class FourTanks:
    """Tanks 3 and 4 stand above 1 and 2; pump 1 feeds 1 and 4, pump 2 feeds 2 and 3."""

    name = "four_tanks"
    clock = Clock.TIME
    states = tuple(Variable(f"level_{tank}", "m", 0.0, 0.6) for tank in (1, 2, 3, 4))
    inputs = (Variable("pump_1", "V", 0.1, 10.0), Variable("pump_2", "V", 0.1, 10.0))
    context = ()
    outputs = states
    parameters = (
        *(Parameter(f"outlet_{tank}", "1", 0.003, 0.5) for tank in (1, 2, 3, 4)),
        Parameter("above_1", "1", 0.002, 0.5),
        Parameter("above_2", "1", 0.002, 0.5),
        Parameter("pump_1_to_1", "m/V/s", 0.0003, 0.7),
        Parameter("pump_2_to_2", "m/V/s", 0.0003, 0.7),
        Parameter("pump_2_to_3", "m/V/s", 0.0006, 0.7),
        Parameter("pump_1_to_4", "m/V/s", 0.0006, 0.7),
    )

    def rates(self, x: Names, u: Names, c: Names, p: Names) -> Mapping[str, Expression]:
        """What flows in less what flows out."""
        speed = [sqrt(_FALL * level) for level in (x.level_1, x.level_2, x.level_3, x.level_4)]
        return {
            "level_1": p.above_1 * speed[2] - p.outlet_1 * speed[0] + p.pump_1_to_1 * u.pump_1,
            "level_2": p.above_2 * speed[3] - p.outlet_2 * speed[1] + p.pump_2_to_2 * u.pump_2,
            "level_3": p.pump_2_to_3 * u.pump_2 - p.outlet_3 * speed[2],
            "level_4": p.pump_1_to_4 * u.pump_1 - p.outlet_4 * speed[3],
        }

    def shows(self, x: Names, u: Names, c: Names, p: Names) -> Mapping[str, Expression]:
        """All four levels are measured."""
        return {f"level_{tank}": getattr(x, f"level_{tank}") for tank in (1, 2, 3, 4)}
