"""``genba control advise`` for a process that goes by run: the set-points of the next part."""

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from genba.cli.output import emit_json, print_table

if TYPE_CHECKING:
    from genba.control.bound import Bound
    from genba.plant import Plant

_BACK_S = 16 * 3600
"""How far back parts are followed first."""


def advise(
    plant: "Plant", joined: "Bound", state: Path, folder: Path, key: Path, json: bool
) -> None:
    """Follow what was recorded lately, and say what to set for the next part."""
    from dataclasses import asdict

    from genba.cli.moments import moment
    from genba.control.chooser import Held
    from genba.control.run_to_run import RunToRunChooser
    from genba.control.runs import RunRows
    from genba.control.runs_kept import kept_runs, samples_of
    from genba.historian import Historian
    from genba.plant import US, SystemClock

    kept = kept_runs(joined, folder, key)
    chooser = RunToRunChooser(plant, joined, kept.beliefs, kept.model)
    with Historian.open(state / "historian", SystemClock(), read_only=True) as historian:
        now = moment(historian, "now")
        rows = RunRows(plant, joined)
        chooser.take(samples_of(historian, rows, now - _BACK_S * US, now + 1))
    answer = chooser.choose(now)
    if json:
        emit_json(asdict(answer))
        return
    if isinstance(answer, Held):
        typer.echo(f"no advice for {joined.process.id}: {answer.why}; leave it at the recipe")
        return
    print_table(
        f"Advice for {joined.process.id}",
        ("set-point", "advised"),
        [[name, f"{value:.5g}"] for name, value in answer.writes.items()],
    )
    print_table(
        "Expected of the next part",
        ("output", "if nothing changes", "as advised", "95%", "unit"),
        [
            [
                one.name,
                f"{one.stays:.5g}",
                f"{one.chosen:.5g}",
                f"{one.low:.5g} to {one.high:.5g}",
                one.unit,
            ]
            for one in answer.effects
        ],
    )
    typer.echo(answer.reason)
