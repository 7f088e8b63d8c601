"""MLflow's model folder, as MLflow 3.17 writes and reads it: ``MLmodel`` and what it names.

Source of the format: MLflow's documentation (*MLflow Models*: storage format, signatures, input
examples) and what MLflow 3.17.2 itself writes. MLflow is not imported here.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from genba.errors import LearnError
from genba.learn.arrays import AnyArray, Floats

MLMODEL = "MLmodel"
WRITTEN_FOR = "3.17.2"
"""The MLflow whose format is written."""
OURS = "genba"
"""Where in ``metadata`` the card, the digest and the signature of a model of Genba's own lie."""
_SMALL_MB = 4
TYPES = {"tensor(float)": "float32", "tensor(double)": "float64", "tensor(int64)": "int64"}


@dataclass(frozen=True, slots=True, eq=False)
class Example:
    """The input example: values (n, ...), and the names of the columns where they are a table."""

    values: Floats
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class MlflowModel:
    """What an ``MLmodel`` file says of an ONNX model, and where that lies."""

    folder: Path
    data: Path
    names: tuple[str, ...]
    """Columns that its signature names, in order; empty where it is one of tensors."""
    uuid: str = ""
    made: str = ""
    written_by: str = ""
    metadata: Mapping[str, Any] = field(default_factory=dict)
    example: Path | None = None


def read_mlmodel(folder: Path) -> MlflowModel:
    """Read what a folder says of itself; nothing in it is run.

    Raises
    ------
    LearnError
        If it is no MLflow model, or has no ONNX in it.
    """
    told = _yaml(folder / MLMODEL)
    flavor = (told.get("flavors") or {}).get("onnx")
    if not isinstance(flavor, dict) or not isinstance(flavor.get("data"), str):
        kinds = ", ".join(told.get("flavors") or {}) or "none"
        raise LearnError(
            f"{folder} holds an MLflow model without the onnx flavor (it has {kinds}); convert it "
            "to ONNX and save it with mlflow.onnx.save_model"
        )
    saved = told.get("saved_input_example_info") or {}
    name = saved.get("artifact_path")
    return MlflowModel(
        folder,
        _within(folder, flavor["data"]),
        _named(told.get("signature") or {}),
        str(told.get("model_uuid") or ""),
        str(told.get("utc_time_created") or ""),
        str(told.get("mlflow_version") or ""),
        told.get("metadata") or {},
        _within(folder, name) if isinstance(name, str) else None,
    )


def read_example(model: MlflowModel) -> Example:
    """Read the input example: a table in MLflow's split form, or an array.

    Raises
    ------
    LearnError
        If there is none, or it is of another form.
    """
    again = "save it with mlflow.onnx.save_model(..., input_example=rows)"
    if model.example is None:
        raise LearnError(
            f"{model.folder} has no input example, and without one nothing shows that it answers; "
            f"{again}"
        )
    try:
        told = json.loads(model.example.read_text("utf-8"))
        names: tuple[str, ...] = ()
        if isinstance(told, dict) and "data" in told:
            names = tuple(str(name) for name in told.get("columns", ()))
            told = told["data"]
        elif isinstance(told, dict):
            told = told.get("inputs", told)
            if isinstance(told, dict):
                names = tuple(told)
                one = [np.asarray(told[name], np.float64) for name in names]
                told = one[0] if len(one) == 1 else np.column_stack(one)
                names = () if len(one) == 1 else names
        values = np.asarray(told, np.float64)
    except (OSError, ValueError, TypeError):
        raise LearnError(
            f"the input example {model.example.name} of {model.folder} holds no table of numbers; "
            f"{again}"
        ) from None
    if values.ndim < 2 or not len(values):
        raise LearnError(
            f"the input example of {model.folder} has shape {values.shape}, and rows are needed; "
            f"{again}"
        )
    return Example(values, names)


def files_for(
    onnx: bytes,
    inputs: Mapping[str, tuple[str, Sequence[Any]]],
    outputs: Mapping[str, tuple[str, Sequence[Any]]],
    example: AnyArray | None,
    metadata: Mapping[str, Any],
    told: Mapping[str, str],
) -> dict[str, bytes]:
    """Write the files of a folder, by name.

    Parameters
    ----------
    inputs, outputs : mapping
        Type as in :data:`TYPES` and shape by name of each tensor of the graph; what of a shape is
        no number may be any.
    example : (n, ...) array, optional
        Rows for the first input.
    told : mapping
        ``uuid``, ``made`` (UTC), ``python``, ``onnx`` and ``onnxruntime`` (their versions).
    """
    needs = [f"mlflow>={WRITTEN_FOR}", f"onnx=={told['onnx']}"]
    needs += [f"onnxruntime=={told['onnxruntime']}", "numpy", "pandas"]
    pip = {"pip": needs}
    conda = {"name": "mlflow-env", "channels": ["conda-forge"]}
    mlmodel: dict[str, Any] = {
        "flavors": {
            "onnx": {
                "code": None,
                "data": "model.onnx",
                "onnx_session_options": {"intra_op_num_threads": 1, "inter_op_num_threads": 1},
                "onnx_version": told["onnx"],
                "providers": ["CPUExecutionProvider"],
            },
            "python_function": {
                "data": "model.onnx",
                "env": {"conda": "conda.yaml", "virtualenv": "python_env.yaml"},
                "loader_module": "mlflow.onnx",
                "python_version": told["python"],
            },
        },
        "is_signature_from_type_hint": False,
        "metadata": dict(metadata),
        "mlflow_version": WRITTEN_FOR,
        "model_id": None,
        "model_size_bytes": len(onnx),
        "model_uuid": told["uuid"],
        "prompts": None,
        "signature": {"inputs": _specs(inputs), "outputs": _specs(outputs), "params": None},
        "type_hint_from_example": False,
        "utc_time_created": told["made"],
    }
    files = {
        "model.onnx": onnx,
        "requirements.txt": ("\n".join(needs) + "\n").encode(),
        "python_env.yaml": as_yaml(
            {"python": told["python"], "dependencies": ["-r requirements.txt"]}
        ),
        "conda.yaml": as_yaml({**conda, "dependencies": [f"python={told['python']}", "pip", pip]}),
    }
    if example is not None:
        rows = {next(iter(inputs)): example.tolist()}
        files["input_example.json"] = json.dumps({"inputs": example.tolist()}).encode()
        files["serving_input_example.json"] = json.dumps({"inputs": rows}).encode()
        mlmodel["saved_input_example_info"] = {
            "artifact_path": "input_example.json",
            "serving_input_path": "serving_input_example.json",
            "type": "ndarray",
        }
    files[MLMODEL] = as_yaml(mlmodel)
    return files


def as_yaml(told: Mapping[str, Any]) -> bytes:
    """Write YAML, sorted, as MLflow does."""
    return yaml.safe_dump(dict(told), sort_keys=True, allow_unicode=True).encode()


def _specs(tensors: Mapping[str, tuple[str, Sequence[Any]]]) -> str:
    return json.dumps(
        [
            {"name": name, "type": "tensor", "tensor-spec": {"dtype": TYPES[kind], "shape": shape}}
            for name, (kind, sizes) in tensors.items()
            for shape in [[size if isinstance(size, int) else -1 for size in sizes]]
        ]
    )


def _named(signature: Mapping[str, Any]) -> tuple[str, ...]:
    """Names of the columns of a signature; none where it has tensors."""
    try:
        specs = json.loads(signature.get("inputs") or "[]")
        columns = [spec for spec in specs if spec.get("type") != "tensor"]
        return tuple(str(spec["name"]) for spec in columns)
    except (ValueError, TypeError, KeyError, AttributeError):
        return ()


def _yaml(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise LearnError(f"{path.parent} is no MLflow model: it has no file {path.name}")
    try:
        if path.stat().st_size > _SMALL_MB * 1_000_000:
            raise LearnError(f"{path} is larger than {_SMALL_MB} MB: it is no MLflow model")
        told = yaml.safe_load(path.read_text("utf-8"))
    except (OSError, ValueError, yaml.YAMLError):
        raise LearnError(f"{path} cannot be read as YAML; save the model again") from None
    if not isinstance(told, dict):
        raise LearnError(f"{path} does not describe an MLflow model; save the model again")
    return told


def _within(folder: Path, name: str) -> Path:
    """Where a named file lies; it must not lie outside of the folder."""
    path = (folder / name).resolve()
    if not path.is_relative_to(folder.resolve()):
        raise LearnError(f"{folder / MLMODEL} names '{name}', which lies outside; do not trust it")
    if not path.is_file():
        raise LearnError(f"{folder} lacks '{name}', which its {MLMODEL} names; copy it whole")
    return path
