"""Milling and boring, part by part: load, size, surface and what is used of the tool.

- Power goes with feed times Kienzle's specific force, ``chip^-0.26``, and rises as the flank wears:
  Kienzle 1952; Klocke, *Manufacturing Processes 1*, ch. 3. The force pushes the tool aside.
- Tool life ``T ~ speed^-(1/n) feed^-(1/m)`` of the chip's thickness: extended Taylor equation, with
  n about 0.25 for coated carbide, m about 0.6; flank wear of 0.3 mm ends it (ISO 8688-2).
- What is left standing grows with wear (the edge recedes) and force, and shrinks as the spindle
  grows; roughness is that of the tool's shape, ``chip2``, and of its wear.

Path, tool and material are of one product; each product has parameters of its own. ``life`` is the
cutting time after which the machine changes its tool; ``size_end`` is the size at its end.
"""

from collections.abc import Mapping

from genba.twin.process.maths import power
from genba.twin.process.unit import Clock, Expression, Names
from genba.twin.process.variable import Parameter, Variable

_SPEED, _FEED, _LOAD, _SPINDLE_C = 3500.0, 1000.0, 40.0, 30.0
_KIENZLE = 0.26
_WORN_MM = 0.3
_RUN_IN_MM = 0.06
"""Wear in the first minutes of an edge, which no life undoes."""


class Cutting:
    """One machining center with one tool. Hidden: its wear, the material's hardness, the zero."""

    name = "cutting"
    clock = Clock.RUN
    states = (
        Variable("wear", "mm", 0.0, 0.4),
        Variable("hardness", "1", 0.8, 1.2),
        Variable("offset", "um", -10.0, 10.0),
    )
    inputs = (
        Variable("speed", "/min", 500.0, 12000.0),
        Variable("feed", "mm/min", 50.0, 4000.0),
        Variable("life", "min", 5.0, 120.0),
    )
    context = (Variable("fresh", "1", 0.0, 1.0), Variable("spindle", "Cel", 5.0, 80.0))
    outputs = (
        Variable("size", "um", -50.0, 50.0),
        Variable("size_end", "um", -50.0, 50.0),
        Variable("roughness", "um", 0.0, 5.0),
        Variable("load", "%", 0.0, 200.0),
        Variable("cycle", "s", 0.0, 600.0),
        Variable("energy", "kW.h", 0.0, 1.0),
        Variable("tools", "1", 0.0, 0.5),
    )
    parameters = (
        Parameter("zero", "um", 0.0, 10.0, signed=True),
        Parameter("path", "mm", 1000.0, 0.8),
        Parameter("besides", "s", 35.0, 0.5),
        Parameter("lasts", "min", 80.0, 1.2),
        Parameter("taylor_n", "1", 0.25, 0.1),
        Parameter("taylor_m", "1", 0.6, 0.1),
        Parameter("load_new", "%", 40.0, 1.0),
        Parameter("load_worn", "1/mm", 2.0, 0.3),
        Parameter("size_worn", "um/mm", 60.0, 0.4),
        Parameter("gives_way", "um", 5.0, 0.6),
        Parameter("growth", "um/K", 1.0, 0.6),
        Parameter("rough", "um", 0.5, 0.5),
        Parameter("rough_worn", "um/mm", 1.0, 0.6),
        Parameter("base", "kW", 2.5, 0.4),
        Parameter("cutting", "kW", 2.0, 0.8),
    )

    def rates(self, x: Names, u: Names, c: Names, p: Names) -> Mapping[str, Expression]:
        """A fresh tool starts anew; each part wears it."""
        worn = self._wear(x, c)
        used = (_WORN_MM - _RUN_IN_MM) * self._minutes(u, p) / self._lasts(u, p)
        return {
            "wear": worn + used - x.wear,
            "hardness": 0.0 * x.hardness,
            "offset": 0.0 * x.offset,
        }

    def shows(self, x: Names, u: Names, c: Names, p: Names) -> Mapping[str, Expression]:
        """What gauges, the drive, clock and meter say of a part."""
        worn, minutes = self._wear(x, c), self._minutes(u, p)
        end = _RUN_IN_MM + (_WORN_MM - _RUN_IN_MM) * u.life / self._lasts(u, p)
        load = self._load(x, u, p, worn)
        cycle = p.besides + 60.0 * minutes
        chip = u.feed / _FEED / (u.speed / _SPEED)
        return {
            "size": self._size(x, u, c, p, worn),
            "size_end": self._size(x, u, c, p, end),
            "roughness": p.rough * (0.5 + 0.5 * chip * chip) + p.rough_worn * worn,
            "load": load,
            "cycle": cycle,
            "energy": (p.base * cycle + p.cutting * load / _LOAD * 60.0 * minutes) / 3600.0,
            "tools": minutes / u.life,
        }

    @staticmethod
    def _wear(x: Names, c: Names) -> Expression:
        return c.fresh * _RUN_IN_MM + (1.0 - c.fresh) * x.wear

    @staticmethod
    def _minutes(u: Names, p: Names) -> Expression:
        return p.path / u.feed

    @staticmethod
    def _lasts(u: Names, p: Names) -> Expression:
        speed, feed = u.speed / _SPEED, u.feed / _FEED
        return p.lasts * power(speed, -1.0 / p.taylor_n) * power(feed / speed, -1.0 / p.taylor_m)

    @staticmethod
    def _load(x: Names, u: Names, p: Names, worn: Expression) -> Expression:
        speed, feed = u.speed / _SPEED, u.feed / _FEED
        steady = power(feed, 1.0 - _KIENZLE) * power(speed, _KIENZLE)
        return p.load_new * x.hardness * steady * (1.0 + p.load_worn * (worn - _RUN_IN_MM))

    def _size(self, x: Names, u: Names, c: Names, p: Names, worn: Expression) -> Expression:
        force = self._load(x, u, p, worn) / p.load_new / (u.speed / _SPEED)
        pushed = p.gives_way * force + p.size_worn * (worn - _RUN_IN_MM)
        return p.zero + x.offset + pushed - p.growth * (c.spindle - _SPINDLE_C)
