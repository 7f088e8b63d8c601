"""Whether expressions can hold together, decided over ranges of values.

Each name has a domain: numbers between two ends, true and false, or texts. The constants that a
name is compared with cut its domain into points and open intervals between them. Where a formula
compares names with constants only, its truth is the same all over each combination of such cells,
so that trying one value of each decides it. Where it calculates, or compares names with each
other, interval arithmetic (Moore, Interval Analysis, 1966) proves what it can, trial values find
examples, and what is neither proved nor found stays open.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import pairwise, product

from genba.errors import PlantError
from genba.plant.expression import Binary, Literal, Name, Node, Term, Unary, evaluate_node

MAX_COMBINATIONS = 4000
_ORDER = {"<", "<=", ">", ">=", "==", "!="}
_FLIPPED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}


class Sort(Enum):
    """What kind of values a name has."""

    WHOLE = "whole"
    NUMBER = "number"
    TRUTH = "truth"
    TEXT = "text"


@dataclass(frozen=True, slots=True)
class Domain:
    """The values that a name can have; ends count for numbers only, and are included."""

    sort: Sort
    low: float = -math.inf
    high: float = math.inf


@dataclass(frozen=True, slots=True)
class Cell:
    """Part of a domain: from ``low`` to ``high``, and one value out of it."""

    low: float
    high: float
    sample: Term


@dataclass(frozen=True, slots=True)
class Answer:
    """Whether formulas can hold together: an example, a proof that they cannot, or neither."""

    example: Mapping[str, Term] | None
    impossible: bool


def can_hold(formulas: Sequence[Node], domains: Mapping[str, Domain]) -> Answer:
    """Look for values at which all formulas are true.

    Names without a domain are taken as any number.
    """
    names = sorted({name for formula in formulas for name in names_in(formula)})
    cuts: dict[str, set[Term]] = {name: set() for name in names}
    for formula in formulas:
        _collect(formula, cuts)
    choices = [list(_cells(domains.get(n, Domain(Sort.NUMBER)), cuts[n])) for n in names]
    if math.prod(len(cells) for cells in choices) > MAX_COMBINATIONS:
        return Answer(None, impossible=False)
    impossible = True
    for combination in product(*choices):
        cells = dict(zip(names, combination, strict=True))
        verdicts = [_truth(formula, cells) for formula in formulas]
        if False in verdicts:
            continue
        impossible = False
        example = {name: cell.sample for name, cell in cells.items()}
        if all(_holds(formula, example) for formula in formulas):
            return Answer(example, impossible=False)
    return Answer(None, impossible)


def negated(node: Node) -> Node:
    """Return the formula that is true where this one is false."""
    return Unary("not", node)


def either(a: Node, b: Node) -> Node:
    """Return the formula that is true where one of both is."""
    return Binary("or", a, b)


def names_in(node: Node) -> Iterator[str]:
    """Yield every name in a formula."""
    match node:
        case Name(name):
            yield name
        case Unary(_, operand):
            yield from names_in(operand)
        case Binary(_, left, right):
            yield from names_in(left)
            yield from names_in(right)


def _holds(formula: Node, values: Mapping[str, Term]) -> bool:
    try:
        return evaluate_node(formula, values) is True
    except PlantError:
        return False


def constant(node: Node) -> Term | None:
    """Return the value of a formula without names, None where it has names or no value."""
    if next(names_in(node), None) is not None:
        return None
    try:
        return evaluate_node(node, {})
    except PlantError:
        return None


def _simple(node: Node) -> tuple[str, str, Term] | None:
    """Read ``name operator constant`` (or the other way round)."""
    if isinstance(node, Binary) and node.operator in _ORDER:
        value = constant(node.right)
        if isinstance(node.left, Name) and value is not None:
            return node.left.id, node.operator, value
        value = constant(node.left)
        if isinstance(node.right, Name) and value is not None:
            return node.right.id, _FLIPPED[node.operator], value
    return None


def _collect(node: Node, cuts: Mapping[str, set[Term]]) -> None:
    """Gather the constants that each name is compared with."""
    simple = _simple(node)
    if simple is not None:
        cuts[simple[0]].add(simple[2])
        return
    match node:
        case Unary(_, operand):
            _collect(operand, cuts)
        case Binary(_, left, right):
            _collect(left, cuts)
            _collect(right, cuts)


def _cells(domain: Domain, cuts: Iterable[Term]) -> Iterator[Cell]:
    if domain.sort is Sort.TRUTH:
        yield Cell(0, 0, sample=False)
        yield Cell(1, 1, sample=True)
        return
    if domain.sort is Sort.TEXT:
        words = sorted({cut for cut in cuts if isinstance(cut, str)})
        yield from (Cell(0, 0, word) for word in words)
        yield Cell(0, 0, next(w for w in ("", "other", "another") if w not in words))
        return
    numbers = {float(c) for c in cuts if isinstance(c, int | float) and not isinstance(c, bool)}
    inner = {number for number in numbers if domain.low <= number <= domain.high}
    ends = {float(end) for end in (domain.low, domain.high) if math.isfinite(end)}
    whole = domain.sort is Sort.WHOLE
    points = sorted(inner | ends)
    for point in points:
        if not whole or point.is_integer():
            yield Cell(point, point, int(point) if point.is_integer() else point)
    borders = [domain.low, *points, domain.high]
    for low, high in pairwise(borders):
        if low < high and (sample := _between(low, high, whole=whole)) is not None:
            yield Cell(low, high, sample)


def _between(low: float, high: float, *, whole: bool) -> int | float | None:
    """Choose a value strictly between two ends, a whole one where possible."""
    if math.isinf(low) and math.isinf(high):
        return 0
    if math.isinf(low):
        return math.ceil(high) - 1
    if math.isinf(high):
        return math.floor(low) + 1
    near = math.floor(low) + 1
    if near < high:
        return near
    return None if whole else (low + high) / 2


def _truth(node: Node, cells: Mapping[str, Cell]) -> bool | None:
    """Say whether a formula is true all over the cells, false all over them, or undecided."""
    simple = _simple(node)
    if simple is not None:
        return _holds(node, {simple[0]: cells[simple[0]].sample})
    match node:
        case Literal(bool() as value):
            return value
        case Name(name):
            sample = cells[name].sample
            return sample if isinstance(sample, bool) else None
        case Unary("not", operand):
            inner = _truth(operand, cells)
            return None if inner is None else not inner
        case Binary("and", left, right):
            return _all(_truth(left, cells), _truth(right, cells))
        case Binary("or", left, right):
            a, b = _truth(left, cells), _truth(right, cells)
            if a is True or b is True:
                return True
            return False if a is False and b is False else None
        case Binary(operator, left, right) if operator in _ORDER:
            return _compare(operator, _bounds(left, cells), _bounds(right, cells))
    return None


def _all(a: bool | None, b: bool | None) -> bool | None:
    if a is False or b is False:
        return False
    return True if a is True and b is True else None


Bounds = tuple[float, float] | None


def _bounds(node: Node, cells: Mapping[str, Cell]) -> Bounds:
    """Enclose a number that is calculated over the cells; None where nothing is known."""
    match node:
        case Literal(value) if not isinstance(value, bool | str):
            return float(value), float(value)
        case Name(name) if not isinstance(cells[name].sample, bool | str):
            return cells[name].low, cells[name].high
        case Unary("-", operand):
            inner = _bounds(operand, cells)
            return None if inner is None else (-inner[1], -inner[0])
        case Binary(operator, left, right):
            a, b = _bounds(left, cells), _bounds(right, cells)
            return None if a is None or b is None else _combine(operator, a, b)
    return None


def _combine(operator: str, a: tuple[float, float], b: tuple[float, float]) -> Bounds:
    if operator == "+":
        return a[0] + b[0], a[1] + b[1]
    if operator == "-":
        return a[0] - b[1], a[1] - b[0]
    if operator == "/" and b[0] <= 0 <= b[1]:
        return None
    if operator not in {"*", "/"}:
        return None
    corners = [x * y if operator == "*" else x / y for x in a for y in b]
    if any(math.isnan(corner) for corner in corners):
        return None
    return min(corners), max(corners)


def _compare(operator: str, a: Bounds, b: Bounds) -> bool | None:
    if a is None or b is None or any(math.isnan(end) for end in (*a, *b)):
        return None
    match operator:
        case "<":
            return True if a[1] < b[0] else False if a[0] >= b[1] else None
        case "<=":
            return True if a[1] <= b[0] else False if a[0] > b[1] else None
        case ">":
            return _compare("<", b, a)
        case ">=":
            return _compare("<=", b, a)
    apart = a[1] < b[0] or b[1] < a[0]
    same = a[0] == a[1] == b[0] == b[1]
    if operator == "==":
        return False if apart else True if same else None
    return True if apart else False if same else None
