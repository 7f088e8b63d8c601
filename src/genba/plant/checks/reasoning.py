"""Whether expressions can hold together, decided by a theorem prover (Z3).

Each name has a domain: numbers between two ends, true and false, or texts. A formula is turned into
one over exact numbers; what divides by zero does not hold, as in the guard. The prover finds values
at which all formulas hold, proves that there are none, or gives up after a time: then the question
stays open, and whoever asks says so. Values that it finds are tried by the guard's own arithmetic
before they are believed. Texts are only ever compared for equality, so a number stands for each.

Source: L. de Moura, N. Bjorner, Z3: an efficient SMT solver, TACAS 2008.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from fractions import Fraction
from functools import lru_cache
from typing import Any

from genba.errors import PlantError
from genba.plant.expression import Binary, Literal, Name, Node, Term, Unary, evaluate_node

LIMIT_MS = 300
"""Wall milliseconds for one question."""


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
class Answer:
    """Whether formulas can hold together: an example, a proof that they cannot, or neither."""

    example: Mapping[str, Term] | None
    impossible: bool

    @property
    def decided(self) -> bool:
        """Whether there is an example or a proof."""
        return self.impossible or self.example is not None


def can_hold(formulas: Sequence[Node], domains: Mapping[str, Domain]) -> Answer:
    """Look for values at which all formulas are true.

    Names without a domain are taken as any number.
    """
    names = sorted({name for formula in formulas for name in names_in(formula)})
    known = tuple((name, domains.get(name, Domain(Sort.NUMBER))) for name in names)
    return _can_hold(tuple(formulas), known)


@lru_cache(maxsize=4096)
def _can_hold(formulas: tuple[Node, ...], domains: tuple[tuple[str, Domain], ...]) -> Answer:
    prover = Prover(dict(domains), formulas)
    for formula in formulas:
        prover.require(formula)
    return prover.answer(formulas)


def stuck(
    own: Sequence[tuple[Node, Node, str]], domains: Mapping[str, Domain], value: str
) -> Answer:
    """Look for values at which interlocks hold each other for ever.

    Parameters
    ----------
    own : sequence of (when, allow, target)
        A cycle: each ``when`` is over setpoints only, the next one over this one's target.
    domains : mapping
        Of every name, and of ``value`` by target under ``value:<target>``.
    value : str
        The name that stands for what is to be written.

    Returns
    -------
    Answer
        An example at which every ``when`` holds, and whatever its ``allow`` lets be written keeps
        the next one's ``when`` true.
    """
    import z3

    conditions = tuple(when for when, _, _ in own)
    prover = Prover(domains, [*conditions, *(allow for _, allow, _ in own)])
    for when in conditions:
        prover.require(when)
    for number, (_, allow, target) in enumerate(own):
        following = own[(number + 1) % len(own)][0]
        written, inside = prover.fresh(f"written {number}", domains[target])
        allowed = prover.holds(allow, {value: written})
        kept = prover.holds(following, {target: written})
        prover.solver.add(z3.ForAll([written], z3.Implies(z3.And(inside, allowed), kept)))
    return prover.answer(conditions)


class Prover:
    """One question to Z3, built up from formulas."""

    def __init__(self, domains: Mapping[str, Domain], formulas: Sequence[Node]) -> None:
        import z3

        self._z3 = z3
        self.solver = z3.Solver()
        self.solver.set("timeout", LIMIT_MS)
        texts = sorted({text for formula in formulas for text in _texts_in(formula)})
        self._texts = {text: number for number, text in enumerate(texts)}
        self._sorts = {name: domain.sort for name, domain in domains.items()}
        self._names: dict[str, Any] = {}
        used = {name for formula in formulas for name in names_in(formula)}
        for name, domain in domains.items():
            if name in used:
                self._names[name], inside = self.fresh(name, domain)
                self.solver.add(inside)

    def fresh(self, name: str, domain: Domain) -> tuple[Any, Any]:
        """Return a new unknown, and the condition that it lies in its domain."""
        z3 = self._z3
        if domain.sort is Sort.TRUTH:
            return z3.Bool(name), z3.BoolVal(True)
        if domain.sort is Sort.TEXT:
            unknown = z3.Int(name)
            return unknown, unknown >= 0
        unknown = z3.Int(name) if domain.sort is Sort.WHOLE else z3.Real(name)
        ends = []
        if math.isfinite(domain.low):
            ends.append(unknown >= _exactly(z3, domain.low))
        if math.isfinite(domain.high):
            ends.append(unknown <= _exactly(z3, domain.high))
        return unknown, z3.And(*ends)

    def require(self, formula: Node) -> None:
        """Ask for values at which a formula is true."""
        self.solver.add(self.holds(formula, {}))

    def holds(self, formula: Node, instead: Mapping[str, Any]) -> Any:
        """Return the condition that a formula has a value and is true."""
        value, defined = self._translate(formula, {**self._names, **instead})
        return self._z3.And(defined, value)

    def answer(self, formulas: Sequence[Node]) -> Answer:
        """Ask."""
        found = self.solver.check()
        if found == self._z3.unsat:
            return Answer(None, impossible=True)
        if found != self._z3.sat:
            return Answer(None, impossible=False)
        model = self.solver.model()
        example = {
            name: self._plain(name, model.eval(unknown, model_completion=True))
            for name, unknown in sorted(self._names.items())
            if any(name in names_in(formula) for formula in formulas)
        }
        true = all(_holds(formula, example) for formula in formulas)
        return Answer(example if true else None, impossible=False)

    def _plain(self, name: str, value: Any) -> Term:
        if self._sorts[name] is Sort.TRUTH:
            return bool(self._z3.is_true(value))
        if self._sorts[name] is Sort.TEXT:
            words = {number: text for text, number in self._texts.items()}
            return words.get(value.as_long(), f"any other text {value.as_long()}")
        if self._z3.is_algebraic_value(value):
            value = value.approx(20)
        number = Fraction(value.as_fraction()) if hasattr(value, "as_fraction") else value.as_long()
        return int(number) if number == int(number) else float(number)

    def _translate(self, node: Node, names: Mapping[str, Any]) -> tuple[Any, Any]:
        """Return a value, and the condition that there is one."""
        z3 = self._z3
        match node:
            case Literal(bool() as value):
                return z3.BoolVal(value), z3.BoolVal(True)
            case Literal(str() as value):
                return z3.IntVal(self._texts[value]), z3.BoolVal(True)
            case Literal(int() | float() as value):
                return _exactly(z3, value), z3.BoolVal(True)
            case Name(name):
                return names[name], z3.BoolVal(True)
            case Unary("not", operand):
                value, defined = self._translate(operand, names)
                return z3.Not(value), defined
            case Unary(_, operand):
                value, defined = self._translate(operand, names)
                return -value, defined
            case Binary(operator, left, right):
                return self._join(
                    operator, self._translate(left, names), self._translate(right, names)
                )
        raise TypeError(f"{node!r} is no part of an expression")

    def _join(
        self, operator: str, left: tuple[Any, Any], right: tuple[Any, Any]
    ) -> tuple[Any, Any]:
        z3 = self._z3
        (a, a_defined), (b, b_defined) = left, right
        both = z3.And(a_defined, b_defined)
        match operator:
            case "and":
                return z3.And(a, b), z3.And(a_defined, z3.Or(z3.Not(a), b_defined))
            case "or":
                return z3.Or(a, b), z3.And(a_defined, z3.Or(a, b_defined))
            case "==":
                return a == b, both
            case "!=":
                return a != b, both
            case "<":
                return a < b, both
            case "<=":
                return a <= b, both
            case ">":
                return a > b, both
            case ">=":
                return a >= b, both
            case "+":
                return a + b, both
            case "-":
                return a - b, both
            case "*":
                return a * b, both
            case _:
                divisor = z3.ToReal(b) if z3.is_int(b) else b
                return a / divisor, z3.And(both, b != 0)


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


def _texts_in(node: Node) -> Iterator[str]:
    match node:
        case Literal(str() as text):
            yield text
        case Unary(_, operand):
            yield from _texts_in(operand)
        case Binary(_, left, right):
            yield from _texts_in(left)
            yield from _texts_in(right)


def _holds(formula: Node, values: Mapping[str, Term]) -> bool:
    try:
        return evaluate_node(formula, values) is True
    except PlantError:
        return False


def _exactly(z3: Any, number: float) -> Any:
    """Return a number as the fraction that it is, not as it is written."""
    return z3.RealVal(Fraction(number))
