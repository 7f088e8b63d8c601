"""The seam between the execution loop and whatever chooses set-points: :class:`Chooser`.

One chooser drives one process. It lives outside the core (looking ahead is heavy), is given every
sample of the signals that it asks for, oldest first, and is asked for set-points when it says that
they are due. What it answers is a wish: assurance and guard decide what becomes of it.

The core remembers what the plain controller's own set-points are (what was in force before, or what
a recipe or a person wrote since) and brings them back by itself, in bounded steps, when control is
switched off or its chooser is gone. A chooser that stands back may say better: what it gives back
is written as it is, at each answer, so it is to be a bounded step, too.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from genba.plant import Autonomy, Sample


@dataclass(frozen=True, slots=True)
class Effect:
    """What is expected of an output or a result, at the end of what was looked ahead.

    Attributes
    ----------
    stays : float
        If nothing is changed.
    chosen : float
        With the set-points that were chosen; ``low`` to ``high`` is its 95% interval.
    signal : str
        Which signal will show it, so that what came can be set beside it; empty where none does.
    """

    name: str
    unit: str
    stays: float
    chosen: float
    low: float
    high: float
    signal: str = ""


@dataclass(frozen=True, slots=True)
class Setting:
    """Set-points to write now.

    Attributes
    ----------
    writes : mapping
        Signal -> value, in the signal's unit. Only what is to change; empty where what is in force
        is best.
    reason : str
        In plain words, for the decision record.
    effects : sequence of Effect
    based_on : sequence of str
        Signals whose freshness the guard has to check.
    ahead_s : float
        In how many plant seconds the effects are expected; 0 where that is no time (a part).
    at_most : Autonomy or None
        Highest level at which it may be carried out, whatever the plant file allows: ``advise``
        where nothing could be proved. None: the level that the plant file gives.
    """

    writes: Mapping[str, float | int]
    reason: str
    effects: Sequence[Effect] = ()
    based_on: Sequence[str] = ()
    ahead_s: float = 0.0
    at_most: Autonomy | None = None


@dataclass(frozen=True, slots=True)
class Held:
    """Nothing is chosen: the plain controller holds.

    Attributes
    ----------
    why : str
        In plain words.
    give_back : mapping
        Set-points (signal -> value) that bring the plain controller's own values back; empty where
        they are in force, or where leaving them as they are is the safe thing.
    doubted : bool
        Whether the model is contradicted, so that people should hear of it.
    waits : bool
        Whether an experiment that runs only waits (for a job, for another product); it ends
        otherwise.
    """

    why: str
    give_back: Mapping[str, float | int] = field(default_factory=dict)
    doubted: bool = False
    waits: bool = False


class Chooser(Protocol):
    """Chooses the set-points of one process."""

    @property
    def process(self) -> str:
        """Id of the process."""
        ...

    @property
    def model(self) -> str:
        """Which model it goes by, for the record: a short digest of what was learned."""
        ...

    @property
    def about(self) -> str:
        """What is proved of it, or why nothing is, in one line."""
        ...

    @property
    def signals(self) -> Sequence[str]:
        """Signals of which it wants every sample."""
        ...

    @property
    def steps(self) -> Mapping[str, float]:
        """Set-points that it writes, each with the most that it may change at once."""
        ...

    def take(self, samples: Sequence[Sample]) -> None:
        """Take in what came since the last call, oldest first."""
        ...

    def due(self, now: int) -> bool:
        """Whether set-points may be chosen anew at plant time ``now`` (microseconds)."""
        ...

    def choose(self, now: int) -> Setting | Held:
        """Choose, from what was taken in so far."""
        ...
