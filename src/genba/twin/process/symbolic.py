"""A unit process as compiled functions: a step, what is shown, and their slopes.

Time is integrated by Runge and Kutta's fourth-order rule with as many sub-steps as are asked for.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Protocol

import casadi

from genba.errors import TwinError
from genba.twin.process.maths import stacked
from genba.twin.process.unit import Clock, Expression, UnitProcess
from genba.twin.process.variable import Parameter, Variable


class Correction(Protocol):
    """What is added to the physics, from states, inputs and context (column vectors)."""

    def rates(self, x: Expression, u: Expression, c: Expression) -> Expression:
        """Give what is added to the rates, (states,); held through a step as it is at its begin."""
        ...

    def shows(self, x: Expression, u: Expression, c: Expression) -> Expression:
        """Give what is added to the outputs, (outputs,)."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Symbolic:
    """A process with a step of its own, ready to be called with arrays or with symbols.

    Attributes
    ----------
    step : casadi.Function
        (x, u, c, z) -> x at the next step.
    shows : casadi.Function
        (x, u, c, z) -> y.
    values : casadi.Function
        z -> parameters.
    step_s : float
        Length of a step; 0 where a step is a run.
    substeps : int
        In how many parts a step is integrated.
    """

    process: UnitProcess
    step_s: float
    step: casadi.Function
    shows: casadi.Function
    values: casadi.Function
    substeps: int = 4

    @property
    def sizes(self) -> tuple[int, int, int, int, int]:
        """Numbers of states, inputs, pieces of context, outputs and parameters."""
        p = self.process
        return (len(p.states), len(p.inputs), len(p.context), len(p.outputs), len(p.parameters))


def symbolic(
    process: UnitProcess,
    step_s: float = 0.0,
    substeps: int = 4,
    correction: Correction | None = None,
) -> Symbolic:
    """Compile a process for a step.

    Raises
    ------
    TwinError
        If the process leaves a state or an output without an expression, or a process of time has
        no step.
    """
    if process.clock is Clock.TIME and not step_s > 0:
        raise TwinError(f"process '{process.name}' runs in time; give a step above 0 s")
    x, u, c = (
        casadi.SX.sym(name, len(of))
        for name, of in (("x", process.states), ("u", process.inputs), ("c", process.context))
    )
    z = casadi.SX.sym("z", len(process.parameters))
    p = stacked([_value(one, z[place]) for place, one in enumerate(process.parameters)])
    told = _by_name(process.parameters, p)
    added = None if correction is None else correction.rates(x, u, c)

    def rates(state: Expression) -> Expression:
        found = process.rates(
            _by_name(process.states, state),
            _by_name(process.inputs, u),
            _by_name(process.context, c),
            told,
        )
        change = _in_order(process, "rate", process.states, found)
        return change if added is None else change + added

    if process.clock is Clock.RUN:
        after = x + rates(x)
    else:
        after = x
        dt = step_s / substeps
        for _ in range(substeps):
            one = rates(after)
            two = rates(after + 0.5 * dt * one)
            three = rates(after + 0.5 * dt * two)
            four = rates(after + dt * three)
            after = after + dt / 6 * (one + 2 * two + 2 * three + four)
    seen = process.shows(
        _by_name(process.states, x),
        _by_name(process.inputs, u),
        _by_name(process.context, c),
        told,
    )
    y = _in_order(process, "output", process.outputs, seen)
    if correction is not None:
        y = y + correction.shows(x, u, c)
    return Symbolic(
        process,
        step_s,
        casadi.Function("step", [x, u, c, z], [after]),
        casadi.Function("shows", [x, u, c, z], [y]),
        casadi.Function("values", [z], [p]),
        substeps,
    )


def corrected(plain: Symbolic, correction: Correction | None) -> Symbolic:
    """Compile the same process for the same step with something added to its physics."""
    return symbolic(plain.process, plain.step_s, plain.substeps, correction)


def _value(parameter: Parameter, z: Expression) -> Expression:
    if parameter.signed:
        return parameter.guess + parameter.spread * z
    return parameter.guess * casadi.exp(parameter.spread * z)


def _by_name(of: Sequence[Variable | Parameter], values: Expression) -> SimpleNamespace:
    return SimpleNamespace(**{one.name: values[place] for place, one in enumerate(of)})


def _in_order(
    process: UnitProcess, what: str, of: Sequence[Variable], found: Mapping[str, Expression]
) -> Expression:
    names = [one.name for one in of]
    if set(found) != set(names):
        missing, extra = set(names) - set(found), set(found) - set(names)
        told = [f"no {what} of '{name}'" for name in sorted(missing)]
        told += [f"'{name}' is not declared" for name in sorted(extra)]
        raise TwinError(
            f"process '{process.name}': {', '.join(told)}; give exactly one {what} for each"
        )
    return stacked([found[name] for name in names])
