"""``genba train backbone``: one network from many recordings, kept and signed."""

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from genba.cli.output import emit_json, fail, says_errors
from genba.cli.training import (
    GroupOption,
    JsonOption,
    PlantFile,
    ScaleOption,
    SeedOption,
    StateOption,
    named_groups,
    now_text,
)

if TYPE_CHECKING:
    from genba.learn import Dataset, Recipe
    from genba.learn.backbone.kept import BackboneShelf

BackboneOption = Annotated[
    str,
    typer.Option(
        "--backbone", help="A kept backbone that stands on the ladder, or 'none'; else the newest."
    ),
]


@says_errors
def backbone(
    plant: PlantFile = Path("plant.yaml"),
    file: Annotated[
        list[str] | None,
        typer.Option(
            "--file", help="FILE or FILE@COLUMN-OF-TIMES: a recorded process; may be repeated."
        ),
    ] = None,
    group: GroupOption = None,
    minutes: Annotated[
        float, typer.Option(min=0.01, help="Of CPU, on the threads that learning may use.")
    ] = 10.0,
    made: Annotated[
        float | None, typer.Option(min=0, max=1, help="Share of made-up signals; default .6.")
    ] = None,
    shares: Annotated[
        int, typer.Option(min=1, help="Parts of a step that run at once; needs --steps.")
    ] = 1,
    steps: Annotated[
        int | None, typer.Option(min=1, help="Of training, in place of --minutes.")
    ] = None,
    scale: ScaleOption = None,
    state: StateOption = None,
    seed: SeedOption = 0,
    json: JsonOption = False,
) -> None:
    """Train a network of time series on recordings and made-up signals; cut off, it goes on.

    What it was trained on is no test for it: keep the process that it shall be judged on out.
    """
    from rich.console import Console
    from rich.progress import Progress

    from genba.learn import read_release
    from genba.learn.backbone.backbone import pretrain
    from genba.learn.backbone.kept import MEMORY
    from genba.learn.backbone.pool import process_of
    from genba.learn.scale import scale_of

    needs_torch()
    if shares > 1 and steps is None:
        fail("no one process can count the CPU of several shares; say with --steps how many")
    place = scale_of(scale)
    folder = state or plant.resolve().parent / "state"
    groups = named_groups(group)
    releases = []
    for text in file or ():
        path, _, time = (text, "", "") if Path(text).exists() else text.rpartition("@")
        releases.append(read_release(Path(path or text), time=time or None, groups=groups))
    pool = [process_of(release) for release in releases]
    share = made if made is not None else 0.6 if pool else 1.0
    shelf = shelf_of(folder)
    memory = shelf.root / MEMORY
    if memory.exists():
        typer.echo("going on with the training that was cut off", err=True)
    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("training", total=1.0)
        taught = pretrain(
            pool,
            steps=steps or 10**9,
            seconds=None if steps else 60 * minutes,
            made=share,
            seed=seed,
            memory=memory,
            told=lambda done: progress.update(task, completed=done),
            shares=shares,
            scale=place,
        )
    facts = {
        "parameters": taught.parameters,
        "steps": taught.steps,
        "made_up": share,
        "seed": seed,
        "shares": shares,
        "processes": [release.lineage.as_json() for release in releases],
    }
    kept = shelf.keep(taught, facts, now_text())
    if json:
        emit_json({"backbone": kept.name, **facts, "cpu_s": round(taught.seconds, 1)})
        return
    typer.echo(
        f"Backbone {kept.name[:12]}: {taught.parameters:,} parameters, {taught.steps:,} steps in "
        f"{taught.seconds / 60:.1f} min of CPU, {len(pool)} recordings and made-up signals. "
        "`genba train forecast` now sets it beside the other rungs."
    )


def backbone_rungs(
    folder: Path, name: str, data: "Dataset", steps: int, seed: int
) -> "tuple[tuple[Recipe, ...], tuple[str, ...]]":
    """Return the rungs of a kept backbone, and what their card has to say; nothing where none is.

    One that was trained on the same release is no rung: it has seen the rows that test it.
    """
    from genba.learn.backbone.window import HORIZON

    shelf = shelf_of(folder)
    asked = name not in ("", "none")
    if name == "none" or not (asked or (shelf.names() and find_spec("torch"))):
        return (), ()
    needs_torch()
    kept = shelf.get(name or shelf.names()[-1])
    seen = {str(process.get("release", "")) for process in kept.facts.get("processes", ())}
    if data.lineage.release and data.lineage.release in seen:
        return _refused(f"backbone {kept.name[:12]} was trained on these rows", asked)
    if steps > HORIZON:
        return _refused(f"backbone {kept.name[:12]} looks {HORIZON} rows ahead at most", asked)
    from genba.learn.backbone.beside import rungs_of

    return rungs_of(kept.backbone, steps, seed), (f"Beside it stood backbone {kept.name}.",)


def _refused(why: str, asked: bool) -> "tuple[tuple[Recipe, ...], tuple[str, ...]]":
    if asked:
        fail(f"{why}; leave out --backbone, or train one that it suits")
    typer.echo(f"{why}: it does not stand on the ladder", err=True)
    return (), ()


def shelf_of(folder: Path) -> "BackboneShelf":
    """Open the backbones of a state folder, which is made where there is none."""
    from genba.learn.backbone.kept import FOLDER, BackboneShelf
    from genba.learn.registry.signature import KEY
    from genba.operate.state import StateFolder

    return BackboneShelf(folder / FOLDER, StateFolder(folder).secrets / KEY)


def needs_torch() -> None:
    """Refuse where PyTorch is not installed."""
    if find_spec("torch") is None:
        fail("a backbone needs PyTorch, which is not installed; run `make setup-deep`")
