"""A process without physics: every measured output is a state that moves linearly.

The skip path on which networks stand where nobody knows the physics. What was learned of it is a
belief like any other: it has a prior, a covariance and noise.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from genba.errors import TwinError
from genba.twin.process.unit import Clock, Expression, Names, UnitProcess
from genba.twin.process.variable import Parameter, Variable

_OWN = 0.3
"""Standard deviation of a slope beforehand: spans of change in a step for a span of distance."""


@dataclass(frozen=True, slots=True, eq=False)
class LinearProcess:
    """Rates of ``states`` are linear in states, inputs and context, all in spans from the middle.

    Raises
    ------
    TwinError
        If there is nothing to follow.
    """

    name: str
    clock: Clock
    states: tuple[Variable, ...]
    inputs: tuple[Variable, ...]
    context: tuple[Variable, ...]
    step_s: float

    def __post_init__(self) -> None:
        if not self.states:
            raise TwinError(f"no output of '{self.name}' is measured; wire one to a signal")

    @property
    def outputs(self) -> tuple[Variable, ...]:
        """What is measured: the states."""
        return self.states

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """A slope for each pair, and a constant for each state."""
        rate = _OWN / self.step_s if self.clock is Clock.TIME else _OWN
        causes = [*(one.name for one in (*self.states, *self.inputs, *self.context)), ""]
        return tuple(
            Parameter(_slope(state.name, place), "1", 0.0, rate, signed=True)
            for state in self.states
            for place in range(len(causes))
        )

    def rates(self, x: Names, u: Names, c: Names, p: Names) -> Mapping[str, Expression]:
        """Sum up what everything does to each state."""
        causes = [
            *_spans(x, self.states), *_spans(u, self.inputs), *_spans(c, self.context), 1.0
        ]  # fmt: skip
        return {
            state.name: state.span
            * sum(getattr(p, _slope(state.name, k)) * cause for k, cause in enumerate(causes))
            for state in self.states
        }

    def shows(self, x: Names, u: Names, c: Names, p: Names) -> Mapping[str, Expression]:
        """All states are measured."""
        return {one.name: getattr(x, one.name) for one in self.states}


def unknown(process: UnitProcess, step_s: float, measured: Sequence[bool]) -> LinearProcess:
    """Take a process' variables, and nothing of its physics."""
    states = tuple(one for one, seen in zip(process.outputs, measured, strict=True) if seen)
    return LinearProcess(
        f"{process.name}_unknown",
        process.clock,
        states,
        tuple(process.inputs),
        tuple(process.context),
        step_s,
    )


def _slope(state: str, cause: int) -> str:
    return f"{state}_by_{cause}"


def _spans(names: Names, of: Sequence[Variable]) -> list[Expression]:
    return [(getattr(names, one.name) - one.middle) / one.span for one in of]
