"""The type of an expression, before any value is known."""

from collections.abc import Mapping

from genba.errors import PlantError
from genba.plant.checks.reasoning import Sort
from genba.plant.expression import Binary, Literal, Name, Node, Unary

_NUMBERS = frozenset({Sort.WHOLE, Sort.NUMBER})
_WORDS = {
    Sort.WHOLE: "a number",
    Sort.NUMBER: "a number",
    Sort.TRUTH: "true or false",
    Sort.TEXT: "text",
}


def sort_of(node: Node, names: Mapping[str, Sort]) -> Sort:
    """Return what kind of value an expression has.

    Raises
    ------
    PlantError
        If it could never be evaluated: what is joined, compared or calculated does not fit.
    """
    match node:
        case Literal(value):
            if isinstance(value, bool):
                return Sort.TRUTH
            return Sort.TEXT if isinstance(value, str) else Sort.NUMBER
        case Name(name):
            return names[name]
        case Unary("not", operand):
            return _must(operand, names, Sort.TRUTH, "not")
        case Unary(operator, operand):
            return _must(operand, names, Sort.NUMBER, operator)
        case Binary("and" | "or" as operator, left, right):
            _must(left, names, Sort.TRUTH, operator)
            return _must(right, names, Sort.TRUTH, operator)
        case Binary("==" | "!=" as operator, left, right):
            a, b = sort_of(left, names), sort_of(right, names)
            if a is not b and not {a, b} <= _NUMBERS:
                raise PlantError(
                    f"'{operator}' compares {_WORDS[a]} with {_WORDS[b]}; compare like with like"
                )
            return Sort.TRUTH
        case Binary("<" | "<=" | ">" | ">=" as operator, left, right):
            _must(left, names, Sort.NUMBER, operator)
            _must(right, names, Sort.NUMBER, operator)
            return Sort.TRUTH
        case Binary(operator, left, right):
            _must(left, names, Sort.NUMBER, operator)
            return _must(right, names, Sort.NUMBER, operator)


def _must(node: Node, names: Mapping[str, Sort], wanted: Sort, operator: str) -> Sort:
    found = sort_of(node, names)
    if found is wanted or (wanted is Sort.NUMBER and found in _NUMBERS):
        return wanted
    what = f"'{node.id}'" if isinstance(node, Name) else "an operand"
    mend = "compare it with something" if wanted is Sort.TRUTH else "compare it with == or !="
    raise PlantError(f"'{operator}' takes {_WORDS[wanted]}, and {what} is {_WORDS[found]}; {mend}")
