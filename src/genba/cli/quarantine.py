"""``genba historian quarantine``: what did not fit, mended and put through again."""

from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from genba.cli.acting import audited
from genba.cli.client import HERE, JsonOption, TokenOption, UrlOption, send
from genba.cli.gaps import rows_of
from genba.cli.moments import TIMES, moment
from genba.cli.output import emit_json, fail, noun, print_table, says_errors

if TYPE_CHECKING:
    from collections.abc import Iterator

    from genba.historian import Historian
    from genba.historian.quarantine import Selection

app = noun("Look at samples that did not fit, mend them, and put them through again.")
MOST_SHOWN = 200
Ids = Annotated[
    list[str] | None, typer.Argument(help="Ids of samples, as `list` shows.", show_default=False)
]
SignalOption = Annotated[list[str] | None, typer.Option(help="Only this signal; may be repeated.")]
ReasonOption = Annotated[
    list[str] | None,
    typer.Option(help="Only this reason, like out_of_range; may be repeated."),
]
FromOption = Annotated[str | None, typer.Option("--from", help=f"Set apart from then on. {TIMES}")]
ToOption = Annotated[str | None, typer.Option("--to", help=f"Set apart before then. {TIMES}")]
AllOption = Annotated[bool, typer.Option("--all", help="All that are held.")]
WhyOption = Annotated[str, typer.Option(help="Why; recorded with each sample.")]
StateOption = Annotated[
    Path, typer.Option("--state", help="State folder of the plant.", envvar="GENBA_STATE")
]
PlantOption = Annotated[Path, typer.Option(help="The plant file, to know types and ranges.")]


@dataclass(frozen=True, slots=True)
class _Asked:
    """Which samples, as typed."""

    ids: list[str] | None
    signals: list[str] | None
    reasons: list[str] | None
    start: str | None
    end: str | None
    everything: bool = False
    status: str | None = "held"

    def selection(self, historian: "Historian") -> "Selection":
        from genba.historian.quarantine import Selection

        return Selection(
            self.ids or (),
            self.signals or (),
            self.reasons or (),
            self.status,
            None if self.start is None else moment(historian, self.start),
            None if self.end is None else moment(historian, self.end),
        )

    def chosen(self, historian: "Historian") -> "Selection":
        """Return the selection of a change, which must say what it means."""
        selection = self.selection(historian)
        if selection.is_everything and not self.everything:
            fail("say which: ids, --signal, --reason, --from or --to; or --all")
        return selection


@app.command("list")
@says_errors
def list_(
    signal: SignalOption = None,
    reason: ReasonOption = None,
    status: Annotated[str, typer.Option(help="held, replayed, dropped, or any.")] = "held",
    start: FromOption = None,
    end: ToOption = None,
    json: JsonOption = False,
    state: StateOption = Path("state"),
) -> None:
    """List samples that did not fit, and count them by signal and reason."""
    from genba.historian.quarantine import counts, select

    asked = _Asked(None, signal, reason, start, end, status=None if status == "any" else status)
    with _read(state) as historian:
        selection = asked.selection(historian)
        found = select(historian, selection)
        sums = rows_of(counts(historian, selection))
    if json:
        emit_json({"samples": rows_of(found), "counts": sums})
        return
    if found.num_rows == 0:
        typer.echo("the quarantine holds nothing like that")
        return
    print_table("Counts", list(sums[0]), [list(row.values()) for row in sums])
    rows = rows_of(found.slice(0, MOST_SHOWN))
    print_table(
        "Samples",
        ("id", "signal", "source time", "value", "why", "status"),
        [
            (r["id"], r["signal"], _time(r["source_time"]), r["value"], r["detail"], r["status"])
            for r in rows
        ],
    )
    if found.num_rows > MOST_SHOWN:
        typer.echo(f"and {found.num_rows - MOST_SHOWN:,} more; narrow it down, or use --json")


@app.command("show")
@says_errors
def show(
    sample: Annotated[str, typer.Argument(help="The sample's id, as `list` shows.")],
    json: JsonOption = False,
    state: StateOption = Path("state"),
) -> None:
    """Show one sample whole, and what was done about it."""
    from genba.historian.quarantine import Selection, select

    with _read(state) as historian:
        rows = rows_of(select(historian, Selection(ids=[sample], status=None)))
    if not rows:
        fail(f"there is no sample '{sample}' in the quarantine; `list --status any` shows all ids")
    if json:
        emit_json(rows[0])
        return
    shown = {**rows[0], "source_time": _time(rows[0]["source_time"])}
    cells = [(name, "" if value is None else str(value)) for name, value in shown.items()]
    print_table(sample, ("what", "value"), cells)


@app.command("fix")
@says_errors
def fix(
    why: WhyOption,
    ids: Ids = None,
    scale: Annotated[float, typer.Option(help="Multiply the value.")] = 1.0,
    offset: Annotated[float, typer.Option(help="Then add this.")] = 0.0,
    unit_from: Annotated[
        str | None, typer.Option(help="The unit that it was in (UCUM); turned into the signal's.")
    ] = None,
    shift_time: Annotated[float, typer.Option(help="Seconds to add to the source time.")] = 0.0,
    as_type: Annotated[
        str | None, typer.Option(help="Read the value as float, int, bool, string or json.")
    ] = None,
    to_signal: Annotated[
        str | None, typer.Option("--to-signal", help="The signal that was meant.")
    ] = None,
    signal: SignalOption = None,
    reason: ReasonOption = None,
    start: FromOption = None,
    end: ToOption = None,
    everything: AllOption = False,
    state: StateOption = Path("state"),
    plant: PlantOption = Path("plant.yaml"),
    url: UrlOption = HERE,
    token: TokenOption = "",
) -> None:
    """Record how samples are to be mended. `replay` then does it."""
    from genba.historian import quarantine
    from genba.historian.correction import Correction
    from genba.plant import DataType, load_plant

    if as_type not in (None, *DataType):
        fail(f"'{as_type}' is no type; use {', '.join(DataType)}")
    asked = _Asked(ids, signal, reason, start, end, everything)
    fields: dict[str, Any] = {
        "scale": scale,
        "offset": offset,
        "unit_from": unit_from,
        "shift_s": shift_time,
        "as_type": as_type,
        "signal": to_signal,
    }
    with _held(state, url) as historian:
        if historian is None:
            count = _post(url, token, "fix", asked, state, correction=fields, why=why)["samples"]
        else:
            fields["as_type"] = None if as_type is None else DataType(as_type)
            signals, which = load_plant(plant).signals, asked.chosen(historian)
            with audited(state, "quarantine.fix", _words(asked), why=why, **fields) as told:
                count = quarantine.fix(historian, signals, which, Correction(**fields), _me(), why)
                told["samples"] = count
    typer.echo(f"{_many(count)} to be mended so; now put through with `replay`")


@app.command("replay")
@says_errors
def replay(
    ids: Ids = None,
    signal: SignalOption = None,
    reason: ReasonOption = None,
    start: FromOption = None,
    end: ToOption = None,
    everything: AllOption = False,
    state: StateOption = Path("state"),
    plant: PlantOption = Path("plant.yaml"),
    url: UrlOption = HERE,
    token: TokenOption = "",
) -> None:
    """Store what fits now, mended as recorded; none is stored twice."""
    from genba.historian import quarantine
    from genba.plant import SystemClock, load_plant

    asked = _Asked(ids, signal, reason, start, end, everything)
    with _held(state, url) as historian:
        if historian is None:
            done = _post_replays(url, token, asked, state)
        else:
            now = max(historian.stats()["last_store_time"] or 0, SystemClock().now())
            signals, which = load_plant(plant).signals, asked.chosen(historian)
            with audited(state, "quarantine.replay", _words(asked)) as told:
                done = asdict(quarantine.replay(historian, signals, which, _me(), now))
                told |= {"stored": done["stored"], "already": done["already"]}
    typer.echo(f"{_many(done['stored'])} stored, {done['already']:,} there already")
    for word, count in done["held"].items():
        typer.echo(f"{count:,} still do not fit ({word}), for example {done['why'][word]}")


@app.command("drop")
@says_errors
def drop(
    why: WhyOption,
    ids: Ids = None,
    signal: SignalOption = None,
    reason: ReasonOption = None,
    start: FromOption = None,
    end: ToOption = None,
    everything: AllOption = False,
    state: StateOption = Path("state"),
    url: UrlOption = HERE,
    token: TokenOption = "",
) -> None:
    """Let samples go. They stay on record, and are not put through any more."""
    from genba.historian import quarantine

    asked = _Asked(ids, signal, reason, start, end, everything)
    with _held(state, url) as historian:
        if historian is None:
            count = _post(url, token, "drop", asked, state, why=why)["samples"]
        else:
            with audited(state, "quarantine.drop", _words(asked), why=why) as told:
                count = quarantine.drop(historian, asked.chosen(historian), _me(), why)
                told["samples"] = count
    typer.echo(f"{_many(count)} dropped")


def _words(asked: _Asked) -> str:
    """Name the samples that somebody means, for the audit log."""
    given = {name: value for name, value in asdict(asked).items() if value}
    return " ".join(f"{name}={value}" for name, value in given.items())


@contextmanager
def _read(state: Path) -> "Iterator[Historian]":
    from genba.historian import Historian
    from genba.plant import SystemClock

    with Historian.open(state / "historian", SystemClock(), read_only=True) as historian:
        yield historian


@contextmanager
def _held(state: Path, url: str) -> "Iterator[Historian | None]":
    """Open the historian to change it; None while a core holds it, or where one is named."""
    from genba.errors import StateError
    from genba.historian import Historian
    from genba.plant import SystemClock

    if url != HERE:
        yield None
        return
    with _read(state):
        pass  # a folder that holds no historian is not made one
    try:
        opened = Historian.open(state / "historian", SystemClock())
    except StateError:
        yield None
        return
    with opened:
        yield opened


def _post(
    url: str, token: str, what: str, asked: _Asked, state: Path, **more: Any
) -> dict[str, Any]:
    from genba.plant import format_time

    which: dict[str, Any] = {
        "ids": asked.ids or [],
        "signals": asked.signals or [],
        "reasons": asked.reasons or [],
        "everything": asked.everything,
    }
    for name, text in (("from", asked.start), ("to", asked.end)):
        if text is not None and (text == "now" or text.startswith("-")):
            with _read(state) as historian:
                which[name] = format_time(moment(historian, text))
        elif text is not None:
            which[name] = text
    body = {"which": which, **more}
    told: dict[str, Any] = send(url, token, "POST", f"/quarantine/{what}", body)
    return told


def _post_replays(url: str, token: str, asked: _Asked, state: Path) -> dict[str, Any]:
    """Put all through, some thousands per request."""
    done: dict[str, Any] = {"stored": 0, "already": 0, "held": {}, "why": {}, "more": True}
    while done["more"]:
        skip = sum(done["held"].values())
        told = _post(url, token, "replay", asked, state, skip=skip)
        for name in ("stored", "already"):
            done[name] += told[name]
        for reason, count in told["held"].items():
            done["held"][reason] = done["held"].get(reason, 0) + count
        done |= {"why": {**told["why"], **done["why"]}, "more": told["more"]}
    return done


def _many(count: int) -> str:
    return "1 sample" if count == 1 else f"{count:,} samples"


def _me() -> str:
    import getpass

    return getpass.getuser()


def _time(source_time: int | None) -> str:
    from genba.plant import format_time

    try:
        return "" if source_time is None else format_time(source_time)
    except OverflowError:
        return str(source_time)
