"""Attention and GELU become one operator each, whoever wrote them out, and say the same."""

from collections.abc import Callable

import numpy as np
import onnx
import pytest
from tests.learn.edge.models import graph

from genba.learn.edge.fuse import fused
from genba.learn.export.graph import Graph
from genba.learn.export.parity import OnnxModel

STEPS, WIDTH, HEADS = 5, 8, 2
Spelling = Callable[[Graph, str], str]


def number(made: Graph, value: float) -> str:
    return made.constant(np.float32(value))


def one_plus_erf(made: Graph, x: str) -> str:
    erf = made.add("Erf", made.add("Div", x, number(made, 2**0.5)))
    return made.add("Add", erf, number(made, 1.0))


SPELLINGS: dict[str, Spelling] = {
    "half first": lambda g, x: g.add("Mul", g.add("Mul", x, number(g, 0.5)), one_plus_erf(g, x)),
    "half last": lambda g, x: g.add("Mul", g.add("Mul", x, one_plus_erf(g, x)), number(g, 0.5)),
    "half in between": lambda g, x: g.add(
        "Mul", x, g.add("Mul", number(g, 0.5), one_plus_erf(g, x))
    ),
}


def block(
    gelu: Spelling = SPELLINGS["half last"], *, scale: float = 0.5, other: bool = False
) -> bytes:
    """Attention and a GELU; with ``other``, keys come from something else than queries."""
    rng = np.random.default_rng(0)
    made = Graph("block", (STEPS, WIDTH))

    def weights(*shape: int) -> str:
        return made.constant(rng.normal(size=shape).astype(np.float32))

    def heads(tensor: str, perm: list[int]) -> str:
        product = made.add("Add", made.add("MatMul", tensor, weights(WIDTH, WIDTH)), weights(WIDTH))
        to = made.constant(np.array([0, 0, HEADS, WIDTH // HEADS], np.int64))
        return made.add("Transpose", made.add("Reshape", product, to), perm=perm)

    key_of = made.add("Neg", "inputs") if other else "inputs"
    scores = made.add("MatMul", heads("inputs", [0, 2, 1, 3]), heads(key_of, [0, 2, 3, 1]))
    chances = made.add("Softmax", made.add("Mul", scores, number(made, scale)), axis=-1)
    mixed = made.add("MatMul", chances, heads("inputs", [0, 2, 1, 3]))
    back = made.add("Transpose", mixed, perm=[0, 2, 1, 3])
    joined = made.add("Reshape", back, made.constant(np.array([0, 0, WIDTH], np.int64)))
    said = gelu(made, joined)
    axes = made.constant(np.array([1, 2], np.int64))
    made.output("value", made.add("ReduceMean", said, axes, keepdims=0))
    return made.to_bytes()


def windows(count: int = 40) -> np.ndarray:
    return np.random.default_rng(1).normal(size=(count, STEPS, WIDTH))


def operators(content: bytes) -> set[str]:
    return {node.op_type for node in onnx.load_from_string(content).graph.node}


@pytest.mark.parametrize("how", SPELLINGS)
@pytest.mark.parametrize("scale", [0.5, 0.2])
def test_attention_and_gelu_are_one_operator_each_and_say_the_same(how: str, scale: float) -> None:
    plain = block(SPELLINGS[how], scale=scale)
    found = fused(plain, windows())
    assert operators(found) == {"Attention", "Gelu", "ReduceMean", "Identity"}
    said, told = (OnnxModel(one).predict(windows()).value for one in (plain, found))
    np.testing.assert_allclose(told, said, atol=1e-6)
    assert fused(plain, windows()) == found


def test_attention_to_something_else_is_left_as_it_is() -> None:
    found = fused(block(other=True), windows())
    assert "Attention" not in operators(found)
    assert "Softmax" in operators(found)


def test_what_looks_alike_but_is_no_gelu_is_left_as_it_is() -> None:
    def nearly(made: Graph, x: str) -> str:
        return made.add("Mul", made.add("Mul", x, one_plus_erf(made, x)), number(made, 0.25))

    assert "Erf" in operators(fused(block(nearly), windows()))


def test_a_graph_with_neither_keeps_its_bytes() -> None:
    plain = graph()
    assert fused(plain, np.zeros((3, 4, 2))) == plain
