"""A finding names the columns that speak for it, of any model that can be asked."""

import numpy as np
import pytest
from tests.learn.edge.models import COLUMNS, contract, failing_above, graph

from genba.learn.edge.session import EdgeModel
from genba.learn.edge.speaking import speaking
from genba.learn.export.graph import Graph

NAMES = ("press.a", "press.b", "press.c")
MATRIX = np.array([[2.0, 0.8, 0.0], [0.8, 1.0, 0.0], [0.0, 0.0, 0.5]])


def distance() -> EdgeModel:
    """x' A x of the newest row: a distance whose first two columns go together."""
    made = Graph("distance", (1, 3))
    flat = made.add("Flatten", "inputs", axis=1)
    turned = made.add("MatMul", flat, made.constant(MATRIX.astype(np.float32)))
    axis = made.constant(np.array([1], np.int64))
    made.output("value", made.add("ReduceSum", made.add("Mul", flat, turned), axis, keepdims=0))
    return EdgeModel(made.to_bytes(), contract(columns=list(NAMES), window=1))


def test_of_a_distance_parts_are_shapleys_and_sum_up() -> None:
    model = distance()
    seen, usual = np.array([[2.0, 1.0, 1.0]], np.float32), np.zeros((1, 3), np.float32)
    model.window[0] = seen
    told = {part.column: part.share for part in speaking(model, usual)}
    whole = float(seen[0] @ MATRIX @ seen[0])
    # Of a quadratic form each column has its own square and half of what it shares.
    expected = seen[0] * (MATRIX @ seen[0]) / whole
    assert told == pytest.approx(
        {name: share for name, share in zip(NAMES, expected, strict=True) if share >= 0.1}, abs=1e-5
    )
    assert np.array_equal(model.window[0], seen), "the window is as it was"


def test_the_column_that_left_is_named_first() -> None:
    model = EdgeModel(graph(), contract())
    usual = np.zeros(model.window.shape[1:], np.float32)
    model.window[0] = usual
    model.window[0][:, 1] = 9.0
    (part,) = speaking(model, usual)
    assert part.column == COLUMNS[1]
    assert part.share == pytest.approx(1.0)


def test_where_many_speak_a_little_the_first_is_named() -> None:
    many = tuple(f"press.{number}" for number in range(20))
    model = EdgeModel(graph(shape=(4, 20)), contract(columns=list(many)))
    usual = np.zeros(model.window.shape[1:], np.float32)
    model.window[0] = 5.0
    model.window[0][:, 7] = 6.0
    (part,) = speaking(model, usual)
    assert part.column == "press.7"
    assert part.share == pytest.approx(6.0 / (19 * 5.0 + 6.0), abs=1e-4)


def test_nothing_is_said_where_nothing_can_be() -> None:
    model = EdgeModel(graph(), contract())
    usual = np.zeros(model.window.shape[1:], np.float32)
    model.window[0] = usual
    assert speaking(model, usual) == (), "nothing differs"
    model.window[0] = 5.0
    assert speaking(model, np.full_like(usual, np.nan)) == ()
    failing = EdgeModel(graph(twist=failing_above(10.0)), contract())
    failing.window[0] = 50.0
    assert speaking(failing, usual) == ()
    assert (failing.window[0] == 50.0).all()
