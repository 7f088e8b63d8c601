"""``genba model export`` and ``import``: models from and for other tools, in MLflow's format."""

from pathlib import Path
from typing import Annotated

import typer

from genba.cli.output import emit_json, fail, says_errors
from genba.cli.training import StateOption, now_text, registry_of

FormatOption = Annotated[str, typer.Option("--format", help="Only mlflow is known.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@says_errors
def export_model(
    model: Annotated[str, typer.Argument(help="The model: its digest, or how that begins.")],
    folder: Annotated[Path, typer.Argument(help="A new folder; with --run an mlruns folder.")],
    format_: FormatOption = "mlflow",
    run: Annotated[
        bool, typer.Option("--run", help="Write it as a run that `mlflow ui` shows.")
    ] = False,
    state: StateOption = None,
    json: JsonOption = False,
) -> None:
    """Write a model as an MLflow model folder, with its card and its signature."""
    from genba.learn import What
    from genba.learn.registry.mlflow_export import export_mlflow
    from genba.learn.registry.mlflow_runs import export_run

    _only_mlflow(format_)
    registry = registry_of(state or Path("state"))
    found = registry.get(model)
    time = now_text()
    written = (export_run if run else export_mlflow)(found, folder, time)
    where = {"folder": str(written.resolve()), "format": "mlflow"}
    registry.history.add(What.EXPORTED, found.digest, time, by="genba model export", data=where)
    if json:
        emit_json({"model": found.digest, "folder": written})
        return
    typer.echo(f"Model {found.digest[:12]} is in {written}: mlflow.onnx and mlflow.pyfunc load it.")
    if run:
        typer.echo(f"MLFLOW_ALLOW_FILE_STORE=true mlflow ui --backend-store-uri {folder.resolve()}")


@says_errors
def import_model(
    folder: Annotated[Path, typer.Argument(help="The folder with the MLmodel file.")],
    task: Annotated[
        str | None, typer.Option(help="anomaly, quality, life, softsensor or forecast.")
    ] = None,
    equipment: Annotated[str, typer.Option(help="The machine whose signals it takes.")] = "",
    column: Annotated[
        list[str] | None,
        typer.Option(help="THEIRS=OURS, or a name for each input in order; repeated."),
    ] = None,
    threshold: Annotated[
        float | None, typer.Option(help="From which answer on it is a finding.")
    ] = None,
    number: Annotated[
        bool, typer.Option("--number", help="It tells a measure of the part, and no chance.")
    ] = False,
    output: Annotated[str | None, typer.Option(help="Which of its outputs is the answer.")] = None,
    target: Annotated[str, typer.Option(help="What its answer is called.")] = "",
    unit: Annotated[str, typer.Option(help="Unit of the answer.")] = "1",
    step: Annotated[
        float | None, typer.Option(min=0.001, help="Seconds from row to row of its windows.")
    ] = None,
    format_: FormatOption = "mlflow",
    state: StateOption = None,
    json: JsonOption = False,
) -> None:
    """Take in an MLflow model of the onnx flavor: checked on its input example, and signed here."""
    from genba.learn import Task, What
    from genba.learn.registry.mlflow_folder import read_mlmodel
    from genba.learn.registry.mlflow_import import Wanted, import_mlflow

    _only_mlflow(format_)
    if task is not None and task not in set(Task):
        fail(f"there is no task '{task}'; name one of {', '.join(Task)}")
    wanted = Wanted(
        None if task is None else Task(task),
        tuple(column or ()),
        equipment,
        threshold,
        number,
        step,
        output,
        target,
        unit,
    )
    files = import_mlflow(read_mlmodel(folder), wanted)
    registry = registry_of(state or Path("state"))
    time = now_text()
    kept = registry.add(files, time, by="genba model import")
    origin = {"folder": str(folder.resolve()), "format": "mlflow"}
    registry.history.add(What.IMPORTED, kept.digest, time, by="genba model import", data=origin)
    if json:
        emit_json({"model": kept.digest, "folder": kept.folder, **kept.card.as_json()})
        return
    names = ", ".join(one.shown for one in kept.card.columns)
    typer.echo(f"Model {kept.digest[:12]} for {kept.card.task.value}; it takes {names}.")
    typer.echo("Signed with this plant's key. How good it is was not measured here: verify it.")


def _only_mlflow(name: str) -> None:
    if name != "mlflow":
        fail(f"format '{name}' is not known; mlflow is")
