"""The plain controller that recovers: constant safe set-points, perhaps with linear feedback."""

from collections.abc import Sequence
from dataclasses import dataclass

from genba.errors import Refused
from genba.guard.assurance.linear_class import LinearClass
from genba.guard.assurance.matrix import Matrix, Vector, apply, minus, plus


@dataclass(frozen=True, slots=True)
class Recovery:
    """``u = inputs + gain (x - state)``: holds ``state``, where the class' middle rests.

    Attributes
    ----------
    state : (n,), inputs : (m,)
    gain : (m, n)
        Zeros for constant set-points.
    """

    state: Vector
    inputs: Vector
    gain: Matrix

    def choose(self, x: Sequence[float]) -> Vector:
        """Give the set-points that bring the process back."""
        return plus(self.inputs, apply(self.gain, minus(x, self.state)))

    def check(self, known: LinearClass) -> None:
        """Check that it rests where it says, and needs no set-point that does not exist.

        Raises
        ------
        Refused
            If it does not rest, or somewhere in the envelope asks for more than the inputs' range.
        """
        moved = minus(known.after(self.state, self.inputs), self.state)
        span = minus(known.envelope.high, known.envelope.low)
        if any(abs(by) > 1e-6 * wide for by, wide in zip(moved, span, strict=True)):
            raise Refused(f"the recovery point {self.state} does not rest: a step moves it {moved}")
        for place, row in enumerate(self.gain):
            reach = [
                sorted((k * (low - rest - v), k * (high - rest + v)))
                for k, low, high, rest, v in zip(
                    row,
                    known.envelope.low,
                    known.envelope.high,
                    self.state,
                    known.v,
                    strict=True,
                )
            ]
            lowest = self.inputs[place] + sum(low for low, _ in reach)
            highest = self.inputs[place] + sum(high for _, high in reach)
            if lowest < known.inputs.low[place] or highest > known.inputs.high[place]:
                box = known.inputs
                raise Refused(
                    f"the recovery may ask for {lowest:.4g} to {highest:.4g} of input {place}, "
                    f"which takes {box.low[place]:.4g} to {box.high[place]:.4g}; take a "
                    "smaller gain"
                )
