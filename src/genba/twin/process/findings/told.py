"""A recording as it is examined: episodes, and what the plant file says of each variable."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from genba.twin.process.episode import Episode, Floats
from genba.twin.process.symbolic import Symbolic
from genba.twin.process.variable import Variable

KINDS = (("inputs", "inputs"), ("context", "context"), ("outputs", "shown"))
"""What variables of a process are called, and the values of an episode that are theirs."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where the values of a variable come from.

    Attributes
    ----------
    signal : str
        Its name, for messages.
    unit : str
        In which the plant file says that it comes, UCUM.
    low, high : float
        Range in the plant file, in the variable's unit; infinite where it says nothing.
    """

    signal: str
    unit: str
    low: float = -np.inf
    high: float = np.inf


@dataclass(frozen=True, slots=True, eq=False)
class Told:
    """What was recorded of a process.

    Attributes
    ----------
    sources : mapping
        Source of a variable, by its name; a variable that no signal shows is left out.
    steps : int
        Steps in the period; what episodes do not hold of it was unknown. 0: not known.
    """

    symbolic: Symbolic
    episodes: Sequence[Episode]
    sources: Mapping[str, Source] = field(default_factory=dict)
    steps: int = 0

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return sum(episode.rows for episode in self.episodes)

    def variables(self) -> Iterator[tuple[str, int, Variable]]:
        """Give the kind, the place and the variable of each that was recorded."""
        for kind, values in KINDS:
            for place, one in enumerate(getattr(self.symbolic.process, kind)):
                column = self.column(values, place)
                if np.isfinite(column).any():
                    yield values, place, one

    def column(self, values: str, place: int) -> Floats:
        """Give all values of a variable, NaN where unknown."""
        told = [getattr(episode, values)[:, place] for episode in self.episodes]
        return np.concatenate(told) if told else np.empty(0)

    def called(self, variable: str) -> str:
        """Name a variable with the signal that shows it."""
        source = self.sources.get(variable)
        return f"'{variable}'" if source is None else f"'{variable}' ({source.signal})"

    def unit_of(self, variable: Variable) -> str:
        """Give the unit in which the plant file says that a variable comes."""
        source = self.sources.get(variable.name)
        return variable.unit if source is None else source.unit
