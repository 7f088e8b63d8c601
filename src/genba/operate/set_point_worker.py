"""``python -m genba.operate.set_point_worker``: chooses set-points for a core that asks by pipe."""

import contextlib
import os
import queue
import sys
import threading
from collections.abc import Mapping
from typing import cast

from genba.operate.planning_desk import receive, send
from genba.operate.set_point_host import Begin, ChooserHost, Message, answers_to

POLITE = 5
"""Niceness: a choice may come a moment later, the loop may not."""


def main() -> None:
    """Answer until the core is gone."""
    # What libraries print must not come between messages.
    inward, outward = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    with contextlib.suppress(OSError):
        os.nice(POLITE)
    from genba.control.chooser import Chooser
    from genba.control.choosers import chooser_of, experimenter_of

    waiting: queue.SimpleQueue[Message | None] = queue.SimpleQueue()

    def listen() -> None:
        with contextlib.suppress(EOFError):
            while True:
                waiting.put(cast(Message, receive(inward)))
        waiting.put(None)

    with contextlib.suppress(EOFError, BrokenPipeError):
        begin = cast(Begin, receive(inward))
        threading.Thread(target=listen, daemon=True).start()

        def make(process: str, plain: Mapping[str, float]) -> Chooser:
            return chooser_of(
                begin.plant, process, begin.folder, begin.key, limit_s=begin.limit_s, plain=plain
            )

        host = ChooserHost(make, lambda process: experimenter_of(begin.plant, process))
        send(outward, None)
        while (messages := _next(waiting)) is not None:
            for reply in answers_to(host, messages):
                send(outward, reply)


def _next(waiting: "queue.SimpleQueue[Message | None]") -> list[Message] | None:
    """Wait for a message, and take with it what waits behind it; None where the core is gone."""
    found: list[Message | None] = [waiting.get()]
    with contextlib.suppress(queue.Empty):
        while True:
            found.append(waiting.get_nowait())
    return None if None in found else cast(list[Message], found)


if __name__ == "__main__":
    main()
