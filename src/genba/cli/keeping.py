"""``genba historian rollup`` and ``retention``: what remains of samples, and what goes when."""

from pathlib import Path
from typing import Annotated

import typer

from genba.cli.moments import TIMES, length_us, moment
from genba.cli.output import emit_json, print_table, says_errors


@says_errors
def rollup(
    signals: Annotated[list[str], typer.Argument(help="Ids of signals.", show_default=False)],
    start: Annotated[str, typer.Option("--from", help=f"Begin, included. {TIMES}")] = "-1d",
    end: Annotated[str, typer.Option("--to", help=f"End, not included. {TIMES}")] = "now",
    every: Annotated[str, typer.Option(help="Length of a step: 1m, 15m, 1h, 1d.")] = "1h",
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    state: Annotated[
        Path, typer.Option(help="State folder of the plant.", envvar="GENBA_STATE")
    ] = Path("state"),
) -> None:
    """Sum signals up: count, mean, extremes and when they were, increase of counters."""
    import pyarrow as pa

    from genba.historian import Historian
    from genba.plant import SystemClock, format_time

    step = length_us(every, "--every")
    with Historian.open(state / "historian", SystemClock(), read_only=True) as historian:
        first, last = moment(historian, start), moment(historian, end)
        if start.startswith("-"):
            first -= first % max(step, 1)
        table = historian.rollup(signals, first, last, step)
    for index, field in enumerate(table.schema):
        if pa.types.is_timestamp(field.type):
            numbers = table.column(index).cast(pa.int64()).to_pylist()
            texts = [None if number is None else format_time(number) for number in numbers]
            table = table.set_column(index, field.name, pa.array(texts, pa.string()))
    if json:
        emit_json(table.to_pylist())
        return
    shown = [name for name in table.column_names if not name.endswith("_time") and name != "sum"]
    print_table("Rollups", shown, ([row[name] for name in shown] for row in table.to_pylist()))


@says_errors
def retention(
    plant: Annotated[
        Path | None, typer.Option(help="Plant file to ask instead of what the core handed over.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only show what would go; also while a core runs.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    state: Annotated[
        Path, typer.Option(help="State folder of the plant.", envvar="GENBA_STATE")
    ] = Path("state"),
) -> None:
    """Let go now what retention lets go. A running core does so by itself every ten minutes."""
    from genba.historian import Historian
    from genba.historian.policy import Policy
    from genba.plant import SystemClock, load_plant

    root = state / "historian"
    policy = Policy.found(root) if plant is None else Policy.of(load_plant(plant))
    with Historian.open(root, SystemClock(), read_only=dry_run) as historian:
        found = historian.expired(policy)
        rows = [
            {
                "table": expiry.table,
                "day": expiry.day.isoformat(),
                "signals": "all" if expiry.signals is None else ", ".join(sorted(expiry.signals)),
                "bytes": expiry.bytes,
            }
            for expiry in found
        ]
        freed = 0 if dry_run else historian.forget(policy)
    if json:
        emit_json({"dry_run": dry_run, "expired": rows, "bytes": sum(e.bytes for e in found)})
        return
    print_table("Over", ("table", "day", "signals", "bytes"), [list(row.values()) for row in rows])
    total = sum(expiry.bytes for expiry in found)
    if dry_run:
        typer.echo(f"{total:,} bytes would go; nothing was changed")
    else:
        typer.echo(f"{freed:,} bytes go; the disk has them back an hour later")
