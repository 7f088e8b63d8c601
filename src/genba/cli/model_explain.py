"""``genba model explain``: what a detector finds in recorded data, and which signals say so."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from genba.cli.output import emit_json, fail, says_errors
from genba.cli.training import (
    FileOption,
    FromOption,
    GroupOption,
    StateOption,
    TimeOption,
    ToOption,
    from_file,
    from_machine,
    registry_of,
)

if TYPE_CHECKING:
    from genba.learn import Card, Dataset

_SUFFIXES = (".png", ".svg")


@says_errors
def explain(
    model: Annotated[str, typer.Argument(help="The model: its digest, or how that begins.")],
    plant: Annotated[Path, typer.Option(help="The plant file.")] = Path("plant.yaml"),
    file: FileOption = None,
    start: FromOption = "-1d",
    end: ToOption = "now",
    time: TimeOption = None,
    group: GroupOption = None,
    picture: Annotated[
        Path | None, typer.Option(help="Draw the greatest finding there: a .png or .svg file.")
    ] = None,
    state: StateOption = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Tell what a detector finds in a period of its machine, or in a file, by signal."""
    from dataclasses import asdict

    from genba.learn import Task, recipe_of
    from genba.learn.anomaly.findings import findings_of
    from genba.learn.report.contributions import contributions_picture

    if picture is not None and picture.suffix.lower() not in _SUFFIXES:
        fail(f"a picture is a file that ends in {' or '.join(_SUFFIXES)}, not '{picture}'")
    folder = state or plant.resolve().parent / "state"
    found = registry_of(folder).get(model)
    card = found.card
    if card.task is not Task.ANOMALY:
        fail(
            f"model {found.digest[:12]} answers for {card.task.value}; only what detects anomalies "
            "has findings to explain"
        )
    if file is not None:
        data = from_file(file, None, time, group, None)
        data = data.select([column.name for column in card.columns])
    else:
        data = _of_machine(card, plant, folder, (start, end))
    made = recipe_of(card).restore(found.parts())
    findings = findings_of(made, card.window, data)
    if json:
        emit_json([asdict(one) for one in findings])
    else:
        _tell(findings, card, data)
    if picture is not None and findings:
        greatest = max(findings, key=lambda one: one.value)
        title = f"{card.equipment or data.name}: {card.recipe} {greatest.value:.1f} times the limit"
        contributions_picture(made, card.window, data, greatest, picture, title)
        typer.echo(f"drew {picture}", err=True)
    elif picture is not None:
        typer.echo(f"nothing was found, so that there is no {picture}", err=True)


def _of_machine(card: "Card", plant: Path, folder: Path, span: tuple[str, str]) -> "Dataset":
    from genba.learn import slice_of_equipment

    signals = [column.signal for column in card.columns if column.signal is not None]
    if not card.equipment or len(signals) < len(card.columns):
        fail(f"the model of {card.recipe} was learned from a file; give one with --file")
    query = card.lineage.get("query", {})
    return from_machine(
        plant,
        folder,
        card.equipment,
        span,
        slice_of_equipment,
        step=card.step_s,
        signal=signals,
        working=bool(query.get("working", True)),
    )


def _tell(findings: "tuple[object, ...]", card: "Card", data: "Dataset") -> None:
    for one in findings:
        typer.echo(str(one))
    many = "nothing" if not findings else f"{len(findings)} findings"
    typer.echo(f"'{card.recipe}' found {many} in {data.rows:,} rows.")
