"""Small matrices as tuples of rows: enough to prove a reachable set, and nothing to install."""

from collections.abc import Sequence

Vector = tuple[float, ...]
Matrix = tuple[Vector, ...]


def dot(a: Sequence[float], b: Sequence[float]) -> float:
    """Sum of products."""
    return sum(x * y for x, y in zip(a, b, strict=True))


def apply(m: Matrix, v: Sequence[float]) -> Vector:
    """Matrix times column."""
    return tuple(dot(row, v) for row in m)


def product(a: Matrix, b: Matrix) -> Matrix:
    """Matrix times matrix."""
    columns = tuple(zip(*b, strict=True))
    return tuple(tuple(dot(row, column) for column in columns) for row in a)


def plus(a: Sequence[float], b: Sequence[float]) -> Vector:
    """Sum of columns."""
    return tuple(x + y for x, y in zip(a, b, strict=True))


def minus(a: Sequence[float], b: Sequence[float]) -> Vector:
    """Difference of columns."""
    return tuple(x - y for x, y in zip(a, b, strict=True))


def added(a: Matrix, b: Matrix) -> Matrix:
    """Sum of matrices."""
    return tuple(plus(x, y) for x, y in zip(a, b, strict=True))


def sizes(m: Matrix) -> Matrix:
    """Each number without its sign."""
    return tuple(tuple(abs(x) for x in row) for row in m)


def larger(a: Matrix, b: Matrix) -> Matrix:
    """The larger of two numbers, place by place."""
    return tuple(
        tuple(max(x, y) for x, y in zip(one, two, strict=True))
        for one, two in zip(a, b, strict=True)
    )


def identity(size: int) -> Matrix:
    """Ones along the diagonal."""
    return tuple(tuple(1.0 if i == j else 0.0 for j in range(size)) for i in range(size))


def widest(m: Matrix) -> float:
    """Largest sum of sizes in a row: what a unit box can become at most."""
    return max(sum(abs(x) for x in row) for row in m)
