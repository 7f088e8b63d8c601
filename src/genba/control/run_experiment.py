"""An experiment by run: small steps around a recipe, in the course expected to tell most."""

from collections import deque

import numpy as np

from genba.control.bound import Bound
from genba.twin.process import Tracker
from genba.twin.process.episode import Floats
from genba.twin.process.experiment import designed


def course_around(
    bound: Bound, tracker: Tracker, recipe: Floats, parts: int, context: Floats, seed: int
) -> deque[Floats]:
    """Design set-points for so many parts, each within one step of the recipe.

    Raises
    ------
    TwinError
        If nothing can be designed.
    """
    most = bound.steps()
    ends = np.clip(np.array([recipe - most, recipe + most]), *bound.bounds())
    # How far a tool may wear meanwhile is the machine's own to say.
    anywhere = np.array([[-np.inf], [np.inf]]) * np.ones(len(tracker.state))
    course = designed(
        bound.symbolic,
        tracker.learned(),
        tracker.state,
        ends,
        parts,
        context=context,
        keeps=anywhere,
        seed=seed,
    )
    return deque(course.inputs)
