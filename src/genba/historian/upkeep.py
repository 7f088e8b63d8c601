"""Rollups, compaction and retention, once: ``python -m genba.historian.upkeep FOLDER [forget]``.

The committer starts it whenever something is due, and takes no part in it: what the work needs in
memory goes back to the computer when this process ends. It holds the committer's lock as long as it
lives, so that a killed committer's successor waits for it, and it ends soon after its standard
input does.
"""

import os
import sys
import threading
from pathlib import Path

from genba.errors import GenbaError
from genba.historian.age import Age, next_age
from genba.historian.folder import open_folder
from genba.historian.merging import due, merge
from genba.historian.moving import Store, open_store
from genba.historian.policy import Policy
from genba.historian.reading import Reader
from genba.historian.retention import forget
from genba.historian.rolling import roll_up

_MEMORY = "128MB"
_THREADS = 1


def main(folder: str, what: str = "") -> int:
    """Do what is due; 0 if all of it went well."""
    stop = threading.Event()
    threading.Thread(target=_listen, args=(stop,), daemon=True).start()
    try:
        store = open_store(open_folder(Path(folder), create=False))
        reader = Reader(store, _MEMORY, _THREADS)
        try:
            roll_up(store, reader, stop=stop)
            _compact(store, stop)
            if what == "forget" and not stop.is_set():
                _forget(store, stop)
        finally:
            reader.close()
            store.spool.close()
            store.due.close()
    except GenbaError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def _compact(store: Store, stop: threading.Event) -> None:
    for table in store.tables.values():
        while not stop.is_set() and (files := due(table.snapshot())):
            merge(table, files, stop)


def _forget(store: Store, stop: threading.Event) -> None:
    root = store.folder.root
    policy, last = Policy.found(root), Age.last(root)
    age = next_age(store)
    if age is not None:
        if age.held and not (last and last.held) and (policy.signals or policy.records):
            sys.stderr.write(
                "the clock is more than three days ahead of when retention last ran; it catches "
                "up at twice the pace of time. If the clock is wrong, mend it; if it is right, "
                "`genba historian retention` catches up at once\n"
            )
        forget(store, policy, stop, age.now)
    for table in store.tables.values():
        table.vacuum()


def _listen(stop: threading.Event) -> None:
    """Wait for the end of standard input: the committer is gone, or wants this to end."""
    while os.read(sys.stdin.fileno(), 4096):
        pass
    stop.set()


if __name__ == "__main__":
    result = main(*sys.argv[1:])
    # All is closed and on disk; the listening thread needs no orderly end.
    os._exit(result)
