"""``genba status``: how a running plant does."""

from typing import Any

import typer

from genba.cli.alarm_view import alarm_line
from genba.cli.client import HERE, JsonOption, TokenOption, UrlOption, fetch
from genba.cli.output import emit_json, print_table, says_errors


@says_errors
def status(url: UrlOption = HERE, token: TokenOption = "", json: JsonOption = False) -> None:
    """Show how a running Genba does: links, loop, guard, historian."""
    health = fetch(url, token, "/health")
    if json:
        emit_json(health)
    else:
        _show(health)


def _show(health: dict[str, Any]) -> None:
    typer.echo(f"{health['plant']}: {health['status']}, plant time {health['time']}")
    for reason in health["reasons"]:
        typer.echo(f"  {reason['part']}: {reason['text']}; {reason['mend']}")
    typer.echo(alarm_line(health["alarms"]))
    print_table(
        "Connections",
        ("connection", "link", "received", "reconnects", "clock", "error"),
        [
            (
                *(name, link["link"], link["received"], link["reconnects"]),
                *(skew(link["clock_skew_s"]), link["error"]),
            )
            for name, link in health["connections"].items()
        ],
    )
    if health["uplinks"]:
        print_table(
            "Uplinks",
            ("uplink", "link", "sent", "behind s", "error"),
            [
                (name, up["link"], up["sent"], round(up["behind_s"], 1), up["error"])
                for name, up in health["uplinks"].items()
            ],
        )
    if health["uplinks"]:
        print_table(
            "Uplinks",
            ("uplink", "link", "sent", "behind s", "error"),
            [
                (name, up["link"], up["sent"], round(up["behind_s"], 1), up["error"])
                for name, up in health["uplinks"].items()
            ],
        )
    for part in ("loop", "guard", "historian", "disk", "audit", "production"):
        print_table(part.capitalize(), ("what", "value"), list(health[part].items()))


def skew(seconds: float | None) -> str:
    """Write how far a device's clock is from Genba's."""
    return "" if seconds is None else f"{seconds:+.2f} s"
