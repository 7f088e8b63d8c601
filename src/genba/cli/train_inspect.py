"""``genba train inspect``: tell good pictures from defective ones, and show where the defect is."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from genba.cli.output import fail, says_errors
from genba.cli.training import (
    GroupOption,
    JsonOption,
    ScaleOption,
    SeedOption,
    SplitOption,
    StateOption,
    SweepOption,
    VouchOption,
    learn,
    named_groups,
)

if TYPE_CHECKING:
    from genba.learn import Candidate, Split
    from genba.learn.inspect.gallery import Gallery

PicturesArgument = Annotated[
    Path, typer.Argument(help="Folder of pictures; its sub-folders say what they show.")
]


@says_errors
def inspect(
    pictures: PicturesArgument,
    good: Annotated[str, typer.Option(help="Sub-folder or label of the good ones.")] = "good",
    labels: Annotated[
        Path | None,
        typer.Option(help="CSV with the columns picture and label, instead of sub-folders."),
    ] = None,
    masks: Annotated[
        Path | None,
        typer.Option(help="Folder of masks, named as their pictures; default 'masks' among them."),
    ] = None,
    size: Annotated[
        str | None, typer.Option(help="Scale all pictures to WIDTHxHEIGHT, say 160x160.")
    ] = None,
    gray: Annotated[bool, typer.Option("--gray", help="Turn colors into gray.")] = False,
    false_alarms: Annotated[
        float, typer.Option(min=0.0, max=0.5, help="Of a golden picture: good ones told falsely.")
    ] = 0.01,
    turned: Annotated[
        bool, typer.Option("--turned", help="Parts may lie turned by a quarter.")
    ] = False,
    equipment: Annotated[str, typer.Option(help="The machine whose parts these are.")] = "",
    group: GroupOption = None,
    split: SplitOption = "",
    vouch: VouchOption = None,
    plant: Annotated[Path, typer.Option(help="The plant file.")] = Path("plant.yaml"),
    state: StateOption = None,
    sweep: SweepOption = 0,
    scale: ScaleOption = None,
    seed: SeedOption = 0,
    json: JsonOption = False,
) -> None:
    """Learn from labelled pictures, tested on parts that were never seen.

    Name what was photographed more than once (a tile, a lot) with --group: a column of --labels, or
    a pattern for the path, like lot='lot([0-9]+)'. Without one, pictures that are alike stay on one
    side.
    """
    from genba.learn.inspect.gallery import GOLDEN, Wanted, read_gallery
    from genba.learn.inspect.ladder import inspect_ladder

    groups = named_groups(group)
    wanted = Wanted(good, labels, masks, groups, gray, None if size is None else _size(size))
    gallery = read_gallery(pictures, wanted)
    split = split or next(iter(groups), "alike")
    gallery, parted = _parted(gallery, split, seed)

    def shown(found: "Candidate") -> "Candidate":
        from genba.learn.inspect.evidence import with_evidence
        from genba.learn.inspect.seen import with_seen

        return with_seen(with_evidence(found, gallery, parted), gallery)

    masked = gallery.data.images is not None and gallery.data.images.masks is not None
    ladder = inspect_ladder(masks=masked, false_alarms=false_alarms, turned=turned)
    folder = state or plant.resolve().parent / "state"
    limits: tuple[str, ...] = (KIND_LIMIT,) if groups else (KIND_LIMIT, ALIKE_LIMIT)
    if (gallery.kinds == GOLDEN).any():  # they are meant to look like what is tested
        vouch = [*(vouch or ()), "duplicates"]
        limits += (GOLDEN_LIMIT,)
    learn(
        gallery.data,
        parted,
        ladder,
        folder,
        equipment,
        vouch,
        limits,
        seed,
        json,
        shown,
        sweep=sweep,
        scale=scale,
    )


ALIKE_LIMIT = (
    "Nobody said which pictures show the same part; only those that are alike were kept on one "
    "side of the split. Where a part was photographed from several sides, name it with --group."
)
GOLDEN_LIMIT = "It knows the products of its golden pictures, and no others."
KIND_LIMIT = (
    "It knows the kinds of defects that it was shown, under the light and at the place at which "
    "they were photographed. A new kind may pass."
)


def _size(text: str) -> tuple[int, int]:
    """Read WIDTHxHEIGHT as (height, width)."""
    width, found, height = text.partition("x")
    if not (found and width.isdigit() and height.isdigit() and int(width) and int(height)):
        fail(f"'{text}' is no size; write WIDTHxHEIGHT in pixels, like 160x160")
    return int(height), int(width)


def _parted(gallery: "Gallery", split: str, seed: int) -> "tuple[Gallery, Split]":
    """Part pictures by what they show: a group, those that are alike, or each on its own."""
    from dataclasses import replace

    from genba.learn.inspect.gallery import GOLDEN
    from genba.learn.inspect.parting import part_pictures
    from genba.learn.split.alike import GROUP, alike_groups

    data = gallery.data
    if split in ("time", "blocks"):
        fail(f"pictures of a folder have no times to part by {split}; name a group, alike or rows")
    if split == GROUP:
        assert data.images is not None  # noqa: S101 - a gallery has pictures
        data = replace(data, groups={**data.groups, GROUP: alike_groups(data.images.pixels)})
    golden = gallery.kinds == GOLDEN
    return replace(gallery, data=data), part_pictures(data, split, golden=golden, seed=seed)
