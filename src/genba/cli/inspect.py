"""``genba inspect``: judge pictures with a model, and show where the defect is."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from genba.cli.output import emit_json, fail, print_table, says_errors
from genba.cli.training import StateOption, registry_of

if TYPE_CHECKING:
    from genba.learn.inspect.judge import Finding


@says_errors
def inspect(
    model: Annotated[str, typer.Argument(help="The model: its digest, or how that begins.")],
    pictures: Annotated[list[Path], typer.Argument(help="Pictures, or folders of them.")],
    heat: Annotated[
        Path | None, typer.Option(help="Folder for PNG files that show where each defect is.")
    ] = None,
    state: StateOption = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Say of each picture whether it is good, and why; a picture that shows nothing is not good.

    The model is checked against its signature. It neither stops nor moves anything.
    """
    from genba.learn.inspect.judge import Inspector

    paths = _all_of(pictures)
    inspector = Inspector(registry_of(state or Path("state")).get(model))
    found = [inspector.judge(paths[0])] if len(paths) == 1 else inspector.judge_all(paths)
    names = [str(path) for path in paths]
    if heat is not None:
        _write_heat(heat, found)
    if json:
        emit_json([_plain(name, one) for name, one in zip(names, found, strict=True)])
        return
    if len(found) == 1:
        typer.echo(f"{names[0]}: {found[0].words}")
    else:
        rows = [[name, one.words] for name, one in zip(names, found, strict=True)]
        print_table("Pictures", ("picture", "verdict"), rows)
        kinds = [one.verdict.value for one in found]
        told = ", ".join(f"{kinds.count(kind)} {kind}" for kind in dict.fromkeys(sorted(kinds)))
        typer.echo(f"{len(found)} pictures: {told}.")
    if heat is not None:
        typer.echo(f"Where: {heat}")


def _all_of(pictures: list[Path]) -> list[Path]:
    """Take files as they are, and of folders all pictures that they hold."""
    from genba.learn.inspect.gallery import MASKS
    from genba.learn.inspect.photo import SUFFIXES

    paths = []
    for given in pictures:
        if not given.is_dir():
            paths.append(given)
            continue
        inside = [
            path
            for path in sorted(given.rglob("*"))
            if path.suffix.lower() in SUFFIXES and path.relative_to(given).parts[0] not in MASKS
        ]
        if not inside:
            fail(f"{given} holds no pictures ({', '.join(SUFFIXES)}); check the path")
        paths += inside
    return paths


def _write_heat(folder: Path, found: "list[Finding]") -> None:
    from genba.learn.inspect.overlay import overlay, png_of

    folder.mkdir(parents=True, exist_ok=True)
    for number, one in enumerate(found):
        if one.pixels is not None and one.heat is not None:
            name = f"{number:04d}-{Path(one.name).stem}.png"
            (folder / name).write_bytes(png_of(overlay(one.pixels, one.heat)))


def _plain(name: str, one: "Finding") -> dict[str, Any]:
    return {
        "picture": name,
        "verdict": one.verdict.value,
        "score": one.score,
        "threshold": one.threshold,
        "box": one.box,
        "words": one.words,
    }
