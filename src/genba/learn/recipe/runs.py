"""One ladder many times: seeds, or splits that each leave one group out, wherever there is room."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from genba.learn.data.dataset import Dataset
from genba.learn.recipe.ladder import Climb, Ladder, climb
from genba.learn.scale import Scale, run_all, scale_of
from genba.learn.split.parts import Split


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """One climb: how rows are parted, the ladder for them, and the seed."""

    split: Split
    ladder: Ladder
    seed: int = 0


def climb_each(data: Dataset, runs: Sequence[Run], *, scale: Scale | None = None) -> list[Climb]:
    """Climb once for each run, in their order. Models stay where they were fitted: figures come.

    Each run is one task of the scale, with all its rungs.
    """
    return run_all(_climbed, runs, scale_of() if scale is None else scale, data)


def _climbed(run: Run, data: Dataset) -> Climb:
    found = climb(data, run.split, run.ladder, seed=run.seed, scale=Scale())
    rungs = tuple(replace(rung, model=None) for rung in found.rungs)
    chosen = None if found.chosen is None else rungs[found.rungs.index(found.chosen)]
    return replace(found, rungs=rungs, chosen=chosen)
