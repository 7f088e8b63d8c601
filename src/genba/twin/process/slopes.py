"""A compiled process called with arrays: many steps at once, with slopes if wanted."""

from dataclasses import dataclass, field

import casadi
import numpy as np

from genba.twin.process.episode import Floats
from genba.twin.process.symbolic import Symbolic


@dataclass(frozen=True, slots=True, eq=False)
class Linear:
    """A step and what is shown before it, with slopes; ``n`` of them.

    Attributes
    ----------
    after : (n, states)
    shown : (n, outputs)
    after_x : (n, states, states)
    after_z : (n, states, parameters)
    shown_x : (n, outputs, states)
    shown_z : (n, outputs, parameters)
    """

    after: Floats
    shown: Floats
    after_x: Floats
    after_z: Floats
    shown_x: Floats
    shown_z: Floats


@dataclass(slots=True, eq=False)
class Numeric:
    """Steps of a process in numbers. Not to be shared between threads."""

    symbolic: Symbolic
    _sloped: casadi.Function = field(init=False)
    _plain: casadi.Function = field(init=False)
    _calls: dict[tuple[bool, int], "_Call"] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        nx, nu, nc, _, nz = self.symbolic.sizes
        x, u, c, z = (
            casadi.SX.sym(name, size) for name, size in (("x", nx), ("u", nu), ("c", nc), ("z", nz))
        )
        after, shown = self.symbolic.step(x, u, c, z), self.symbolic.shows(x, u, c, z)
        slopes = [
            casadi.densify(casadi.jacobian(value, by)) for value in (after, shown) for by in (x, z)
        ]
        told = [casadi.densify(after), casadi.densify(shown)]
        self._plain = casadi.Function("plain", [x, u, c, z], told)
        self._sloped = casadi.Function("sloped", [x, u, c, z], [*told, *slopes])

    def step(self, x: Floats, u: Floats, c: Floats, z: Floats) -> tuple[Floats, Floats]:
        """Make a step from each row: states after it, and what is shown before it."""
        after, shown = self._called(False, x, u, c, z)
        return after, shown

    def linear(self, x: Floats, u: Floats, c: Floats, z: Floats) -> Linear:
        """Make a step from each row, with slopes."""
        count = len(x)
        after, shown, *slopes = self._called(True, x, u, c, z)
        nx, _, _, ny, nz = self.symbolic.sizes
        sizes = ((nx, nx), (nz, nx), (nx, ny), (nz, ny))
        told = [
            np.ascontiguousarray(slope.reshape(count, *size).swapaxes(1, 2))
            for slope, size in zip(slopes, sizes, strict=True)
        ]
        return Linear(after, shown, *told)

    def run(
        self,
        x: Floats,
        u: Floats,
        c: Floats,
        z: Floats,
        *,
        wander: float = 0.0,
        source: np.random.Generator | None = None,
    ) -> tuple[Floats, Floats]:
        """Let many futures run through steps.

        Parameters
        ----------
        x : (n, states)
        u, c : (steps, inputs), (steps, context) or (n, steps, ...)
        z : (n, parameters)
        wander : float
            Standard deviation that states pick up in a step, in spans; the first future picks up
            nothing.

        Returns
        -------
        states : (n, steps + 1, states)
        shown : (n, steps, outputs)
        """
        count, steps = len(x), u.shape[-2]
        states = np.empty((count, steps + 1, x.shape[1]))
        shown = np.empty((count, steps, self.symbolic.sizes[3]))
        span = np.array([one.span for one in self.symbolic.process.states])
        states[:, 0] = x
        for k in range(steps):
            now_u = np.broadcast_to(u[..., k, :], (count, u.shape[-1]))
            now_c = np.broadcast_to(c[..., k, :], (count, c.shape[-1]))
            states[:, k + 1], shown[:, k] = self.step(states[:, k], now_u, now_c, z)
            if wander and source is not None:
                moved = source.standard_normal((count - 1, len(span)))
                states[1:, k + 1] += wander * span * moved
        return states, shown

    def _called(
        self, sloped: bool, x: Floats, u: Floats, c: Floats, z: Floats
    ) -> tuple[Floats, ...]:
        key = (sloped, len(x))
        if key not in self._calls:
            function = self._sloped if sloped else self._plain
            self._calls[key] = _Call(function if len(x) == 1 else function.map(len(x)))
        return self._calls[key](x, u, c, z)


class _Call:
    """A function of dense matrices called in arrays of its own, without a copy through CasADi's.

    CasADi lays columns one after the other: a matrix of ``n`` columns is an array of ``n`` rows.
    """

    __slots__ = ("_buffer", "_given", "_run", "_told")

    def __init__(self, function: casadi.Function) -> None:
        self._given = [np.zeros(function.size_in(at)[::-1]) for at in range(function.n_in())]
        self._told = [np.zeros(function.size_out(at)[::-1]) for at in range(function.n_out())]
        self._buffer, self._run = function.buffer()
        for at, array in enumerate(self._given):
            self._buffer.set_arg(at, array.data)  # type: ignore[call-arg]
        for at, array in enumerate(self._told):
            self._buffer.set_res(at, array.data)  # type: ignore[call-arg]

    def __call__(self, *given: Floats) -> tuple[Floats, ...]:
        for place, array in zip(self._given, given, strict=True):
            place[...] = array
        self._run()
        return tuple(array.copy() for array in self._told)
