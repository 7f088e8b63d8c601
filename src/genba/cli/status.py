"""``genba status``: how a running plant does."""

import shutil
import textwrap
from typing import Any

import typer

from genba.cli.alarm_view import alarm_line
from genba.cli.client import HERE, JsonOption, TokenOption, UrlOption, fetch
from genba.cli.output import emit_json, print_table, says_errors, show

_GIB = 2**30


@says_errors
def status(url: UrlOption = HERE, token: TokenOption = "", json: JsonOption = False) -> None:
    """Show how a running Genba does: links, loop, guard, historian."""
    health = fetch(url, token, "/health")
    if json:
        emit_json(health)
    else:
        _show(health)


def _show(health: dict[str, Any]) -> None:
    typer.echo(f"{health['plant']}: {health['status']}, plant time {health['time'][:19]}Z")
    width = shutil.get_terminal_size().columns
    for reason in health["reasons"]:
        line = f"{reason['part']}: {reason['text']}; {reason['mend']}"
        typer.echo(textwrap.fill(line, width, initial_indent="  ", subsequent_indent="    "))
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
    if uplinks := health.get("uplinks"):  # an older Genba has none
        print_table(
            "Uplinks",
            ("uplink", "link", "sent", "behind s", "error"),
            [
                (name, up["link"], up["sent"], round(up["behind_s"], 1), up["error"])
                for name, up in uplinks.items()
            ],
        )
    parts = ("loop", "guard", "models", "historian", "audit", "production")
    print_table(
        "Figures that are not zero",
        ("part", "figures"),
        [("disk", _disk(health["disk"])), *((part, _figures(health[part])) for part in parts)],
    )


def _figures(part: dict[str, Any]) -> str:
    """Write what is not zero in one line."""
    return ", ".join(
        f"{name.replace('_', ' ')} {show(value)}" for name, value in part.items() if value
    )


def _disk(disk: dict[str, Any]) -> str:
    if "free" not in disk:  # it does not answer; the reasons say so
        return _figures(disk)
    text = f"{disk['free'] / _GIB:,.1f} of {disk['total'] / _GIB:,.0f} GiB free"
    days = disk["full_in_days"]
    return text if days is None else f"{text}, full in {days:,.1f} days as it fills now"


def skew(seconds: float | None) -> str:
    """Write how far a device's clock is from Genba's."""
    return "" if seconds is None else f"{seconds:+.2f} s"
