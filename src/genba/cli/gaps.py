"""``genba historian gaps``: what was never received, and why."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from genba.cli.moments import TIMES, moment
from genba.cli.output import emit_json, fail, print_table, says_errors

if TYPE_CHECKING:
    import pyarrow as pa

RECOVERED = {
    "none": "no",
    "buffer": "yes, device's queue",
    "history": "yes, device's record",
    "partly": "in part",
}
MOST_SHOWN = 200
MOST_SIGNALS = 25


@says_errors
def gaps(
    signal: Annotated[
        list[str] | None, typer.Option(help="Only this signal; may be repeated.")
    ] = None,
    start: Annotated[str, typer.Option("--from", help=f"Begin, included. {TIMES}")] = "-1d",
    end: Annotated[str, typer.Option("--to", help=f"End, not included. {TIMES}")] = "now",
    open_only: Annotated[bool, typer.Option("--open", help="Only those that last.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    state: Annotated[
        Path, typer.Option("--state", help="State folder of the plant.", envvar="GENBA_STATE")
    ] = Path("state"),
    plant: Annotated[
        Path, typer.Option(help="The plant file, to know signals without a gap.")
    ] = Path("plant.yaml"),
) -> None:
    """Show what was never received: from, to, why, and whether it came after all."""
    from genba.historian import Historian
    from genba.historian.gap_report import summary
    from genba.plant import SystemClock

    with Historian.open(state / "historian", SystemClock(), read_only=True) as historian:
        _check(set(historian.gaps()["signal"].to_pylist()), signal, plant)
        first, last = moment(historian, start), moment(historian, end)
        if first >= last:
            fail(f"--from {start} is not before --to {end}; swap them")
        found = historian.gaps(signal, first, last, open_only=open_only)
    if json:
        sums = summary(found, first, last).to_pylist()
        emit_json({"gaps": rows_of(found), "signals": sums})
    else:
        _show(found, first, last)


def _check(known: set[str], asked: list[str] | None, plant: Path) -> None:
    """Refuse names of signals that neither the ledger nor the plant file has."""
    from genba.historian.correction import unknown_signal
    from genba.plant import load_plant

    strange = [name for name in asked or () if name not in known]
    if strange and plant.exists():
        known |= set(load_plant(plant).signals)
        for name in strange:
            if name not in known:
                fail(unknown_signal(name, known))


def rows_of(table: "pa.Table") -> list[dict[str, Any]]:
    """Return rows with times as text."""
    import pyarrow as pa

    from genba.plant import format_time

    for index, field in enumerate(table.schema):
        if pa.types.is_timestamp(field.type):
            numbers = table.column(index).cast(pa.int64()).to_pylist()
            texts = [None if number is None else format_time(number) for number in numbers]
            table = table.set_column(index, field.name, pa.array(texts, pa.string()))
    rows: list[dict[str, Any]] = table.to_pylist()
    return rows


def _show(found: "pa.Table", first: int, last: int) -> None:
    from genba.historian.gap_report import summary
    from genba.plant import US, parse_time

    rows = rows_of(found)
    if not rows:
        typer.echo("no gaps: everything that the devices said in this period was received")
        return
    outages: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for row in rows:
        outages.setdefault(tuple(row[name] for name in _SAME), []).append(row)
    shown = []
    for same in list(outages.values())[:MOST_SHOWN]:
        row = same[0]
        end = last if row["end"] is None else parse_time(row["end"])
        shown.append(
            (
                row["signal"] if len(same) == 1 else f"{len(same)} of {row['connection']}",
                _short(row["start"]),
                duration((end - parse_time(row["start"])) / US)
                + ("" if row["end"] else ", still open"),
                f"{row['reason']}: {row['detail']}" if row["detail"] else row["reason"],
                RECOVERED[row["recovery"]],
                sum(one["recovered"] or 0 for one in same),
            )
        )
    print_table(
        "Gaps (times UTC)",
        ("signals", "from", "lasted", "why", "came late", "samples"),
        shown,
    )
    if len(outages) > MOST_SHOWN:
        typer.echo(f"and {len(outages) - MOST_SHOWN:,} more; use --signal, --from, --to or --json")
    sums = summary(found, first, last).to_pylist()
    worst = sorted(sums, key=lambda one: one["missing_s"] + one["partly_s"], reverse=True)
    print_table(
        "By signal, within the period",
        ("signal", "gaps", "in all", "recovered", "in part", "missing"),
        [
            (one["signal"], one["gaps"], *(duration(one[name]) for name in _SUMS))
            for one in worst[:MOST_SIGNALS]
        ],
    )
    if len(worst) > MOST_SIGNALS:
        typer.echo(f"and {len(worst) - MOST_SIGNALS:,} signals that miss less; use --json")


def _short(time: str) -> str:
    """Write a time to the second; JSON has the microseconds."""
    return time[:19].replace("T", " ")


_SAME = ("connection", "start", "end", "reason", "detail", "recovery")
"""What signals have in common that were not heard in the same outage."""
_SUMS = ("total_s", "recovered_s", "partly_s", "missing_s")


def duration(seconds: float) -> str:
    """Write a length of time for people: 0.42 s, 12 s, 3 min 20 s, 5 h 01 min, 2 d 3 h."""
    if seconds < 10:
        return f"{seconds:.2f} s" if seconds else "0 s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02} s"
    if whole < 86_400:
        return f"{whole // 3600} h {whole % 3600 // 60:02} min"
    return f"{whole // 86_400} d {whole % 86_400 // 3600} h"
