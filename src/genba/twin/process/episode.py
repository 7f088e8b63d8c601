"""What was recorded of a process, in order: set-points, context, and what was shown."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from genba.errors import TwinError
from genba.twin.process.unit import UnitProcess

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Episode:
    """One unbroken stretch; rows are steps of equal length, or runs.

    Attributes
    ----------
    inputs : (n, inputs) float
        Set-points in force from this row to the next.
    context : (n, context) float
    shown : (n, outputs) float
        What was measured at the row, under the row's set-points; NaN: not measured.
    """

    inputs: Floats
    context: Floats
    shown: Floats

    @property
    def rows(self) -> int:
        """How many rows."""
        return len(self.inputs)

    def checked(self, process: UnitProcess) -> "Episode":
        """Return the episode if a process can take it.

        Raises
        ------
        TwinError
            If shapes differ from the process', or set-points or context are not finite.
        """
        for name, values, of in (
            ("inputs", self.inputs, process.inputs),
            ("context", self.context, process.context),
            ("shown", self.shown, process.outputs),
        ):
            if values.shape != (self.rows, len(of)):
                raise TwinError(
                    f"an episode's {name} have the shape {values.shape}; process '{process.name}' "
                    f"takes ({self.rows}, {len(of)}): {', '.join(v.name for v in of) or 'none'}"
                )
            if name != "shown" and not np.isfinite(values).all():
                raise TwinError(
                    f"an episode's {name} hold values that are not finite; cut the episode there"
                )
        if np.isinf(self.shown).any():
            raise TwinError("an episode shows infinite values; mark what is unknown as NaN")
        return self

    def cut(self, start: int, stop: int) -> "Episode":
        """Return rows of it."""
        return Episode(self.inputs[start:stop], self.context[start:stop], self.shown[start:stop])
