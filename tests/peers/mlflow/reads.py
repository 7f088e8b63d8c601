"""Loads with MLflow what Genba exported, and says as JSON what it found and what it answers.

``python reads.py FOLDER`` for a model folder, ``python reads.py --runs MLRUNS`` for a store.
"""

import json
import logging
import sys

import mlflow
import mlflow.onnx
import mlflow.pyfunc
import numpy as np
from mlflow.models import Model

logging.disable(logging.WARNING)


def of_folder(folder: str) -> dict:
    told = Model.load(folder)
    rows = told.load_input_example(folder)
    rows = rows["inputs"] if isinstance(rows, dict) else rows
    rows = np.asarray(rows, np.float32)
    graph = mlflow.onnx.load_model(folder)
    said = mlflow.pyfunc.load_model(folder).predict({"inputs": rows})
    return {
        "graph_inputs": [one.name for one in graph.graph.input],
        "signature": told.signature.to_dict(),
        "metadata": told.metadata,
        "rows": rows.tolist(),
        "answers": {name: np.asarray(array).tolist() for name, array in said.items()},
    }


def of_runs(store: str) -> dict:
    mlflow.set_tracking_uri(store)
    client = mlflow.MlflowClient()
    experiment = client.get_experiment_by_name("genba")
    (run,) = client.search_runs([experiment.experiment_id])
    (model,) = client.search_logged_models([experiment.experiment_id])
    graph = mlflow.onnx.load_model(f"models:/{model.model_id}")
    return {
        "params": run.data.params,
        "metrics": run.data.metrics,
        "tags": run.data.tags,
        "status": run.info.status,
        "model_metrics": {one.key: one.value for one in model.metrics},
        "source_run": model.source_run_id == run.info.run_id,
        "graph_inputs": [one.name for one in graph.graph.input],
    }


if __name__ == "__main__":
    found = of_runs(sys.argv[2]) if sys.argv[1] == "--runs" else of_folder(sys.argv[1])
    json.dump(found, sys.stdout)
