"""``genba state``: the format of a state folder, its upgrade, and the way back."""

from pathlib import Path
from typing import Annotated

import typer

from genba.cli.output import emit_json, noun, print_table, says_errors

app = noun("See and change the format of a state folder.")

FolderArgument = Annotated[Path, typer.Argument(help="State folder.", envvar="GENBA_STATE")]


@app.command("show")
@says_errors
def show(
    state: FolderArgument = Path("state"),
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show which format a folder has, and what an upgrade would do."""
    from genba.operate.state import FORMAT
    from genba.operate.upgrade import standing

    found = standing(state)
    told = {
        "format": found.format,
        "written_by": found.genba,
        "newest_format": FORMAT,
        "upgrade": [step.text for step in found.steps],
        "rollback_to": found.back_to,
    }
    if json:
        emit_json(told)
        return
    rows: list[tuple[str, object]] = [
        ("format", found.format),
        ("written by Genba", found.genba),
        ("newest format", FORMAT),
        ("an upgrade brings", "; ".join(step.text for step in found.steps) or "nothing"),
        ("a rollback leads to", "nothing" if found.back_to is None else found.back_to),
    ]
    print_table(f"State in {state}", ("what", "value"), rows)


@app.command("upgrade")
@says_errors
def upgrade(state: FolderArgument = Path("state")) -> None:
    """Bring a folder to this Genba's format. `genba run` does the same by itself."""
    from genba.operate.upgrade import upgrade as bring_up

    steps = bring_up(state)
    if not steps:
        typer.echo(f"{state} has the newest format already")
        return
    for step in steps:
        typer.echo(f"format {step.to}: {step.text}")
    typer.echo("The way back is `genba state rollback`, with this Genba, before an older one runs.")


@app.command("rollback")
@says_errors
def rollback(state: FolderArgument = Path("state")) -> None:
    """Bring a folder back to the format that it had before its last upgrade."""
    from genba.operate.upgrade import rollback as bring_back

    number = bring_back(state)
    typer.echo(f"{state} has format {number} again; a Genba of that format may run on it")
