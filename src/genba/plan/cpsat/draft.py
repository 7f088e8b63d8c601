"""The model while it is drawn up: the solver's model, and its variables by operation.

Operations share one start and one end over all their ways; a way adds a literal and what must hold
if it is taken. That keeps models small: a plain job shop is intervals and no-overlaps.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from ortools.sat.python import cp_model

from genba.plan.cpsat.frame import Frame
from genba.plan.cpsat.ways import Way, Windows
from genba.plan.problem import Mode, Operation, Problem

Expr = Any
"""A number, or a linear expression of the solver, whose own types are too many to follow sums."""
Var = cp_model.IntVar


@dataclass(slots=True)
class Slot:
    """The variables of one operation."""

    operation: Operation
    ways: Sequence[Way]
    present: list[Var]
    """For each way, whether it is taken."""
    leads: list[Var]
    """For each way, whether it is taken and is not within another one's batch."""
    setup_start: Expr
    start: Expr
    end: Expr
    begin: Expr
    """When the job must be there."""
    setup: Expr | None = None
    """Ticks of set-up; None where there is none to do."""
    fixed: bool = False
    """Verbatim, as the problem says: nothing is asked of it."""
    open: bool = True
    """Whether its place in the order is to be decided."""
    lengths: list[Expr] = field(default_factory=list)
    """For each way, the processing ticks; of a batch of which it is the leader: of the longest."""
    powers: list[Expr] = field(default_factory=list)
    """For each way, the power in milliwatts; of a batch of which it is the leader: the highest."""


def milliwatts(mode: Mode) -> int:
    """Return the power of a mode as a whole number."""
    return round(mode.power_kw * 1_000_000)


@dataclass(slots=True)
class Node:
    """What one machine may do: an operation, with one family."""

    slot: Slot
    on: Var
    """Whether it leads something on this machine."""
    ways: list[int]
    family: str | None


@dataclass(slots=True)
class Order:
    """Who follows whom, as arcs of a circuit: ``(before, after, literal)``; -1 is begin and end."""

    nodes: Sequence[Node]
    arcs: list[tuple[int, int, Var]]


Hinter = Callable[["Hints"], None]
"""Tells the value of variables, once those of the operations are told."""


@dataclass(slots=True)
class Hints:
    """Values that are known before the solver starts, by index of the variable."""

    values: dict[int, int] = field(default_factory=dict)
    variables: dict[int, Var] = field(default_factory=dict)

    def tell(self, variable: Expr, value: int) -> None:
        """Note what a variable is in the plan at hand; constants are let go."""
        if isinstance(variable, cp_model.IntVar):
            self.values[variable.index] = int(value)
            self.variables[variable.index] = variable

    def of(self, expression: Expr) -> int:
        """Return the value of an expression whose variables were told."""
        if isinstance(expression, cp_model.IntVar):
            return self.values[expression.index]
        if isinstance(expression, cp_model.LinearExpr):
            flat = cp_model.FlatIntExpr(expression)
            return int(flat.offset) + sum(
                int(factor) * self.values[variable.index]
                for variable, factor in zip(flat.vars, flat.coeffs, strict=True)
            )
        return int(expression)


class Draft:
    """The solver's model with what has been put into it so far."""

    def __init__(self, problem: Problem, horizon: int, frame: Frame | None = None) -> None:
        self.problem = problem
        self.horizon = horizon
        self.frame = frame
        self.cp = cp_model.CpModel()
        self.true: Var = self.cp.new_constant(1)
        self.lowest = min(
            0,
            *(m.free_from for m in problem.machines),
            *(o.fixed.setup_start for o in problem.operations if o.fixed is not None),
        )
        self.slots: dict[str, Slot] = {}
        self.nodes: dict[str, list[Node]] = {m.id: [] for m in problem.machines}
        self.orders: dict[str, Order] = {}
        self.hinters: list[Hinter] = []
        self.reordered = False
        """Whether an order was taken that the problem leaves open, so that nothing is proven."""
        self._reached: dict[tuple[int, int], Var] = {}
        self._closed: dict[tuple[int, Windows], Expr] = {}

    # -- variables ----------------------------------------------------------------------------

    def tick(self, name: str, low: int | None = None, high: int | None = None) -> Var:
        """Make a variable for a point in time."""
        low = self.lowest if low is None else low
        high = self.horizon if high is None else high
        return self.cp.new_int_var(min(low, high), high, name)

    def literal(self, name: str) -> Var:
        """Make a yes or no."""
        return self.cp.new_bool_var(name)

    def any_of(self, literals: Sequence[Var], name: str) -> Var:
        """Return a literal for the one of several, of which at most one holds."""
        if len(literals) == 1:
            return literals[0]
        if any(literal.index == self.true.index for literal in literals):
            return self.true
        found = self.literal(name)
        self.cp.add(sum(literals) == found)
        indices = list(literals)
        self.hinters.append(
            lambda hints: hints.tell(found, int(any(hints.of(each) for each in indices)))
        )
        return found

    def is_true(self, literal: Var) -> bool:
        """Whether a literal is the constant."""
        return bool(literal.index == self.true.index)

    # -- working time -------------------------------------------------------------------------

    def reached(self, at: Expr, tick: int) -> Var | int:
        """Return whether a time is ``tick`` or later, as a literal that is made once."""
        if not isinstance(at, cp_model.IntVar):
            return int(int(at) >= tick)
        low, high = self.bounds(at)
        if tick <= low or tick > high:
            return int(tick <= low)
        key = (at.index, tick)
        if key not in self._reached:
            literal = self.literal("")
            self.cp.add(at >= tick).only_enforce_if(literal)
            self.cp.add(at < tick).only_enforce_if(~literal)
            self._reached[key] = literal
            self.hinters.append(lambda hints: hints.tell(literal, int(hints.of(at) >= tick)))
        return self._reached[key]

    def bounds(self, variable: Var) -> tuple[int, int]:
        """Return the lowest and the highest value of a variable."""
        domain = list(variable.proto.domain)
        return int(domain[0]), int(domain[-1])

    def closed_before(self, at: Expr, windows: Windows) -> Expr:
        """Return the ticks before a time that lie in no window, for a time that lies in one."""
        if not isinstance(at, cp_model.IntVar):
            return _closed_ticks(int(at), windows, self.lowest)
        key = (at.index, windows)
        if key not in self._closed:
            terms: list[Expr] = []
            closed_since = self.lowest
            for start, stop in windows:
                if start > closed_since:
                    terms.append((start - closed_since) * self.reached(at, start))
                closed_since = stop
            self._closed[key] = sum(terms)
        return self._closed[key]

    def in_windows(self, at: Expr, windows: Windows, only_if: Var) -> None:
        """Ask a time to lie in a window, its end included."""
        domain = cp_model.Domain.from_intervals([[start, stop] for start, stop in windows])
        self.cp.add_linear_expression_in_domain(at, domain).only_enforce_if(only_if)


def _closed_ticks(at: int, windows: Windows, since: int) -> int:
    closed = 0
    for start, stop in windows:
        if start > at:
            break
        closed += max(0, start - since)
        since = stop
    return closed
