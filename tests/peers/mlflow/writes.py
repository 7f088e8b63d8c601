"""Saves with MLflow a model of each kind that Genba takes in; says as JSON what each answers.

``python writes.py FOLDER``
"""

import json
import logging
import sys
from pathlib import Path

import mlflow.onnx
import numpy as np
import onnxruntime
import pandas as pd
from mlflow.models import infer_signature
from onnx import TensorProto, helper, numpy_helper

logging.disable(logging.WARNING)
FLOAT, DOUBLE = TensorProto.FLOAT, TensorProto.DOUBLE
NAMES = ["temp", "force", "speed"]
WEIGHTS = np.array([[0.5], [-2.0], [0.25]], np.float32)


def graph(nodes, inputs, outputs, constants):
    told = [helper.make_tensor_value_info(*one) for one in inputs]
    said = [helper.make_tensor_value_info(*one) for one in outputs]
    kept = [numpy_helper.from_array(array, name) for name, array in constants.items()]
    made = helper.make_graph(nodes, "foreign", told, said, kept)
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 9
    return model


def line(kind=FLOAT):
    """Rows in, [n, 1] out, under names that ours have too."""
    weights = WEIGHTS.astype(np.float64 if kind == DOUBLE else np.float32)
    nodes = [helper.make_node("MatMul", ["inputs", "w"], ["variable"])]
    shapes = ("inputs", kind, ["N", 3]), ("variable", kind, ["N", 1])
    return graph(nodes, [shapes[0]], [shapes[1]], {"w": weights})


def classifier():
    """As converters make them: a label, and the chances of two classes."""
    nodes = [
        helper.make_node("MatMul", ["X", "w"], ["score"]),
        helper.make_node("Softmax", ["score"], ["probabilities"], axis=1),
        helper.make_node("ArgMax", ["probabilities"], ["label"], axis=1, keepdims=0),
    ]
    weights = np.concatenate([-WEIGHTS, WEIGHTS], axis=1)
    outputs = [("label", TensorProto.INT64, ["N"]), ("probabilities", FLOAT, ["N", 2])]
    return graph(nodes, [("X", FLOAT, ["N", 3])], outputs, {"w": weights})


def by_column():
    """One input for each column."""
    nodes = [
        helper.make_node("Concat", NAMES, ["rows"], axis=1),
        helper.make_node("MatMul", ["rows", "w"], ["answer"]),
    ]
    inputs = [(name, FLOAT, ["N", 1]) for name in NAMES]
    return graph(nodes, inputs, [("answer", FLOAT, ["N", 1])], {"w": WEIGHTS})


def windows():
    """Windows in, of four rows; the mean of the last column out."""
    nodes = [
        helper.make_node("ReduceMean", ["x"], ["means"], axes=[1], keepdims=0),
        helper.make_node("MatMul", ["means", "w"], ["variable"]),
    ]
    return graph(
        nodes, [("x", FLOAT, ["N", 4, 3])], [("variable", FLOAT, ["N", 1])], {"w": WEIGHTS}
    )


def save(folder: Path, name: str, model, example, feed: dict) -> dict:
    """Save it, and let ONNX Runtime answer what MLflow loads again."""
    signature = infer_signature(example) if isinstance(example, pd.DataFrame) else None
    mlflow.onnx.save_model(
        model, str(folder / name), signature=signature, input_example=example,
        pip_requirements=["onnx", "onnxruntime"],
    )  # fmt: skip
    loaded = mlflow.onnx.load_model(str(folder / name)).SerializeToString()
    session = onnxruntime.InferenceSession(loaded, providers=["CPUExecutionProvider"])
    names = [one.name for one in session.get_outputs()]
    said = session.run(names, feed)
    return {key: array.tolist() for key, array in zip(names, said, strict=True)}


def main(folder: Path) -> None:
    rows = np.random.default_rng(3).normal(0, 1, (6, 3)).astype(np.float32)
    table = pd.DataFrame(rows, columns=NAMES)
    stacked = np.random.default_rng(4).normal(0, 1, (5, 4, 3)).astype(np.float32)
    doubles = rows.astype(float)
    apart = {name: rows[:, [place]] for place, name in enumerate(NAMES)}
    found = {
        "line": save(folder, "line", line(), table, {"inputs": rows}),
        "double": save(folder, "double", line(DOUBLE), doubles, {"inputs": doubles}),
        "classifier": save(folder, "classifier", classifier(), table, {"X": rows}),
        "by_column": save(folder, "by_column", by_column(), table, apart),
        "windows": save(folder, "windows", windows(), stacked, {"x": stacked}),
    }
    json.dump({**found, "rows": rows.tolist(), "stacked": stacked.tolist()}, sys.stdout)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
