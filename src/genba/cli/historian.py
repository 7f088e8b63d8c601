"""``genba historian``: look into what was recorded, and take it out."""

import itertools
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Protocol

import typer

from genba.cli import gaps, keeping, quarantine
from genba.cli.acting import audited
from genba.cli.moments import TIMES, length_us, moment
from genba.cli.output import emit_json, fail, noun, print_table, says_errors
from genba.errors import HistorianError

if TYPE_CHECKING:
    import pyarrow as pa

    from genba.historian import Historian

app = noun("Look into what was recorded, and take it out.")
app.command("gaps")(gaps.gaps)
app.command("rollup")(keeping.rollup)
app.command("retention")(keeping.retention)
app.add_typer(quarantine.app, name="quarantine", short_help="Mend samples that did not fit.")

_MOST_SHOWN = 1000
_NOT_SHOWN = ("receive_time", "store_time", "sequence")
"""Columns that people seldom ask for, and that JSON, CSV and exports have."""


class How(StrEnum):
    """How samples within a step become one."""

    MEAN = "mean"
    MIN = "min"
    MAX = "max"
    LAST = "last"
    SUM = "sum"
    COUNT = "count"
    TIME_WEIGHTED_MEAN = "time_weighted_mean"


StateOption = Annotated[
    Path, typer.Option("--state", help="State folder of the plant.", envvar="GENBA_STATE")
]
SignalsArgument = Annotated[
    list[str] | None,
    typer.Argument(
        help="Ids of signals; with --lot or --operation also short names, or none for all.",
        show_default=False,
    ),
]
FromOption = Annotated[str, typer.Option("--from", help=f"Begin, included. {TIMES}")]
ToOption = Annotated[str, typer.Option("--to", help=f"End, not included. {TIMES}")]
EveryOption = Annotated[
    str | None, typer.Option(help="Make one value per step of this length: 10s, 5m, 1h.")
]
HowOption = Annotated[How, typer.Option(help="How samples within a step become one.")]
LotOption = Annotated[str | None, typer.Option(help="Only while this lot was worked on.")]
OperationOption = Annotated[str | None, typer.Option(help="Only during this operation (its id).")]


@app.command("query")
@says_errors
def query(
    signals: SignalsArgument = None,
    start: FromOption = "-1h",
    end: ToOption = "now",
    every: EveryOption = None,
    how: HowOption = How.MEAN,
    lot: LotOption = None,
    operation: OperationOption = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    csv: Annotated[bool, typer.Option("--csv", help="Print CSV.")] = False,
    state: StateOption = Path("state"),
) -> None:
    """Print samples, raw or on a grid, of a period, a lot or an operation."""
    with _opened(state) as historian:
        wanted = _ask(historian, signals, start, end, every, how, lot, operation)
        if csv:
            _print_csv(wanted)
        elif json:
            emit_json([row for batch in wanted for row in _rows(batch)])
        else:
            _show(wanted, signals or [])


@app.command("export")
@says_errors
def export(
    output: Annotated[
        Path, typer.Option("--output", "-o", help="File to write: .parquet or .csv.")
    ],
    signals: SignalsArgument = None,
    start: FromOption = "-1h",
    end: ToOption = "now",
    every: EveryOption = None,
    how: HowOption = How.MEAN,
    lot: LotOption = None,
    operation: OperationOption = None,
    state: StateOption = Path("state"),
) -> None:
    """Write the same as `query` to a file, whatever its size."""
    if output.suffix not in (".parquet", ".csv"):
        fail(f"'{output}' ends neither in .parquet nor in .csv; name it so")
    with _opened(state) as historian:
        wanted = _ask(historian, signals, start, end, every, how, lot, operation)
        with audited(state, "export", str(output), signals=signals, start=start, end=end):
            rows = _write(output, wanted)
    typer.echo(f"{rows:,} rows written to {output}")


@app.command("stats")
@says_errors
def stats(
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    state: StateOption = Path("state"),
) -> None:
    """Count what is stored, and what it takes."""
    with _opened(state) as historian:
        found = historian.stats()
    if json:
        emit_json(found)
        return
    from genba.plant import format_time

    newest = found["last_store_time"]
    rows: list[tuple[str, object]] = [
        ("samples", found["samples"]),
        *((name, count) for name, count in found["records"].items()),
        ("waiting in the spool", found["spooled"]),
        ("bytes in tables", found["bytes"]),
        ("bytes in the spool", found["spool_bytes"]),
        ("bytes per sample", found["bytes_per_sample"]),
        ("files of samples", found["files"]["samples"]),
        ("newest store time", None if newest is None else format_time(newest)),
    ]
    print_table(f"Historian in {state}", ("what", "value"), rows)


@contextmanager
def _opened(state: Path) -> Iterator["Historian"]:
    from genba.historian import Historian
    from genba.plant import SystemClock

    with Historian.open(state / "historian", SystemClock(), read_only=True) as historian:
        yield historian


def _ask(
    historian: "Historian",
    signals: list[str] | None,
    start: str,
    end: str,
    every: str | None,
    how: How,
    lot: str | None,
    operation: str | None,
) -> Iterator["pa.RecordBatch"]:
    if lot is not None and operation is not None:
        raise HistorianError("give a lot or an operation, not both")
    if lot is not None or operation is not None:
        if every is not None:
            raise HistorianError("--every goes with a period, not with a lot or an operation")
        table = (
            historian.of_lot(lot, signals)
            if lot is not None
            else historian.of_operation(str(operation), signals)
        )
        return iter(table.to_batches())
    if not signals:
        raise HistorianError("name at least one signal, or give --lot or --operation")
    first, last = moment(historian, start), moment(historian, end)
    if every is None:
        return historian.stream(signals, first, last)
    step = length_us(every, "--every")
    if start.startswith("-") or start == "now":
        first -= first % step if step else 0
    return iter(historian.resample(signals, first, last, step, how.value).to_batches())


def _rows(batch: "pa.RecordBatch") -> list[dict[str, Any]]:
    import pyarrow as pa

    from genba.plant import format_time

    for index, field in enumerate(batch.schema):
        if pa.types.is_timestamp(field.type):
            numbers = batch.column(index).cast(pa.int64()).to_pylist()
            texts = [None if number is None else format_time(number) for number in numbers]
            batch = batch.set_column(index, field.name, pa.array(texts, pa.string()))
    rows: list[dict[str, Any]] = batch.to_pylist()
    return rows


def _show(wanted: Iterator["pa.RecordBatch"], signals: Sequence[str]) -> None:
    rows = (row for batch in wanted for row in _rows(batch))
    listed = list(itertools.islice(rows, _MOST_SHOWN))
    if not listed:
        of = f"of {', '.join(signals)} " if signals else ""
        typer.echo(f"nothing is recorded {of}there; check ids and period (texts have no --every)")
        return
    shown = [
        name
        for name in listed[0]
        if name not in _NOT_SHOWN and any(row[name] is not None for row in listed)
    ]
    print_table("Samples", shown, ([_cell(name, row[name]) for name in shown] for row in listed))
    if next(rows, None) is not None:
        typer.echo(f"and more: only the first {_MOST_SHOWN:,} are shown; use --csv or `export`")
        return
    found = {row["signal"] for row in listed}
    for name in signals:
        if "." in name and name not in found:
            typer.echo(f"nothing is recorded of {name} there; check the id and the period")


def _cell(column: str, value: object) -> object:
    if column == "quality" and isinstance(value, int):
        from genba.plant import Quality

        return Quality(value).name.lower()
    return "" if value is None else value


def _print_csv(wanted: Iterator["pa.RecordBatch"]) -> None:
    import csv
    import sys

    writer = None
    for batch in wanted:
        for row in _rows(batch):
            if writer is None:
                writer = csv.DictWriter(sys.stdout, list(row))
                writer.writeheader()
            writer.writerow(row)


class _Writer(Protocol):
    def write_batch(self, batch: "pa.RecordBatch") -> None: ...

    def close(self) -> None: ...


def _write(output: Path, wanted: Iterator["pa.RecordBatch"]) -> int:
    """Write a file whole or not at all, and show how it goes."""
    import pyarrow.csv
    import pyarrow.parquet
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    draft = output.with_name(f".{output.name}.part")
    console = Console(stderr=True)
    bar = Progress(
        SpinnerColumn(),
        TextColumn("{task.completed:,.0f} rows"),
        TimeElapsedColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
    rows = 0
    writer: _Writer | None = None
    try:
        draft.touch()
        with bar:
            task = bar.add_task("export", total=None)
            for batch in wanted:
                if writer is None:
                    parquet = output.suffix == ".parquet"
                    kind = pyarrow.parquet.ParquetWriter if parquet else pyarrow.csv.CSVWriter
                    writer = kind(draft, batch.schema)
                writer.write_batch(batch)
                rows += batch.num_rows
                bar.update(task, completed=rows)
        if writer is None:
            raise HistorianError("nothing is recorded of that; no file was written")
        writer.close()
        draft.replace(output)
    except OSError as error:
        raise HistorianError(f"{output} cannot be written: {error.strerror or error}") from None
    finally:
        draft.unlink(missing_ok=True)
    return rows
