"""``genba model``: which models there are, how good each is, and what happened to it."""

from pathlib import Path
from typing import Annotated

import typer

from genba.cli.output import emit_json, noun, print_table, says_errors
from genba.cli.training import StateOption, registry_of, show_rungs

app = noun("See the models of a plant, and what happened to them.")

DigestArgument = Annotated[str, typer.Argument(help="The model: its digest, or how that begins.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command("list")
@says_errors
def list_models(state: StateOption = None, json: JsonOption = False) -> None:
    """List all models, the newest last, each checked against its signature."""
    registry = registry_of(state or Path("state"))
    models = [registry.get(digest) for digest in registry.list()]
    if json:
        emit_json([{"model": one.digest, **one.card.as_json()} for one in models])
        return
    rows = [
        [one.digest[:12], one.card.task.value, one.card.equipment or "a file", one.card.recipe]
        for one in models
    ]
    print_table("Models", ("model", "task", "of", "recipe"), rows)


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
    if json:
        emit_json([{**vars_of(event)} for event in events])
        return
    rows = [[e.time, e.what.value, e.model[:12], e.where, e.by] for e in events]
    print_table("History", ("time", "what", "model", "where", "by"), rows)


def vars_of(event: object) -> dict[str, object]:
    """Turn an event into plain values."""
    from dataclasses import asdict
    from typing import Any, cast

    return asdict(cast("Any", event))
