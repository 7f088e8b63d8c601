"""A class of models: linear, with an error of known size. Every member is meant, not a best one."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from genba.errors import Refused
from genba.guard.assurance.matrix import Matrix, Vector, apply, plus


@dataclass(frozen=True, slots=True)
class Box:
    """Lowest and highest values, place by place."""

    low: Vector
    high: Vector

    def __post_init__(self) -> None:
        if len(self.low) != len(self.high) or not all(
            math.isfinite(low) and math.isfinite(high) and low < high
            for low, high in zip(self.low, self.high, strict=True)
        ):
            raise Refused(
                f"a box from {self.low} to {self.high} holds nothing; give finite bounds, the low "
                "one first"
            )

    def nearest(self, values: Sequence[float]) -> Vector:
        """Give what is inside and nearest to some values, place by place."""
        return tuple(
            min(max(value, low), high)
            for low, value, high in zip(self.low, values, self.high, strict=True)
        )

    def holds(self, values: Sequence[float]) -> bool:
        """Whether all values are inside; what is not finite is not."""
        return len(values) == len(self.low) and all(
            low <= value <= high
            for low, value, high in zip(self.low, values, self.high, strict=True)
        )


@dataclass(frozen=True, slots=True)
class LinearClass:
    """All processes with ``|x' - (A x + B u + e)| <= w``, place by place, inside two boxes.

    Attributes
    ----------
    a : (n, n), b : (n, m), e : (n,)
        The middle of the class, for one step.
    w : (n,)
        How far a member may be off in a step: what is nonlinear, unknown and not measured.
    v : (n,)
        How far a state may be from where it is thought to be.
    envelope : Box of n
        Where the states have to stay; the class is claimed there and nowhere else.
    inputs : Box of m
    """

    a: Matrix
    b: Matrix
    e: Vector
    w: Vector
    v: Vector
    envelope: Box
    inputs: Box

    def __post_init__(self) -> None:
        n, m = len(self.envelope.low), len(self.inputs.low)
        shapes = (
            len(self.a) == n and all(len(row) == n for row in self.a),
            len(self.b) == n and all(len(row) == m for row in self.b),
            len(self.e) == len(self.w) == len(self.v) == n,
        )
        if not all(shapes):
            raise Refused(f"a model class of {n} states and {m} inputs has parts of other shapes")
        flat = [x for rows in (self.a, self.b) for row in rows for x in row]
        if not all(math.isfinite(x) for x in (*flat, *self.e, *self.w, *self.v)):
            raise Refused("a model class holds numbers that are not finite")
        if min((*self.w, *self.v)) < 0:
            raise Refused("the errors of a model class are sizes, so not below 0")

    def after(self, x: Sequence[float], u: Sequence[float]) -> Vector:
        """Where the middle of the class goes in one step."""
        return plus(plus(apply(self.a, x), apply(self.b, u)), self.e)

    def has(self, x: Sequence[float], u: Sequence[float], after: Sequence[float]) -> bool:
        """Whether a step that was seen can be one of a member, as well as states are known."""
        slack = plus(
            plus(apply(tuple(tuple(abs(k) for k in row) for row in self.a), self.v), self.w), self.v
        )
        return all(
            abs(seen - told) <= room + 1e-12
            for seen, told, room in zip(after, self.after(x, u), slack, strict=True)
        )
