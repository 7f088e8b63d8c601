"""What is asked of the process that looks at models, and what it tells: plain values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from genba.learn.watch.rules import Rules
from genba.plant import Plant

WEEK_S = 7 * 86_400.0


@dataclass(frozen=True, slots=True)
class Round:
    """One look at all models in force.

    ``now`` in microseconds UTC; rows of the last ``back_s`` seconds are looked at. ``keys`` are the
    public keys whose releases may be read from the shelf. ``measured_us`` is the p99 of the CPU
    time of an answer by the address of the release, where it was measured at work.
    """

    plant: Plant
    models: Path
    historian: Path
    now: int
    rules: Rules
    keys: tuple[str, ...] = ()
    measured_us: Mapping[str, float] = field(default_factory=dict)
    back_s: float = WEEK_S


@dataclass(frozen=True, slots=True)
class Noticed:
    """What is to be said of a model in force at ``where``.

    ``text`` is what is wrong with it, empty where nothing is; ``back`` the part of that for which
    the rules take it back; ``blind`` why nobody can tell whether it drifted.
    """

    name: str
    where: str
    text: str
    address: str = ""
    back: str = ""
    blind: str = ""
