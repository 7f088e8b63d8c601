"""The process that moves batches from the spool into the tables: ``python -m ...committer FOLDER``.

It is the child of a core, which writes lines to its standard input: ``commit`` moves at once, the
end of input (the core closed, or was killed) moves what is left and ends. On its own it moves
when enough rows wait or the oldest has waited for the interval. Rollups, compaction and retention
are done by short-lived processes of their own (:mod:`genba.historian.upkeep`), one at a time.
"""

import os
import select
import subprocess
import sys
import time
from pathlib import Path

from genba.errors import GenbaError
from genba.historian.folder import Lock, open_folder
from genba.historian.merging import due, merge, whole_days
from genba.historian.moving import MOST_ROWS, Store, committer_lock, move_all, open_store

_LOOK_S = 0.25
_FORGET_S = 600.0
_FIRST_FORGET_S = 60.0
_ROLL_UP_S = 60.0
_RETRY_S = 2.0
_NICE = 5
_FAREWELL_ROWS = 1_000_000


def main(folder: str, interval_s: str) -> int:
    """Run until standard input ends; 0 if all was moved."""
    os.nice(_NICE)
    root = Path(folder)
    try:
        lock = committer_lock(root)
        store = open_store(open_folder(root, create=False))
    except GenbaError as error:
        _say(error)
        return 1
    upkeep = _Upkeep(store, lock)
    try:
        _move_until_told(store, float(interval_s), upkeep)
        upkeep.end()
        return 0 if _move(store) and _leave_tidy(store) else 1
    finally:
        upkeep.end()
        store.spool.close()
        store.due.close()
        lock.release()


class _Upkeep:
    """Starts the process that sums up, compacts and forgets, whenever something is due.

    Parameters
    ----------
    store : Store
        Of the historian.
    lock : Lock
        The committer's; the process holds it too, until it ends.
    """

    def __init__(self, store: Store, lock: Lock) -> None:
        self._store, self._lock = store, lock
        self._process: subprocess.Popen[bytes] | None = None
        self._rolled = time.monotonic()
        self._forgot = self._rolled - _FORGET_S + _FIRST_FORGET_S
        self._not_before = 0.0

    def look(self, *, moved: bool) -> None:
        """See how it does, and start it when something is due.

        Parameters
        ----------
        moved : bool
            Whether there are new files, that may be worth merging.
        """
        now = time.monotonic()
        if self._process is not None:
            if (code := self._process.poll()) is None:
                return
            self._process = None
            self._not_before = now + _RETRY_S if code else now
            moved = True
        if now < self._not_before:
            return
        if now - self._rolled > _ROLL_UP_S or (moved and self._mergeable()):
            self._start(now)

    def _mergeable(self) -> bool:
        try:
            return any(due(table.snapshot()) for table in self._store.tables.values())
        except GenbaError as error:
            _say(error)
            return False

    def _start(self, now: float) -> None:
        self._rolled = now
        what = []
        if now - self._forgot > _FORGET_S:
            self._forgot = now
            what = ["forget"]
        root = str(self._store.folder.root)
        try:
            self._process = subprocess.Popen(  # noqa: S603 - our own module
                [sys.executable, "-m", "genba.historian.upkeep", root, *what],
                stdin=subprocess.PIPE,
                pass_fds=(self._lock.handle,),
            )
        except OSError as error:  # no memory or no process to spare just now
            self._not_before = now + _RETRY_S
            _say(f"rollups and compaction wait: no process can be started ({error.strerror})")

    def end(self) -> None:
        """Let it end soon, and wait for that. Safe to call twice."""
        if self._process is not None:
            self._process.communicate()
            self._process = None


def _move_until_told(store: Store, interval_s: float, upkeep: _Upkeep) -> None:
    """Move batches until the end of input."""
    waiting_since: float | None = None
    lines = sys.stdin.fileno()
    moved = True
    while True:
        told = bool(select.select([lines], [], [], _LOOK_S)[0])
        if told and not os.read(lines, 65_536):
            return
        upkeep.look(moved=moved)
        moved = False
        backlog = store.spool.backlog()
        now = time.monotonic()
        if not backlog.batches:
            waiting_since = None
            continue
        waiting_since = now if waiting_since is None else waiting_since
        if told or backlog.rows >= MOST_ROWS // 2 or now - waiting_since >= interval_s:
            waiting_since = None
            moved = _move(store)
            if not moved:
                time.sleep(_RETRY_S)


def _move(store: Store) -> bool:
    try:
        move_all(store)
        store.spool.tidy()
    except GenbaError as error:
        _say(error)
        return False
    return True


def _leave_tidy(store: Store) -> bool:
    """Merge what is small enough not to hold up a clean stop, and empty the spool's file."""
    try:
        for table in store.tables.values():
            # One merge takes only so many files; go on until each small day is one.
            while days := [
                files
                for files in whole_days(table.snapshot())
                if sum(file.rows for file in files) <= _FAREWELL_ROWS
            ]:
                for files in days:
                    merge(table, files)
        store.spool.shrink()
    except GenbaError as error:
        _say(error)
        return False
    return True


def _say(error: object) -> None:
    sys.stderr.write(f"{error}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
