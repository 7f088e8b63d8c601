"""``genba model``: which models there are, how good each is, and what happened to it."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from genba.cli.model_exchange import export_model, import_model
from genba.cli.model_explain import explain
from genba.cli.model_history import show_history
from genba.cli.model_release import release, rollback
from genba.cli.model_retrain import retrain
from genba.cli.model_verify import verify
from genba.cli.model_watch import watch
from genba.cli.output import emit_json, fail, noun, print_table, says_errors
from genba.cli.training import StateOption, registry_of, show_rungs, sound

if TYPE_CHECKING:
    from genba.learn import Registered, Registry

app = noun("See the models of a plant, and what happened to them.")
app.command("export")(export_model)
app.command("import")(import_model)
app.command("explain")(explain)
app.command("verify")(verify)
app.command("release")(release)
app.command("rollback")(rollback)
app.command("watch")(watch)
app.command("retrain")(retrain)

DigestArgument = Annotated[str, typer.Argument(help="The model: its digest, or how that begins.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command("list")
@says_errors
def list_models(state: StateOption = None, json: JsonOption = False) -> None:
    """List all models, the newest last, each checked; those that fail are named below."""
    registry = registry_of(state or Path("state"))
    models, failed = sound(registry, registry.list())
    if json:
        emit_json([{"model": one.digest, **one.card.as_json()} for one in models])
    else:
        _show_all(registry, models)
    if failed:
        fail("\n".join(failed))


def _show_all(registry: "Registry", models: "list[Registered]") -> None:
    last = {event.model: event for event in registry.history.events()}
    rows = [
        [
            *(one.digest[:12], one.card.task.value, one.card.equipment or "a file"),
            *(one.card.recipe, f"{last[one.digest].what} {last[one.digest].where}".strip()),
        ]
        for one in models
    ]
    print_table("Models", ("model", "task", "of", "recipe", "last"), rows)


@app.command("show")
@says_errors
def show(model: DigestArgument, state: StateOption = None, json: JsonOption = False) -> None:
    """Show a model's card: how good it is, against what, and what it is not for."""
    registry = registry_of(state or Path("state"))
    found = registry.get(model)
    if json:
        emit_json({"model": found.digest, **found.card.as_json()})
        return
    report = (found.folder / "report.md").read_text("utf-8")
    typer.echo(report.split("\n\n", maxsplit=1)[0])
    show_rungs(found.card.rungs, found.card.task)
    for limit in found.card.limits:
        typer.echo(f"- {limit}")
    typer.echo(f"columns: {', '.join(column.shown for column in found.card.columns)}")
    typer.echo(f"signed with {found.signer}")


@app.command("history")
@says_errors
def history(
    model: Annotated[str, typer.Argument(help="The model; default all.")] = "",
    state: StateOption = None,
    json: JsonOption = False,
) -> None:
    """Show what happened to models: registered, verified, released, rolled back."""
    registry = registry_of(state or Path("state"))
    wanted = registry.get(model).digest if model else None
    events = registry.history.events(wanted)
    show_history(events, "History", json=json)
