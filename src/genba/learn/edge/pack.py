"""From a registered model to a release for machines."""

from typing import Any

import numpy as np

from genba.errors import LearnError
from genba.learn.arrays import AnyArray
from genba.learn.data.column import Column, ColumnKind
from genba.learn.data.sums import LAST, SUMS
from genba.learn.edge.bundle import REFERENCE, seal
from genba.learn.edge.contract import LAST_OF, STANDS, TOLD
from genba.learn.edge.fuse import fused
from genba.learn.edge.keys import ReleaseKey
from genba.learn.recipe.card import Card
from genba.learn.recipe.protocol import Task
from genba.learn.registry.store import Registered

INPUTS, VALUE = "inputs", "value"
BUDGET_US, PICTURE_BUDGET_US = 10_000.0, 1_000_000.0
"""Longest p99 of one answer, where nobody says: of a model of signals, and of one of pictures."""
PICTURE_S = 10.0
"""Seconds between pictures that are reckoned with when a device is sized."""


def release_of(
    model: Registered,
    key: ReleaseKey,
    *,
    budget_us: float = BUDGET_US,
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
        If it cannot run at a machine: a column is no signal, its rows have no step in time, or it
        names no equipment.
    """
    card = model.card
    said = f"model {model.digest[:12]}"
    if not card.equipment:
        raise LearnError(f"{said} names no equipment; train it with --equipment")
    rows = model.rows()
    asked = _asked(card, said) if card.task is not Task.INSPECT else _shown(card, rows[INPUTS])
    answers = np.asarray(rows[VALUE], np.float32)
    task = card.task.value
    contract = {
        "name": f"{card.equipment}.{task}",
        "version": model.digest[:12],
        "task": task,
        "equipment": card.equipment,
        **asked,
        "window": card.window,
        "threshold": card.threshold,
        "low": low,
        "high": high,
        "budget_us": budget_us,
        "memory_mb": memory_mb,
        "working": bool(card.lineage.get("query", {}).get("working", False)),
        "settle_s": float(card.lineage.get("query", {}).get("settle_s", 0.0)),
        "model": model.digest,
        "card": card.as_json(),
    }
    first = answers.reshape(len(answers), -1)[:, 0]
    kept = model.folder / REFERENCE
    reference = kept.read_bytes() if kept.exists() else None
    inputs = np.asarray(rows[INPUTS], np.float32)
    return seal(fused(model.onnx(), inputs), contract, inputs, first, key, reference)


def _asked(card: Card, said: str) -> dict[str, Any]:
    """Return what of a contract says when a model is asked, and about what.

    Raises
    ------
    LearnError
        If no machine could feed it.
    """
    query = card.lineage.get("query", {})
    parts = str(query["parts"]) if "parts" in query else ""
    signals = [column.signal or parts for column in card.columns]
    strangers = [c.name for c, name in zip(card.columns, signals, strict=True) if not name]
    if strangers:
        raise LearnError(
            f"{said} needs {', '.join(strangers[:3])}, which no signal of the plant shows; train "
            "it on signals to run it at a machine"
        )
    if card.step_s is None or card.step_s <= 0 or not signals:
        raise LearnError(
            f"{said} has no columns or no step in time, so that no machine can feed it; train it "
            "from the historian"
        )
    asked: dict[str, Any] = {"columns": signals, "step_s": card.step_s}
    if parts:
        asked |= {"asked_at": parts, "takes": [_taken(column, said) for column in card.columns]}
        if query.get("counters"):
            asked["counters"] = list(query["counters"])
    return asked


def _shown(card: Card, pictures: AnyArray) -> dict[str, Any]:
    """Return what of a contract says how a model sees pictures (n, height, width)."""
    query, size = card.lineage.get("query", {}), [int(side) for side in pictures.shape[1:]]
    shot = [int(side) for side in query.get("shot", size)]
    gray = bool(query.get("gray", False))
    return {"columns": [], "step_s": PICTURE_S, "picture": size, "shot": shot, "gray": gray}


def _taken(column: Column, said: str) -> str:
    """Say what of a part's own time a column holds, as :func:`slice_of_parts` names it."""
    if column.signal is None and column.name.endswith(LAST):
        return f"{LAST_OF}{column.name.removesuffix(LAST)}"
    if column.signal is None:
        return f"{TOLD}{column.name}"
    if column.kind is ColumnKind.SETPOINT:
        return STANDS
    sum_of = column.name.rpartition(".")[2]
    if sum_of not in SUMS:
        raise LearnError(
            f"{said} needs {column.name} of a part, which no machine can make; train it anew from "
            "the historian"
        )
    return sum_of
