"""What a column of a data set is: its unit, its signal, and when its value is known."""

from dataclasses import dataclass
from enum import StrEnum

from genba.errors import LearnError, PlantError
from genba.plant.units import parse_unit


class ColumnKind(StrEnum):
    """What a column holds."""

    MEASUREMENT = "measurement"
    SETPOINT = "setpoint"
    STATE = "state"
    COUNTER = "counter"
    CONTEXT = "context"
    """Facts of lot, tool, product or calendar; not measured by a device."""


class Known(StrEnum):
    """When the value is known, seen from the moment at which the model has to answer."""

    BEFORE = "before"
    """Before: a setpoint, the calendar, the lot. Safe in every task."""
    DURING = "during"
    """At that moment, as the target is. Safe to judge the present, not to foretell it."""
    AFTER = "after"
    """Only later. Never safe; such a column may stay in a file, but not in a model."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column of numbers.

    ``levels`` are the texts of a category: the column then holds their indexes, 0 upward.
    """

    name: str
    unit: str = "1"
    kind: ColumnKind = ColumnKind.MEASUREMENT
    signal: str | None = None
    """Id of the plant's signal that it comes from, None where it comes from a file."""
    known: Known = Known.DURING
    levels: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.name:
            raise LearnError("a column has no name; give it one in the header of the file")
        try:
            parse_unit(self.unit)
        except PlantError as error:
            raise LearnError(f"column '{self.name}': {error}") from None

    @property
    def shown(self) -> str:
        """Name for people: the signal's id where it is one, else the column's name."""
        return self.signal or self.name

    def as_json(self) -> dict[str, object]:
        """Plain values for a card or a manifest."""
        return {
            "name": self.name,
            "unit": self.unit,
            "kind": self.kind.value,
            "signal": self.signal,
            "known": self.known.value,
            "levels": list(self.levels),
        }

    @classmethod
    def from_json(cls, told: dict[str, object]) -> "Column":
        """Read what :meth:`as_json` wrote."""
        levels = told.get("levels") or ()
        return cls(
            str(told["name"]),
            str(told.get("unit", "1")),
            ColumnKind(str(told.get("kind", "measurement"))),
            None if told.get("signal") is None else str(told["signal"]),
            Known(str(told.get("known", "during"))),
            tuple(str(level) for level in levels) if isinstance(levels, list | tuple) else (),
        )
