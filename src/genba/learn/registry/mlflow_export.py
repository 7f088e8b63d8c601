"""A registered model as an MLflow model folder, which other tools load and serve."""

import json
import os
import platform
import shutil
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from genba.errors import LearnError
from genba.learn.arrays import AnyArray
from genba.learn.registry.mlflow_folder import OURS, files_for
from genba.learn.registry.store import REPORT, Registered

_ROWS = 5
CARD_FOLDER = "genba"
"""Folder with the manifest, its signature, the card and the report, as they were signed."""


def export_mlflow(found: Registered, folder: Path, made: str) -> Path:
    """Write the folder; it is there whole or not at all.

    Parameters
    ----------
    made : str
        When, ISO 8601, UTC.

    Raises
    ------
    LearnError
        If the folder is there already, or cannot be written.
    """
    if folder.exists():
        raise LearnError(f"{folder} is there already; name a new folder, or remove it first")
    draft = folder.with_name(f".{folder.name}.{os.getpid()}")
    try:
        for name, content in _files(found, made).items():
            path = draft / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        draft.rename(folder)
    except OSError as error:
        raise LearnError(
            f"{folder} cannot be written: {error.strerror}; make room, or mend the folder's rights"
        ) from None
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return folder


def _files(found: Registered, made: str) -> dict[str, bytes]:
    onnx = found.onnx()
    inputs, outputs = tensors_of(onnx)
    manifest = (found.folder / "manifest.json").read_bytes()
    metadata = {
        OURS: {
            "digest": found.digest,
            "signer": found.signer,
            "signature": json.loads(manifest)["signature"],
            "card": json.loads(json.dumps(found.card.as_json(), default=str)),
        }
    }
    told = {
        "uuid": found.digest[:32],
        "made": made,
        "python": platform.python_version(),
        "onnx": version("onnx"),
        "onnxruntime": version("onnxruntime"),
    }
    files = files_for(onnx, inputs, outputs, _example(found), metadata, told)
    kept = {"manifest.json": manifest, REPORT: (found.folder / REPORT).read_bytes()}
    kept["card.json"] = (found.folder / "card.json").read_bytes()
    return files | {f"{CARD_FOLDER}/{name}": content for name, content in kept.items()}


def tensors_of(onnx: bytes) -> tuple[dict[str, tuple[str, Any]], dict[str, tuple[str, Any]]]:
    """Return type and shape of each input and each output of a graph, by name.

    Raises
    ------
    LearnError
        If ONNX Runtime cannot run it.
    """
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    try:
        session = ort.InferenceSession(onnx, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # noqa: BLE001 - the runtime has errors of many types
        raise LearnError(
            f"the ONNX graph cannot be run: {str(error).splitlines()[0][:160]}; export it again "
            "with the operators of standard ONNX"
        ) from None
    sides = (session.get_inputs(), session.get_outputs())
    told = [{one.name: (one.type, tuple(one.shape or ())) for one in side} for side in sides]
    return told[0], told[1]


def _example(found: Registered) -> AnyArray | None:
    """Return a few real windows without unknown values, since JSON has none; None without any."""
    inputs = np.asarray(found.rows()["inputs"], np.float32)
    whole = np.isfinite(inputs.reshape(len(inputs), -1)).all(axis=1)
    return inputs[whole][:_ROWS] if whole.any() else None
