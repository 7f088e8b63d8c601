"""Let a choice through as far as the envelope can still be kept after it, for ever.

After one step under the chosen set-points the recovery takes over, in thought. With deviations
``d`` from its resting point, ``M = A + B K``, and every error at its worst, the deviation after
``k`` steps lies within ``M^(k-1) d1 ± r_k``,

    r_k = |M^(k-1)| (|A| v + w) + sum over j < k-1 of |M^j| (w + |B K| v),

which is the exact support of the reachable set in each direction (a zonotope; Girard 2005). Up to
the horizon each step is checked. Beyond it, what is left of ``d1`` is bounded by the envelope's own
size, once and for all, when the shield is made. All checks are linear in the set-points, so on the
way from recovery to choice the last safe point has a closed form.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from genba.errors import Refused
from genba.guard.assurance.linear_class import LinearClass
from genba.guard.assurance.matrix import (
    Matrix,
    Vector,
    added,
    apply,
    dot,
    identity,
    larger,
    minus,
    plus,
    product,
    sizes,
    widest,
)
from genba.guard.assurance.recovery import Recovery

_LONGEST = 2000
_LEFT = 0.02
"""Share of a deviation that may be left at the horizon."""
_FORGOTTEN = 1e-9
_ROUNDING = 1e-9
"""Share of the envelope that is kept free, for what is lost to rounding in a step."""


@dataclass(frozen=True, slots=True)
class Shielded:
    """Set-points that are safe, and how much of the choice is in them.

    Attributes
    ----------
    share : float
        1: the choice itself; 0: the recovery.
    recoverable : bool
        False where what is known now is too little to prove the recovery anew. The proof of the
        last choice that was let through still holds while the recovery drives.
    """

    inputs: Vector
    share: float
    recoverable: bool


class Shield:
    """A proof for one class and one recovery.

    Raises
    ------
    Refused
        If the recovery does not rest, does not settle, or rests too near the envelope to keep it
        against the errors of the class.
    """

    def __init__(self, known: LinearClass, recovery: Recovery) -> None:
        recovery.check(known)
        self.known = known
        self.recovery = recovery
        closed = added(known.a, product(known.b, recovery.gain))
        scale = minus(known.envelope.high, known.envelope.low)
        powers = _powers(closed, scale)
        horizon = _horizon(powers, scale)
        first = plus(apply(sizes(known.a), known.v), known.w)
        later = plus(known.w, apply(sizes(product(known.b, recovery.gain)), known.v))
        self._rules = _rules(known, recovery, powers[:horizon], first, later)
        _check_rest(known, recovery, powers, horizon, first, later)

    @property
    def horizon(self) -> int:
        """Steps that are checked one by one."""
        return len(self._rules)

    def filter(self, x: Sequence[float], chosen: Sequence[float]) -> Shielded:
        """Give the set-points nearest to the choice, on the way from the recovery, that are safe.

        Parameters
        ----------
        x : (n,)
            Where the process is thought to be.
        chosen : (m,)
            Finite set-points within the inputs' range.
        """
        rest = self.known.inputs.nearest(self.recovery.choose(x))
        start = minus(self.known.after(x, rest), self.recovery.state)
        way = apply(self.known.b, minus(chosen, rest))
        share, recoverable = 1.0, True
        for powers, low, high in self._rules:
            for row, lowest, highest in zip(powers, low, high, strict=True):
                at, by = dot(row, start), dot(row, way)
                if not lowest <= at <= highest:
                    recoverable = False
                    share = 0.0
                elif by > 0:
                    share = min(share, (highest - at) / by)
                elif by < 0:
                    share = min(share, (lowest - at) / by)
        share = max(0.0, share)
        inputs = tuple(r + share * (c - r) for r, c in zip(rest, chosen, strict=True))
        return Shielded(self.known.inputs.nearest(inputs), share, recoverable)


def _scaled(m: Matrix, scale: Vector) -> Matrix:
    """A matrix between deviations as shares of the envelope."""
    return tuple(
        tuple(x * wide / own for x, wide in zip(row, scale, strict=True))
        for row, own in zip(m, scale, strict=True)
    )


def _powers(closed: Matrix, scale: Vector) -> list[Matrix]:
    """Give powers of the closed loop until nothing of a deviation is left."""
    powers = [identity(len(closed))]
    while widest(_scaled(powers[-1], scale)) > _FORGOTTEN:
        if len(powers) > _LONGEST:
            raise Refused(
                "the recovery does not settle: a deviation is still there after "
                f"{_LONGEST} steps; take another gain"
            )
        powers.append(product(powers[-1], closed))
    return powers


def _horizon(powers: list[Matrix], scale: Vector) -> int:
    """Give the steps after which little is left of any deviation, and stays so."""
    large = [k for k, power in enumerate(powers) if widest(_scaled(power, scale)) > _LEFT]
    return large[-1] + 2


def _rules(
    known: LinearClass, recovery: Recovery, powers: list[Matrix], first: Vector, later: Vector
) -> list[tuple[Matrix, Vector, Vector]]:
    """For each step ahead: what ``M^(k-1) d1`` has to lie between.

    ``first`` is the error of the step under the choice, ``later`` that of each after it.
    """
    span = minus(known.envelope.high, known.envelope.low)
    rounding = tuple(_ROUNDING * wide for wide in span)
    room_low = plus(minus(known.envelope.low, recovery.state), rounding)
    room_high = minus(minus(known.envelope.high, recovery.state), rounding)
    gathered: Vector = tuple(0.0 for _ in first)
    rules = []
    for power in powers:
        radius = plus(apply(sizes(power), first), gathered)
        rules.append((power, plus(room_low, radius), minus(room_high, radius)))
        gathered = plus(gathered, apply(sizes(power), later))
    return rules


def _check_rest(
    known: LinearClass,
    recovery: Recovery,
    powers: list[Matrix],
    horizon: int,
    first: Vector,
    later: Vector,
) -> None:
    """Check that beyond the horizon the envelope is kept, whatever happened before."""
    away = tuple(
        max(high - rest, rest - low)
        for low, high, rest in zip(
            known.envelope.low, known.envelope.high, recovery.state, strict=True
        )
    )
    most = sizes(powers[-1])
    for power in powers[horizon:]:
        most = larger(most, sizes(power))
    total: Vector = tuple(0.0 for _ in first)
    for power in powers:
        total = plus(total, apply(sizes(power), later))
    span = minus(known.envelope.high, known.envelope.low)
    # What was cut off of the sum: a geometric tail far below a millionth of the span.
    slack = tuple(1e-6 * wide for wide in span)
    radius = plus(plus(apply(most, plus(away, first)), total), slack)
    for place, (rest, own) in enumerate(zip(recovery.state, radius, strict=True)):
        low, high = known.envelope.low[place], known.envelope.high[place]
        if rest - own < low or rest + own > high:
            raise Refused(
                f"state {place} rests at {rest:.4g} give or take {own:.4g}, which its envelope "
                f"from {low:.4g} to {high:.4g} does not hold; recover to another point, know the "
                "process better, or widen the envelope"
            )
