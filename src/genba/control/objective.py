"""What set-points are chosen for: targets, prices, quiet, and what has to be kept."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from genba.errors import ControlError
from genba.twin.process.unit import UnitProcess


@dataclass(frozen=True, slots=True)
class Objective:
    """What a step costs; everything by name of an output or input.

    Attributes
    ----------
    targets : mapping
        Weight of the squared distance of an output from its reference.
    prices : mapping
        Price of an output's unit in a step (energy, scrap, wear); may be negative (good parts).
    kwh : mapping
        Kilowatt hours that an output's or input's unit is in a step; paid by the hour in which they
        are used.
    moves : mapping
        Weight of the squared change of an input from step to step.
    keeps : mapping
        Bounds of outputs that have to be kept; what cannot be kept is violated as little as may be.
    sure : mapping
        How probable it has to be that an output keeps its bounds; 0.95 where nothing is said.
    """

    targets: Mapping[str, float] = field(default_factory=dict)
    prices: Mapping[str, float] = field(default_factory=dict)
    moves: Mapping[str, float] = field(default_factory=dict)
    keeps: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    sure: Mapping[str, float] = field(default_factory=dict)
    kwh: Mapping[str, float] = field(default_factory=dict)

    def probability(self, name: str) -> float:
        """Give how probable it has to be that an output keeps its bounds."""
        return self.sure.get(name, 0.95)

    def checked(self, process: UnitProcess) -> "Objective":
        """Return the objective if it speaks of this process.

        Raises
        ------
        ControlError
            If it names something that the process does not have, or asks for nothing.
        """
        outputs = {one.name for one in process.outputs}
        inputs = {one.name for one in process.inputs}
        for what, names, known in (
            ("targets", self.targets, outputs),
            ("prices", self.prices, outputs | inputs),
            ("kwh", self.kwh, outputs | inputs),
            ("moves", self.moves, inputs),
            ("keeps", self.keeps, outputs),
            ("probabilities", self.sure, outputs),
        ):
            for name in names:
                if name not in known:
                    raise ControlError(
                        f"the objective's {what} name '{name}', which '{process.name}' does not "
                        f"have; take one of: {', '.join(sorted(known))}"
                    )
        for name, (low, high) in self.keeps.items():
            if not low < high:
                raise ControlError(f"'{name}' is to be kept from {low} to {high}: nothing fits")
        for name, share in self.sure.items():
            if not 0.5 <= share < 1:
                raise ControlError(f"'{name}' is to be kept with {share}; take 0.5 to 0.999")
        if not (self.targets or self.prices or self.kwh):
            raise ControlError("the objective has neither targets nor prices; say what is wanted")
        return self
