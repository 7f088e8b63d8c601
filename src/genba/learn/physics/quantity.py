"""A quantity that is computed from two columns of the same row, in numpy and in ONNX."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from genba.errors import LearnError, PlantError
from genba.learn.arrays import AnyArray, Floats
from genba.learn.data.column import Column, Known
from genba.learn.data.dataset import Dataset
from genba.learn.export.graph import INPUT, Graph
from genba.plant.units import commensurable, parse_unit

Sign = Literal["*", "/", "-"]
SIGNS: tuple[Sign, ...] = get_args(Sign)
_NODES: dict[Sign, str] = {"*": "Mul", "/": "Div", "-": "Sub"}


@dataclass(frozen=True, slots=True)
class Quantity:
    """``left sign right`` of two columns, by their places; ``name`` is what people call it."""

    name: str
    sign: Sign
    left: int
    right: int

    def of(self, inputs: Floats) -> Floats:
        """Compute it, (..., columns) to (...); NaN where a column is unknown or a divisor is 0.

        Rounded to float32, as ONNX keeps it.
        """
        left, right = inputs[..., self.left], inputs[..., self.right]
        with np.errstate(all="ignore"):
            if self.sign == "*":
                value = left * right
            elif self.sign == "-":
                value = left - right
            else:
                value = np.where(right == 0, np.nan, left / right)
            return np.asarray(value.astype(np.float32), np.float64)

    def add_to(self, graph: Graph, doubled: str) -> str:
        """Write the same on a float64 tensor (n, window, columns); gives (n, window, 1) float64."""
        sides = [
            graph.add("Gather", doubled, graph.constant(np.array([place], np.int64)), axis=2)
            for place in (self.left, self.right)
        ]
        value = graph.add(_NODES[self.sign], *sides)
        if self.sign != "/":
            return value
        nothing = graph.add("Equal", sides[1], graph.constant(np.array(0.0)))
        return graph.add("Where", nothing, graph.constant(np.array(np.nan)), value)

    def told(self, columns: Sequence[Column]) -> str:
        """Write its formula for people."""
        left, right = columns[self.left], columns[self.right]
        formula = f"{left.shown} {self.sign} {right.shown}"
        found = f"{left.name} {self.sign} {right.name}"
        return formula if self.name in (formula, found) else f"{self.name} = {formula}"


def parse_quantity(text: str, data: Dataset) -> Quantity:
    """Read ``name=column*column``, with ``*``, ``/`` or ``-``; names may hold these signs too.

    A column may be called by its name, by its name without a unit in brackets, or by its signal,
    whole or without its equipment; capital letters do not matter.

    Raises
    ------
    LearnError
        If it is no such formula, a column is not there, or a difference is one of unlike things.
    """
    name, _, formula = text.partition("=")
    if not (name.strip() and any(sign in formula for sign in SIGNS)):
        raise LearnError(f"'{text}' is no quantity; write it like power=torque*speed")
    places = _places(data.columns)
    for at, sign in enumerate(formula):
        sides = [places.get(side.strip().lower()) for side in (formula[:at], formula[at + 1 :])]
        if sign not in SIGNS or sides[0] is None or sides[1] is None:
            continue
        left, right = data.columns[sides[0]], data.columns[sides[1]]
        if sign == "-" and not commensurable(left.unit, right.unit):
            raise LearnError(
                f"'{text}' subtracts {right.unit} from {left.unit}; "
                "a difference takes two columns of one kind"
            )
        return Quantity(name.strip(), sign, sides[0], sides[1])
    raise LearnError(
        f"'{text}': not both sides are columns of '{data.name}'; it has {', '.join(places)}"
    )


def _places(columns: Sequence[Column]) -> dict[str, int]:
    """Return the place of each name that a column may be called by; whole names come first."""
    found: dict[str, int] = {}
    shorter: dict[str, set[int]] = {}
    for place, column in enumerate(columns):
        found[column.name.lower()] = place
        if column.levels:
            continue
        short = {column.name.partition("[")[0].strip()}
        if column.signal:
            short |= {column.signal, column.signal.rpartition(".")[2]}
        for name in short:
            shorter.setdefault(name.lower(), set()).add(place)
    alone = {name: min(those) for name, those in shorter.items() if len(those) == 1}
    return alone | found


def unit_of(sign: Sign, left: str, right: str) -> str:
    """Return the unit of a quantity; ``1`` where it would be too long to write."""
    if sign == "-":
        return "K" if parse_unit(left).offset else left
    if sign == "/" and commensurable(left, right) and left == right:
        return "1"
    told = f"({left}).({right})" if sign == "*" else f"({left})/({right})"
    try:
        parse_unit(told)
    except PlantError:
        return "1"
    return told


def columns_of(quantities: Sequence[Quantity], columns: Sequence[Column]) -> tuple[Column, ...]:
    """Return the columns that quantities make; each is known when both of its sides are."""
    made = []
    for one in quantities:
        left, right = columns[one.left], columns[one.right]
        before = left.known is Known.BEFORE and right.known is Known.BEFORE
        known = Known.BEFORE if before else Known.DURING
        made.append(Column(one.name, unit_of(one.sign, left.unit, right.unit), known=known))
    return tuple(made)


def extended(inputs: Floats, quantities: Sequence[Quantity]) -> Floats:
    """Return windows (n, window, columns) with quantities as more columns."""
    if not quantities:
        return inputs
    return np.concatenate([inputs, np.stack([q.of(inputs) for q in quantities], axis=-1)], axis=-1)


def extended_graph(graph: Graph, quantities: Sequence[Quantity]) -> str:
    """Add the same to a graph; float32 (n, window, columns + quantities)."""
    if not quantities:
        return INPUT
    doubled = graph.doubles(INPUT)
    made = [graph.floats(one.add_to(graph, doubled)) for one in quantities]
    return graph.add("Concat", INPUT, *made, axis=2)


def to_array(quantities: Sequence[Quantity]) -> AnyArray:
    """Return them as numbers: sign, left and right of each, (quantities, 3)."""
    rows = [(SIGNS.index(one.sign), one.left, one.right) for one in quantities]
    return np.array(rows, np.int64).reshape(-1, 3)


def from_arrays(numbers: AnyArray, names: AnyArray) -> tuple[Quantity, ...]:
    """Make them again."""
    return tuple(
        Quantity(str(name), SIGNS[int(sign)], int(left), int(right))
        for (sign, left, right), name in zip(numbers, names, strict=True)
    )
