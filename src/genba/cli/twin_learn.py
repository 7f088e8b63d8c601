"""``genba twin learn``: find a process' parameters in its history, and say how good that is."""

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from genba.cli import twin_learn_runs as by_run
from genba.cli.moments import TIMES, moment
from genba.cli.output import emit_json, fail, print_table, says_errors

if TYPE_CHECKING:
    from genba.control.bound import Bound
    from genba.control.learned import Learned
    from genba.twin.process.residual import Lesson

PROCESSES = "processes"
"""Folder of what was learned of processes, in the state folder."""

ProcessArgument = Annotated[
    str, typer.Argument(help="The process, or a machine that has one process alone.")
]
PlantFile = Annotated[Path, typer.Argument(help="The plant file.")]
StateOption = Annotated[
    Path | None,
    typer.Option(help="State folder; default: 'state' beside the plant.", envvar="GENBA_STATE"),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@says_errors
def learn(
    process: ProcessArgument,
    plant: PlantFile = Path("plant.yaml"),
    start: Annotated[str, typer.Option("--from", help=f"Begin, included. {TIMES}")] = "-8h",
    end: Annotated[str, typer.Option("--to", help=f"End, not included. {TIMES}")] = "now",
    state: StateOption = None,
    residual: Annotated[
        bool, typer.Option("--residual", help="Teach networks what the physics leaves out, too.")
    ] = False,
    json: Json = False,
) -> None:
    """Learn a process of the plant file from its history, and keep what was found."""
    from genba.control.bound import bound
    from genba.control.examined import learned_soundly
    from genba.control.learned import keep
    from genba.control.recorded import episodes_of
    from genba.historian import Historian
    from genba.plant import SystemClock, load_plant
    from genba.twin.process import Clock

    loaded = load_plant(plant)
    joined = bound(loaded, process)
    folder, key = state_and_key(plant, state)
    with Historian.open(folder / "historian", SystemClock(), read_only=True) as historian:
        first, last = moment(historian, start), moment(historian, end)
        if first >= last:
            fail(f"--from {start} is not before --to {end}; swap them")
        if joined.physics.clock is Clock.RUN:
            by_run.learn(historian, loaded, joined, (first, last), folder / PROCESSES, key, json)
            return
        episodes = episodes_of(historian, joined, first, last)
        lesson = _lesson() if residual else None
        found = learned_soundly(historian, joined, episodes, (first, last), lesson)
    path = keep(found, folder / PROCESSES, key)
    if json:
        emit_json(_as_plain(joined, found, path))
    else:
        _show(joined, found, path)


def state_and_key(plant: Path, state: Path | None) -> tuple[Path, Path]:
    """Find the state folder, and the key that what was learned is signed with."""
    from genba.learn.registry.signature import KEY
    from genba.operate.state import StateFolder

    folder = state or plant.parent / "state"
    return folder, StateFolder(folder, create=False).secrets / KEY


def _lesson() -> "Lesson":
    from genba.twin.process.residual import Lesson

    return Lesson()


def _as_plain(joined: "Bound", found: "Learned", path: Path) -> dict[str, Any]:
    from dataclasses import asdict

    return {
        "process": found.process,
        "file": str(path),
        "parameters": {
            name: {"value": value, "interval": found.belief.intervals()[name]}
            for name, value in found.belief.values().items()
        },
        "learned": found.belief.learned(),
        "outputs": [wire.variable.name for wire in joined.outputs],
        "standing": asdict(found.standing),
        "findings": [finding.as_plain() for finding in found.findings],
    }


def _show(joined: "Bound", found: "Learned", path: Path) -> None:
    learned, between = found.belief.learned(), found.belief.intervals()
    print_table(
        f"{found.process}, from {found.belief.rows:,} rows",
        ("parameter", "value", "95%", "unit", "told by the data"),
        [
            [
                one.name,
                f"{found.belief.values()[one.name]:.4g}",
                f"{between[one.name][0]:.4g} to {between[one.name][1]:.4g}",
                one.unit,
                f"{learned[one.name]:.0%}",
            ]
            for one in joined.physics.parameters
        ],
    )
    rows = []
    for ahead in found.standing.horizons:
        for place, output in enumerate(joined.physics.outputs):
            if ahead.error[place] == ahead.error[place]:
                rows.append(
                    [
                        _length(ahead.steps * joined.process.step_s),
                        output.name,
                        f"{ahead.error[place]:.3g} {output.unit}",
                        f"{ahead.persistence[place]:.3g}",
                        f"{ahead.within[place]:.0%}",
                        _share(ahead.held[place]),
                    ]
                )
    print_table(
        "On the newest quarter, which it did not learn from",
        (
            "ahead",
            "output",
            "mean error",
            "if nothing changed",
            "in the 95% interval",
            "once widened",
        ),
        rows,
    )
    _show_rivals(joined, found)
    for finding in found.findings:
        typer.echo(f"{finding.grade}: {finding}")
    for name in found.standing.silent:
        typer.echo(f"'{name}' is as unknown as before: nothing in this period depends on it")
    typer.echo(f"kept in {path}")


def _show_rivals(joined: "Bound", found: "Learned") -> None:
    """Set the models side by side, where networks were asked for."""
    if not found.standing.rivals:
        return
    rows = []
    names = [one.name for one in joined.physics.outputs]
    for rival in found.standing.rivals:
        for ahead in rival.horizons:
            for name, error, still in zip(
                rival.outputs, ahead.error, ahead.persistence, strict=True
            ):
                if not math.isnan(error):
                    length = _length(ahead.steps * joined.process.step_s)
                    rows.append([length, name, rival.name, f"{error:.3g}", f"{still:.3g}"])
    rows.sort(key=lambda row: names.index(row[1]))
    print_table(
        "Mean error on the same rows",
        ("ahead", "output", "model", "mean error", "if nothing changed"),
        rows,
    )
    typer.echo(found.standing.verdict)


def _share(value: float) -> str:
    return "too few to say" if math.isnan(value) else f"{value:.0%}"


def _length(seconds: float) -> str:
    return f"{seconds:g} s" if seconds < 120 else f"{seconds / 60:.3g} min"
