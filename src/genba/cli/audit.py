"""``genba audit``: who did what, and whether the log of it is whole."""

import itertools
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from genba.cli.acting import audited
from genba.cli.output import emit_json, fail, noun, print_table, says_errors

if TYPE_CHECKING:
    from genba.operate.audit import Entry

app = noun("See who did what, and check that nobody changed the log of it.")

StateOption = Annotated[
    Path, typer.Option("--state", help="State folder of the plant.", envvar="GENBA_STATE")
]
ActorOption = Annotated[str | None, typer.Option(help="Only what this one did.")]
ActionOption = Annotated[str | None, typer.Option(help="Only actions that begin so.")]
SinceOption = Annotated[
    str, typer.Option(help="Only from this time on (ISO 8601, this computer's clock).")
]


@app.command("show")
@says_errors
def show(
    state: StateOption = Path("state"),
    actor: ActorOption = None,
    action: ActionOption = None,
    since: SinceOption = "",
    last: Annotated[int, typer.Option(help="Newest entries to show.", min=1)] = 50,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show the newest entries, oldest first."""
    from collections import deque

    from genba.operate.audit import entries

    found = deque(
        entries(_folder(state), actor=actor, action=action, since=_utc(since)), maxlen=last
    )
    if json:
        emit_json([asdict(entry) for entry in found])
        return
    rows = [
        (f"{e.number}", e.time[:19], e.actor, e.action, e.target, str(e.result), e.origin)
        for e in found
    ]
    columns = ("number", "time (UTC)", "who", "what", "to what", "result", "from where")
    print_table("Audit log", columns, rows)


@app.command("verify")
@says_errors
def verify(
    state: StateOption = Path("state"),
    expect: Annotated[
        str, typer.Option(help="A head that was noted earlier (NUMBER:SHA256): must be there.")
    ] = "",
    key: Annotated[
        Path | None, typer.Option(help="Copy of the log's public key (seal.pub) from elsewhere.")
    ] = None,
) -> None:
    """Follow the chain from the first entry to the sealed end; exit code 1 if it is broken."""
    from genba.operate import audit
    from genba.operate.audit.seal import Head

    public = None if key is None else key.read_text("utf-8")
    noted = Head.parse(expect) if expect else None
    checked = audit.verify(_folder(state), public=public, expected=noted)
    if not checked.sound:
        fail(f"the audit log is not whole. {checked.problem}")
    mended = f"; a crash left {checked.mended} lines half written" if checked.mended else ""
    typer.echo(f"{checked.entries:,} entries, one whole chain{mended}.")
    typer.echo(f"Note its head elsewhere, for --expect: {checked.head}")


@app.command("export")
@says_errors
def export(
    file: Annotated[Path, typer.Argument(help="Where to write; must not exist.")],
    state: StateOption = Path("state"),
    actor: ActorOption = None,
    action: ActionOption = None,
    since: SinceOption = "",
) -> None:
    """Write entries as CSV (.csv) or as JSON lines, for other systems."""
    from genba.operate.audit import entries

    folder = _folder(state)
    found = entries(folder, actor=actor, action=action, since=_utc(since))
    with audited(state, "audit.export", str(file)) as told:
        told["entries"] = _write(file, found)
    typer.echo(f"{told['entries']:,} entries are in {file}.")


def _write(file: Path, found: "Iterator[Entry]") -> int:
    import csv

    from genba.operate.audit.chain import line_of

    try:
        out = file.open("x", encoding="utf-8", newline="")
    except FileExistsError:
        fail(f"{file} exists; give a name that is free")
    counter = itertools.count()
    with out:
        if file.suffix == ".csv":
            names = [*("number", "time", "plant_time", "actor", "role", "action", "target")]
            names += ["result", "origin", "detail", "previous"]
            writer = csv.DictWriter(out, names)
            writer.writeheader()
            for entry, _ in zip(found, counter, strict=False):
                writer.writerow({name: _cell(getattr(entry, name)) for name in names})
        else:
            for entry, _ in zip(found, counter, strict=False):
                out.write(line_of(entry).decode() + "\n")
    return next(counter)


def _cell(value: object) -> str:
    """Keep what others wrote from being run as a formula by a spreadsheet."""
    text = str(value)
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text


def _folder(state: Path) -> Path:
    from genba.operate.state import StateFolder

    return StateFolder(state, create=False).audit


def _utc(text: str) -> str:
    """Write a time as the log does; "" stays so."""
    if not text:
        return ""
    import datetime as dt

    from genba.plant import US, parse_time

    moment = dt.datetime.fromtimestamp(parse_time(text) / US, dt.UTC)
    return moment.isoformat(timespec="microseconds")
