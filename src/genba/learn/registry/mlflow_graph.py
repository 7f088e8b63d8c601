"""A foreign ONNX graph, turned into one that takes windows and says ``value``, as ours do."""

from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import onnx
from onnx import TensorProto, compose, helper, numpy_helper

from genba.errors import LearnError
from genba.learn.export.graph import INPUT
from genba.learn.registry.mlflow_export import tensors_of
from genba.learn.registry.mlflow_folder import TYPES

Sizes: TypeAlias = tuple[Any, ...]
"""What a graph says of a shape: numbers, and names or None where any number may be."""
VALUE = "value"
_NUMBERS = {
    "tensor(float)": TensorProto.FLOAT,
    "tensor(double)": TensorProto.DOUBLE,
    "tensor(int64)": TensorProto.INT64,
}
_THEIRS = "theirs_"
_OLDEST_OPSET = 9


def read_graph(path: Path) -> onnx.ModelProto:
    """Read a graph with all of its numbers, also those that lie in files beside it.

    Raises
    ------
    LearnError
        If it is none, or too old.
    """
    try:
        model = onnx.load(path)
        onnx.checker.check_model(model)
    except Exception as error:  # noqa: BLE001 - the checker has errors of many types
        raise LearnError(
            f"{path.name} is no sound ONNX graph: {str(error).splitlines()[0][:160]}; convert the "
            "model again"
        ) from None
    opset = max(one.version for one in model.opset_import if one.domain in ("", "ai.onnx"))
    if opset < _OLDEST_OPSET:
        raise LearnError(
            f"{path.name} uses operators of ONNX opset {opset}, and {_OLDEST_OPSET} is the oldest "
            "that is taken; convert the model again"
        )
    return model


def shape_of(model: onnx.ModelProto) -> tuple[int, int]:
    """Return the window and the number of columns that a graph takes.

    Raises
    ------
    LearnError
        If its inputs are no rows or windows of a known number of columns.
    """
    inputs, _ = tensors_of(model.SerializeToString())
    sizes = [shape for _, shape in inputs.values()]
    if len(sizes) > 1 and all(len(s) == 1 or (len(s) == 2 and s[1] == 1) for s in sizes):
        return 1, len(sizes)
    fixed = sizes[0][1:]
    if len(sizes) == 1 and len(fixed) in (1, 2) and all(isinstance(one, int) for one in fixed):
        return (1, fixed[0]) if len(fixed) == 1 else (fixed[0], fixed[1])
    told = "; ".join(f"{name} {list(shape)}" for name, (_, shape) in inputs.items())
    raise LearnError(
        f"the graph takes {told}; it has to take rows [n, columns], windows [n, rows, columns], or "
        "one input [n, 1] for each column, with the number of columns given"
    )


def adapted(model: onnx.ModelProto, output: str | None, steps: bool) -> bytes:
    """Put a front before a graph that cuts our windows to its inputs, and name its answer.

    Parameters
    ----------
    output : str, optional
        Which of its outputs is the answer; may be left out where only one can be.
    steps : bool
        Whether the answer may be several numbers, one for each step ahead.

    Raises
    ------
    LearnError
        If inputs or outputs are of a kind that cannot be.
    """
    inputs, outputs = tensors_of(model.SerializeToString())
    for name, (kind, _) in inputs.items():
        if kind not in TYPES:
            raise LearnError(f"input '{name}' of the graph is {kind}; it has to be numbers")
    window, columns = shape_of(model)
    answer, sizes = _answer(outputs, output)
    inner = compose.add_prefix(model, _THEIRS)
    graph = inner.graph
    front = _front(inputs, window, columns)
    back, shape = _back(answer, outputs[answer][0], sizes, steps)
    nodes = [*front[0], *graph.node, *back[0]]
    constants = [*graph.initializer, *front[1], *back[1]]
    del graph.node[:], graph.input[:], graph.output[:], graph.initializer[:], graph.value_info[:]
    graph.node.extend(nodes)
    graph.initializer.extend(constants)
    graph.input.append(
        helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, ["n", window, columns])
    )
    graph.output.append(helper.make_tensor_value_info(VALUE, TensorProto.FLOAT, ["n", *shape]))
    inner.ir_version = max(inner.ir_version, 4)
    onnx.checker.check_model(inner)
    return bytes(inner.SerializeToString(deterministic=True))


_Added = tuple[list[onnx.NodeProto], list[onnx.TensorProto]]


def _front(inputs: dict[str, tuple[str, Sizes]], window: int, columns: int) -> _Added:
    """Give each input its part of the windows, in its shape and type."""
    nodes, constants = [], []
    for place, (name, (kind, sizes)) in enumerate(inputs.items()):
        tensor = INPUT
        if len(inputs) > 1:
            constants.append(_integers(f"place_{place}", [place]))
            nodes.append(
                helper.make_node("Gather", [INPUT, f"place_{place}"], [f"own_{place}"], axis=2)
            )
            tensor = f"own_{place}"
        row = {1: [-1], 2: [-1, columns if len(inputs) == 1 else 1], 3: [-1, window, columns]}
        constants.append(_integers(f"shape_{place}", row[len(sizes)]))
        nodes.append(helper.make_node("Reshape", [tensor, f"shape_{place}"], [f"cut_{place}"]))
        nodes.append(
            helper.make_node("Cast", [f"cut_{place}"], [f"{_THEIRS}{name}"], to=_NUMBERS[kind])
        )
    return nodes, constants


def _back(answer: str, kind: str, sizes: Sizes, steps: bool) -> tuple[_Added, Sizes]:
    """Turn an answer into float32 (n,), or (n, steps); of two classes, the second one's chance."""
    nodes = [helper.make_node("Cast", [f"{_THEIRS}{answer}"], ["cast"], to=TensorProto.FLOAT)]
    last = sizes[-1] if len(sizes) == 2 else 1
    if steps and len(sizes) == 2:
        return ([*nodes, helper.make_node("Identity", ["cast"], [VALUE])], []), (last,)
    constants = [_integers("flat", [-1])]
    tensor = "cast"
    if last == 2:
        constants.append(_integers("second", [1]))
        nodes.append(helper.make_node("Gather", ["cast", "second"], ["chance"], axis=1))
        tensor = "chance"
    elif last != 1:
        raise LearnError(
            f"output '{answer}' of the graph has {last} values for each row; a number, or the "
            "chances of two classes, can be taken"
        )
    nodes.append(helper.make_node("Reshape", [tensor, "flat"], [VALUE]))
    return (nodes, constants), ()


def _answer(outputs: dict[str, tuple[str, Sizes]], wanted: str | None) -> tuple[str, Sizes]:
    """Pick the output that is the answer."""
    told = "; ".join(f"{name} {kind} {list(sizes)}" for name, (kind, sizes) in outputs.items())
    fitting = {
        name: sizes
        for name, (kind, sizes) in outputs.items()
        if kind in ("tensor(float)", "tensor(double)") and len(sizes) in (1, 2)
    }
    if wanted is not None:
        fitting = {name: sizes for name, sizes in fitting.items() if name == wanted}
    elif VALUE in fitting:
        fitting = {VALUE: fitting[VALUE]}
    if len(fitting) != 1:
        raise LearnError(
            f"the graph says {told}; name with --output the one that is the answer: numbers "
            "[n] or [n, 1], or chances [n, 2] (of a converted classifier: without zipmap)"
        )
    return next(iter(fitting.items()))


def _integers(name: str, values: list[int]) -> onnx.TensorProto:
    return numpy_helper.from_array(np.array(values, np.int64), name)
