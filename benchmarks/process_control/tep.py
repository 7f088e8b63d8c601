"""How to talk to tep-studio's plant and its Ricker controller, and what the task says of them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.process_control.peer import HERE, Peer

PYTHON = HERE / ".tep" / "bin" / "python"
SHUTDOWN = {
    "reactor_pressure": (-math.inf, 3000.0),
    "reactor_level": (0.0, 100.0),
    "reactor_temperature": (-math.inf, 175.0),
    "separator_level": (0.0, 100.0),
    "stripper_level": (0.0, 100.0),
}
"""Downs & Vogel 1993, table 6, in what is measured here (kPa, %, degC)."""


@dataclass(frozen=True)
class Shown:
    """What a stretch of time showed: means, extremes and cost."""

    time_h: float
    hours: float
    means: dict[str, float]
    valves: dict[str, float]
    low: dict[str, float]
    high: dict[str, float]
    measured: float
    """Operating cost by what was measured, $/h."""
    cost: float
    """Operating cost of the stretch without noise, $. For judging alone."""
    stopped: str | None


class Tep(Peer):
    """A plant under its regulatory loops, in a process of its own."""

    def __init__(self) -> None:
        super().__init__(PYTHON, "tep_server.py", "tennessee_eastman_control")

    def start(self, seed: int, interval_h: float) -> dict[str, float]:
        """Start at the base case; give the set-points in force."""
        # Its source of noise wants a large odd number.
        told = self._ask(start={"seed": 1431655765 + 2 * 104729 * seed, "interval_h": interval_h})
        return {name: float(value) for name, value in told["set"].items()}

    def advance(
        self, hours: float, wanted: dict[str, float], disturbances: Sequence[int] = ()
    ) -> Shown:
        return Shown(
            **self._ask(advance={"hours": hours, "set": wanted, "disturbances": list(disturbances)})
        )

    def keep(self) -> None:
        self._ask(keep=True)

    def back(self) -> None:
        self._ask(back=True)
