"""``genba alarm``: what stands, what to do about it, and who did what (ISA-18.2)."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from genba.cli.alarm_view import show_alarms, show_journal, show_one, show_rates
from genba.cli.client import HERE, JsonOption, TokenOption, UrlOption, send
from genba.cli.output import emit_json, fail, noun, says_errors

if TYPE_CHECKING:
    from collections.abc import Mapping

app = noun("See alarms, say that you saw them, and hide them for a time.")

Name = Annotated[str, typer.Argument(help="The alarm's id, as `genba alarm list` shows it.")]
Comment = Annotated[str, typer.Option("--comment", "-m", help="What you saw or did.")]
Reason = Annotated[str, typer.Option("--comment", "-m", help="Why; it is needed.")]
PRIORITIES = ("critical", "high", "medium", "low")
_TIMES = "ISO 8601 with a zone; default: an hour before the end."


@app.command("list", short_help="What stands now, most urgent first.")
@says_errors
def standing(
    priority: Annotated[
        list[str] | None, typer.Option(help="Only these: critical, high, medium, low.")
    ] = None,
    equipment: Annotated[str, typer.Option(help="Only of this equipment.")] = "",
    everything: Annotated[
        bool, typer.Option("--all", help="Also those that are normal or suppressed.")
    ] = False,
    url: UrlOption = HERE,
    token: TokenOption = "",
    json: JsonOption = False,
) -> None:
    """List alarms that are not normal: what, where, since when, how urgent, what to do."""
    for word in priority or ():
        if word not in PRIORITIES:
            fail(f"'{word}' is no priority; choose of {', '.join(PRIORITIES)}")
    query: dict[str, Any] = {"priority": priority or [], "all": "true" if everything else "false"}
    if equipment:
        query["equipment"] = equipment
    found = _get(url, token, "/alarms", query)
    if json:
        emit_json(found)
    else:
        show_alarms(found)


@app.command("show", short_help="One alarm, and what to do about it.")
@says_errors
def one(
    name: Name,
    url: UrlOption = HERE,
    token: TokenOption = "",
    json: JsonOption = False,
) -> None:
    """Show all that is known of one alarm."""
    found = _get(url, token, f"/alarms/{_path(name)}")
    if json:
        emit_json(found)
    else:
        show_one(found)


@app.command("ack", short_help="Say that you saw it.")
@says_errors
def acknowledge(
    names: Annotated[list[str], typer.Argument(help="Ids of alarms.")],
    comment: Comment = "",
    url: UrlOption = HERE,
    token: TokenOption = "",
) -> None:
    """Acknowledge alarms, at their devices too where they have them."""
    for name in names:
        _do(url, token, name, "acknowledge", {"comment": comment})


@app.command("reset", short_help="Release a latched alarm.")
@says_errors
def reset(
    name: Name,
    comment: Comment = "",
    url: UrlOption = HERE,
    token: TokenOption = "",
) -> None:
    """Release an alarm that latches, returned, and was acknowledged."""
    _do(url, token, name, "reset", {"comment": comment})


@app.command("shelve", short_help="Hide it for a time.")
@says_errors
def shelve(
    name: Name,
    comment: Reason = "",
    span: Annotated[str, typer.Option("--for", help="How long: 30m, 2h.")] = "30m",
    url: UrlOption = HERE,
    token: TokenOption = "",
) -> None:
    """Hide an alarm for a time; it comes back by itself."""
    from genba.cli.moments import length_us

    if not comment.strip():
        fail("an alarm is shelved for a reason; say it with --comment")
    seconds = length_us(span, "shelving") / 1_000_000
    _do(url, token, name, "shelve", {"comment": comment, "duration_s": seconds})


@app.command("unshelve", short_help="Show it again.")
@says_errors
def unshelve(
    name: Name,
    comment: Comment = "",
    url: UrlOption = HERE,
    token: TokenOption = "",
) -> None:
    """Show a shelved alarm again before its time is over."""
    _do(url, token, name, "unshelve", {"comment": comment})


@app.command("remove", short_help="Take it out of service (engineers).")
@says_errors
def remove(
    name: Name,
    comment: Reason = "",
    url: UrlOption = HERE,
    token: TokenOption = "",
) -> None:
    """Take an alarm out of service until it is put back."""
    if not comment.strip():
        fail("an alarm is taken out of service for a reason; say it with --comment")
    _do(url, token, name, "out-of-service", {"comment": comment})


@app.command("restore", short_help="Put it back in service (engineers).")
@says_errors
def restore(
    name: Name,
    comment: Comment = "",
    url: UrlOption = HERE,
    token: TokenOption = "",
) -> None:
    """Put an alarm back in service."""
    _do(url, token, name, "in-service", {"comment": comment})


@app.command("journal", short_help="What happened to alarms, and who did it.")
@says_errors
def journal(
    start: Annotated[str, typer.Option("--from", help=f"Begin, included. {_TIMES}")] = "",
    end: Annotated[str, typer.Option("--to", help="End, not included; default: now.")] = "",
    alarm: Annotated[str, typer.Option(help="Only of this alarm.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="Most rows.")] = 1000,
    url: UrlOption = HERE,
    token: TokenOption = "",
    json: JsonOption = False,
) -> None:
    """Show every transition of a period: when, what, from where to where, by whom, why."""
    given = {"from": start, "to": end, "alarm": alarm}
    query: dict[str, Any] = {name: value for name, value in given.items() if value}
    found = _get(url, token, "/alarms/journal", {**query, "limit": limit})
    if json:
        emit_json(found)
    else:
        show_journal(found)


@app.command("rates", short_help="How many alarms there were, against EEMUA 191.")
@says_errors
def rates(
    start: Annotated[str, typer.Option("--from", help=f"Begin, included. {_TIMES}")] = "",
    end: Annotated[str, typer.Option("--to", help="End, not included; default: now.")] = "",
    operators: Annotated[int, typer.Option(min=1, max=100, help="Operator positions.")] = 1,
    url: UrlOption = HERE,
    token: TokenOption = "",
    json: JsonOption = False,
) -> None:
    """Show the load on operators, beside what EEMUA 191 and ISA-18.2 call acceptable."""
    given = {"from": start, "to": end}
    query: dict[str, Any] = {name: value for name, value in given.items() if value}
    found = _get(url, token, "/alarms/rates", {**query, "operators": operators})
    if json:
        emit_json(found)
    else:
        show_rates(found)


def _get(url: str, token: str, route: str, query: "Mapping[str, Any] | None" = None) -> Any:
    from urllib.parse import urlencode

    words = urlencode(query or {}, doseq=True)
    return send(url, token, "GET", f"{route}?{words}" if words else route)


def _do(url: str, token: str, name: str, action: str, body: "Mapping[str, Any]") -> None:
    told = send(url, token, "POST", f"/alarms/{_path(name)}/{action}", body=body)
    until = f" until {told['until']}" if told["until"] else ""
    typer.echo(f"{told['id']}: {told['state'].replace('_', ' ')}{until}")


def _path(name: str) -> str:
    from urllib.parse import quote

    return quote(name, safe="/:")
