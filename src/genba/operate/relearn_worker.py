"""``python -m genba.operate.relearn_worker``: learns one process anew for a core that asks."""

import contextlib
import os
import sys
from typing import cast

from genba.operate.planning_desk import receive, send
from genba.operate.set_point_relearning import Asked

POLITE = 10
"""Niceness: whoever chooses set-points goes first."""


def main() -> None:
    """Take one question, and answer it."""
    # What libraries print must not come between messages.
    inward, outward = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    with contextlib.suppress(OSError):
        os.nice(POLITE)
    with contextlib.suppress(EOFError, BrokenPipeError):
        send(outward, _answer(cast(Asked, receive(inward))))


def _answer(asked: Asked) -> object:
    from genba.control.relearn import relearn
    from genba.errors import GenbaError
    from genba.historian import Historian
    from genba.plant import SystemClock

    try:
        with Historian.open(asked.historian, SystemClock(), read_only=True) as historian:
            return relearn(
                asked.plant, asked.process, historian, asked.folder, asked.key, asked.period,
                asked.trigger,
            )  # fmt: skip
    except GenbaError as error:
        return str(error)
    except Exception as error:  # noqa: BLE001 - physics come from packages, too
        return f"{type(error).__name__}: {error}"


if __name__ == "__main__":
    main()
