"""A process whose context says what is added to its rates, so that others can drive them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from genba.twin.process.symbolic import Symbolic, symbolic
from genba.twin.process.unit import Expression, Names, UnitProcess
from genba.twin.process.variable import Variable


@dataclass(frozen=True, slots=True, eq=False)
class Driven:
    """``inner`` with one more piece of context for each state: what is added to its rate."""

    inner: UnitProcess

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    @property
    def context(self) -> tuple[Variable, ...]:
        """The context, and what is added."""
        added = (Variable(f"added_{one.name}", "1", 0.0, 1.0) for one in self.inner.states)
        return (*self.inner.context, *added)

    def rates(self, x: Names, u: Names, c: Names, p: Names) -> Mapping[str, Expression]:
        """Give the rates of the physics, and what is added."""
        known = self.inner.rates(x, u, c, p)
        return {name: rate + getattr(c, f"added_{name}") for name, rate in known.items()}


def driven(plain: Symbolic, substeps: int | None = None) -> Symbolic:
    """Compile a process so that its rates are added to from outside."""
    return symbolic(Driven(plain.process), plain.step_s, substeps or plain.substeps)
