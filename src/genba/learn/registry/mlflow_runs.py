"""An exported model as a run in MLflow's file store (``mlruns``), which ``mlflow ui`` shows.

Layout as MLflow 3.17.2 writes it. That MLflow opens file stores only where it is told
``MLFLOW_ALLOW_FILE_STORE=true``.
"""

import getpass
import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from genba.errors import LearnError
from genba.learn.registry.mlflow_export import export_mlflow
from genba.learn.registry.mlflow_folder import as_yaml
from genba.learn.registry.store import REPORT, Registered

EXPERIMENT = "genba"
_FINISHED, _READY, _LOCAL = 3, 2, 4


def export_run(found: Registered, root: Path, made: str) -> Path:
    """Write a run with parameters, figures and the model folder into a store; return the folder.

    Parameters
    ----------
    root : Path
        The ``mlruns`` folder; made where there is none.
    made : str
        When, ISO 8601, UTC.

    Raises
    ------
    LearnError
        If the model is in the store already, or it cannot be written.
    """
    at_ms = int(datetime.fromisoformat(made).timestamp() * 1000)
    experiment = str(int(hashlib.sha256(EXPERIMENT.encode()).hexdigest()[:15], 16))
    run, model = found.digest[:32], f"m-{found.digest[:32]}"
    home = (root / experiment).resolve()
    if (home / run).exists():
        raise LearnError(f"model {found.digest[:12]} is a run in {root} already")
    try:
        for part in (home / run / "artifacts", home / "models" / model):
            part.mkdir(parents=True)
        artifacts = export_mlflow(found, home / "models" / model / "artifacts", made)
        whole = {**_experiment(home, experiment, at_ms)}
        whole |= _run(found, home, experiment, run, at_ms)
        whole |= _model(found, home, experiment, model, run, at_ms)
        whole |= _joined(run, model)
        for name, content in whole.items():
            path = home / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
    except OSError as error:
        raise LearnError(
            f"{root} cannot be written: {error.strerror}; make room, or mend the folder's rights"
        ) from None
    return artifacts


def _experiment(home: Path, experiment: str, at_ms: int) -> dict[str, bytes]:
    if (home / "meta.yaml").exists():
        return {}
    told = {
        "artifact_location": home.as_uri(),
        "creation_time": at_ms,
        "experiment_id": experiment,
        "last_update_time": at_ms,
        "lifecycle_stage": "active",
        "name": EXPERIMENT,
    }
    return {"meta.yaml": as_yaml(told)}


def _run(found: Registered, home: Path, experiment: str, run: str, at_ms: int) -> dict[str, bytes]:
    told = {
        "artifact_uri": (home / run / "artifacts").as_uri(),
        "end_time": at_ms,
        "entry_point_name": "",
        "experiment_id": experiment,
        "lifecycle_stage": "active",
        "run_id": run,
        "run_name": _name(found),
        "source_name": "",
        "source_type": _LOCAL,
        "source_version": "",
        "start_time": at_ms,
        "status": _FINISHED,
        "tags": [],
        "user_id": getpass.getuser(),
    }
    tags = {
        "mlflow.runName": _name(found),
        "mlflow.user": getpass.getuser(),
        "mlflow.source.type": "LOCAL",
        "mlflow.source.name": "genba",
        "mlflow.note.content": (found.folder / REPORT).read_text("utf-8"),
        "genba.digest": found.digest,
        "genba.lineage": json.dumps(found.card.lineage, default=str),
    }
    files = {"meta.yaml": as_yaml(told)}
    files |= {f"tags/{name}": text.encode() for name, text in tags.items()}
    files |= _figures(found, at_ms)
    return {f"{run}/{name}": content for name, content in files.items()}


def _model(
    found: Registered, home: Path, experiment: str, model: str, run: str, at_ms: int
) -> dict[str, bytes]:
    told = {
        "artifact_location": (home / "models" / model / "artifacts").as_uri(),
        "creation_timestamp": at_ms,
        "experiment_id": experiment,
        "last_updated_timestamp": at_ms,
        "model_id": model,
        "model_type": None,
        "name": _name(found),
        "source_run_id": run,
        "status": _READY,
        "status_message": None,
    }
    files = {"meta.yaml": as_yaml(told), "tags/genba.digest": found.digest.encode()}
    files |= _figures(found, at_ms, run)
    return {f"models/{model}/{name}": content for name, content in files.items()}


def _joined(run: str, model: str) -> dict[str, bytes]:
    told = {
        "destination_id": model,
        "destination_type": "MODEL_OUTPUT",
        "source_id": run,
        "source_type": "RUN_OUTPUT",
        "step": 0,
        "tags": {},
    }
    return {f"{run}/outputs/{model}/meta.yaml": as_yaml(told)}


def _figures(found: Registered, at_ms: int, run: str = "") -> dict[str, bytes]:
    """Return parameters and the figures of the test part; undefined ones are left out."""
    card = found.card
    params = {"recipe": card.recipe, "task": card.task.value, "window": card.window}
    params |= {"seed": card.seed, "split": card.split, **_flat(card.settings)}
    known = {name: value for name, value in card.tested.items() if value is not None}
    line = " ".join(f"{at_ms} {{}} 0 {run}".split())
    files = {f"params/{name}": str(value).encode() for name, value in params.items()}
    return files | {f"metrics/{n}": f"{line.format(v)}\n".encode() for n, v in known.items()}


def _flat(settings: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    told: dict[str, Any] = {}
    for name, value in settings.items():
        if isinstance(value, Mapping):
            told |= _flat(value, f"{before}{name}.")
        else:
            told[f"{before}{name}"] = value
    return told


def _name(found: Registered) -> str:
    where = found.card.equipment or "a-file"
    return f"{found.card.task.value}-{where}-{found.digest[:8]}"
