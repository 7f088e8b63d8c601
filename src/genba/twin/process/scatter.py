"""By how much outputs scatter around what the physics says, where the physics says it itself.

Noise is learned as one number for each output. Where parts scatter more under other set-points or
with more wear, the physics shows that as an output of its own, named ``x_spread`` for the output
``x`` and in its unit: a deviation that nobody has to measure.
"""

import numpy as np

from genba.twin.process.episode import Floats
from genba.twin.process.unit import UnitProcess

_SUFFIX = "_spread"


class Scatter:
    """Looks up which outputs have one that says how they scatter."""

    def __init__(self, process: UnitProcess) -> None:
        names = [one.name for one in process.outputs]
        told = [(names.index(name), names.index(f"{name}{_SUFFIX}"))
                for name in names if f"{name}{_SUFFIX}" in names]  # fmt: skip
        self._of = np.array([of for of, _ in told], int)
        self._says = np.array([says for _, says in told], int)
        self._least = 1e-6 * np.array([process.outputs[of].span for of, _ in told])

    def noise(self, noise: Floats, shown: Floats) -> Floats:
        """Give deviations, (n, outputs): ``noise``, (outputs,), or what ``shown`` says of them.

        Parameters
        ----------
        shown : (n, outputs)
            What the physics says.
        """
        wide = np.tile(noise, (len(shown), 1))
        wide[:, self._of] = np.maximum(shown[:, self._says], self._least)
        return wide
