"""``genba twin imagine``: rows that never were, out of what was learned of a process."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from genba.cli.moments import TIMES, moment
from genba.cli.output import emit_json, fail, says_errors
from genba.cli.twin_learn import (
    PROCESSES,
    Json,
    PlantFile,
    ProcessArgument,
    StateOption,
    state_and_key,
)

if TYPE_CHECKING:
    from genba.control.synthetic import Benefit


@says_errors
def imagine(
    process: ProcessArgument,
    plant: PlantFile = Path("plant.yaml"),
    rows: Annotated[int, typer.Option("--rows", min=1, max=10_000_000, help="How many rows.")] = (
        10_000
    ),
    out: Annotated[Path, typer.Option("--out", help="Parquet file to write.")] = Path(
        "imagined.parquet"
    ),
    event: Annotated[
        str | None,
        typer.Option(
            "--event",
            help="drift:PARAMETER=-30%, offset:OUTPUT=5, stuck:INPUT or extreme:CONTEXT=high.",
        ),
    ] = None,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of all that is drawn.")] = 0,
    benefit: Annotated[
        str | None,
        typer.Option(
            "--benefit",
            metavar="OUTPUT",
            help="Also ask whether a soft sensor of it gains by them.",
        ),
    ] = None,
    start: Annotated[str, typer.Option("--from", help=f"Begin, included. {TIMES}")] = "-8h",
    end: Annotated[str, typer.Option("--to", help=f"End, not included. {TIMES}")] = "now",
    state: StateOption = None,
    json: Json = False,
) -> None:
    """Imagine rows of a process, with a rare event if one is named. They are marked as synthetic.

    The recorded period gives the set-points and the context that are followed.
    """
    from dataclasses import asdict

    from genba.control import synthetic
    from genba.control.bound import bound
    from genba.control.learned import kept_world
    from genba.control.recorded import episodes_of
    from genba.historian import Historian
    from genba.plant import SystemClock, load_plant
    from genba.twin.process.imagine import event_of, imagined

    joined = bound(load_plant(plant), process)
    rare = None if event is None else event_of(event, joined.physics)
    folder, key = state_and_key(plant, state)
    world, _ = kept_world(joined, folder / PROCESSES, key)
    with Historian.open(folder / "historian", SystemClock(), read_only=True) as historian:
        first, last = moment(historian, start), moment(historian, end)
        if first >= last:
            fail(f"--from {start} is not before --to {end}; swap them")
        episodes = episodes_of(historian, joined, first, last)
    made = imagined(world, episodes, rows, rare, seed)
    synthetic.write(synthetic.table_of(joined, made, world, rare, seed), out)
    asked = None
    if benefit is not None:
        asked = synthetic.benefit(joined, episodes, benefit, rows, rare)
    happening = int(sum(holds.sum() for holds in made.happening))
    origin = synthetic.origin(joined, world, rare, seed)
    if json:
        emit_json(
            {
                "file": str(out),
                "rows": rows,
                "with_event": happening,
                "origin": origin,
                "benefit": None if asked is None else asdict(asked),
            }
        )
        return
    told = "none of them with an event" if rare is None else f"{happening:,} of them with {rare}"
    typer.echo(
        f"{rows:,} synthetic rows of {joined.process.id} in {out}, {told}; seed {seed}, "
        f"model {origin['model'][:12]}"
    )
    if asked is not None:
        typer.echo(_told(asked))


def _told(found: "Benefit") -> str:
    return (
        f"training on them: {found.verdict}. A soft sensor of '{found.output}' is off by "
        f"{found.both:.4g} with them and by {found.real:.4g} without, on real rows that neither "
        f"learned from: {found.gain:+.3g} better ({found.low:+.3g} to {found.high:+.3g}, 95% over "
        f"{found.seeds} seeds)"
    )
