"""``python -m genba.operate.planning_worker``: makes plans for a core that asks over a pipe."""

import contextlib
import os
import sys
from typing import cast

from genba.errors import GenbaError, PlanError
from genba.operate.planning_desk import receive, send
from genba.plan.floor.desk import Answer, Question
from genba.plant import Plant

POLITE = 5
"""Niceness: a plan may come later, the loop may not."""


def main() -> None:
    """Answer questions until the core is gone."""
    # What libraries print must not come between messages.
    questions, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    with contextlib.suppress(OSError):
        os.nice(POLITE)
    from genba.operate.calibration import calibrated_line
    from genba.plan.floor.scheduler import Scheduler

    with contextlib.suppress(EOFError, BrokenPipeError):
        plant, within_s, calibration = cast(tuple[Plant, float, str], receive(questions))
        scheduler = Scheduler(plant, within_s=within_s, line=calibrated_line(plant, calibration))
        while True:
            question = cast(Question, receive(questions))
            send(answers, _answer(scheduler.plan, question))


def _answer(plan: "object", question: Question) -> Answer | GenbaError:
    try:
        return plan(question)  # type: ignore[operator, no-any-return]
    except GenbaError as error:
        return error
    except Exception as error:  # noqa: BLE001 - the core decides what follows from it
        return PlanError(f"no plan was made: {type(error).__name__}: {error}")


if __name__ == "__main__":
    main()
