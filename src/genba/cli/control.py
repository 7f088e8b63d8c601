"""``genba control``: set-points by looking ahead in what was learned of a process."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from genba.cli import control_runs as by_run
from genba.cli.output import emit_json, noun, print_table, says_errors
from genba.cli.twin_learn import (
    PROCESSES,
    Json,
    PlantFile,
    ProcessArgument,
    StateOption,
    state_and_key,
)

if TYPE_CHECKING:
    from genba.control.advice import Advice

app = noun("Choose set-points by looking ahead in what was learned of a process.")

_ROWS = 120


@app.command("advise")
@says_errors
def advise(
    process: ProcessArgument,
    plant: PlantFile = Path("plant.yaml"),
    state: StateOption = None,
    rows: Annotated[int, typer.Option(min=5, help="Recent steps that are followed first.")] = _ROWS,
    json: Json = False,
) -> None:
    """Say what to set now and what is expected of it. Nothing is written to any device."""
    from dataclasses import asdict

    from genba.cli.moments import moment
    from genba.control.advice import advise as advise_on
    from genba.control.advice import newest
    from genba.control.bound import bound
    from genba.control.learned import kept_world, with_networks
    from genba.control.recorded import episodes_of
    from genba.historian import Historian
    from genba.plant import US, SystemClock, load_plant
    from genba.twin.process import Clock

    loaded = load_plant(plant)
    joined = bound(loaded, process)
    folder, key = state_and_key(plant, state)
    if joined.physics.clock is Clock.RUN:
        by_run.advise(loaded, joined, folder, folder / PROCESSES, key, json)
        return
    world, seen = kept_world(joined, folder / PROCESSES, key)
    joined = with_networks(joined, world)
    with Historian.open(folder / "historian", SystemClock(), read_only=True) as historian:
        last = moment(historian, "now")
        first = last - round(rows * joined.process.step_s * US)
        recent = newest(episodes_of(historian, joined, first, last), rows)
    found = advise_on(joined, world.belief, recent, seen)
    if json:
        emit_json(asdict(found))
    else:
        _show(process, found)


def _show(process: str, found: "Advice") -> None:
    if not found.inputs:
        typer.echo(f"no advice for {process}: {found.why}; leave the set-points as they are")
        return
    print_table(
        f"Advice for {process}",
        ("set-point", "now", "advised", "unit"),
        [[name, f"{now:.5g}", f"{to:.5g}", unit] for name, unit, now, to in found.inputs],
    )
    print_table(
        f"Expected in {found.ahead_s:g} s",
        ("output", "now", "if nothing changes", "as advised", "95%", "unit"),
        [
            [
                one.name,
                f"{one.now:.5g}",
                f"{one.stays:.5g}",
                f"{one.advised:.5g}",
                f"{one.low:.5g} to {one.high:.5g}",
                one.unit,
            ]
            for one in found.expected
        ],
    )
    for name in found.beyond:
        typer.echo(f"'{name}' was never there when the process was learned: take small steps")
