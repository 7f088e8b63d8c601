"""Backups of a state folder, also while its core runs: consistent, checked, and linked where equal.

No process is stopped and no lock is taken; the order of looking makes the copy consistent:

1. the spool, by SQLite's own backup: all that is acknowledged by then is in it or in a table;
2. each Delta table: the log up to a version, and the files that this version lists;
3. the list of steps to sum up, then the rollups.

A batch that was moved between 1 and 2 is in both copies, and the table's log names its number: a
historian that opens the copy forgets it in the spool before anything else, as after a crash. That
is why nothing is lost and nothing stands twice. Files that compaction, retention or vacuum take
away meanwhile are held by hard links from the moment they are listed.
"""

import datetime as dt
import json
import os
import shutil
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from genba import __version__
from genba.errors import StateError
from genba.operate.manifest import Manifest, digest_of
from genba.operate.sealed_box import seal

MANIFEST = "manifest.json"
SECRETS = "secrets.sealed"
_LOG = "_delta_log"
_ATTEMPTS = 5
_FIRST = ("spool.sqlite",)
_TABLES_FIRST = ("samples",)
_LAST = ("due.sqlite", "rollup_1m", "rollup_1h")
_NEVER = ("lock", "writer.lock", "committer.lock", "tables.lock")
_PRIVATE = ".key.pem"
"""How the names of private keys end, in ``pki/`` and below."""


@dataclass(slots=True)
class _Copy:
    """A backup that is being made: where from, where to, and the one before it."""

    state: Path
    target: Path
    before: Path | None
    known: dict[str, tuple[int, str]]
    pins: Path
    manifest: Manifest = field(default_factory=lambda: Manifest({}))

    def take(self, source: Path, name: str, *, fixed: bool) -> None:
        """Copy one file; where it never changes, link the one of the backup before instead."""
        target = self.target / name
        target.parent.mkdir(parents=True, exist_ok=True)
        size = source.stat().st_size
        earlier = self.known.get(name)
        if (
            fixed
            and self.before is not None
            and earlier is not None
            and earlier[0] == size
            and _linked(self.before / name, target)
        ):
            self.manifest.files[name] = earlier
            return
        shutil.copyfile(source, target)
        self.manifest.files[name] = (size, digest_of(target))


def back_up(
    state: Path,
    folder: Path,
    *,
    plant: Path | None = None,
    secrets: Path | None = None,
    passphrase: str | None = None,
) -> Path:
    """Make a backup as a new folder, named by the time, in ``folder``; give back where.

    Parameters
    ----------
    state : Path
        The state folder; a core may be running on it.
    folder : Path
        Where backups lie. Files that did not change since the newest one there are linked to it.
    plant : Path, optional
        The plant file, to be kept with it.
    secrets : Path, optional
        Folder of the secrets; default ``secrets/`` of the state.
    passphrase : str, optional
        Put the secrets and private keys in too, encrypted with this. Without it they stay out.

    Raises
    ------
    StateError
        If the folder holds no state, or something cannot be read or written; nothing is left of
        the backup then.
    """
    if not (state / "version.json").exists():
        raise StateError(f"{state} is no state folder of Genba; give one with a version.json")
    now = dt.datetime.now(dt.UTC)
    target = folder / now.strftime("%Y-%m-%dT%H%M%S.%fZ")
    draft = folder / f".{target.name}.part"
    before = newest(folder)
    pins = state / f".backup-{os.getpid()}"
    try:
        draft.mkdir(parents=True, mode=0o700)  # who reads it reads what the state keeps private
        pins.mkdir()
        known = {} if before is None else Manifest.read(before / MANIFEST).files
        copy = _Copy(state, draft, before, known, pins)
        _copy_historian(copy)
        _copy_rest(copy, plant, secrets)
        if passphrase is not None:
            _seal_secrets(copy, secrets or state / "secrets", passphrase)
        copy.manifest.about = {
            "genba": __version__,
            "created": now.isoformat(),
            "state": json.loads((state / "version.json").read_text(encoding="utf-8")),
            "secrets": passphrase is not None,
        }
        copy.manifest.write(draft / MANIFEST)
        draft.rename(target)
    except (OSError, sqlite3.Error, ValueError) as error:
        raise StateError(f"{state} cannot be backed up to {folder}: {error}") from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)
        shutil.rmtree(pins, ignore_errors=True)
    return target


def newest(folder: Path) -> Path | None:
    """Return the newest finished backup in a folder."""
    found = [path.parent for path in folder.glob(f"[0-9]*/{MANIFEST}")]
    return max(found, default=None)


def _copy_historian(copy: _Copy) -> None:
    root = copy.state / "historian"
    names = [path.name for path in root.iterdir() if not path.name.startswith(".")]
    tables = sorted(name for name in names if (root / name / _LOG).is_dir())
    middle = [name for name in tables if name not in (*_TABLES_FIRST, *_LAST)]
    for name in (*_FIRST, *_TABLES_FIRST, *middle, *_LAST):
        if name in tables:
            _copy_table(copy, root / name, f"historian/{name}")
        elif name.endswith(".sqlite") and (root / name).exists():
            _copy_database(copy, root / name, f"historian/{name}")
    for name in names:
        path = root / name
        if path.is_file() and ".sqlite" not in name and name not in _NEVER:
            copy.take(path, f"historian/{name}", fixed=False)


def _copy_database(copy: _Copy, path: Path, name: str) -> None:
    """Copy a SQLite file as it is at one moment, its log included."""
    target = copy.target / name
    target.parent.mkdir(parents=True, exist_ok=True)
    source = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=60.0)
    try:
        made = sqlite3.connect(target)
        try:
            source.backup(made)
        finally:
            made.close()
    finally:
        source.close()
    copy.manifest.files[name] = (target.stat().st_size, digest_of(target))


def _copy_table(copy: _Copy, table: Path, name: str) -> None:
    """Copy a Delta table at one version."""
    for attempt in range(_ATTEMPTS):
        pinned = copy.pins / f"{table.name}-{attempt}"
        try:
            files = _pin(table, pinned)
            break
        except FileNotFoundError:  # the log was tidied up meanwhile: look again
            shutil.rmtree(pinned, ignore_errors=True)
    else:
        raise StateError(f"table {table} changes faster than it can be looked at; try again")
    for path in sorted((pinned / _LOG).iterdir()):
        copy.take(path, f"{name}/{_LOG}/{path.name}", fixed=path.name[0].isdigit())
    for file in files:
        copy.take(pinned / file, f"{name}/{file}", fixed=True)


def _pin(table: Path, pinned: Path) -> list[str]:
    """Hold the log up to its newest version, and all files that this version lists."""
    from deltalake import DeltaTable

    log = table / _LOG
    (pinned / _LOG).mkdir(parents=True)
    entries = sorted(path.name for path in log.iterdir() if path.name[0].isdigit())
    newest_version = max(int(entry.split(".")[0]) for entry in entries if entry.endswith(".json"))
    for entry in entries:
        if int(entry.split(".")[0]) <= newest_version and not entry.endswith(".tmp"):
            _hold(log / entry, pinned / _LOG / entry)
    pointer = log / "_last_checkpoint"
    if pointer.exists():
        told = pointer.read_text(encoding="utf-8")
        if int(json.loads(told)["version"]) <= newest_version:
            (pinned / _LOG / pointer.name).write_text(told, encoding="utf-8")
    listing = DeltaTable(pinned).get_add_actions(flatten=True)
    files = [str(path) for path in listing.column("path").to_pylist()]
    for file in files:
        (pinned / file).parent.mkdir(exist_ok=True)
        _hold(table / file, pinned / file)
    return files


def _hold(source: Path, target: Path) -> None:
    if not _linked(source, target):
        shutil.copyfile(source, target)


def _linked(source: Path, target: Path) -> bool:
    try:
        os.link(source, target)
    except FileNotFoundError:
        raise
    except OSError:  # another file system, or one that knows no links
        return False
    return True


def is_private(name: str) -> bool:
    """Whether a file, named within a state folder, must not lie open in a backup."""
    parts = PurePosixPath(name).parts  # "./secrets" is the same
    return parts[0] == "secrets" or _PRIVATE in parts[-1]


def _copy_rest(copy: _Copy, plant: Path | None, secrets: Path | None) -> None:
    # The audit log's head names its last line: a copy may have more lines, and never fewer.
    for path in sorted(_files(copy.state), key=lambda path: path.name != "head.json"):
        name = path.relative_to(copy.state).as_posix()
        if name.split("/")[0] in ("historian", *_NEVER) or is_private(name):
            continue
        if secrets is not None and path.resolve().is_relative_to(secrets.resolve()):
            continue
        if path.suffix == ".sqlite":
            _copy_database(copy, path, name)
        elif ".sqlite-" not in path.name:
            copy.take(path, name, fixed=False)
    if plant is not None:
        copy.take(plant, "plant.yaml", fixed=False)


def _files(folder: Path) -> Iterator[Path]:
    """All files below, but for drafts and what begins with a dot."""
    for path in sorted(folder.rglob("*")):
        hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        if path.is_file() and not hidden:
            yield path


def _seal_secrets(copy: _Copy, secrets: Path, passphrase: str) -> None:
    """Encrypt secrets and private keys into one file."""
    found = {f"secrets/{path.relative_to(secrets).as_posix()}": path for path in _files(secrets)}
    for path in _files(copy.state / "pki"):
        if _PRIVATE in path.name:
            found[path.relative_to(copy.state).as_posix()] = path
    sealed = seal({name: path.read_bytes() for name, path in found.items()}, passphrase)
    target = copy.target / SECRETS
    target.write_bytes(sealed)
    target.chmod(0o600)
    copy.manifest.files[SECRETS] = (len(sealed), digest_of(target))
