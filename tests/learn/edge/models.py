"""Small ONNX models that behave, and such that do not."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genba.learn.edge.bundle import seal
from genba.learn.edge.contract import Contract
from genba.learn.edge.keys import ReleaseKey
from genba.learn.export.graph import Graph

COLUMNS = ("press.force", "press.heat")
WINDOW = 4
SHAPE = (WINDOW, len(COLUMNS))
Twist = Callable[[Graph, str], str]
"""Makes of the good answer (n, 1) another one."""


def card(**changes: Any) -> dict[str, Any]:
    """The card of a model that watches a press."""
    told: dict[str, Any] = {
        "name": "watch",
        "version": "1",
        "task": "anomaly",
        "equipment": "press",
        "columns": list(COLUMNS),
        "window": WINDOW,
        "step_s": 1.0,
        "threshold": 1.0,
        "low": -1000.0,
        "high": 1000.0,
        "budget_us": 5000.0,
        "memory_mb": 128.0,
    }
    return {**told, **changes}


def contract(**changes: Any) -> Contract:
    return Contract.from_plain(card(**changes))


def graph(
    scale: float = 1.0, twist: Twist = lambda _, told: told, shape: tuple[int, int] = SHAPE
) -> bytes:
    """``scale`` times the mean of the window, and what a twist makes of it."""
    made = Graph("watch", shape)
    mean = made.add("ReduceMean", "inputs", made.constant(np.array([1, 2], np.int64)), keepdims=0)
    told = made.add("Mul", mean, made.constant(np.float32(scale)))
    made.output("value", twist(made, told))
    return made.to_bytes()


def plus(amount: float) -> Twist:
    """Answers that have drifted."""
    return lambda made, told: made.add("Add", told, made.constant(np.float32(amount)))


def where_above(limit: float, then: Twist) -> Twist:
    """Behave, until the answer comes above a limit."""

    def twisted(made: Graph, told: str) -> str:
        above = made.add("Greater", told, made.constant(np.float32(limit)))
        return made.add("Where", above, then(made, told), told)

    return twisted


def nan(made: Graph, told: str) -> str:
    """No number."""
    square = made.add("Abs", told)
    minus = made.add("Sub", made.constant(np.float32(-1.0)), square)
    return made.add("Sqrt", minus)


def slow(made: Graph, told: str, rounds: int = 60, size: int = 256) -> str:
    """The same answer after a lot of work."""
    rng = np.random.default_rng(0)
    matrix = made.constant(rng.normal(size=(size, size)).astype(np.float32) / size)
    work = made.add("MatMul", made.add("Mul", matrix, told), matrix)
    for _ in range(rounds):
        work = made.add("MatMul", work, matrix)
    nothing = made.add("ReduceSum", work, keepdims=0)
    nothing = made.add("Mul", nothing, made.constant(np.float32(0.0)))
    return made.add("Add", told, nothing)


def hungry(made: Graph, told: str) -> str:
    """The same answer after taking 16 GiB of memory."""
    shape = made.constant(np.array([1 << 32], np.int64))
    much = made.add("ConstantOfShape", shape)
    nothing = made.add("ReduceSum", made.add("Mul", much, told), keepdims=0)
    return made.add("Add", told, made.add("Mul", nothing, made.constant(np.float32(0.0))))


def failing_above(limit: float) -> Twist:
    """Behave, and fail at run time on windows whose mean is above a limit (index out of bounds)."""

    def twisted(made: Graph, told: str) -> str:
        above = made.add("Greater", told, made.constant(np.float32(limit)))
        index = made.add("Mul", made.add("Cast", above, to=7), made.constant(np.int64(99)))
        zeros = made.constant(np.zeros(2, np.float32))
        return made.add("Add", told, made.add("Gather", zeros, index))

    return twisted


def rows(count: int = 60, seed: int = 0, level: float = 0.0) -> NDArray[np.float32]:
    """Windows of a press at work."""
    rng = np.random.default_rng(seed)
    return (level + rng.normal(0, 0.5, (count, *SHAPE))).astype(np.float32)


def release(
    key: ReleaseKey,
    model: bytes | None = None,
    *,
    answers: NDArray[np.float32] | None = None,
    probes: NDArray[np.float32] | None = None,
    **changes: Any,
) -> bytes:
    """A signed bundle; its answers are those of the good model unless others are given."""
    probes = rows() if probes is None else probes
    said = probes.mean(axis=(1, 2)).astype(np.float32) if answers is None else answers
    return seal(model or graph(), card(**changes), probes, said, key)
