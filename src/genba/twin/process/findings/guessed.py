"""How large an output is by what a physics' author believes of parameters, before any fit.

A fit takes a quantity that is told as a share of 1 in place of percent for a machine with
parameters that nobody expects: a hundredth of the force. That costs it little in likelihood, and
yet hardly any machine of this kind is so.
"""

import numpy as np

from genba.twin.process.findings.told import Told
from genba.twin.process.slopes import Numeric

_DRAWS = 400
_LEAST = 0.25
"""Deviation, at least: of hidden states the author believes nothing."""


def guessed(told: Told) -> list[tuple[float, float] | None]:
    """Give mean and deviation of the logarithm of each output in the middle of a recording.

    None where an output may be of either sign, or is not told by what is believed.
    """
    process, numeric = told.symbolic.process, Numeric(told.symbolic)
    u, c = (
        np.concatenate([getattr(one, of) for one in told.episodes]).mean(axis=0)
        for of in ("inputs", "context")
    )
    z = np.random.default_rng(0).standard_normal((_DRAWS, len(process.parameters)))
    state = np.array([one.middle for one in process.states])
    x, u, c = (np.tile(row, (_DRAWS, 1)) for row in (state, u, c))
    shown = numeric.linear(x, u, c, z).shown
    found: list[tuple[float, float] | None] = []
    for column in shown.T:
        if np.isfinite(column).all() and (column > 0).all():
            logs = np.log(column)
            found.append((float(logs.mean()), max(_LEAST, float(logs.std()))))
        else:
            found.append(None)
    return found
