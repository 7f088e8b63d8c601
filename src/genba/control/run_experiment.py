"""An experiment by run: small steps around a recipe, in the course expected to tell most."""

from collections import deque

import numpy as np

from genba.control.bound import Bound
from genba.twin.process import Tracker
from genba.twin.process.episode import Floats
from genba.twin.process.experiment import designed

LOADS = 24
"""Loads of a batch process that a course is designed for at once: a day's, so that one which ends
early has moved everything, too."""


def course_around(
    bound: Bound,
    tracker: Tracker,
    recipe: Floats,
    runs: int,
    context: Floats,
    seed: int,
    block: int | None = None,
) -> deque[Floats]:
    """Design set-points for so many parts or loads, each within one step of the recipe.

    Parameters
    ----------
    block : int, optional
        Runs that are designed together, one block after the other; all of them by default.

    Raises
    ------
    TwinError
        If nothing can be designed.
    """
    most = bound.steps()
    ends = np.clip(np.array([recipe - most, recipe + most]), *bound.bounds())
    # How far a tool may wear meanwhile is the machine's own to say.
    anywhere = np.array([[-np.inf], [np.inf]]) * np.ones(len(tracker.state))
    course: deque[Floats] = deque()
    while len(course) < runs:
        part = designed(
            bound.symbolic,
            tracker.learned(),
            tracker.state,
            ends,
            min(block or runs, runs - len(course)),
            context=context,
            keeps=anywhere,
            seed=seed + len(course),
        )
        course.extend(part.inputs)
    return course
