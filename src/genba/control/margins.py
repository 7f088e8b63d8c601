"""By how much bounds are drawn in, so that they are kept as probably as is wanted.

The uncertainty that a tracker holds of states and parameters is led along the course that is
planned (linearized, as in an extended Kalman filter; Mesbah 2016, section on chance constraints),
and a quantile of the normal distribution is taken of what it makes of each output, widened as the
model's intervals have to be. Nobody is assumed to answer what happens in between, so margins are
rather too wide than too narrow far ahead.
"""

from statistics import NormalDist

import numpy as np

from genba.control.objective import Objective
from genba.twin.process import Tracker
from genba.twin.process.episode import Floats
from genba.twin.process.slopes import Numeric

_ROOM = 0.45
"""Share of a bound's width that a margin takes at most: something has to be left."""


def margins(
    numeric: Numeric, objective: Objective, tracker: Tracker, inputs: Floats, context: Floats
) -> Floats:
    """Give margins after each step, (steps, outputs); 0 where nothing has to be kept.

    Parameters
    ----------
    inputs, context : (steps, inputs), (steps, context)
        The course that is planned, and what is around meanwhile.
    """
    process, belief = tracker.symbolic.process, tracker.belief
    names = [one.name for one in process.outputs]
    kept = {names.index(name): bounds for name, bounds in objective.keeps.items()}
    told = np.zeros((len(inputs), len(names)))
    if not kept:
        return told
    nx, spread = len(tracker.state), tracker.covariance.copy()
    added = np.zeros(len(spread))
    added[:nx] = (belief.wander * np.array([one.span for one in process.states])) ** 2
    x, z = tracker.state, tracker.parameters
    for k in range(len(inputs)):
        step = numeric.linear(x[None], inputs[k : k + 1], context[k : k + 1], z[None])
        slope = np.eye(len(spread))
        slope[:nx, :nx], slope[:nx, nx:] = step.after_x[0], step.after_z[0]
        if not (np.isfinite(slope).all() and np.isfinite(step.after).all()):
            told[k:] = np.inf
            break
        spread = slope @ spread @ slope.T + np.diag(added)
        x, next_u = step.after[0], inputs[min(k + 1, len(inputs) - 1)]
        seen = numeric.linear(x[None], next_u[None], context[k : k + 1], z[None])
        by = np.concatenate([seen.shown_x[0], seen.shown_z[0]], axis=1)
        wide = np.sqrt(np.maximum(np.einsum("oi,ij,oj->o", by, spread, by), 0.0))
        told[k] = wide * belief.widened(k + 1)
    for place, name in enumerate(names):
        if place in kept:
            low, high = kept[place]
            deviations = NormalDist().inv_cdf(objective.probability(name))
            told[:, place] = np.minimum(deviations * told[:, place], _ROOM * (high - low))
        else:
            told[:, place] = 0.0
    return told
