"""``python -m genba.learn.watch.process``: one look at all models, for a core that asks."""

import contextlib
import os
import pickle
import sys
from typing import cast

from genba.errors import GenbaError
from genba.learn.watch.asked import Noticed, Round
from genba.learn.watch.round import look_around

_KINDS = ("drift", "answers", "calibration", "false_alarms", "latency")
"""What is worth an alarm; age and new labels are not."""
POLITE = 10
"""Niceness: a look may come later, the loop may not."""


def main() -> None:
    """Read a :class:`Round` from standard input, and write what was found, or why nothing was."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what libraries print must not come between
    with contextlib.suppress(OSError):
        os.nice(POLITE)
    asked = cast(Round, pickle.load(sys.stdin.buffer))  # noqa: S301 - from the core that began us
    with answers:
        pickle.dump(_looked(asked), answers)


def _looked(asked: Round) -> tuple[Noticed, ...] | str:
    from genba.historian import Historian
    from genba.plant import SystemClock

    try:
        with Historian.open(asked.historian, SystemClock(), read_only=True) as historian:
            found = look_around(asked, historian)
    except GenbaError as error:
        return str(error)
    except Exception as error:  # noqa: BLE001 - the core says that nobody watches, and goes on
        return f"{type(error).__name__}: {error}"
    return tuple(
        Noticed(one.name, "" if one.force is None else one.force.where, why)
        for one in found
        if (why := one.why(_KINDS))
    )


if __name__ == "__main__":
    main()
