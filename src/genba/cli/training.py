"""What the commands of ``genba train`` share: their options, where data come from, what is said."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from genba.cli.moments import TIMES, moment
from genba.cli.output import emit_json, fail, print_table

if TYPE_CHECKING:
    from genba.historian import Historian
    from genba.learn import Candidate, Dataset, Ladder, Registered, Registry, Slice, Split
    from genba.plant import Plant

MODELS = "models"
"""Folder of the models in the state folder."""

PlantFile = Annotated[Path, typer.Argument(help="The plant file.")]
EquipmentOption = Annotated[str, typer.Option(help="The machine to learn from.")]
FileOption = Annotated[
    Path | None, typer.Option("--file", help="A CSV or Parquet file instead of a machine.")
]
FromOption = Annotated[str, typer.Option("--from", help=f"Begin, included. {TIMES}")]
ToOption = Annotated[str, typer.Option("--to", help=f"End, not included. {TIMES}")]
StepOption = Annotated[
    float | None, typer.Option("--step", min=0.001, help="Seconds from row to row.")
]
SignalsOption = Annotated[
    list[str] | None, typer.Option("--signal", help="Only these signals; may be repeated.")
]
WithoutOption = Annotated[
    list[str] | None, typer.Option("--without", help="Leave out; may be repeated.")
]
VouchOption = Annotated[
    list[str] | None,
    typer.Option("--vouch", help="Columns or groups you answer for in the leakage check."),
]
TimeOption = Annotated[str | None, typer.Option("--time", help="Column of times in the file.")]
LabelTimeOption = Annotated[
    str | None,
    typer.Option("--label-time", help="Column of the file that says when each label came."),
]
GroupOption = Annotated[
    list[str] | None,
    typer.Option("--group", help="GROUP=COLUMN of the file: unit, lot, tool or experiment."),
]
SplitOption = Annotated[
    str,
    typer.Option(
        "--split",
        help="Part rows by time, blocks, rows, a group; 'time or lot': the first that shows all.",
    ),
]
StateOption = Annotated[
    Path | None,
    typer.Option(help="State folder; default: 'state' beside the plant.", envvar="GENBA_STATE"),
]
SweepOption = Annotated[
    int, typer.Option(min=0, help="Other settings of each recipe to try, before one is chosen.")
]
ScaleOption = Annotated[
    str | None,
    typer.Option(
        help="Where to fit: local, workers=4, ray, ray=auto or ray=HOST:PORT. Same result.",
        envvar="GENBA_SCALE",
    ),
]
SeedOption = Annotated[int, typer.Option(min=0, help="Of everything random.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]


FROM = "-14d"
"""Where a machine's period begins, unless somebody says otherwise."""
TO = "now"


def one_source(equipment: str, file: Path | None) -> None:
    """Take a machine or a file, not both and not neither."""
    if bool(equipment) == (file is not None):
        fail("name what to learn from: --equipment MACHINE, or --file FILE")


def refuse_idle(
    file: Path | None, span: tuple[str, str], of_machines: dict[str, Any], of_files: dict[str, Any]
) -> None:
    """Refuse options that would do nothing: those of machines with a file, and the other way."""
    if file is None:
        for option in (name for name, value in of_files.items() if value):
            fail(f"{option} is of files, and a machine's record says that itself; leave it out")
        return
    begin, end = span
    for option, given in {"--from": begin != FROM, "--to": end != TO, **of_machines}.items():
        if given:
            fail(f"{option} is of machines, and of a file all rows are taken; cut the file instead")


def from_machine(
    plant: Path,
    folder: Path,
    equipment: str,
    span: tuple[str, str],
    take: "Callable[[Historian, Plant, Slice], Dataset]",
    *,
    step: float | None = None,
    signal: list[str] | None = None,
    without: list[str] | None = None,
    working: bool = True,
    mode: bool = False,
) -> "Dataset":
    """Take from a plant's historian what the options say, in one of the ways of ``genba.learn``."""
    from genba.historian import Historian
    from genba.learn import Slice
    from genba.learn.data.equipment import machine_of
    from genba.learn.data.left_out import signals_among, without_columns
    from genba.plant import SystemClock, load_plant

    loaded = load_plant(plant)
    machine = machine_of(loaded, equipment)
    gone = signals_among(machine, without or ())
    columns = [name for name in without or () if name not in gone]
    with Historian.open(folder / "historian", SystemClock(), read_only=True) as historian:
        start, end = (moment(historian, text) for text in span)
        signals = tuple(signal) if signal else None
        wanted = Slice(equipment, start, end, step, signals, gone, working=working, mode=mode)
        return without_columns(take(historian, loaded, wanted), machine, columns)


def from_file(
    file: Path,
    target: str | None,
    time: str | None,
    group: list[str] | None,
    without: list[str] | None,
    *,
    bad: str | None = None,
    label_time: str | None = None,
) -> "Dataset":
    """Read a release as the options say; labels that came after now are refused."""
    from genba.learn import read_release
    from genba.learn.data.fitness import refuse_labels_after
    from genba.plant import SystemClock

    how: dict[str, Any] = {"groups": named_groups(group), "without": tuple(without or ())}
    data = read_release(file, target=target, time=time, label_time=label_time, **how)
    refuse_labels_after(data, SystemClock().now())
    if bad is None:
        return data
    return with_bad(data, bad)


def named_groups(group: list[str] | None) -> dict[str, str]:
    """Read GROUP=COLUMN options."""
    groups = {}
    for text in group or ():
        name, found, column = text.partition("=")
        if not (name and found and column):
            fail(f"'{text}' names no group; write it like lot=batch_number")
        groups[name] = column
    return groups


def with_bad(data: "Dataset", bad: str) -> "Dataset":
    """Make two classes of a target: the value that is looked for, and all others."""
    from dataclasses import replace

    import numpy as np

    from genba.learn import Target

    if data.target is None:
        fail("--bad names a value of the target; name the target with --target")
    known = data.target
    if known.is_class:
        if bad not in known.classes:
            fail(f"target '{known.name}' has no class '{bad}'; it has {', '.join(known.classes)}")
        raised = known.values == known.classes.index(bad)
    else:
        try:
            raised = known.values == float(bad)
        except ValueError:
            fail(f"target '{known.name}' holds numbers, and '{bad}' is none")
    values = np.where(np.isfinite(known.values), raised.astype(float), np.nan)
    target = Target(known.name, values, classes=("good", "bad"), known=known.known)
    return replace(data, target=target, lineage=data.lineage.then(f"bad is '{bad}'"))


def parted_by(data: "Dataset", split: str, seed: int) -> "tuple[Dataset, Split]":
    """Leave out what never changes, and part the rows."""
    from genba.learn.data.fitness import without_constant
    from genba.learn.split.named import split_of

    data, gone = without_constant(data)
    if gone:
        typer.echo(f"left out, since they never change: {', '.join(gone)}", err=True)
    return data, split_of(data, split, seed=seed)


def learn(
    data: "Dataset",
    split: "Split",
    ladder: "Ladder",
    folder: Path,
    equipment: str,
    vouch: list[str] | None,
    limits: tuple[str, ...],
    seed: int,
    json: bool,
    finish: "Callable[[Candidate], Candidate]" = lambda found: found,
    *,
    sweep: int = 0,
    scale: str | None = None,
) -> None:
    """Train, keep the candidate, and say how good it is; ``finish`` may add to what is kept."""
    from rich.console import Console
    from rich.progress import Progress

    from genba.learn import train
    from genba.learn.scale import scale_of

    place = scale_of(scale)
    registry = registry_of(folder, create=True)
    with Progress(console=Console(stderr=True), transient=True) as progress:
        fits = len(ladder.rungs) * (2 if sweep else 1) + len(ladder.baselines)
        task = progress.add_task("checking", total=fits)

        def told(name: str) -> None:
            progress.update(task, description=name, advance=1)

        found = train(
            data,
            split,
            ladder,
            equipment=equipment,
            vouched=tuple(vouch or ()),
            limits=limits,
            seed=seed,
            told=told,
            scale=place,
            variants=sweep,
        )
    found = finish(found)
    kept = found.keep(registry, now_text(), by="genba train")
    show(found, kept, data, json)


def registry_of(folder: Path, *, create: bool = False) -> "Registry":
    """Open the models of a state folder; the signing key lies with the secrets."""
    from genba.learn import Registry
    from genba.learn.registry.signature import KEY
    from genba.operate.state import StateFolder

    state = StateFolder(folder, create=create)
    return Registry(folder / MODELS, state.secrets / KEY)


def sound(registry: "Registry", digests: Iterable[str]) -> "tuple[list[Registered], list[str]]":
    """Open models, each checked; return those that hold, and what is wrong with the others."""
    from genba.errors import GenbaError

    models, failed = [], []
    for digest in digests:
        try:
            models.append(registry.get(digest))
        except GenbaError as error:
            failed.append(str(error))
    return models, failed


def now_text() -> str:
    """Now, as ISO 8601 text."""
    from genba.plant import SystemClock, format_time

    return format_time(SystemClock().now())


def show(found: "Candidate", kept: "Registered", data: "Dataset", json: bool) -> None:
    """Print what was learned, and from how much."""
    rows = f"{data.rows:,} rows of {len(data.columns)} columns"
    what = rows if data.images is None else f"{data.rows:,} pictures"
    name = kept.digest[:12]
    last = f"Learned from {what}. Candidate {name}: `genba model show {name}`; nothing runs it yet."
    show_candidate(found, kept, last, json)


def show_candidate(found: "Candidate", kept: "Registered", last: str, json: bool) -> None:
    """Print a candidate: what its report says, its rungs and limits, and a last line."""
    if json:
        emit_json({"model": kept.digest, "folder": kept.folder, **found.card.as_json()})
        return
    typer.echo(found.report.split("\n\n", maxsplit=1)[0])
    show_rungs(found.card.rungs, found.card.task)
    for limit in found.card.limits:
        typer.echo(f"- {limit}")
    typer.echo(last)


def show_rungs(rungs: "tuple[dict[str, Any], ...]", task: Any) -> None:
    """Print the ladder as a table."""
    from genba.learn.recipe.card import figure
    from genba.learn.recipe.examine import MEASURES
    from genba.learn.recipe.report import shown_of

    shown = shown_of(task, rungs)
    rows = [
        [row["recipe"], *(figure(name, row["tested"].get(name)) for name in shown), _note(row)]
        for row in rungs
    ]
    print_table("On the test part", ("recipe", *(MEASURES[n].text for n in shown), ""), rows)
    for row in rungs:
        if row["failed"]:
            typer.echo(f"{row['recipe']} cannot be chosen: {row['failed']}")


def _note(row: "dict[str, Any]") -> str:
    fell = "cannot be chosen" if row["failed"] else ""
    return fell or ("chosen" if row["chosen"] else "baseline" if row["baseline"] else "")
