"""``genba twin calibrate`` and ``genba twin validate``: the twin beside what was recorded."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from genba.cli.moments import TIMES, moment
from genba.cli.output import emit_json, fail, print_table, says_errors

if TYPE_CHECKING:
    from genba.historian import Historian
    from genba.plant import Plant
    from genba.twin.calibrate import Calibrated
    from genba.twin.parameter import Parameter
    from genba.twin.prediction import Case
    from genba.twin.report import Validation

CALIBRATION = Path("twin") / "calibration.json"
"""Where a calibration lies in the state folder."""

PlantFile = Annotated[Path, typer.Argument(help="The plant file.")]
StateOption = Annotated[
    Path | None,
    typer.Option(help="State folder; default: 'state' beside the plant.", envvar="GENBA_STATE"),
]
Seed = Annotated[int, typer.Option(min=0, help="Of everything random.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@says_errors
def calibrate(
    plant: PlantFile = Path("plant.yaml"),
    start: Annotated[str, typer.Option("--from", help=f"Begin, included. {TIMES}")] = "-14d",
    end: Annotated[str, typer.Option("--to", help=f"End, not included. {TIMES}")] = "now",
    state: StateOption = None,
    seed: Seed = 0,
    full: Annotated[bool, typer.Option("--all", help="List every parameter.")] = False,
    json: Json = False,
) -> None:
    """Fit the twin's times, yields, stops and power to what was recorded, and keep them."""
    from genba.twin.calibration_file import save

    loaded, folder = _opened(plant, state)
    with _historian(folder) as historian:
        first, last = moment(historian, start), moment(historian, end)
        if first >= last:
            fail(f"--from {start} is not before --to {end}; swap them")
        found = _calibrated(loaded, historian, first, last, seed)
    path = folder / CALIBRATION
    save(found, path)
    if json:
        emit_json(_as_plain(found, path))
    else:
        _show(found, path, full=full)


@says_errors
def validate(
    plant: PlantFile = Path("plant.yaml"),
    shifts: Annotated[
        int,
        typer.Option(
            min=0,
            help="Calibrate on all but the newest SHIFTS, and predict those; nothing is kept. "
            "0: predict what was recorded since the kept calibration.",
        ),
    ] = 0,
    start: Annotated[str, typer.Option("--from", help=f"Begin, included. {TIMES}")] = "-14d",
    end: Annotated[str, typer.Option("--to", help=f"End, not included. {TIMES}")] = "now",
    futures: Annotated[int, typer.Option(min=2, help="Simulated futures of each shift.")] = 100,
    state: StateOption = None,
    seed: Seed = 0,
    json: Json = False,
) -> None:
    """Compare the twin with recorded shifts that it was not calibrated on."""
    loaded, folder = _opened(plant, state)
    with _historian(folder) as historian:
        first, last = moment(historian, start), moment(historian, end)
        if first >= last:
            fail(f"--from {start} is not before --to {end}; swap them")
        found, cases = (
            _held_out(loaded, historian, first, last, shifts, seed)
            if shifts
            else _since(loaded, historian, folder, first, last)
        )
    report = _validated(found, cases, futures, seed)
    typer.echo(report.as_json() if json else report.as_text())


def _opened(plant: Path, state: Path | None) -> "tuple[Plant, Path]":
    from genba.plant import load_plant

    return load_plant(plant), state or plant.resolve().parent / "state"


def _historian(folder: Path) -> "Historian":
    from genba.historian import Historian
    from genba.plant import SystemClock

    return Historian.open(folder / "historian", SystemClock(), read_only=True)


def _calibrated(
    plant: "Plant", historian: "Historian", start: int, end: int, seed: int
) -> "Calibrated":
    from genba.twin.build import build_line
    from genba.twin.calibrate import calibrate as fit_line
    from genba.twin.record import read_recording

    return fit_line(build_line(plant), read_recording(historian, plant, start, end), seed)


def _held_out(
    plant: "Plant", historian: "Historian", start: int, end: int, shifts: int, seed: int
) -> "tuple[Calibrated, list[Case]]":
    """Calibrate on what lies before the newest shifts."""
    from genba.twin.record import read_recording
    from genba.twin.report import shift_cases

    cases = shift_cases(read_recording(historian, plant, start, end))
    if len(cases) <= shifts:
        fail(
            f"{len(cases)} whole shifts are recorded in this period; to hold out {shifts} it takes "
            f"{shifts + 1}: widen it with --from, or hold out fewer"
        )
    kept = cases[-shifts:]
    return _calibrated(plant, historian, start, kept[0].start, seed), kept


def _since(
    plant: "Plant", historian: "Historian", folder: Path, start: int, end: int
) -> "tuple[Calibrated, list[Case]]":
    """Take the kept calibration, and the shifts since."""
    from genba.plant import format_time
    from genba.twin.build import build_line
    from genba.twin.calibration_file import load
    from genba.twin.record import read_recording
    from genba.twin.report import shift_cases

    found = load(folder / CALIBRATION, build_line(plant))
    begin = max(start, found.end)
    cases = shift_cases(read_recording(historian, plant, begin, end)) if begin < end else []
    if not cases:
        fail(
            f"no whole shift is recorded since {format_time(found.end)}, up to which the twin was "
            "calibrated; wait for one, or hold shifts out with --shifts 2"
        )
    return found, cases


def _validated(
    found: "Calibrated", cases: "Sequence[Case]", futures: int, seed: int
) -> "Validation":
    from rich.console import Console
    from rich.progress import Progress

    from genba.twin.line_twin import LineTwin
    from genba.twin.report import validate as compare

    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("shifts", total=len(cases))
        return compare(
            LineTwin(found.as_run),
            cases,
            futures,
            seed,
            progress=lambda done: progress.update(task, completed=done),
            traced=LineTwin(found.as_run, traced=True),
        )


# -- what is shown --------------------------------------------------------------------------------


def _show(found: "Calibrated", path: Path, *, full: bool) -> None:
    from genba.plant import format_time
    from genba.twin.calibrate import kept_from_plan

    counts = ", ".join(f"{count} {basis}" for basis, count in found.counts().items() if count)
    typer.echo(
        f"Calibrated on {format_time(found.start)} to {format_time(found.end)}: "
        f"{len(found.fits)} parameters ({counts}; see docs/twin.md)."
    )
    if full:
        columns = ("Of", "Parameter", "Unit", "Plan", "Twin", "Own", "Like", "Shape", "p", "Note")
        print_table("All parameters", columns, [_row(parameter) for parameter in found.fits])
    else:
        missing = [(p.thing, p.name, p.unit, p.planned, p.note) for p in kept_from_plan(found.fits)]
        print_table("Kept as planned", ("Of", "Parameter", "Unit", "Plan", "Why"), missing)
    if not full:
        typer.echo("`--all` lists every parameter with its fit.")
    typer.echo(f"Kept in {path}. `genba twin validate` tells how well it predicts.")


def _row(parameter: "Parameter") -> tuple[Any, ...]:
    import math

    fit = parameter.fit
    return (
        parameter.thing,
        parameter.name,
        parameter.unit,
        parameter.planned,
        None if math.isnan(parameter.value) else parameter.value,
        parameter.own,
        parameter.like,
        "" if fit is None else str(fit.distribution.shape),
        "" if fit is None or fit.goodness is None else f"{fit.goodness.p:.2f}",
        parameter.note,
    )


def _as_plain(found: "Calibrated", path: Path) -> dict[str, Any]:
    from genba.plant import format_time

    names = ("of", "parameter", "unit", "plan", "twin", "own", "like", "shape", "p", "note")
    return {
        "file": str(path),
        "from": format_time(found.start),
        "to": format_time(found.end),
        "counts": {str(basis): count for basis, count in found.counts().items()},
        "parameters": [
            {**dict(zip(names, _row(p), strict=True)), "basis": str(p.basis)} for p in found.fits
        ],
    }
