"""``python -m genba.learn.watch.process``: one look at all models, for whoever asks."""

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
    asked = cast(Round, pickle.load(sys.stdin.buffer))  # noqa: S301 - from whoever began us
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
    except Exception as error:  # noqa: BLE001 - whoever asked says that nobody watches, and goes on
        return f"{type(error).__name__}: {error}"
    told = [
        Noticed(
            one.name,
            one.force.where,
            one.why(_KINDS),
            one.force.address,
            one.why(asked.rules.roll_back),
            one.blind,
        )
        for one in found
        if one.force is not None
    ]
    return tuple(one for one in told if one.text or one.blind)


if __name__ == "__main__":
    main()
