"""An MLflow model that was made elsewhere, as a registered model: checked, and told as what it is.

Only graphs are taken. Code and pickles that lie in the folder are never run.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from genba.errors import LearnError
from genba.learn.arrays import AnyArray, Floats
from genba.learn.data.column import Column
from genba.learn.data.lineage import Lineage
from genba.learn.export.parity import parity_of
from genba.learn.recipe.card import Card
from genba.learn.recipe.catalog import made_by
from genba.learn.recipe.protocol import Task
from genba.learn.registry.mlflow_folder import OURS, Example, MlflowModel, read_example
from genba.learn.registry.mlflow_graph import adapted, read_graph, shape_of
from genba.learn.registry.mlflow_recipe import ImportedModel, ImportedRecipe
from genba.learn.registry.store import files_of

LIMITS = (
    "It was made elsewhere and imported. Figures that others tell of it were not measured here; "
    "verify it in shadow before it is released.",
    "That it answers was seen on its input example alone; the conformal and calibration promises "
    "of Genba's own recipes do not hold for it.",
)
_FINDS = (Task.ANOMALY, Task.QUALITY)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody who imports a model says of it, where it does not say it itself.

    ``columns`` are names in the order of its inputs, or ``THEIRS=OURS``. ``threshold`` is needed
    where its answers are findings; ``number`` says that the quality it tells is no chance.
    """

    task: Task | None = None
    columns: tuple[str, ...] = ()
    equipment: str = ""
    threshold: float | None = None
    number: bool = False
    step_s: float | None = None
    output: str | None = None
    target: str = ""
    unit: str = "1"


def import_mlflow(model: MlflowModel, wanted: Wanted) -> dict[str, bytes]:
    """Check a model, and make the files that a registry keeps; it is signed there.

    Raises
    ------
    LearnError
        If it is no graph that answers windows of known columns with numbers, or what has to be
        said of it is missing.
    """
    graph = read_graph(model.data)
    shape = shape_of(graph)
    card = _told(model)
    task = wanted.task or (Task(card["task"]) if card else None)
    if task is None or task is Task.INSPECT:
        raise LearnError("say what the model is for with --task: anomaly, quality, life, "
                         "softsensor or forecast")  # fmt: skip
    example = read_example(model)
    columns = _columns(model, example, wanted, card, shape[1])
    threshold = _threshold(task, wanted, card)
    content = (
        graph.SerializeToString() if card else adapted(graph, wanted.output, task is Task.FORECAST)
    )
    inputs = _inputs(example, model.names, shape)
    limit = float("nan") if threshold is None else threshold
    fitted = ImportedModel(content, limit, np.median(inputs, axis=0))
    answers = _answers(fitted, inputs)
    parity = parity_of(fitted, content, inputs).differences
    values = _card(model, wanted, card, task, columns, shape[0], threshold)
    told = Card.from_json({**values, "parity": parity})
    rows: dict[str, AnyArray] = {"inputs": inputs.astype(np.float32), **answers}
    return files_of(told, _report(told, model), content, fitted.parts(), rows)


def _told(model: MlflowModel) -> dict[str, Any]:
    """Return the card that a model of another Genba brings; empty where there is none."""
    ours = model.metadata.get(OURS)
    card = ours.get("card") if isinstance(ours, Mapping) else None
    try:
        return Card.from_json(card).as_json() if isinstance(card, Mapping) else {}
    except (KeyError, TypeError, ValueError):
        raise LearnError(
            f"{model.folder} brings a card that this Genba cannot read; install a newer Genba"
        ) from None


def _columns(
    model: MlflowModel,
    example: Example,
    wanted: Wanted,
    card: Mapping[str, Any],
    count: int,
) -> tuple[Column, ...]:
    """Name each input, by what is wanted, the card, the signature or the example, in this order."""
    if card and not wanted.columns:
        return tuple(Column.from_json(column) for column in card["columns"])
    theirs = model.names or example.names
    renamed = dict(text.split("=", 1) for text in wanted.columns if "=" in text)
    if renamed and len(renamed) < len(wanted.columns):
        raise LearnError("write every --column as THEIRS=OURS, or every one as a name, in order")
    for name in renamed:
        if name not in theirs:
            raise LearnError(
                f"the model names no column '{name}'; it names {', '.join(theirs) or 'none'}"
            )
    names = [renamed.get(name, name) for name in theirs] if renamed else list(wanted.columns)
    names = names or list(theirs)
    if len(names) != count:
        raise LearnError(
            f"the model takes {count} columns, and {len(names)} are named"
            f"{': ' + ', '.join(names[:8]) if names else ''}; name each with --column, in order"
        )
    place = wanted.equipment
    return tuple(Column(name, signal=f"{place}.{name}" if place else None) for name in names)


def _threshold(task: Task, wanted: Wanted, card: Mapping[str, Any]) -> float | None:
    if wanted.threshold is not None:
        return wanted.threshold
    if card:
        return None if card["threshold"] is None else float(card["threshold"])
    if task in _FINDS and not wanted.number:
        raise LearnError(
            "say with --threshold from which answer on it is a finding; or with --number that it "
            "tells a measure of the part, and no chance"
        )
    return None


def _inputs(example: Example, names: Sequence[str], shape: tuple[int, int]) -> Floats:
    """Bring the example to windows, (n, window, columns); columns of a table go by their names."""
    values = example.values
    if example.names and names:
        if sorted(example.names) != sorted(names):
            raise LearnError(
                "the input example has other columns than the signature; save it again"
            )
        values = values[:, [example.names.index(name) for name in names]]
    try:
        return np.asarray(values.reshape(len(values), *shape), np.float64)
    except ValueError:
        raise LearnError(
            f"the input example has rows of shape {values.shape[1:]}, and the graph takes {shape}; "
            "save the model with an example of its own"
        ) from None


def _answers(model: ImportedModel, inputs: Floats) -> dict[str, AnyArray]:
    """Ask it for the example; every answer has to be a number, and hang on its own window alone."""
    rounded = np.asarray(inputs, np.float32).astype(np.float64)
    try:
        said = model.predict(rounded)
        alone = model.predict(rounded[:1])
    except LearnError:
        raise
    except Exception as error:  # noqa: BLE001 - the runtime has errors of many types
        raise LearnError(
            f"the model does not answer its input example: {str(error).splitlines()[0][:160]}"
        ) from None
    if said.value.shape[:1] != (len(inputs),):
        raise LearnError(f"it gives {said.value.shape} for {len(inputs)} windows; one each is due")
    if not np.isfinite(said.value).all():
        raise LearnError("it answers its input example with values that are no finite numbers")
    if not np.allclose(alone.value[0], said.value[0], rtol=1e-4, atol=1e-5):
        raise LearnError(
            "its answer to a window changes with the windows beside it; that cannot be"
        )
    return said.outputs()


def _card(
    model: MlflowModel,
    wanted: Wanted,
    card: Mapping[str, Any],
    task: Task,
    columns: tuple[Column, ...],
    window: int,
    threshold: float | None,
) -> dict[str, Any]:
    content = hashlib.sha256(model.data.read_bytes()).hexdigest()
    asked: dict[str, Any] = {
        "mlflow": model.written_by,
        "model_uuid": model.uuid,
        "made": model.made,
    }
    ours = model.metadata.get(OURS, {}) if card else {}
    if card:
        asked |= {"genba_digest": ours.get("digest"), "genba_signer": ours.get("signer")}
        asked |= {"claimed": card["tested"], "claimed_lineage": card["lineage"]}
    recipe = ImportedRecipe(task, window)
    target = card.get("target") or None
    if wanted.target:
        target = {"name": wanted.target, "unit": wanted.unit, "classes": []}
    claimed = tuple(f"Said where it came from: {limit}" for limit in card.get("limits", ()))
    return {
        "task": task.value,
        "recipe": recipe.name,
        "made_by": made_by(recipe),
        "settings": {"task": task.value, "window": window, "name": recipe.name},
        "equipment": wanted.equipment or card.get("equipment", ""),
        "columns": [column.as_json() for column in columns],
        "window": window,
        "step_s": wanted.step_s if wanted.step_s is not None else card.get("step_s"),
        "threshold": threshold,
        "target": target,
        "lineage": Lineage("imported", asked, f"mlflow model.onnx sha256:{content}").as_json(),
        "data_digest": "",
        "split": "",
        "seed": 0,
        "tested": {},
        "rungs": (),
        "limits": (*LIMITS, *claimed),
    }


def _report(card: Card, model: MlflowModel) -> str:
    where = card.equipment or "data of a file"
    lines = [
        f"A model for {card.task.value} of {where}, imported from MLflow's format.",
        f"Made {model.made or 'at a time that it does not tell'}, written by MLflow "
        f"{model.written_by or 'of a version that it does not tell'}.",
        "Nothing of how good it is was measured here.",
        "",
        *(f"- {limit}" for limit in card.limits),
    ]
    return "\n".join(lines) + "\n"
