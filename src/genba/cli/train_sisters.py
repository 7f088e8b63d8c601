"""``--pooled`` and ``--start-from`` of ``genba train``: what other machines of a kind know."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from genba.cli.output import fail
from genba.cli.training import parted_by, registry_of

if TYPE_CHECKING:
    from genba.learn import Dataset, Ladder, Split

PooledOption = Annotated[
    list[str] | None,
    typer.Option("--pooled", help="Sister machine to learn from too; may be repeated."),
]
StartFromOption = Annotated[
    str, typer.Option("--start-from", help="A sister's model to start from: its digest.")
]


def with_sisters_apart(
    data: "Dataset", pooled: list[str] | None, read: "Callable[[str], Dataset] | None" = None
) -> "tuple[Dataset, Dataset | None]":
    """Return a machine's rows, and those of its sisters.

    Sisters are units of the file, or are read one by one with ``read``.
    """
    from genba.learn.data.joined import joined

    if not pooled:
        return data, None
    if read is not None:
        machines = [read(name) for name in pooled]
        if data.target is None:
            fail("there is no target; name it with --target")
        note = f"with {len(machines) - 1} sister machines"
        return data, joined(machines, "sisters", note)
    units = data.units
    known = sorted(set(units.tolist()) - {""})
    for name in pooled:
        if name not in known:
            fail(
                f"no unit '{name}' is there to pool; there are {', '.join(known[:8]) or 'none'}: "
                "say which column names machines with --group unit=COLUMN"
            )
    theirs = [unit in pooled for unit in units.tolist()]
    if all(theirs):
        fail("all machines are named as sisters, and none is left to learn for; name fewer")
    import numpy as np

    mask = np.array(theirs, np.bool_)
    return data.take(~mask, "the machine"), data.take(mask, "its sisters")


def parted_and_taught(
    data: "Dataset",
    split: str,
    seed: int,
    ladder: "Callable[[Dataset], Ladder]",
    folder: Path,
    sisters: "Dataset | None",
    start_from: str,
    limits: tuple[str, ...] = (),
) -> "tuple[Dataset, Split, Ladder, tuple[str, ...]]":
    """Part the rows, and put the rungs that other machines teach onto the ladder.

    Also gives what the card shall say of it.
    """
    from genba.learn import recipe_of
    from genba.learn.pooled.ladder import starting_from, with_sisters
    from genba.learn.split.named import split_of

    found = registry_of(folder).get(start_from) if start_from else None
    if found is None:
        data, parted = parted_by(data, split, seed)
    else:  # with the columns of that model, also those that never change here
        data = data.select([column.name for column in found.card.columns])
        parted = split_of(data, split, seed=seed)
    rungs = ladder(data)
    if found is not None:
        source = recipe_of(found.card)
        if source.task is not rungs.task:
            fail(f"model {start_from} is one of {source.task}, not of {rungs.task}; name another")
        rungs = starting_from(rungs, source, source.restore(found.parts()))
        limits += (f"It may have started from model {found.digest[:12]} of another machine.",)
    if sisters is not None:
        rungs = with_sisters(rungs, sisters)
        names = ", ".join(dict.fromkeys(sisters.units.tolist()))
        limits += (f"Sister machines taught rungs that are pooled or transferred: {names}.",)
    return data, parted, rungs, limits
