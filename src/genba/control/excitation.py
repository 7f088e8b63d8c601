"""A guarded experiment: the staircase of set-points that tells most, played step by step."""

from dataclasses import dataclass

import numpy as np

from genba.control.bound import Bound
from genba.control.envelope import room_of
from genba.errors import ControlError
from genba.twin.process import Tracker
from genba.twin.process.episode import Floats
from genba.twin.process.experiment import designed


@dataclass(slots=True, eq=False)
class Excitation:
    """Set-points still to be played; ``promises`` says what they are expected to tell."""

    inputs: Floats
    promises: str
    played: int = 0

    @classmethod
    def designed(
        cls,
        bound: Bound,
        tracker: Tracker,
        in_force: Floats,
        context: Floats,
        rows: int,
        seed: int,
    ) -> "Excitation":
        """Design one around what is in force: no further off than half of a largest step.

        Raises
        ------
        ControlError
            If there are no rows, or nothing lies around what is in force.
        TwinError
            If every candidate may leave the envelope.
        """
        if rows < 2:
            raise ControlError(f"an experiment of {rows} steps tells nothing; take 2 or more")
        low, high = bound.bounds()
        half = 0.5 * bound.steps()
        around = np.array([np.maximum(low, in_force - half), np.minimum(high, in_force + half)])
        if not (around[0] < around[1]).all():
            raise ControlError(
                f"the set-points of '{bound.process.id}' are at {in_force}, outside of what may be "
                "chosen; set them back first"
            )
        found = designed(
            bound.symbolic, tracker.learned(), tracker.state, around, rows,
            context=context, keeps=room_of(bound).states, seed=seed,
        )  # fmt: skip
        best = sorted(found.learned.items(), key=lambda pair: -pair[1])[:3]
        told = ", ".join(f"{share:.0%} of what is unknown of {name}" for name, share in best)
        spread = " and ".join(
            f"{wire.variable.name} from {least:.5g} to {most:.5g} {wire.variable.unit}"
            for wire, least, most in zip(bound.inputs, *around, strict=True)
        )
        minutes = rows * bound.process.step_s / 60
        return cls(found.inputs, f"{spread} for {minutes:.3g} min, expected to tell {told}")

    def next(self) -> Floats | None:
        """Give the next set-points; None where it is over."""
        if self.played >= len(self.inputs):
            return None
        self.played += 1
        return np.asarray(self.inputs[self.played - 1])

    def told(self) -> str:
        """Say how far it is."""
        return f"experiment, step {self.played} of {len(self.inputs)}: {self.promises}"
