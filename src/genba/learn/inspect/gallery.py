"""Pictures in a folder, with what is known of each, as a data set to learn from.

::

    tiles/
      good/0001.png           a sub-folder says what its pictures show; 'good' is the good one
      crack/0107.png          every other name is a kind of defect
      masks/crack/0107.png    white where the defect is; may be left out
      golden/type-a.png       what a product should look like: always learned from, never tested on

The layout of MVTec AD (Bergmann et al., CVPR 2019) is this one, its masks in ``ground_truth`` with
``_mask`` behind the name. Where labels come as a table instead, it has the columns ``picture``
(path below the folder) and ``label``, and may have more, by which pictures are grouped.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
from pyarrow import csv

from genba.errors import LearnError
from genba.learn.arrays import Booleans, Bytes, Texts
from genba.learn.data.dataset import Dataset, Images
from genba.learn.data.lineage import Lineage
from genba.learn.data.target import Target
from genba.learn.inspect.photo import (
    SUFFIXES,
    read_mask,
    read_photo,
    scaled,
    shows_nothing,
    told_size,
)

MASKS = ("masks", "ground_truth")
"""Sub-folders that hold masks, not pictures."""
GOLDEN = "golden"
"""Label of pictures of what should be: good, and always learned from."""
PICTURE, LABEL = "picture", "label"
_TOLD = 5
"""Pictures that one error names."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """How a folder is to be read.

    ``good`` is the label of good pictures. ``groups`` maps a group to a column of ``labels``, or,
    without a table, to a pattern with one pair of parentheses that the path below the folder is
    searched for. ``size`` is height and width that all pictures are scaled to.
    """

    good: str = "good"
    labels: Path | None = None
    masks: Path | None = None
    groups: Mapping[str, str] = field(default_factory=dict)
    gray: bool = False
    size: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Gallery:
    """Pictures as a data set, and beside each row its ``names`` (path below the folder) and kind.

    ``shot`` is height and width as the camera gave them, before scaling.
    """

    data: Dataset
    names: Texts
    kinds: Texts
    shot: tuple[int, int]


def read_gallery(folder: Path, wanted: Wanted | None = None) -> Gallery:
    """Read all pictures of a folder that have a label, in the order of their names.

    Raises
    ------
    LearnError
        If there are none, some cannot be read, show nothing, differ in size, have a mask that does
        not fit, or a label is missing; each with the mend.
    """
    how = wanted or Wanted()
    if not folder.is_dir():
        raise LearnError(f"there is no folder {folder}; name the one that holds the pictures")
    table = None if how.labels is None else _table(how.labels)
    kinds = _by_folder(folder) if table is None else _by_table(folder, table, how)
    names = sorted(kinds)
    labels = np.array([kinds[name] for name in names], np.str_)
    _refuse_labels(folder, labels, how.good)
    raw = _all_read(folder, names, how)
    shape = _one_size(names, raw)
    pixels = np.stack(raw if how.size is None else [scaled(one, how.size) for one in raw])
    masks = _masks(folder, names, labels, shape, how)
    digest = hashlib.sha256(pixels.tobytes()).hexdigest()
    query = {"shot": list(shape), "size": list(pixels.shape[1:]), "good": how.good}
    bad = (~np.isin(labels, (how.good, GOLDEN))).astype(np.float64)
    data = Dataset(
        folder.name,
        (),
        np.empty((len(names), 0)),
        np.arange(len(names)),
        Lineage("file", {**query, "gray": how.gray}, f"{folder.name} sha256:{digest}"),
        _groups(names, table, how),
        Target("defect", bad, classes=("good", "defective")),
        Images(pixels, masks),
        timed=False,
    )
    return Gallery(data, np.array(names, np.str_), labels, (shape[0], shape[1]))


def labels_in_table(folder: Path, how: Wanted) -> dict[str, str]:
    """Map each picture that a table names (path below the folder) to its label.

    Raises
    ------
    LearnError
        If there is no such table, it lacks a column or a label, or names what is not there.
    """
    assert how.labels is not None  # noqa: S101 - whoever asks looks
    return _by_table(folder, _table(how.labels), how)


def listed(names: list[str]) -> str:
    """Name the first few, and how many more there are."""
    more = len(names) - _TOLD
    return ", ".join(names[:_TOLD]) + (f" and {more} more" if more > 0 else "")


def _by_folder(folder: Path) -> dict[str, str]:
    """Map each picture's path below the folder to the name of its sub-folder."""
    found = {}
    loose = []
    for path in sorted(folder.rglob("*")):
        below = path.relative_to(folder)
        if path.suffix.lower() not in SUFFIXES or any(part.startswith(".") for part in below.parts):
            continue
        if below.parts[0] in MASKS:
            continue
        if len(below.parts) == 1:
            loose.append(below.as_posix())
        else:
            found[below.as_posix()] = below.parts[-2]
    if loose and not found:
        raise LearnError(
            f"the pictures of {folder} ({listed(loose)}) have no labels; put them into "
            "sub-folders, 'good' and one for each kind of defect, or give a table with --labels"
        )
    if loose:
        raise LearnError(
            f"pictures of {folder} lie beside the sub-folders, so that nobody says what they show: "
            f"{listed(loose)}; move them into one"
        )
    if not found:
        raise LearnError(f"{folder} holds no pictures ({', '.join(SUFFIXES)}); check the path")
    return found


def _table(path: Path) -> pa.Table:
    try:
        options = csv.ConvertOptions(column_types={PICTURE: pa.string(), LABEL: pa.string()})
        table = csv.read_csv(path, convert_options=options)
    except FileNotFoundError:
        raise LearnError(f"there is no table {path}; check --labels") from None
    except pa.ArrowException as error:
        raise LearnError(
            f"{path} is no table: {str(error).splitlines()[0]}; give CSV with the columns "
            f"{PICTURE} and {LABEL}"
        ) from None
    for name in (PICTURE, LABEL):
        if name not in table.column_names:
            raise LearnError(
                f"{path} has no column '{name}'; it has {', '.join(table.column_names)}"
            )
    names = table[PICTURE].to_pylist()
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise LearnError(f"{path} names pictures twice: {listed(twice)}; keep one line of each")
    return table


def _by_table(folder: Path, table: pa.Table, how: Wanted) -> dict[str, str]:
    names, labels = table[PICTURE].to_pylist(), table[LABEL].to_pylist()
    if bare := [str(n) for n, label in zip(names, labels, strict=True) if not label]:
        raise LearnError(f"{how.labels} has no label for {listed(bare)}; give one, or leave it out")
    if gone := [str(name) for name in names if not (folder / str(name)).is_file()]:
        raise LearnError(
            f"{how.labels} names pictures that {folder} does not hold: {listed(gone)}; write paths "
            "below the folder"
        )
    return dict(zip(names, labels, strict=True))


def _refuse_labels(folder: Path, labels: Texts, good: str) -> None:
    there = np.unique(labels)
    if good not in there:
        raise LearnError(
            f"no picture of {folder} is labelled '{good}'; labels are {listed(there.tolist())}: "
            "name the good one with --good"
        )
    if set(there) <= {good, GOLDEN}:
        raise LearnError(
            f"all {len(labels)} pictures of {folder} are '{good}', so that nothing can tell how "
            "well defects would be found; give at least 10 that show one"
        )


def _all_read(folder: Path, names: list[str], how: Wanted) -> list[Bytes]:
    """Read all, or refuse with the first few reasons."""
    found: list[Bytes] = []
    wrong, blind = [], []
    for name in names:
        try:
            pixels = read_photo(folder / name, gray=how.gray)
        except LearnError as error:
            wrong.append(str(error))
            continue
        if why := shows_nothing(pixels):
            blind.append(f"{name} {why}")
        found.append(pixels)
    if wrong:
        rest = len(wrong) - _TOLD
        raise LearnError("\n".join(wrong[:_TOLD]) + (f"\nand {rest} more" if rest > 0 else ""))
    if blind:
        more = f", and {len(blind) - 1} more like it" if len(blind) > 1 else ""
        raise LearnError(f"{blind[0]}{more}; take such pictures out, and look after the camera")
    return found


def _one_size(names: list[str], raw: list[Bytes]) -> tuple[int, int]:
    shapes, counts = np.unique([one.shape for one in raw], axis=0, return_counts=True)
    usual = tuple(int(one) for one in shapes[np.argmax(counts)])
    others = [n for n, one in zip(names, raw, strict=True) if one.shape != usual]
    if others:
        first = raw[names.index(others[0])].shape
        raise LearnError(
            f"{others[0]} has {told_size(first)} pixels, {int(counts.max())} others have "
            f"{told_size(usual)} ({len(others)} differ); crop or scale all pictures to one size"
        )
    return usual[0], usual[1]


def _masks(
    folder: Path, names: list[str], labels: Texts, shape: tuple[int, int], how: Wanted
) -> Booleans | None:
    """Read masks of the defective pictures; those without one stay empty."""
    where = how.masks or next((folder / one for one in MASKS if (folder / one).is_dir()), None)
    if where is None:
        return None
    if not where.is_dir():
        raise LearnError(f"there is no folder of masks {where}; check --masks")
    masks = np.zeros((len(names), *(how.size or shape)), np.bool_)
    paths = {name: _mask_of(where, name) for name in names}
    for row, name in enumerate(names):
        path = paths[name]
        if path is None:
            continue
        masks[row] = read_mask(path, shape, how.size)
        if labels[row] in (how.good, GOLDEN) and masks[row].any():
            raise LearnError(
                f"{name} is labelled '{labels[row]}', and its mask {path} marks a defect; mend the "
                "label or the mask"
            )
    used = {path for path in paths.values() if path is not None}
    stray = [p for p in sorted(where.rglob("*")) if p.suffix.lower() in SUFFIXES and p not in used]
    if stray:
        told = listed([path.relative_to(where).as_posix() for path in stray])
        raise LearnError(
            f"masks in {where} belong to no picture: {told}; name each as its picture, in a folder "
            "of the same name"
        )
    return masks


def _mask_of(where: Path, name: str) -> Path | None:
    """Find a picture's mask: the same path below, with any suffix, perhaps ``_mask`` behind."""
    base = where / name
    for stem in (base.stem, f"{base.stem}_mask"):
        for suffix in SUFFIXES:
            if (path := base.with_name(stem + suffix)).is_file():
                return path
    return None


def _groups(names: list[str], table: pa.Table | None, how: Wanted) -> dict[str, Texts]:
    groups = {}
    for group, rule in how.groups.items():
        if table is None:
            groups[group] = _by_pattern(names, group, rule)
            continue
        if rule not in table.column_names:
            raise LearnError(
                f"{how.labels} has no column '{rule}' for group '{group}'; it has "
                f"{', '.join(table.column_names)}"
            )
        told = dict(zip(table[PICTURE].to_pylist(), table[rule].to_pylist(), strict=True))
        groups[group] = np.array([str(told[name]) for name in names], np.str_)
    return groups


def _by_pattern(names: list[str], group: str, rule: str) -> Texts:
    try:
        pattern = re.compile(rule)
    except re.error as error:
        raise LearnError(f"'{rule}' is no pattern for group '{group}': {error}") from None
    if pattern.groups != 1:
        raise LearnError(
            f"'{rule}' has {pattern.groups} pairs of parentheses; put one around what names the "
            rf"{group}, like 'lot(\d+)_'"
        )
    found = [pattern.search(name) for name in names]
    if without := [name for name, one in zip(names, found, strict=True) if one is None]:
        raise LearnError(f"'{rule}' finds no {group} in {listed(without)}; mend the pattern")
    return np.array([one.group(1) for one in found if one is not None], np.str_)
