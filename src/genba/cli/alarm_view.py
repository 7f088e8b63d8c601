"""Alarms for people: a table that fits 80 columns, colors by priority, what to do below."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import typer

from genba.cli.output import print_table, show

if TYPE_CHECKING:
    from rich.text import Text

COLORS = {"critical": "bold white on red", "high": "bold red", "medium": "yellow", "low": "cyan"}
_MARKS = {
    "unacknowledged": "! ACTIVE",
    "acknowledged": "  active",
    "returned": "! gone",
    "latched_unacknowledged": "! latched",
    "latched_acknowledged": "  latched",
    "shelved": "  shelved",
    "suppressed": "  by design",
    "out_of_service": "  off",
    "normal": "  normal",
}

Row = Mapping[str, Any]


def show_alarms(alarms: Sequence[Row]) -> None:
    """List alarms: urgent ones first, each with what to do about it."""
    from rich.console import Console

    if not alarms:
        typer.echo("No alarms: everything is normal.")
        return
    console = Console(highlight=False)
    for alarm in alarms:
        console.print(_line(alarm))
        where = alarm["equipment_name"] or alarm["equipment"] or "Genba"
        since = _clock(alarm["since"])
        marks = [
            word
            for field, word in (
                ("chattering", "chattering"),
                ("stale", "over a day old"),
                ("first_out", "first of its machine"),
            )
            if alarm[field] and alarm["active"]
        ]
        hidden = f"until {_clock(alarm['until'])}" if alarm["until"] else ""
        by = f"{alarm['by']}: {alarm['comment']}" if alarm["comment"] else ""
        facts = ", ".join(text for text in (where, f"since {since}", *marks, hidden, by) if text)
        console.print(f"    {facts}", style="dim")
        if alarm["response"] and alarm["state"] != "normal":
            console.print(f"    -> {alarm['response']}")
    asking = sum(_MARKS[alarm["state"]].startswith("!") for alarm in alarms)
    typer.echo(f"{len(alarms)} alarms, {asking} to acknowledge (`genba alarm ack ID`)")


def _line(alarm: Row) -> "Text":
    from rich.text import Text

    line = Text(no_wrap=False)
    line.append(f"{_MARKS[alarm['state']]:<11}")
    line.append(f"{alarm['priority']:<9}", COLORS[alarm["priority"]])
    line.append(f"{alarm['id']}", "bold")
    if alarm["text"]:
        line.append(f"  {alarm['text']}")
    return line


def _clock(moment: str | None) -> str:
    """Write a time short: the day and the seconds, without fractions."""
    return "never" if moment is None else moment[:19].replace("T", " ")


def alarm_line(figures: Mapping[str, Any]) -> str:
    """Say in one line how the alarm system stands, from the health report."""
    asking = [f"{n} {word}" for word, n in figures["unacknowledged"].items() if n][::-1]
    parts = [
        f"{figures['active']} active",
        f"to acknowledge: {', '.join(asking) or 'none'}",
        *(
            f"{figures[word]} {word.replace('_', ' ')}"
            for word in ("shelved", "suppressed", "out_of_service")
            if figures[word]
        ),
        *(["ALARM FLOOD"] if figures["flood"] else []),
    ]
    return f"Alarms: {'; '.join(parts)}"


def show_one(alarm: Row) -> None:
    """Show all of one alarm, line by line."""
    show_alarms([alarm])
    for field in ("consequence", "value", "raised", "signal", "kind", "alarm_class"):
        if alarm[field] not in (None, ""):
            typer.echo(f"  {field.replace('_', ' ')}: {show(alarm[field])}")


def show_journal(page: Mapping[str, Any]) -> None:
    """Show transitions, oldest first."""
    print_table(
        "Journal of alarms",
        ("time", "alarm", "event", "now", "who", "why"),
        [
            (
                _clock(row["time"])[5:],
                row["alarm"] or "genba",
                row["event"],
                (row["after"] or "").replace("_", " "),
                row["actor"] or "",
                row["comment"] or row["reason"] or "",
            )
            for row in page["rows"]
        ],
    )
    if page["next"] is not None:
        typer.echo("There is more: raise --limit, or shorten the period.")


def show_rates(rates: Mapping[str, Any]) -> None:
    """Show rates beside what EEMUA 191 and ISA-18.2 call acceptable."""
    covered = rates["covered_s"] / 3600
    count = "undefined" if rates["annunciated"] is None else f"{rates['annunciated']:,} alarms"
    typer.echo(
        f"{_clock(rates['from'])} to {_clock(rates['to'])}: {count} in {covered:.1f} h "
        f"for {rates['operators']} operator position(s); standing at the end: "
        f"{show(rates['standing_at_end'])}"
    )
    if not rates["benchmarks"]:
        typer.echo("The alarm system did not run in this period, so its rates are undefined.")
        return
    print_table(
        "Against EEMUA 191 and ISA-18.2",
        ("what", "value", "unit", "target", "within"),
        [
            (b["name"], b["value"], b["unit"], b["target"], _yes(b["within"]))
            for b in rates["benchmarks"]
        ],
    )
    print_table(
        "Most frequent",
        ("alarm", "count", "share %"),
        [(f["alarm"], f["count"], 100.0 * f["share"]) for f in rates["top"]],
    )
    mean = rates["acknowledge_mean_s"]
    typer.echo(
        f"acknowledged {rates['acknowledged']}, on average after "
        f"{'undefined' if mean is None else f'{mean:.0f} s'}; not acknowledged "
        f"{rates['never_acknowledged']}; fleeting {rates['fleeting']}; shelved {rates['shelved']}; "
        f"suppressed {rates['suppressed']}; chattering: {', '.join(rates['chattering']) or 'none'}"
    )


def _yes(within: bool | None) -> str:
    return "undefined" if within is None else ("yes" if within else "NO")
