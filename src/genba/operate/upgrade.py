"""Bringing a state folder to this Genba's format, and back: step by step, safe from crashes.

Before anything is changed, whatever the steps change is copied to ``upgrade/`` in the folder; the
steps can be repeated; the new number is written last. A stop at any point leaves the old number,
and the next try goes on with the same copy. The way back puts the copy in place again. Samples are
never in the copy: no step changes them.
"""

import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from genba import __version__
from genba.errors import StateError
from genba.historian import Historian
from genba.operate.state import FORMAT, held, read_version, write_atomically
from genba.plant import SystemClock

_FOLDER = "upgrade"
_JOURNAL = "journal.json"


@dataclass(frozen=True, slots=True)
class Step:
    """From one format to the next.

    Attributes
    ----------
    to : int
        The format that it makes.
    text : str
        What it does, for people.
    changes : tuple of str
        The files and folders that it may change or make, copied before. Never the samples.
    apply, undo : callable
        Do it, and do what the older Genba needs before the copy is put back. Both may be repeated.
    """

    to: int
    text: str
    changes: tuple[str, ...]
    apply: Callable[[Path], None]
    undo: Callable[[Path], None]


def _to_2(root: Path) -> None:
    (root / "audit").mkdir(mode=0o700, exist_ok=True)
    (root / "audit").chmod(0o700)
    _empty_spool(root)  # which also notes all days for the rollups


def _empty_spool(root: Path) -> None:
    """Move what waits into the tables: an older Genba knows fewer tables, a newer one notes it."""
    if (root / "historian" / "version.json").exists():
        with Historian.open(root / "historian", SystemClock()) as historian:
            historian.commit()


STEPS = (
    Step(
        2,
        "a list of what is to be summed up by minute and hour, and a folder for the audit log",
        (
            *("secrets/identities.json", "secrets/users.json"),
            *("historian/due.sqlite", "historian/due.sqlite-wal", "historian/due.sqlite-shm"),
        ),
        _to_2,
        _empty_spool,
    ),
)


@dataclass(frozen=True, slots=True)
class Standing:
    """The format of a folder, the Genba that wrote it, what is to be done, and the way back."""

    format: int
    genba: str
    steps: tuple[Step, ...]
    back_to: int | None


def standing(root: Path) -> Standing:
    """Look at a state folder without touching it.

    Raises
    ------
    StateError
        If it is none, is damaged, or was written by a newer Genba.
    """
    found = read_version(root)
    number = int(found["format"])
    steps = tuple(step for step in STEPS if step.to > number)
    journal = _journal(root)
    back = None if journal is None else int(journal["from"])
    return Standing(number, str(found.get("genba", "?")), steps, back)


def upgrade(root: Path) -> list[Step]:
    """Bring a folder to this Genba's format; return the steps that were done.

    Raises
    ------
    StateError
        As with :func:`standing`, or if a core runs on it, or a step fails: the folder has its old
        number then, and the same call goes on.
    """
    with held(root):
        steps = standing(root).steps
        if not steps:
            return []
        with _failures(root, "upgraded"):
            _keep(root, steps)
            for step in steps:
                step.apply(root)
            _write_version(root, FORMAT)
        return list(steps)


def rollback(root: Path) -> int:
    """Bring a folder back to the format before its last upgrade; return that format.

    What was recorded since stays. Changes since to what the upgrade had copied (users, tokens) go.

    Raises
    ------
    StateError
        If it was not upgraded, or a core runs on it.
    """
    with held(root):
        journal = _journal(root)
        if journal is None:
            raise StateError(f"{root} was not upgraded; there is no way back to anything")
        with _failures(root, "rolled back"):
            for step in reversed(STEPS):
                if step.to > int(journal["from"]):
                    step.undo(root)
            copies = root / _FOLDER / f"from-{journal['from']}"
            for name in journal["absent"]:
                _remove(root / name)
            for name in journal["copied"]:
                _copy(copies / name, root / name)
            _copy(copies / "version.json", root / "version.json")
            shutil.rmtree(root / _FOLDER)
        return int(journal["from"])


@contextmanager
def _failures(root: Path, done: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StateError(
            f"state folder {root} cannot be {done}: {error}; mend that and do it again"
        ) from error


def _keep(root: Path, steps: tuple[Step, ...]) -> None:
    """Copy what the steps change, once: the copy of an earlier try that failed is the right one."""
    number = int(read_version(root)["format"])
    journal = _journal(root)
    if journal is not None and int(journal["from"]) == number:
        return
    shutil.rmtree(root / _FOLDER, ignore_errors=True)
    copies = root / _FOLDER / f"from-{number}"
    copies.mkdir(parents=True, mode=0o700)
    (root / _FOLDER).chmod(0o700)
    names = [name for step in steps for name in step.changes]
    copied = [name for name in names if (root / name).exists()]
    for name in copied:
        _copy(root / name, copies / name)
    _copy(root / "version.json", copies / "version.json")
    absent = [name for name in names if name not in copied]
    told = {"from": number, "to": FORMAT, "copied": copied, "absent": absent}
    write_atomically(root / _FOLDER / _JOURNAL, json.dumps(told, indent=2) + "\n")


def _journal(root: Path) -> dict[str, Any] | None:
    path = root / _FOLDER / _JOURNAL
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return {key: found[key] for key in ("from", "to", "copied", "absent")}
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError):
        raise StateError(
            f"{path} is damaged; restore the state folder from a backup, or remove its folder if "
            "you never want to go back"
        ) from None


def _copy(source: Path, target: Path) -> None:
    """Copy a file with its access rights, whole or not at all; or a folder."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target, dirs_exist_ok=True)
        return
    draft = target.with_name(f".{target.name}.{os.getpid()}")
    shutil.copy2(source, draft)
    handle = os.open(draft, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
    draft.replace(target)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _write_version(root: Path, number: int) -> None:
    told = {**read_version(root), "format": number, "genba": __version__}
    write_atomically(root / "version.json", json.dumps(told, indent=2) + "\n")
