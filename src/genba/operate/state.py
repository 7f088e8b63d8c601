"""The state folder: where one plant's data, keys and identities live, and who may hold it."""

import datetime as dt
import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from genba import __version__
from genba.errors import StateError

FORMAT = 2
"""Version of the folder's layout; raised when an older Genba could no longer read it."""


SECRETS_VARIABLE = "GENBA_SECRETS"
PROCESSES = "processes"
"""Folder of what was learned of processes, in the state folder."""


class StateFolder:
    """One plant's state, held by one running core at a time; nobody but its owner looks into it.

    ::

        version.json   format of the folder, and the Genba that made it
        lock           held while a core runs
        processes/     what was learned of processes, signed
        historian/     samples, events, lots, operations, decision records
        pki/           this plant's certificate and key, trusted and rejected ones
        secrets/       credentials of devices, hashes of passwords and tokens (mode 0700)
        audit/         who did what (mode 0700)

    Parameters
    ----------
    root : Path
        The folder.
    create : bool
        Make it when it is missing.
    secrets : Path, optional
        Folder of the secrets, where they are not to lie in the state: by default the one that
        the environment names (``GENBA_SECRETS``), else ``secrets/``.

    Raises
    ------
    StateError
        If the folder is no state folder, was written by a newer Genba, or cannot be written; or
        is not there and is not to be made.
    """

    def __init__(self, root: Path, *, create: bool = True, secrets: Path | None = None) -> None:
        self.root = root
        self.historian = root / "historian"
        self.pki = root / "pki"
        self.audit = root / "audit"
        named = os.environ.get(SECRETS_VARIABLE)
        self.secrets = secrets or (Path(named) if named else root / "secrets")
        self._lock: int | None = None
        if not create and not (root / "version.json").exists():
            raise StateError(
                f"{root} is no state folder of Genba; give the one that lies beside plant.yaml "
                "with --state"
            )
        try:
            self._check_or_create()
        except OSError as error:
            raise StateError(
                f"state folder {root} cannot be used: {error.strerror}; "
                "mend it or choose another with --state"
            ) from None

    def _check_or_create(self) -> None:
        version = self.root / "version.json"
        if version.exists():
            read_version(self.root)
        elif self.root.exists() and any(self.root.iterdir()):
            raise StateError(
                f"{self.root} holds files but is no state folder of Genba; "
                "choose another with --state"
            )
        for folder in (self.root, self.historian, self.pki, self.secrets, self.audit):
            folder.mkdir(parents=True, exist_ok=True)
        for private in (self.root, self.secrets, self.audit):
            if private.stat().st_mode & 0o777 != 0o700:
                private.chmod(0o700)
        if not version.exists():
            made = {
                "format": FORMAT,
                "genba": __version__,
                "created": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
            }
            write_atomically(version, json.dumps(made, indent=2) + "\n")

    def hold(self) -> Self:
        """Take the folder for this process, until :meth:`release`.

        Raises
        ------
        StateError
            If another running core holds it.
        """
        self._lock = _lock(self.root)
        return self

    def release(self) -> None:
        """Let the folder go. Safe to call twice."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def __enter__(self) -> Self:
        return self.hold()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()


def _lock(root: Path) -> int:
    handle = os.open(root / "lock", os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        holder = os.pread(handle, 32, 0).decode("ascii", "replace").strip() or "unknown"
        os.close(handle)
        raise StateError(
            f"state folder {root} is in use by process {holder}; "
            "stop that one or choose another folder with --state"
        ) from None
    os.ftruncate(handle, 0)
    os.pwrite(handle, f"{os.getpid()}\n".encode(), 0)
    return handle


def is_held(root: Path) -> bool:
    """Whether a running core, or other work on it as a whole, holds a folder now."""
    try:
        handle = os.open(root / "lock", os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(handle)
    return False


@contextmanager
def held(root: Path) -> Iterator[None]:
    """Hold a folder of any format, for work on it as a whole.

    Raises
    ------
    StateError
        If it is no state folder, or a running core holds it.
    """
    read_version(root)
    handle = _lock(root)
    try:
        yield
    finally:
        os.close(handle)


def read_version(root: Path) -> dict[str, Any]:
    """Read which format a folder has (``format``), and which Genba wrote it (``genba``).

    Raises
    ------
    StateError
        If it is no state folder, is damaged, or was written by a newer Genba.
    """
    path = root / "version.json"
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        number = int(found["format"])
    except FileNotFoundError:
        raise StateError(
            f"{root} is no state folder of Genba; give the one that lies beside plant.yaml"
        ) from None
    except (ValueError, KeyError, TypeError):
        raise StateError(
            f"{path} is damaged; restore the state folder from a backup or start a new one"
        ) from None
    if number > FORMAT:
        raise StateError(
            f"state folder {root} was written by Genba {found.get('genba', '?')} "
            f"(format {number}), this is {__version__} (format {FORMAT}); "
            "upgrade Genba or choose another folder with --state"
        )
    return found


def write_atomically(path: Path, text: str, mode: int = 0o644) -> None:
    """Replace a file so that a crash leaves the old or the new text, never half of one."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a lock file (mode 0600) while the block runs; whoever else wants it waits."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
