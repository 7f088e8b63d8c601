"""Pictures at a machine: what asks a model of pictures, and a folder that a camera writes to.

::

    pictures/<equipment>/a.png           to be judged
    pictures/<equipment>/judged/a.png    was judged
    pictures/<equipment>/refused/a.png   could not be: unreadable, of another size, black
"""

import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from genba.errors import LearnError
from genba.learn.edge.contract import Contract
from genba.learn.edge.window import Look, Question
from genba.learn.inspect.photo import SUFFIXES, read_photo, scaled, shows_nothing, told_size

PICTURES = "pictures"
"""Folder of them in a state folder."""
JUDGED, REFUSED = "judged", "refused"
KEPT = 1000
"""Pictures that stay of each kind, the newest."""
RECENT = 60
"""Judged pictures that a new release is shown beside the one in force, at most."""
AT_ONCE = 10
"""Pictures that are read at one look, at most."""
STILL_S = 0.5
"""Wall seconds for which a file must not have changed: so long nobody may pause within it."""


class Picture(NamedTuple):
    """A picture as each model of its equipment sees it, by :attr:`Contract.question`."""

    equipment: str
    name: str
    time: int
    windows: Mapping[tuple[object, ...], NDArray[np.float32]]


class Refused(NamedTuple):
    """A picture that nobody can judge, and why."""

    equipment: str
    name: str
    time: int
    why: str


class PictureFeed:
    """Asks about each picture that comes."""

    def __init__(self, contract: Contract) -> None:
        self._question = contract.question

    def ask(self, now: int, look: Look, came: Sequence[object] = ()) -> Sequence[Question]:
        """Return a question for each picture among what came."""
        return [
            Question(one.time, one.windows[self._question], one.name)
            for one in came
            if isinstance(one, Picture) and self._question in one.windows
        ]


def seen(contract: Contract, path: Path) -> NDArray[np.float32]:
    """Read a picture as a model sees it, (height, width) gray values.

    Raises
    ------
    LearnError
        If it cannot be read, was not taken as those that the model learned from, or shows nothing.
    """
    assert contract.picture is not None  # noqa: S101 - whoever asks looks
    pixels = read_photo(path, gray=contract.gray)
    shot = contract.shot or contract.picture
    if pixels.shape != shot:
        raise LearnError(
            f"{path.name} has {told_size(pixels.shape)} pixels, and the model learned from "
            f"{told_size(shot)}; have the camera deliver that, or crop or scale it"
        )
    if why := shows_nothing(pixels):
        raise LearnError(f"{path.name} {why}; see to the camera and its light")
    return scaled(pixels, contract.picture).astype(np.float32)


def recent(root: Path, contract: Contract) -> NDArray[np.float32] | None:
    """Return the newest pictures that were judged, as a model sees them, (n, height, width).

    At most ``RECENT``, the oldest first; None where there are none that it could judge.
    """
    folder = root / contract.equipment / JUDGED
    try:
        found = [
            (entry.stat().st_mtime_ns, Path(entry.path))
            for entry in os.scandir(folder)
            if Path(entry.name).suffix.lower() in SUFFIXES
        ]
    except OSError:
        return None
    windows = []
    for _, path in sorted(found)[-RECENT:]:
        try:
            windows.append(seen(contract, path))
        except LearnError:
            continue
    return np.stack(windows) if windows else None


class PictureFolder:
    """Takes pictures out of a folder, once each, when they are whole.

    Parameters
    ----------
    root : Path
        The folder; below it is one for each piece of equipment that a model looks at.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._marks: dict[Path, tuple[int, int]] = {}
        self._taken: dict[tuple[str, str], Path] = {}
        self._refused: dict[str, Refused] = {}
        self._done: dict[Path, tuple[int, int]] = {}
        """Pictures that could not be put away; they are not taken again."""
        self._stuck: dict[str, str] = {}
        self._last = 0

    def look(self, contracts: Sequence[Contract], now: int) -> tuple[list[Picture], list[Refused]]:
        """Read what is there and whole, for these models; what cannot be judged is set aside.

        ``now`` in microseconds UTC, plant clock. May wait for the disk.
        """
        by_equipment: dict[str, list[Contract]] = {}
        for contract in contracts:
            if contract.picture is not None:
                by_equipment.setdefault(contract.equipment, []).append(contract)
        pictures: list[Picture] = []
        refused: list[Refused] = []
        for equipment, own in by_equipment.items():
            for path in self._whole(equipment):
                moment = self._last = max(self._last + 2, now - 2 * AT_ONCE)
                windows, why = _windows(own, path)
                if windows:
                    pictures.append(Picture(equipment, path.name, moment, windows))
                    self._taken[equipment, path.name] = path
                    self._refused.pop(equipment, None)
                else:
                    refused.append(self._refuse(equipment, path, moment, why))
        return pictures, refused

    def told(self) -> dict[str, str]:
        """Return why the newest picture could not be judged, by equipment where that is so."""
        unfit = {name: f"{one.name}: {one.why}" for name, one in self._refused.items()}
        return unfit | self._stuck

    def judged(self, pictures: Sequence[Picture], about: Sequence[str]) -> list[Refused]:
        """Put away what was shown; what got no answer, by its name, is refused."""
        refused = []
        for one in pictures:
            path = self._taken.pop((one.equipment, one.name))
            if one.name in about:
                self._put_away(path, JUDGED)
            else:
                why = "the model says nothing that makes sense of it; see its history"
                refused.append(self._refuse(one.equipment, path, one.time, why))
        return refused

    def _refuse(self, equipment: str, path: Path, moment: int, why: str) -> Refused:
        self._put_away(path, REFUSED)
        self._refused[equipment] = refused = Refused(equipment, path.name, moment, why)
        return refused

    def _put_away(self, path: Path, to: str) -> None:
        """Move a picture; one that cannot be moved stays, and is not taken again."""
        try:
            _move(path, to)
            self._stuck.pop(path.parent.name, None)
        except OSError as error:
            self._done[path] = self._marks[path]
            told = f"{path.name} cannot be put away in {path.parent / to}: {error.strerror}"
            self._stuck[path.parent.name] = f"{told}; make room, or mend the folder's rights"

    def _whole(self, equipment: str) -> list[Path]:
        """Return pictures that nobody writes any more, the oldest first."""
        folder = self._root / equipment
        try:
            folder.mkdir(parents=True, exist_ok=True)
            return self._found(folder)
        except OSError as error:
            self._stuck[equipment] = f"{folder} cannot be read: {error.strerror}; mend its rights"
            return []

    def _found(self, folder: Path) -> list[Path]:
        found: list[tuple[int, Path]] = []
        marks: dict[Path, tuple[int, int]] = {}
        for entry in os.scandir(folder):
            if Path(entry.name).suffix.lower() not in SUFFIXES or entry.name.startswith("."):
                continue
            path, stat = Path(entry.path), entry.stat()
            marks[path] = mark = (stat.st_size, stat.st_mtime_ns)
            if self._done.get(path) == mark:
                continue
            if self._marks.get(path) == mark and time.time() - stat.st_mtime >= STILL_S:
                found.append((stat.st_mtime_ns, path))
        others = {p: m for p, m in self._marks.items() if p.parent != folder}
        self._marks = others | marks
        return [path for _, path in sorted(found)[:AT_ONCE]]


def _windows(
    contracts: Sequence[Contract], path: Path
) -> tuple[dict[tuple[object, ...], NDArray[np.float32]], str]:
    """Return the picture as each model sees it, and why one cannot."""
    windows, why = {}, ""
    for contract in contracts:
        try:
            windows[contract.question] = seen(contract, path)
        except LearnError as error:
            why = str(error)
    return windows, why


def _move(path: Path, to: str) -> None:
    """Put a picture away, and let the oldest go; one that is gone by now is let be."""
    folder = path.parent / to
    folder.mkdir(exist_ok=True)
    try:
        path.replace(folder / path.name)
    except FileNotFoundError:
        return
    kept = sorted(folder.iterdir(), key=lambda one: one.stat().st_mtime_ns)
    for old in kept[:-KEPT]:
        old.unlink(missing_ok=True)
