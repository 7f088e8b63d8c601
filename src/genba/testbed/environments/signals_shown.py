"""Observations of a lone machine: what its signals show, and context that a plant knows."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from genba.errors import TestbedError
from genba.plant import Plant
from genba.testbed.environments.hall import HALL_NAMES
from genba.testbed.environments.lone_machine import LoneMachine, Outcome, Task
from genba.testbed.unit.process import Made

HIGHEST = 1e6
"""No signal shows more, in whatever unit."""


_LONGEST_S = 24 * 3600


class Shown:
    """Builds the observations of one environment, always in the same order.

    Parameters
    ----------
    plant
        Says which readings are signals; others are not shown.
    tasks
        All that an episode may be about.
    example
        A machine of the kind. It makes one part, to show what is recorded of each.
    shift_s
        Length of an episode.

    Raises
    ------
    TestbedError
        If the example makes no part within a day, or not safely.
    """

    def __init__(
        self, plant: Plant, tasks: Sequence[Task], example: LoneMachine, shift_s: float
    ) -> None:
        self._shift_s = shift_s
        machine = example.task.machine
        self._readings = [
            name for name in example.process.readings() if f"{machine}.{name}" in plant.signals
        ]
        outcome = example.cycle({}, _LONGEST_S)
        if not outcome.made:
            raise TestbedError(
                f"{machine} makes no part at its fixed recipe; mend recipes: "
                f"{example.task.product.id}/{example.task.operation.id} in physics.yaml"
            )
        first = outcome.made[0]
        self._trace = list(first.trace)
        operation = example.task.operation.id
        own = (name.removeprefix(f"{operation}_") for name in first.measurements)
        self._gauged = [name for name in own if name not in first.trace]
        self._setpoints = list(example.setpoints)
        self._products = sorted({task.product.id for task in tasks})
        self._machines = sorted({task.machine for task in tasks})
        self._operations = sorted({task.operation.id for task in tasks})
        self.names: tuple[str, ...] = (
            *self._readings,
            *(f"part_{name}" for name in self._trace),
            *(f"gauged_{name}" for name in self._gauged),
            "parts_since_gauged",
            "parts_seen_bad",
            "cycle_s",
            "energy_kwh",
            *(f"recipe_{name}" for name in self._setpoints),
            "planned_cycle_s",
            "lot_number",
            "lot_part",
            "shift_left_h",
            *HALL_NAMES,
            *(f"product_{product}" for product in self._products),
            *(f"machine_{name}" for name in self._machines),
            *(f"operation_{name}" for name in self._operations),
        )
        self.begin()

    def begin(self) -> None:
        """Forget the last episode."""
        self._last_gauged = [0.0] * len(self._gauged)
        self._last_trace = [0.0] * len(self._trace)
        self._since = 0

    def observe(self, machine: LoneMachine, outcome: Outcome | None) -> NDArray[np.float32]:
        """What is seen after a cycle; ``None``: before the first."""
        seen_bad = cycle_s = energy_kwh = 0.0
        if outcome is not None:
            self._learn(machine.task.operation.id, outcome)
            seen_bad = float(sum(not _passes(item) for item in outcome.looked))
            cycle_s, energy_kwh = float(outcome.seconds), outcome.energy_kwh
        task, readings = machine.task, machine.process.readings()
        values = [
            *(float(readings[name]) for name in self._readings),
            *self._last_trace,
            *self._last_gauged,
            float(self._since),
            seen_bad,
            cycle_s,
            energy_kwh,
            *(machine.setpoints[name] for name in self._setpoints),
            task.cycle_s,
            float(machine.lot_number),
            float(machine.lot_part),
            max(0.0, self._shift_s - machine.hall.seconds) / 3600.0,
            *machine.hall.shown(),
            *(float(product == task.product.id) for product in self._products),
            *(float(name == task.machine) for name in self._machines),
            *(float(name == task.operation.id) for name in self._operations),
        ]
        return np.asarray(values, dtype=np.float32)

    def _learn(self, operation: str, outcome: Outcome) -> None:
        """Take over what was recorded, as means over the parts of a batch."""
        self._since += len(outcome.made)
        made, looked = outcome.made, outcome.looked
        if made:
            self._last_trace = [
                sum(item.trace[name] for item in made) / len(made) for name in self._trace
            ]
        if looked:
            self._since = 0
            self._last_gauged = [
                sum(item.measurements[f"{operation}_{name}"] for item in looked) / len(looked)
                for name in self._gauged
            ]


def _passes(item: Made) -> bool:
    return item.conforming if item.passed is None else item.passed
