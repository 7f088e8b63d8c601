"""What physics leaves out, as an ensemble of small networks: numbers, symbols and plain values.

A member adds to the rates of the states, and to outputs that are no states. Among the data it says
what its network learned, never more than ``limit``; away from them it says a random function of
its own, of the size ``doubt``. These functions sum to nothing over the members, so that the mean
goes to zero there while the members part (random prior functions: Osband, Aslanides & Cassirer
2018). Nothing here needs PyTorch.
"""

import hashlib
import json
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

import casadi
import numpy as np

from genba.errors import TwinError
from genba.twin.process.episode import Floats
from genba.twin.process.residual.support import Support
from genba.twin.process.unit import Expression, UnitProcess


@dataclass(frozen=True, eq=False)
class Ensemble:
    """Networks with one layer of tanh, side by side. Heads: all states, then outputs in ``own``.

    Attributes
    ----------
    features : tuple of str
        States, inputs and context, in order.
    own : tuple of int
        Places of the outputs that are corrected: those that are no states.
    center, scale : (features,)
    first, shift : (members, features, hidden), (members, hidden)
    last, offset : (members, hidden, heads), (members, heads)
    limit, doubt : (heads,)
        Rates a second (a run), outputs in their unit.
    waves, phases, heights : (features, waves), (waves,), (members, waves, heads)
        Each member's random function; heights sum to nothing over the members.
    """

    features: tuple[str, ...]
    own: tuple[int, ...]
    outputs: int
    center: Floats
    scale: Floats
    first: Floats
    shift: Floats
    last: Floats
    offset: Floats
    limit: Floats
    doubt: Floats
    waves: Floats
    phases: Floats
    heights: Floats
    support: Support

    @property
    def members(self) -> int:
        """How many networks."""
        return len(self.first)

    @property
    def states(self) -> int:
        """How many states are corrected."""
        return len(self.limit) - len(self.own)

    def checked(self, process: UnitProcess) -> "Ensemble":
        """Return the ensemble if it is of this process.

        Raises
        ------
        TwinError
            If its variables are other ones.
        """
        if self.features != feature_names(process):
            raise TwinError(
                f"the networks are of ({', '.join(self.features)}), and '{process.name}' has "
                f"({', '.join(feature_names(process))}); learn them again"
            )
        return self

    def said(self, x: Floats, u: Floats, c: Floats) -> Floats:
        """What every member says of every row, (members, rows, heads)."""
        rows = (np.concatenate([x, u, c], axis=1) - self.center) / self.scale
        return self._said(rows[None], self.support.open(rows)[None, :, None])

    def said_apart(self, x: Floats, u: Floats, c: Floats) -> Floats:
        """What each member says of rows of its own: (members, rows, ...) to (..., heads)."""
        rows = (np.concatenate([x, u, c], axis=2) - self.center) / self.scale
        return self._said(rows, self.support.open(rows)[..., None])

    def _said(self, rows: Floats, gate: Floats) -> Floats:
        learned = np.tanh(rows @ self.first + self.shift[:, None]) @ self.last
        learned = self.limit * np.tanh(learned + self.offset[:, None])
        waves = np.cos(rows @ self.waves + self.phases) @ self.heights
        return np.asarray(gate * learned + (1.0 - gate) * self.doubt * waves)

    def open(self, x: Floats, u: Floats, c: Floats) -> Floats:
        """How far rows are among the data, (rows,), 0 to 1."""
        return self.support.open((np.concatenate([x, u, c], axis=1) - self.center) / self.scale)

    @cached_property
    def mean(self) -> "Member":
        """The mean over the members, in symbols."""
        return Member(self, None)

    def member(self, place: int) -> "Member":
        """Give one member, in symbols."""
        return Member(self, place)

    def as_plain(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        told: dict[str, Any] = {}
        for one in fields(self):
            value = getattr(self, one.name)
            if isinstance(value, Support):
                told[one.name] = value.as_plain()
            else:
                told[one.name] = value.tolist() if isinstance(value, np.ndarray) else value
        return told

    @classmethod
    def from_plain(cls, told: dict[str, Any]) -> "Ensemble":
        """Read what :meth:`as_plain` wrote."""
        arrays = {
            one.name: np.array(told[one.name], np.float64)
            for one in fields(cls)
            if one.name not in {"features", "own", "outputs", "support"}
        }
        return cls(
            features=tuple(told["features"]),
            own=tuple(told["own"]),
            outputs=int(told["outputs"]),
            support=Support.from_plain(told["support"]),
            **arrays,
        )

    @property
    def digest(self) -> str:
        """SHA-256 of the plain values."""
        text = json.dumps(self.as_plain(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True, slots=True, eq=False)
class Member:
    """One member, or the mean (``place`` None), as a correction for :func:`symbolic`."""

    ensemble: Ensemble
    place: int | None

    def rates(self, x: Expression, u: Expression, c: Expression) -> Expression:
        """What is added to the rates."""
        return self._heads(x, u, c)[: self.ensemble.states]

    def shows(self, x: Expression, u: Expression, c: Expression) -> Expression:
        """What is added to the outputs."""
        told = casadi.SX.zeros(self.ensemble.outputs)
        if self.ensemble.own:
            heads = self._heads(x, u, c)
            for head, output in enumerate(self.ensemble.own):
                told[output] = heads[self.ensemble.states + head]
        return told

    def _heads(self, x: Expression, u: Expression, c: Expression) -> Expression:
        e = self.ensemble
        row = (casadi.vertcat(x, u, c) - e.center) / e.scale
        gate = e.support.expression(row)
        if self.place is not None:
            k = self.place
            waves = casadi.mtimes(e.heights[k].T, casadi.cos(_flow(e.waves, e.phases, row)))
            return gate * self._learned(k, row) + (1.0 - gate) * (e.doubt * waves)
        said = [self._learned(k, row) for k in range(e.members)]
        return gate * sum(said[1:], said[0]) / e.members

    def _learned(self, k: int, row: Expression) -> Expression:
        e = self.ensemble
        hidden = casadi.tanh(_flow(e.first[k], e.shift[k], row))
        return e.limit * casadi.tanh(_flow(e.last[k], e.offset[k], hidden))


def feature_names(process: UnitProcess) -> tuple[str, ...]:
    """Name what a network looks at."""
    groups = (process.states, process.inputs, process.context)
    return tuple(one.name for of in groups for one in of)


def own_outputs(process: UnitProcess) -> tuple[int, ...]:
    """Find the outputs that are no states."""
    states = {(one.name, one.unit) for one in process.states}
    return tuple(
        place for place, one in enumerate(process.outputs) if (one.name, one.unit) not in states
    )


def _flow(weights: Floats, shift: Floats, row: Expression) -> Expression:
    return casadi.mtimes(weights.T, row) + shift
