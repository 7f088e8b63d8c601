"""Classes drawn at random, members of them at their worst, and controllers that mean harm."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np

from genba.errors import Refused
from genba.guard.assurance import Box, LinearClass, Recovery, Shield

NONSENSE: tuple[Any, ...] = (
    (math.nan,),
    (math.inf,),
    (-math.inf,),
    (),
    (0.0,) * 7,
    (None,),
    ("fast",),
    "fast",
    (1e308,),
    (10**400,),
    (1j,),
    7.0,
)
"""What no controller should say."""


def drawn_shield(seed: int) -> Shield | None:
    """Draw a stable process of one to three states with one or two inputs; None: no proof."""
    source = np.random.default_rng(seed)
    n, m = int(source.integers(1, 4)), int(source.integers(1, 3))
    a = source.normal(size=(n, n))
    a *= source.uniform(0.3, 0.97) / max(1e-9, float(np.abs(np.linalg.eigvals(a)).max()))
    b = source.uniform(1, 5) * source.normal(size=(n, m))
    rest, inputs = source.uniform(-5, 5, n), source.uniform(0.3, 0.7, m)
    e = rest - a @ rest - b @ inputs
    wide = source.uniform(1, 10, (2, n))
    w, v = wide.min(axis=0) * source.uniform(0, 0.05), wide.min(axis=0) * source.uniform(0, 0.02)
    gain = np.zeros((m, n))
    if source.random() < 0.4:
        gain = 0.1 * source.normal(size=(m, n)) / wide.max(axis=0)
    try:
        known = LinearClass(
            _rows(a),
            _rows(b),
            tuple(e.tolist()),
            tuple(w.tolist()),
            tuple((v if source.random() < 0.5 else 0 * v).tolist()),
            Box(tuple((rest - wide[0]).tolist()), tuple((rest + wide[1]).tolist())),
            Box((0.0,) * m, (1.0,) * m),
        )
        return Shield(known, Recovery(tuple(rest.tolist()), tuple(inputs.tolist()), _rows(gain)))
    except Refused:
        return None


def shields(first: int, count: int) -> Iterator[tuple[int, Shield]]:
    """Give so many drawn classes that can be proved, with their seeds."""
    seed = first
    while count:
        made = drawn_shield(seed)
        if made is not None:
            yield seed, made
            count -= 1
        seed += 1


@dataclass
class Plant:
    """A member of a class that does the most harm that a member can.

    Its own push and the error of its sensor go, in each step, towards the bound that is aimed at.
    """

    known: LinearClass
    x: np.ndarray
    aim: np.ndarray
    """Sign for each state: which bound is aimed at."""

    def seen(self) -> tuple[float, ...]:
        """Say to be farther from the bound than it is."""
        return tuple((self.x - self.aim * np.array(self.known.v)).tolist())

    def step(self, u: tuple[float, ...], beyond: float = 0.0) -> None:
        """Go on, pushed by all that the class allows, or by ``beyond`` times that besides."""
        push = (1.0 + beyond) * np.array(self.known.w)
        self.x = np.array(self.known.after(self.x, u)) + self.aim * push

    def worst(self) -> tuple[float, ...]:
        """Choose the corner of the inputs that brings it nearest to a bound, by the true model."""
        low, high = np.array(self.known.envelope.low), np.array(self.known.envelope.high)
        corners = product(*zip(self.known.inputs.low, self.known.inputs.high, strict=True))

        def room(u: tuple[float, ...]) -> float:
            after = np.array(self.known.after(self.x, u)) + self.aim * np.array(self.known.w)
            left = np.where(self.aim > 0, high - after, after - low)
            return float((left / (high - low)).min())

        return min(corners, key=room)


def _rows(matrix: np.ndarray) -> tuple[tuple[float, ...], ...]:
    return tuple(tuple(float(x) for x in row) for row in matrix)
