"""How long what is recorded is kept, and how much room a recording plant leaves on its disk."""

from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import Annotated

from pydantic import Field

from genba.plant.ids import Id, Value
from genba.plant.signal import Signal, SignalKind

Days = Annotated[float, Field(gt=0)]


class RetentionClass(Value):
    """How long the samples of a class of signals, and the rollups of them, are kept.

    A period that is left out never ends. A signal belongs to the class that it names itself
    (``retention``), else to the last one whose ``signals`` or ``kinds`` fit; to none, if none does,
    and then everything of it is kept.
    """

    id: Id
    signals: tuple[str, ...] = ()
    """Signal ids, or patterns with ``*``."""
    kinds: tuple[SignalKind, ...] = ()
    """Kinds of signals; with ``signals``, both must fit."""
    raw_days: Days | None = None
    """Days that every sample is kept."""
    rollup_1m_days: Days | None = None
    """Days that the rollups of one minute are kept."""
    rollup_1h_days: Days | None = None
    """Days that the rollups of one hour are kept."""

    def fits(self, signal: Signal) -> bool:
        """Whether its patterns mean a signal; a class without any means none."""
        named = any(fnmatchcase(signal.id, pattern) for pattern in self.signals)
        if not self.signals:
            return signal.kind in self.kinds
        return named and (not self.kinds or signal.kind in self.kinds)


class RecordsRetention(Value):
    """How long the records of one table are kept."""

    table: Id
    """``events``, ``decisions``, ``gaps``, ..."""
    days: Days


class Retention(Value):
    """What is forgotten, and when. Without it, nothing is."""

    classes: tuple[RetentionClass, ...] = ()
    records: tuple[RecordsRetention, ...] = ()

    def class_of(self, signal: Signal) -> RetentionClass | None:
        """Find the class that a signal belongs to."""
        if signal.retention is not None:
            return next((c for c in self.classes if c.id == signal.retention), None)
        fitting = [c for c in self.classes if c.fits(signal)]
        return fitting[-1] if fitting else None

    def members(self, signals: Iterable[Signal]) -> dict[str, str]:
        """Return the class of every signal that has one, by signal id."""
        found = ((signal.id, self.class_of(signal)) for signal in signals)
        return {name: own.id for name, own in found if own is not None}


class Storage(Value):
    """When the disk that the historian lies on is too full."""

    reserve_gib: Annotated[float, Field(gt=0)] = 1.0
    """Free GiB at which no more samples are taken."""
    reserve_fraction: Annotated[float, Field(gt=0, lt=1)] = 0.02
    """The same as a part of the disk; the smaller of the two holds."""
    warn_fraction: Annotated[float, Field(gt=0, lt=1)] = 0.10
    """Free part of the disk below which Genba warns."""
    warn_days: Annotated[float, Field(gt=0)] = 7.0
    """Days until the reserve is reached, as the disk fills now, below which Genba warns."""
