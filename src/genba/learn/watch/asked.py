"""What a core asks of the process that looks at its models, and what it is told: plain values."""

from dataclasses import dataclass
from pathlib import Path

from genba.learn.watch.rules import Rules
from genba.plant import Plant

WEEK_S = 7 * 86_400.0


@dataclass(frozen=True, slots=True)
class Round:
    """One look at all models in force.

    ``now`` in microseconds UTC; rows of the last ``back_s`` seconds are looked at.
    """

    plant: Plant
    models: Path
    historian: Path
    now: int
    rules: Rules
    back_s: float = WEEK_S


@dataclass(frozen=True, slots=True)
class Noticed:
    """Something that is wrong with a model in force at ``where``."""

    name: str
    where: str
    text: str
