"""From a registered model to a release for machines."""

import numpy as np

from genba.errors import LearnError
from genba.learn.edge.bundle import REFERENCE, seal
from genba.learn.edge.fuse import fused
from genba.learn.edge.keys import ReleaseKey
from genba.learn.registry.store import Registered

INPUTS, VALUE = "inputs", "value"


def release_of(
    model: Registered,
    key: ReleaseKey,
    *,
    budget_us: float = 10_000.0,
    memory_mb: float = 256.0,
    low: float = -1e30,
    high: float = 1e30,
) -> bytes:
    """Seal a registered model, with its card, its probe rows and its reference, for machines.

    Parameters
    ----------
    model : Registered
        From the registry, checked.
    key : ReleaseKey
        Whose releases the machines take; the plant's model key will do.
    budget_us : float
        Longest p99 of one answer at the machines.
    memory_mb : float
        Most memory that it may add to a process there.
    low, high : float
        Answers that make sense, both ends included.

    Raises
    ------
    LearnError
        If it cannot run at a machine: a column is no signal, its rows have no step in time, it
        judges pictures, or it names no equipment.
    """
    card = model.card
    said = f"model {model.digest[:12]}"
    strangers = [column.name for column in card.columns if column.signal is None]
    if strangers:
        raise LearnError(
            f"{said} needs {', '.join(strangers[:3])}, which no signal of the plant shows; train "
            "it on signals to run it at a machine"
        )
    if card.step_s is None or not card.equipment or not card.columns:
        raise LearnError(
            f"{said} has no equipment or no step in time, so that no machine can feed it; train it "
            "from the historian"
        )
    rows = model.rows()
    answers = np.asarray(rows[VALUE], np.float32)
    task = card.task.value
    contract = {
        "name": f"{card.equipment}.{task}",
        "version": model.digest[:12],
        "task": task,
        "equipment": card.equipment,
        "columns": [column.signal for column in card.columns],
        "window": card.window,
        "step_s": card.step_s,
        "threshold": card.threshold,
        "low": low,
        "high": high,
        "budget_us": budget_us,
        "memory_mb": memory_mb,
        "working": bool(card.lineage.get("query", {}).get("working", False)),
        "model": model.digest,
        "card": card.as_json(),
    }
    first = answers.reshape(len(answers), -1)[:, 0]
    kept = model.folder / REFERENCE
    reference = kept.read_bytes() if kept.exists() else None
    inputs = np.asarray(rows[INPUTS], np.float32)
    return seal(fused(model.onnx(), inputs), contract, inputs, first, key, reference)
