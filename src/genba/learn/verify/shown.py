"""Pictures that a model may be verified on, and what they show, where anybody says so."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from genba.errors import LearnError
from genba.learn.edge.pictures import JUDGED, REFUSED
from genba.learn.inspect.gallery import GOLDEN, MASKS, Wanted, labels_in_table, listed
from genba.learn.inspect.photo import SUFFIXES

MOST = 10_000
"""Pictures that are taken, the newest."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A picture; ``kind`` is its label, empty where nobody says; ``time`` when it was written, in
    microseconds UTC.
    """

    path: Path
    name: str
    kind: str
    time: int


def shown_in(folder: Path, *, labels: Path | None = None, good: str = "good") -> list[Shown]:
    """Find the pictures of a folder in the order in which they were written.

    Sub-folders say what pictures show, or a table with the columns ``picture`` and ``label``.
    Without either they have no labels; nor have those in the folders that a camera's pictures are
    put away in. Masks and golden pictures are left out.

    Raises
    ------
    LearnError
        If there are none, only some have a label, or none is called good.
    """
    if not folder.is_dir():
        raise LearnError(f"there is no folder {folder}; name the one that holds the pictures")
    if labels is not None:
        kinds = labels_in_table(folder, Wanted(good, labels))
    else:
        kinds = _by_folder(folder)
    kinds = {name: kind for name, kind in kinds.items() if kind != GOLDEN}
    if not kinds:
        raise LearnError(f"{folder} holds no pictures ({', '.join(SUFFIXES)}); check the path")
    _refuse_labels(folder, kinds, good)
    found = [
        Shown(path, name, kind, path.stat().st_mtime_ns // 1000)
        for name, kind in kinds.items()
        for path in (folder / name,)
    ]
    return sorted(found, key=lambda one: (one.time, one.name))[-MOST:]


def _by_folder(folder: Path) -> dict[str, str]:
    kinds = {}
    for path in sorted(folder.rglob("*")):
        below = path.relative_to(folder).parts
        if path.suffix.lower() not in SUFFIXES or any(part.startswith(".") for part in below):
            continue
        if below[0] not in MASKS:
            bare = len(below) == 1 or below[-2] in (JUDGED, REFUSED)
            kinds["/".join(below)] = "" if bare else below[-2]
    return kinds


def _refuse_labels(folder: Path, kinds: dict[str, str], good: str) -> None:
    there = sorted(set(kinds.values()))
    if there == [""]:
        return
    if "" in there:
        bare: Sequence[str] = [name for name, kind in kinds.items() if not kind]
        raise LearnError(
            f"pictures of {folder} lie beside the sub-folders, so that nobody says what they show: "
            f"{listed(list(bare))}; move them into one, or all out of them"
        )
    if good not in there:
        raise LearnError(
            f"no picture of {folder} is labelled '{good}'; labels are {listed(there)}: name the "
            "good one with --good, or put some good pictures beside them"
        )
