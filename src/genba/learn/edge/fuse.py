"""Graphs for ONNX Runtime on a CPU: attention and GELU as one operator each.

Exporters write both out: attention as a dozen operators with a pass over memory each, GELU as five.
The runtime has kernels for them (its domain ``com.microsoft``), and finds these patterns by itself
in few spellings. Releases run in ONNX Runtime alone; what a registry keeps and exports stays plain.
"""

from collections.abc import Iterable
from typing import Any, cast

import numpy as np
import onnx
from onnx import helper, numpy_helper

from genba.learn.arrays import AnyArray, Floats
from genba.learn.export.parity import NET_TOLERANCE, OnnxModel

DOMAIN = "com.microsoft"
_HEADS_FIRST, _TURNED, _KEYS = [0, 2, 1, 3], [0, 1, 3, 2], [0, 2, 3, 1]


def fused(content: bytes, windows: AnyArray) -> bytes:
    """Return a graph that says the same with fewer operators; the same bytes where it has none.

    Parameters
    ----------
    content : bytes
        An ONNX graph.
    windows : array
        Real windows (n, window, columns). Where answers to them would be further apart than
        networks may be (1e-4 of 1 + the answer), the graph stays as it is.
    """
    model = onnx.load_from_string(content)
    if not {"Erf", "Softmax"}.intersection(node.op_type for node in model.graph.node):
        return content
    if any(one.g.node or one.graphs for node in model.graph.node for one in node.attribute):
        return content  # what a branch or a loop refers to is not seen from here
    net = _Net(model)
    changed = [_gelu(net, node) for node in net.nodes("Erf")]
    changed += [_attention(net, node) for node in net.nodes("Softmax")]
    if not any(changed):
        return content
    found = net.to_bytes()
    return found if _alike(content, found, windows) else content


def _alike(plain: bytes, other: bytes, windows: AnyArray) -> bool:
    shown = np.asarray(windows, np.float64)
    first, second = (OnnxModel(one).predict(shown).outputs() for one in (plain, other))
    apart = [np.abs(second[name] - said) / (1 + np.abs(said)) for name, said in first.items()]
    known = [gap[np.isfinite(first[name])] for name, gap in zip(first, apart, strict=True)]
    return all(bool(np.all(gap <= NET_TOLERANCE)) for gap in known)


class _Net:
    """A graph that can be asked who makes and who takes a tensor."""

    def __init__(self, model: onnx.ModelProto) -> None:
        self._model = model
        self._nodes = list(model.graph.node)
        self._constants = {one.name: one for one in model.graph.initializer}
        self._made = {name: node for node in self._nodes for name in node.output}
        shaped = onnx.shape_inference.infer_shapes(model).graph
        self._shapes = {
            one.name: [axis.dim_value for axis in one.type.tensor_type.shape.dim]
            for one in (*shaped.value_info, *shaped.input)
        }

    def nodes(self, op: str) -> list[onnx.NodeProto]:
        return [node for node in self._nodes if node.op_type == op]

    def maker(self, tensor: str, *ops: str) -> onnx.NodeProto | None:
        """Return who makes a tensor, if it is one of some operators."""
        node = self._made.get(tensor)
        return node if node is not None and node.op_type in ops else None

    def taker(self, tensor: str, *ops: str) -> onnx.NodeProto | None:
        """Return who takes a tensor, if it is one alone and one of some operators."""
        takers = [node for node in self._nodes if tensor in node.input]
        return takers[0] if len(takers) == 1 and takers[0].op_type in ops else None

    def array(self, tensor: str) -> AnyArray | None:
        one = self._constants.get(tensor)
        return None if one is None else numpy_helper.to_array(one)

    def scalar(self, tensor: str) -> float | None:
        array = self.array(tensor)
        return float(array.reshape(-1)[0]) if array is not None and array.size == 1 else None

    def by_number(self, node: onnx.NodeProto | None) -> tuple[str, float] | None:
        """Read ``x * number``, ``x + number`` or ``x / number``; a divisor as its inverse."""
        if node is None:
            return None
        left, right = node.input
        number = self.scalar(right)
        if number is not None:
            return left, 1 / number if node.op_type == "Div" and number else number
        number = self.scalar(left)
        return None if number is None or node.op_type == "Div" else (right, number)

    def shape(self, tensor: str) -> list[int]:
        """Axes of a tensor, 0 for one that is not fixed; empty where nothing is known."""
        return self._shapes.get(tensor, [])

    def constant(self, array: AnyArray) -> str:
        name = f"fused_{len(self._constants)}"
        self._constants[name] = numpy_helper.from_array(np.ascontiguousarray(array), name)
        return name

    def replace(self, last: onnx.NodeProto, op: str, inputs: Iterable[str], **how: Any) -> None:
        """Have one operator make what a last one made; those before it go where nobody asks."""
        node = helper.make_node(op, list(inputs), list(last.output), domain=DOMAIN, **how)
        self._nodes[self._nodes.index(last)] = node
        self._made[last.output[0]] = node

    def to_bytes(self) -> bytes:
        graph = self._model.graph
        asked = {one.name for one in graph.output}
        kept = []
        for node in reversed(self._nodes):
            if asked.intersection(node.output):
                kept.append(node)
                asked.update(node.input)
        del graph.node[:], graph.initializer[:], graph.value_info[:]
        graph.node.extend(reversed(kept))
        graph.initializer.extend(one for name, one in self._constants.items() if name in asked)
        if DOMAIN not in [one.domain for one in self._model.opset_import]:
            self._model.opset_import.append(helper.make_opsetid(DOMAIN, 1))
        return cast("bytes", self._model.SerializeToString(deterministic=True))


def _gelu(net: _Net, erf: onnx.NodeProto) -> bool:
    """``x / 2 * (1 + erf(x / sqrt 2))``, in whatever order it is multiplied."""
    inner = net.by_number(net.maker(erf.input[0], "Mul", "Div"))
    one = net.taker(erf.output[0], "Add")
    plus = net.by_number(one)
    if inner is None or one is None or plus is None:
        return False
    x, factor = inner
    first = net.taker(one.output[0], "Mul")
    if abs(factor - 0.5**0.5) > 1e-6 or plus[1] != 1.0 or first is None:
        return False
    (other,) = [name for name in first.input if name != one.output[0]] or [""]
    halved = net.by_number(net.maker(other, "Mul", "Div"))
    if halved == (x, 0.5):
        last = first
    else:
        second = net.taker(first.output[0], "Mul")
        rest = [] if second is None else [n for n in second.input if n != first.output[0]]
        pair = {other, *rest}
        if second is None or x not in pair or 0.5 not in [net.scalar(name) for name in pair]:
            return False
        last = second
    net.replace(last, "Gelu", [x])
    return True


def _attention(net: _Net, softmax: onnx.NodeProto) -> bool:
    """Self-attention without a mask: three products of one tensor, turned, mixed and turned back.

    Vaswani et al., *Attention is all you need*, NeurIPS 2017, formula 1.
    """
    if _whole(softmax, "axis", -1) not in (-1, 3):
        return False
    scores, scale = softmax.input[0], 1.0
    if (by := net.by_number(net.maker(scores, "Mul", "Div"))) is not None:
        scores, scale = by
    product, mixed = net.maker(scores, "MatMul"), net.taker(softmax.output[0], "MatMul")
    if product is None or mixed is None or mixed.input[0] != softmax.output[0]:
        return False
    back = net.taker(mixed.output[0], "Transpose")
    last = None if back is None else net.taker(back.output[0], "Reshape")
    if back is None or last is None or _perm(back) != _HEADS_FIRST:
        return False
    parts = [
        _projected(net, product.input[0], _HEADS_FIRST),
        _projected(net, product.input[1], _KEYS),
        _projected(net, mixed.input[1], _HEADS_FIRST),
    ]
    query, key, value = parts
    if query is None or key is None or value is None:
        return False
    told = net.array(last.input[1])
    same = query[0] == key[0] == value[0] and query[1] == key[1] == value[1]
    if not same or told is None or len(told) != 3 or told[2] not in (-1, query[2].shape[1]):
        return False
    weights = net.constant(np.concatenate([one[2] for one in (query, key, value)], axis=1))
    biases = net.constant(np.concatenate([one[3] for one in (query, key, value)]))
    net.replace(last, "Attention", [query[0], weights, biases], num_heads=query[1], scale=scale)
    return True


_Projected = tuple[str, int, Floats, Floats]


def _projected(net: _Net, tensor: str, perm: list[int]) -> _Projected | None:
    """Read back to ``x @ weights + bias``, parted into heads: x, heads, weights and bias."""
    turned = net.maker(tensor, "Transpose")
    if turned is not None and perm == _KEYS and _perm(turned) == _TURNED:
        turned, perm = net.maker(turned.input[0], "Transpose"), _HEADS_FIRST
    parted = None if turned is None else net.maker(turned.input[0], "Reshape")
    if turned is None or parted is None or _perm(turned) != perm:
        return None
    to, before = net.array(parted.input[1]), parted.input[0]
    bias: AnyArray | None = None
    if (added := net.maker(before, "Add")) is not None:
        sides = [(a, net.array(b)) for a, b in (added.input, reversed(added.input))]
        before, bias = next(((a, b) for a, b in sides if b is not None), ("", None))
    product = net.maker(before, "MatMul")
    weights = None if product is None else net.array(product.input[1])
    if product is None or weights is None or weights.ndim != 2 or to is None or len(to) != 4:
        return None
    x, wide = product.input[0], weights.shape[1]
    bias = np.zeros(wide, np.float32) if bias is None else bias
    shape = net.shape(x)
    steps = len(shape) == 3 and to[1] in ([0, shape[1]] if shape[1] else [0])
    if not steps or bias.shape != (wide,) or to[2] < 1 or to[2] * to[3] != wide:
        return None
    return x, int(to[2]), np.asarray(weights), np.asarray(bias)


def _perm(node: onnx.NodeProto) -> list[int]:
    return next((list(one.ints) for one in node.attribute if one.name == "perm"), [])


def _whole(node: onnx.NodeProto, name: str, usual: int) -> int:
    return next((int(one.i) for one in node.attribute if one.name == name), usual)
