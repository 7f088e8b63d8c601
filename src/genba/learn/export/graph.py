"""A small builder of ONNX graphs: one input of windows, outputs named as in Prediction."""

from typing import Any, cast

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from genba.learn.arrays import AnyArray

INPUT = "inputs"
OPSET = 18
ML_OPSET = 3
IR_VERSION = 9
ML = "ai.onnx.ml"
_TYPES = {"float": TensorProto.FLOAT, "double": TensorProto.DOUBLE, "int64": TensorProto.INT64}


class Graph:
    """Collects nodes; every method that adds one gives back the name of what comes out.

    Parameters
    ----------
    name : str
        Of the graph.
    shape : tuple of int
        Of one input row: (window, columns), or (height, width).
    """

    def __init__(self, name: str, shape: tuple[int, ...]) -> None:
        self._name = name
        self._nodes: list[onnx.NodeProto] = []
        self._constants: list[onnx.TensorProto] = []
        self._outputs: list[onnx.ValueInfoProto] = []
        self._count = 0
        self._input = helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, ["n", *shape])

    def _new(self, stem: str) -> str:
        self._count += 1
        return f"{stem.lower()}_{self._count}"

    def constant(self, array: AnyArray) -> str:
        """Add numbers; their type stays."""
        name = self._new("c")
        self._constants.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def add(self, op: str, *inputs: str, domain: str = "", **attributes: Any) -> str:
        """Add a node with one output."""
        return self.add_many(op, 1, *inputs, domain=domain, **attributes)[0]

    def add_many(
        self, op: str, count: int, *inputs: str, domain: str = "", **attributes: Any
    ) -> list[str]:
        """Add a node with several outputs."""
        names = [self._new(op) for _ in range(count)]
        node = helper.make_node(op, list(inputs), names, domain=domain, **attributes)
        self._nodes.append(node)
        return names

    def doubles(self, tensor: str) -> str:
        """Turn a tensor into float64, in which sums of squares keep their digits."""
        return self.add("Cast", tensor, to=TensorProto.DOUBLE)

    def floats(self, tensor: str) -> str:
        """Turn a tensor into float32."""
        return self.add("Cast", tensor, to=TensorProto.FLOAT)

    def output(self, name: str, tensor: str, shape: tuple[int, ...] = ()) -> None:
        """Show a float32 tensor of shape (n, *shape) under a name."""
        self._nodes.append(helper.make_node("Identity", [tensor], [name]))
        told = helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", *shape])
        self._outputs.append(told)

    def absorb(self, content: bytes, tensor: str) -> dict[str, tuple[str, tuple[int, ...]]]:
        """Take over another graph of ours with a tensor as its input.

        Gives for each of its outputs the tensor and its shape without the first axis.
        """
        other = onnx.load_from_string(content).graph
        self._count += 1
        own = {"": "", INPUT: tensor}

        def renamed(name: str) -> str:
            return own.setdefault(name, f"of_{self._count}_{name}")

        for constant in other.initializer:
            constant.name = renamed(constant.name)
            self._constants.append(constant)
        for node in other.node:
            for names in (node.input, node.output):
                told = [renamed(name) for name in names]
                del names[:]
                names.extend(told)
            self._nodes.append(node)
        return {
            one.name: (
                renamed(one.name),
                tuple(axis.dim_value for axis in one.type.tensor_type.shape.dim[1:]),
            )
            for one in other.output
        }

    def to_bytes(self) -> bytes:
        """Check the graph and write it; the same graph gives the same bytes."""
        graph = helper.make_graph(
            self._nodes, self._name, [self._input], self._outputs, self._constants
        )
        opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid(ML, ML_OPSET)]
        model = helper.make_model(graph, opset_imports=opsets, producer_name="genba")
        model.ir_version = IR_VERSION
        onnx.checker.check_model(model)
        return cast("bytes", model.SerializeToString(deterministic=True))
