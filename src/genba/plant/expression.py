"""Small expressions over signals, for interlocks: parsed and evaluated here, never by ``eval``.

::

    expression := and-part { "or" and-part }
    and-part   := not-part { "and" not-part }
    not-part   := "not" not-part | comparison
    comparison := sum [ ("==" | "!=" | "<" | "<=" | ">" | ">=") sum ]
    sum        := product { ("+" | "-") product }
    product    := factor { ("*" | "/") factor }
    factor     := "-" factor | number | 'text' | "true" | "false" | name | "(" expression ")"

A name is a signal id (``cell-1.people``) or ``value``, the value that is about to be written. Ids
may contain ``-`` and ``/``, so these two have spaces around them when they calculate.

Types are strict: only numbers are calculated with and ordered, only true and false are joined by
and/or/not, and only like is compared with like. Whatever cannot be evaluated raises; nothing is
guessed, so that the guard can take the safe side.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from genba.errors import MissingValue, PlantError
from genba.plant.sample import Scalar

MAX_LENGTH = 1000
MAX_DEPTH = 30
MAX_NODES = 200
VALUE = "value"
"""The name of the value that is about to be written."""

Term = bool | int | float | str
"""What an expression calculates with."""


@dataclass(frozen=True, slots=True)
class Literal:
    """A number, text, true or false."""

    value: Term


@dataclass(frozen=True, slots=True)
class Name:
    """A signal id, or ``value``."""

    id: str


@dataclass(frozen=True, slots=True)
class Unary:
    """``not`` or ``-`` before an operand."""

    operator: str
    operand: "Node"


@dataclass(frozen=True, slots=True)
class Binary:
    """Two operands and what stands between them."""

    operator: str
    left: "Node"
    right: "Node"


Node = Literal | Name | Unary | Binary


@dataclass(frozen=True, slots=True)
class Expression:
    """A parsed expression."""

    text: str
    root: Node
    names: frozenset[str]
    """The signal ids in it, without ``value``."""
    uses_value: bool

    def evaluate(self, values: Mapping[str, Scalar]) -> Term:
        """Calculate with the value of each signal, and of ``value`` where it is used.

        ``and`` and ``or`` stop early, but every name must have a value all the same.

        Raises
        ------
        MissingValue
            If a name has no value, or one that is None or not finite.
        PlantError
            If types do not fit, something is divided by zero, or a result is not finite.
        """
        for name in self.names:
            _value_of(name, values)
        return evaluate_node(self.root, values)


@lru_cache(maxsize=4096)
def parse_expression(text: str) -> Expression:
    """Read an expression.

    Raises
    ------
    PlantError
        If it is none; the message names the place and the mend.
    """
    if len(text) > MAX_LENGTH:
        raise PlantError(
            f"expression '{text[:40]}...' is longer than {MAX_LENGTH} characters; split it in two"
        )
    parser = _Parser(text)
    root = parser.parse()
    return Expression(
        text, root, frozenset(parser.names - {VALUE}), uses_value=VALUE in parser.names
    )


_NAME = r"[A-Za-z0-9][A-Za-z0-9_./-]*"
_TOKENS = re.compile(
    rf"""\s*(?:
      (?P<number>(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)(?![A-Za-z0-9_./-])
    | (?P<text>'[^']*'|"[^"]*")
    | (?P<name>{_NAME})
    | (?P<operator><=|>=|==|!=|[<>+*/()-])
    )""",
    re.VERBOSE,
)
_WORDS = {"and", "or", "not"}
_BINDING = {
    "or": 1, "and": 2,
    "==": 4, "!=": 4, "<": 4, "<=": 4, ">": 4, ">=": 4,
    "+": 5, "-": 5, "*": 6, "/": 6,
}  # fmt: skip
_NOT, _MINUS = 3, 7
_COMPARISONS = frozenset({"==", "!=", "<", "<=", ">", ">="})
_SLIPS = {"=": "==", "&": "and", "&&": "and", "|": "or", "||": "or", "!": "not", "<>": "!="}


class _Parser:
    """A Pratt parser: each operator binds as strongly as its number."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = list(self._split())
        self._at = 0
        self._nodes = 0
        self.names: set[str] = set()

    def _split(self) -> list[tuple[str, str, int]]:
        tokens: list[tuple[str, str, int]] = []
        at, end = 0, len(self._text.rstrip())
        while at < end:
            match = _TOKENS.match(self._text, at)
            if match is None or match.lastgroup is None:
                at += len(self._text[at:]) - len(self._text[at:].lstrip())
                raise self._unreadable(at)
            word = match[match.lastgroup]
            kind = "operator" if word in _WORDS else match.lastgroup
            tokens.append((kind, word, match.start(match.lastgroup)))
            at = match.end()
        tokens.append(("end", "", len(self._text)))
        return tokens

    def _unreadable(self, at: int) -> PlantError:
        for slip in sorted(_SLIPS, key=len, reverse=True):
            if self._text.startswith(slip, at):
                return self._wrong(at, f"'{slip}' is not used here", f"write '{_SLIPS[slip]}'")
        if self._text[at] in "'\"":
            return self._wrong(at, "a text is not closed", "end it with the same quote")
        return self._wrong(at, f"'{self._text[at]}' has no meaning here", "leave it out")

    def _wrong(self, at: int, what: str, mend: str) -> PlantError:
        return PlantError(f"expression '{self._text}', character {at + 1}: {what}; {mend}")

    def parse(self) -> Node:
        if self._tokens[0][0] == "end":
            raise PlantError("an expression is empty; write something like cell-1.people > 0")
        root = self._expression(0, 0)
        kind, word, at = self._tokens[self._at]
        if kind != "end":
            raise self._wrong(at, f"'{word}' comes unexpected", "join two parts with and / or")
        return root

    def _next(self) -> tuple[str, str, int]:
        token = self._tokens[self._at]
        self._at += 1
        return token

    def _made(self, node: Node, at: int) -> Node:
        self._nodes += 1
        if self._nodes > MAX_NODES:
            raise self._wrong(at, f"there are more than {MAX_NODES} parts", "split it in two")
        return node

    def _expression(self, least: int, depth: int) -> Node:
        """Parse while operators bind more strongly than ``least``."""
        left = self._operand(depth)
        while True:
            kind, operator, at = self._tokens[self._at]
            if kind != "operator" or _BINDING.get(operator, 0) <= least:
                return left
            self._at += 1
            right = self._expression(_BINDING[operator], depth + 1)
            if operator in _COMPARISONS and self._tokens[self._at][1] in _COMPARISONS:
                raise self._wrong(
                    self._tokens[self._at][2],
                    "comparisons cannot be chained",
                    "write a < b and b < c",
                )
            left = self._made(Binary(operator, left, right), at)

    def _operand(self, depth: int) -> Node:
        kind, word, at = self._next()
        if depth > MAX_DEPTH:
            raise self._wrong(at, f"it is nested more than {MAX_DEPTH} deep", "split it in two")
        if kind == "number":
            return self._made(Literal(self._number(word, at)), at)
        if kind == "text":
            return self._made(Literal(word[1:-1]), at)
        if word in {"true", "false"}:
            return self._made(Literal(word == "true"), at)
        if kind == "name":
            self.names.add(word)
            return self._made(Name(word), at)
        if word in {"not", "-"}:
            operand = self._expression(_NOT if word == "not" else _MINUS, depth + 1)
            return self._made(Unary(word, operand), at)
        if word == "(":
            inside = self._expression(0, depth + 1)
            if self._next()[1] != ")":
                raise self._wrong(at, "a bracket is not closed", "add ')'")
            return inside
        if kind == "end":
            raise self._wrong(at, "it ends too early", "complete it")
        raise self._wrong(at, f"'{word}' comes unexpected", "put a signal id or a number before it")

    def _number(self, word: str, at: int) -> int | float:
        number = float(word)
        if not math.isfinite(number) or len(word) > 30:
            raise self._wrong(at, f"{word[:30]} is too large", "write a smaller number")
        return int(word) if word.isdigit() else number


def _value_of(name: str, values: Mapping[str, Scalar]) -> Term:
    value = values.get(name)
    if value is None:
        raise MissingValue(f"{name} has no value; wait for its device, or check the id")
    if isinstance(value, float) and not math.isfinite(value):
        raise MissingValue(f"{name} is {value}, which is no value; check its device")
    return value


def evaluate_node(node: Node, values: Mapping[str, Scalar]) -> Term:
    """Calculate one part of an expression; see :meth:`Expression.evaluate`."""
    match node:
        case Literal(value):
            return value
        case Name(name):
            return _value_of(name, values)
        case Unary("not", operand):
            return not _truth(evaluate_node(operand, values))
        case Unary(_, operand):
            return -_number(evaluate_node(operand, values))
        case Binary("and", left, right):
            return _truth(evaluate_node(left, values)) and _truth(evaluate_node(right, values))
        case Binary("or", left, right):
            return _truth(evaluate_node(left, values)) or _truth(evaluate_node(right, values))
        case Binary(operator, left, right) if operator in _COMPARISONS:
            return _compare(operator, evaluate_node(left, values), evaluate_node(right, values))
        case Binary(operator, left, right):
            return _calculate(operator, evaluate_node(left, values), evaluate_node(right, values))


def _truth(value: Term) -> bool:
    if not isinstance(value, bool):
        raise PlantError(f"{value!r} is neither true nor false; compare it with something")
    return value


def _number(value: Term) -> int | float:
    if isinstance(value, bool | str):
        raise PlantError(f"{value!r} is no number; compare it with == or !=")
    return value


def _compare(operator: str, a: Term, b: Term) -> bool:
    if operator in {"==", "!="}:
        if _sort(a) is not _sort(b):
            raise PlantError(f"{a!r} and {b!r} cannot be compared; give both the same type")
        return (a == b) is (operator == "==")
    x, y = _number(a), _number(b)
    match operator:
        case "<":
            return x < y
        case "<=":
            return x <= y
        case ">":
            return x > y
        case _:
            return x >= y


def _sort(value: Term) -> type:
    return float if type(value) in {int, float} else type(value)


def _calculate(operator: str, a: Term, b: Term) -> int | float:
    try:
        x, y = float(_number(a)), float(_number(b))
    except OverflowError:
        raise PlantError("a number is too large to calculate with; mend its device") from None
    if operator == "/" and y == 0:
        raise PlantError(f"{x:g} is divided by zero; test the divisor first")
    result = {"+": x + y, "-": x - y, "*": x * y}[operator] if operator != "/" else x / y
    if not math.isfinite(result):
        raise PlantError(f"{x:g} {operator} {y:g} is too large a number; mend the expression")
    return result
