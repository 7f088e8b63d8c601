"""``genba override``: take equipment or a setpoint out of Genba's hands, and give it back."""

from typing import Annotated
from urllib.parse import quote

import typer

from genba.cli.client import HERE, JsonOption, TokenOption, UrlOption, fetch, send
from genba.cli.output import emit_json, noun, print_table, says_errors

app = noun("Take equipment or a setpoint into manual; it wins over Genba until it is given back.")

TargetArgument = Annotated[str, typer.Argument(help="Id of equipment, or of a setpoint.")]


@app.command("set")
@says_errors
def take(
    target: TargetArgument,
    reason: Annotated[str, typer.Option(help="Why; it is recorded and shown.")],
    hours: Annotated[
        float | None, typer.Option(help="End by itself after so many hours.", min=0.0)
    ] = None,
    url: UrlOption = HERE,
    token: TokenOption = "",
) -> None:
    """Take it into manual. Commands of Genba's on it stop before their next write."""
    body = {"target": target, "reason": reason, "hours": hours}
    held = send(url, token, "POST", "/overrides", body)
    until = f"until {held['until']}" if held["until"] else "until it is released"
    typer.echo(f"{target} is in manual, {until}. Genba keeps off it.")


@app.command("release")
@says_errors
def release(target: TargetArgument, url: UrlOption = HERE, token: TokenOption = "") -> None:
    """Give it back to Genba."""
    send(url, token, "DELETE", f"/overrides/{quote(target, safe='')}")
    typer.echo(f"{target} is back in Genba's hands.")


@app.command("list")
@says_errors
def list_overrides(
    url: UrlOption = HERE, token: TokenOption = "", json: JsonOption = False
) -> None:
    """Show what is in manual now."""
    held = fetch(url, token, "/overrides")
    if json:
        emit_json(held)
        return
    columns = ("target", "by", "since", "until", "reason")
    rows = [tuple(str(one[c] or "") for c in columns) for one in held]
    print_table("In manual", columns, rows)
