"""``python -m genba.learn.edge.host_process``: the process in which a core has its models run.

It speaks frames (:mod:`genba.learn.edge.worker`) with the core over its standard input and output,
pickled: both ends are this same program, and nobody else has them.
"""

import contextlib
import os
import pickle
import queue
import sys
import threading
from typing import BinaryIO

from genba.errors import GenbaError
from genba.learn.edge.host import LOOK_EVERY_S, Host, Moment, Told
from genba.learn.edge.worker import read_frame, write_frame

POLITE = 5
"""Niceness: an answer may come a moment later, the loop may not."""


def main() -> None:
    """Serve until the core is gone."""
    inward, outward = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints must not look like a frame
    with contextlib.suppress(OSError):
        os.nice(POLITE)
    begin = read_frame(inward)
    if begin is None:
        return
    try:
        host = Host(pickle.loads(begin[1]))  # noqa: S301 - from the core, over its own pipe
    except GenbaError as error:
        write_frame(outward, b"e", str(error).encode())
        sys.exit(1)
    moments: queue.SimpleQueue[Moment | None] = queue.SimpleQueue()

    def listen() -> None:
        while (frame := read_frame(inward)) is not None:
            moments.put(pickle.loads(frame[1]))  # noqa: S301 - from the core, over its own pipe
        moments.put(None)

    for work in (listen, host.obey):
        threading.Thread(target=work, daemon=True).start()
    with contextlib.suppress(BrokenPipeError):
        _serve(host, moments, outward)
    host.close()


def _serve(host: Host, moments: "queue.SimpleQueue[Moment | None]", outward: BinaryIO) -> None:
    told: Told | None
    while True:
        try:
            moment = moments.get(timeout=LOOK_EVERY_S)
        except queue.Empty:
            told = host.look_again()
        else:
            if moment is None:
                return
            told = host.take(moment)
        if told is not None:
            write_frame(outward, b"t", pickle.dumps(told))


if __name__ == "__main__":
    main()
