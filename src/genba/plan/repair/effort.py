"""How much a repair may try."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Effort:
    """Bounds of an improvement; see :func:`genba.plan.repair.repair.repair`."""

    most_moved: float = 0.1
    time_limit_s: float = 5.0
    seed: int = 0
    rounds: int | None = None
