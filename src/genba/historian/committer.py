"""The process that moves batches from the spool into the tables: ``python -m ...committer FOLDER``.

It is the child of a core, which writes lines to its standard input: ``commit`` moves at once, the
end of input (the core closed, or was killed) moves what is left and ends. On its own it moves
when enough rows wait or the oldest has waited for the interval, and compacts in between.
"""

import os
import select
import sys
import threading
import time
from pathlib import Path

from genba.errors import GenbaError
from genba.historian.folder import open_folder
from genba.historian.merging import due, merge, whole_days
from genba.historian.moving import MOST_ROWS, Store, committer_lock, move_all, open_store
from genba.historian.policy import Policy
from genba.historian.reading import Reader
from genba.historian.retention import forget
from genba.historian.rolling import roll_up

_LOOK_S = 0.25
_VACUUM_S = 600.0
_FIRST_VACUUM_S = 60.0
_ROLL_UP_S = 60.0
_MEMORY = "256MB"
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
    stop = threading.Event()
    upkeep = threading.Thread(target=_keep_up, args=(store, stop), daemon=True)
    upkeep.start()
    try:
        _move_until_told(store, float(interval_s), upkeep)
        stop.set()
        upkeep.join()
        return 0 if _move(store) and _leave_tidy(store) else 1
    finally:
        stop.set()
        upkeep.join()
        store.spool.close()
        store.due.close()
        lock.release()


def _move_until_told(store: Store, interval_s: float, upkeep: threading.Thread) -> None:
    """Move batches until the end of input, or until the upkeep came to a bad end."""
    waiting_since: float | None = None
    lines = sys.stdin.fileno()
    while upkeep.is_alive():
        told = bool(select.select([lines], [], [], _LOOK_S)[0])
        if told and not os.read(lines, 65_536):
            return
        backlog = store.spool.backlog()
        now = time.monotonic()
        if not backlog.batches:
            waiting_since = None
            continue
        waiting_since = now if waiting_since is None else waiting_since
        if told or backlog.rows >= MOST_ROWS // 2 or now - waiting_since >= interval_s:
            waiting_since = None
            if not _move(store):
                time.sleep(_RETRY_S)


def _move(store: Store) -> bool:
    try:
        move_all(store)
        store.spool.tidy()
    except GenbaError as error:
        _say(error)
        return False
    return True


def _keep_up(store: Store, stop: threading.Event) -> None:
    """Sum up and compact what is due, and remove replaced files now and then."""
    rolled = time.monotonic()
    vacuumed = rolled - _VACUUM_S + _FIRST_VACUUM_S
    reader = Reader(store, _MEMORY)
    while not stop.wait(1.0):
        try:
            if time.monotonic() - rolled > _ROLL_UP_S:
                rolled = time.monotonic()
                roll_up(store, reader)
            for table in store.tables.values():
                while not stop.is_set() and (files := due(table.snapshot())):
                    merge(table, files, stop)
            if time.monotonic() - vacuumed > _VACUUM_S:
                vacuumed = time.monotonic()
                forget(store, Policy.found(store.folder.root), stop)
                for table in store.tables.values():
                    table.vacuum()
        except GenbaError as error:
            _say(error)
            stop.wait(_RETRY_S)
    reader.close()


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


def _say(error: GenbaError) -> None:
    sys.stderr.write(f"{error}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
