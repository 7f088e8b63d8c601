"""How people name a split on the command line, and which one is taken where they do not."""

from genba.errors import LearnError
from genba.learn.data.dataset import Dataset
from genba.learn.split.parts import Split, by_blocks, by_group, by_rows, by_time

SPLITS = "time, blocks, rows, or a group such as lot or experiment"


def split_of(data: Dataset, name: str, *, seed: int = 0, gap: int = 0) -> Split:
    """Part a data set as named: ``time``, ``blocks``, ``rows``, or by whole groups of that name.

    Raises
    ------
    LearnError
        If there is no such group, or a part would be empty.
    """
    if name == "time":
        return by_time(data, gap=gap)
    if name == "blocks":
        return by_blocks(data, seed=seed, gap=gap)
    if name == "rows":
        return by_rows(data, seed=seed)
    if name in data.groups:
        return by_group(data, name, seed=seed)
    raise LearnError(f"'{name}' is no way to part data set '{data.name}'; name {SPLITS}")
