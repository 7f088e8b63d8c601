"""What a model shall say: a number, a class, or nothing (anomalies need no labels)."""

from dataclasses import dataclass

import numpy as np

from genba.errors import LearnError
from genba.learn.arrays import Floats, Integers, frozen


@dataclass(frozen=True, slots=True, eq=False)
class Target:
    """One value per row.

    ``values`` is (rows,) float64: numbers in ``unit``, or indexes of ``classes``. For two classes
    index 1 is the one that is looked for (``bad``, ``fault``). NaN: nobody knows.
    ``known`` is (rows,) microseconds UTC at which each label became known; None: at the row's time.
    """

    name: str
    values: Floats
    unit: str = "1"
    classes: tuple[str, ...] = ()
    known: Integers | None = None
    signal: str | None = None

    def __post_init__(self) -> None:
        values = np.asarray(self.values, np.float64)
        if values.ndim != 1:
            raise LearnError(f"target '{self.name}' has shape {values.shape}; give one value a row")
        if self.classes:
            seen = values[np.isfinite(values)]
            if np.any((seen < 0) | (seen >= len(self.classes)) | (seen != np.round(seen))):
                raise LearnError(
                    f"target '{self.name}' holds values that are no index of its "
                    f"{len(self.classes)} classes; number them from 0"
                )
        object.__setattr__(self, "values", frozen(values))
        if self.known is not None:
            known = np.asarray(self.known, np.int64)
            if known.shape != values.shape:
                raise LearnError(
                    f"target '{self.name}' has {len(known)} label times; give one each"
                )
            object.__setattr__(self, "known", frozen(known))

    @property
    def is_class(self) -> bool:
        """Whether it is a class, not a number."""
        return bool(self.classes)

    def take(self, rows: Integers) -> "Target":
        """Return the target of some rows."""
        known = None if self.known is None else self.known[rows]
        return Target(self.name, self.values[rows], self.unit, self.classes, known, self.signal)
