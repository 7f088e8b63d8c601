"""The seam of process models: :class:`UnitProcess`, the physics of one machine.

It is written once, in symbols, and used for simulating, identifying, estimating and optimizing. A
process engineer adds one like this::

    class Tank:
        name = "tank"
        clock = Clock.TIME
        states = (Variable("level", "m", 0.0, 2.0),)
        inputs = (Variable("inflow", "m3/s", 0.0, 0.1),)
        context = ()
        outputs = (Variable("level", "m", 0.0, 2.0),)
        parameters = (
            Parameter("area", "m2", 1.0, 0.2),
            Parameter("outlet", "m2", 0.01, 0.3),
        )

        def rates(self, x, u, c, p):
            return {"level": (u.inflow - p.outlet * sqrt(2 * 9.81 * x.level)) / p.area}

        def shows(self, x, u, c, p):
            return {"level": x.level}

and holds it against :func:`genba.twin.process.check_twin`. Functions such as ``sqrt`` and ``exp``
come from :mod:`genba.twin.process.maths`.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, Protocol

from genba.twin.process.variable import Parameter, Variable

Expression = Any
"""A symbol, what was computed from symbols, or a number."""
Names = Any
"""Expressions by attribute: ``x.level``."""


class Clock(StrEnum):
    """What a step of a process is."""

    TIME = "time"
    """A stretch of time: :meth:`UnitProcess.rates` are changes a second."""
    RUN = "run"
    """A part or a batch: :meth:`UnitProcess.rates` are changes a run."""


class UnitProcess(Protocol):
    """The physics of one machine, with parameters that are still to be found."""

    @property
    def name(self) -> str:
        """What this is a model of: ``stirred_tank_reactor``."""
        ...

    @property
    def clock(self) -> Clock:
        """Whether a step is a stretch of time or a run."""
        ...

    @property
    def states(self) -> Sequence[Variable]:
        """What the process remembers; may be hidden (wear)."""
        ...

    @property
    def inputs(self) -> Sequence[Variable]:
        """Set-points."""
        ...

    @property
    def context(self) -> Sequence[Variable]:
        """What is measured and not chosen: lot, tool, hall, product."""
        ...

    @property
    def outputs(self) -> Sequence[Variable]:
        """What is measured of it: signals, quality, energy."""
        ...

    @property
    def parameters(self) -> Sequence[Parameter]:
        """What differs between two machines of this kind."""
        ...

    def rates(self, x: Names, u: Names, c: Names, p: Names) -> Mapping[str, Expression]:
        """Give the change of each state, a second or a run."""
        ...

    def shows(self, x: Names, u: Names, c: Names, p: Names) -> Mapping[str, Expression]:
        """Give each output at this state under these inputs."""
        ...
