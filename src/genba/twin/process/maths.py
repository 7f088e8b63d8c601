"""The functions in which physics is written: they take symbols and plain numbers alike."""

from typing import Any

import casadi

from genba.twin.process.unit import Expression


def exp(value: Expression) -> Expression:
    """Euler's number to the power of a value."""
    return casadi.exp(value)


def log(value: Expression) -> Expression:
    """Natural logarithm."""
    return casadi.log(value)


def sqrt(value: Expression, floor: float = 1e-9) -> Expression:
    """Square root; what is below the floor is taken for the floor, so that slopes stay finite."""
    return casadi.sqrt(casadi.fmax(value, floor))


def tanh(value: Expression) -> Expression:
    """Hyperbolic tangent."""
    return casadi.tanh(value)


def power(base: Expression, exponent: Expression) -> Expression:
    """A positive base to any power."""
    return casadi.exp(exponent * casadi.log(base))


def soft_step(value: Expression, width: float) -> Expression:
    """0 far below zero, 1 far above, smooth over ``width`` between."""
    return 0.5 * (1.0 + casadi.tanh(value / width))


def soft_positive(value: Expression, width: float) -> Expression:
    """The value where it is positive, else 0, rounded off over ``width`` so that it has slopes."""
    return 0.5 * (value + casadi.sqrt(value * value + width * width))


def stacked(values: list[Any]) -> Any:
    """Put values below each other."""
    return casadi.vertcat(*values) if values else casadi.SX(0, 1)
