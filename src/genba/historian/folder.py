"""The historian's folder: its version, its name, and who may write to it."""

import fcntl
import json
import os
import time
import uuid
from dataclasses import dataclass
from pathlib import Path

from genba import __version__
from genba.errors import HistorianError, StateError

FORMAT = 1
"""Version of what lies in the folder; raised when an older Genba could no longer read it."""


@dataclass(frozen=True, slots=True)
class Folder:
    """Where one historian lives.

    ::

        version.json    format, and the id under which batches are committed
        writer.lock     held by the one process that appends
        committer.lock  held by the one process that moves batches into the tables
        tables.lock     held while a table's log is written
        spill/          what queries put aside beyond their memory
        spool.sqlite    what was acknowledged and is not yet in a table
        due.sqlite      steps that have to be summed up (again)
        horizon.json    from when on samples are still there, where retention took some
        age.json        up to when retention went
        policy.json     how long the plant wants what kept
        samples/ ...    one Delta table each
    """

    root: Path
    id: str

    @property
    def spool(self) -> Path:
        """The spool's file."""
        return self.root / "spool.sqlite"

    @property
    def due(self) -> Path:
        """The list of steps to sum up."""
        return self.root / "due.sqlite"

    @property
    def spill(self) -> Path:
        """What queries put aside beyond their memory; a folder for each process."""
        return self.root / "spill"


def open_folder(root: Path, *, create: bool) -> Folder:
    """Check the folder's version, or make a new folder.

    Raises
    ------
    StateError
        If it was written by a newer Genba, is damaged, or holds something else; nothing is
        touched then.
    HistorianError
        If there is no historian and ``create`` is false, or the folder cannot be made.
    """
    version = root / "version.json"
    try:
        if not version.exists():
            if not create:
                raise HistorianError(
                    f"{root} holds no historian; give the state folder of a plant with --state"
                )
            _create(root, version)
        found = json.loads(version.read_text(encoding="utf-8"))
        number, name = int(found["format"]), str(found["id"])
    except OSError as error:
        raise HistorianError(
            f"historian folder {root} cannot be used: {error.strerror}; mend it or choose another"
        ) from None
    except (ValueError, KeyError, TypeError):
        raise StateError(f"{version} is damaged; restore the folder from a backup") from None
    if number > FORMAT:
        raise StateError(
            f"historian folder {root} was written by Genba {found.get('genba', '?')} "
            f"(format {number}), this is {__version__} (format {FORMAT}); upgrade Genba"
        )
    return Folder(root, name)


def _create(root: Path, version: Path) -> None:
    root.mkdir(parents=True, exist_ok=True)
    if any(not entry.name.startswith(".") for entry in root.iterdir()):
        raise StateError(f"{root} holds files but no historian; choose another folder")
    text = json.dumps({"format": FORMAT, "genba": __version__, "id": f"genba-{uuid.uuid4()}"})
    write_whole(version, text + "\n")


def write_whole(path: Path, text: str) -> None:
    """Replace a file so that a crash leaves the old or the new text, never half of one."""
    draft = path.with_name(f".{path.stem}.{os.getpid()}")
    with draft.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make new names in a folder survive a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


class Lock:
    """A file that one process at a time holds; released when it ends, however it ends.

    Raises
    ------
    StateError
        If another process holds it after ``wait_s`` seconds.
    HistorianError
        If the file cannot be opened.
    """

    def __init__(self, path: Path, purpose: str, wait_s: float = 0.0) -> None:
        try:
            self._handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as error:
            raise HistorianError(
                f"{path} cannot be opened ({error.strerror}); mend the folder's access rights"
            ) from None
        deadline = time.monotonic() + wait_s
        while not self._try():
            if time.monotonic() >= deadline:
                holder = os.pread(self._handle, 32, 0).decode("ascii", "replace").strip()
                os.close(self._handle)
                raise StateError(
                    f"historian {path.parent} is in use: process {holder or 'unknown'} {purpose}; "
                    "stop that one or choose another folder"
                )
            time.sleep(0.05)
        os.ftruncate(self._handle, 0)
        os.pwrite(self._handle, f"{os.getpid()}\n".encode(), 0)

    @property
    def handle(self) -> int:
        """The open file, for a child that is to hold the lock too."""
        return self._handle

    def _try(self) -> bool:
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True

    def release(self) -> None:
        """Let go. Safe to call twice."""
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1
