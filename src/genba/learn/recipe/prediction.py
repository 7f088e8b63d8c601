"""What a model says of each window, under the same names in Python and in ONNX."""

from dataclasses import dataclass, fields

from genba.learn.arrays import AnyArray, Floats


@dataclass(frozen=True, slots=True, eq=False)
class Prediction:
    """Answers to ``n`` windows; what a task does not know is None.

    ====================  =====================================================================
    task                  ``value``
    ====================  =====================================================================
    anomaly               (n,) how far from normal; above 1 is an alarm
    quality               (n,) probability of class 1, calibrated
    life                  (n,) remaining life, in the target's unit
    soft sensor           (n,) the target
    forecast              (n, horizon) the target, step by step
    inspect               (n,) probability of a defect
    ====================  =====================================================================

    ``low`` and ``high`` have the shape of ``value`` and enclose the truth with the probability
    that the card names. ``classes`` is (n, classes), summing to 1; ``heat`` (n, height, width).
    """

    value: Floats
    low: Floats | None = None
    high: Floats | None = None
    classes: Floats | None = None
    heat: Floats | None = None

    def outputs(self) -> dict[str, AnyArray]:
        """Return what is known, by name: these are the outputs of the ONNX graph."""
        told = {one.name: getattr(self, one.name) for one in fields(self)}
        return {name: array for name, array in told.items() if array is not None}
