"""``genba proposals``: what waits for people, and their yes or no."""

from typing import Annotated, Any
from urllib.parse import quote

import typer

from genba.cli.client import HERE, JsonOption, TokenOption, UrlOption, fetch, send
from genba.cli.output import emit_json, noun, print_table, says_errors

app = noun("See what waits for a person's yes, and answer it.")

IdArgument = Annotated[str, typer.Argument(help="Id of the proposal, as `list` shows it.")]


@app.command("list")
@says_errors
def list_waiting(url: UrlOption = HERE, token: TokenOption = "", json: JsonOption = False) -> None:
    """Show the proposals that wait, with who said yes so far."""
    waiting = fetch(url, token, "/proposals/waiting")
    if json:
        emit_json(waiting)
        return
    columns = ("id", "equipment", "kind", "wants", "because", "yes so far", "expires")
    print_table("Waiting", columns, [_row(proposal) for proposal in waiting])


def _row(proposal: dict[str, Any]) -> tuple[str, ...]:
    wants = ", ".join(f"{w['signal']} = {w['value']} {w['unit']}" for w in proposal["writes"])
    verdict = proposal["verdict"] or {"approvals": [], "needed": 1}
    names = ", ".join(yes["actor"] for yes in verdict["approvals"])
    yes = f"{len(verdict['approvals'])} of {verdict['needed']}" + (f" ({names})" if names else "")
    return (
        proposal["id"],
        proposal["equipment"],
        proposal["kind"],
        wants,
        proposal["reason"],
        yes,
        proposal["expires"] or "10 min after it was made",
    )


@app.command("approve")
@says_errors
def approve(
    proposal: IdArgument, url: UrlOption = HERE, token: TokenOption = "", json: JsonOption = False
) -> None:
    """Say yes; the guard judges it again, as of now."""
    _say(send(url, token, "POST", f"/proposals/{quote(proposal, safe='')}/approve"), json)


@app.command("refuse")
@says_errors
def refuse(
    proposal: IdArgument,
    reason: Annotated[str, typer.Option(help="Why; it is recorded.")],
    url: UrlOption = HERE,
    token: TokenOption = "",
    json: JsonOption = False,
) -> None:
    """Say no, with the reason."""
    route = f"/proposals/{quote(proposal, safe='')}/refuse"
    _say(send(url, token, "POST", route, {"reason": reason}), json)


def _say(verdict: dict[str, Any], json: bool) -> None:
    if json:
        emit_json(verdict)
        return
    missing = verdict["needed"] - len(verdict["approvals"])
    told = verdict["decision"].replace("_", " ")
    if verdict["decision"] == "awaiting_approval":
        told += f": {missing} more must say yes"
    typer.echo("; ".join([told, *verdict["reasons"]]))
