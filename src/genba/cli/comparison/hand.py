"""Choosers that set the set-points of a simulated plant through its drivers, within the plant file.

For runs under the conventional controller: it has the jobs, and choosers have set-points alone.
"""

from collections.abc import Sequence

from genba.control.chooser import Chooser, Held, Setting
from genba.plant import Plant, Sample, Scalar, VirtualClock
from genba.testbed.in_process import InProcessDriver
from genba.testbed.simulation import PlantSimulation


class Hand:
    """Asks choosers after each step, and writes what lies within the signals' ranges."""

    def __init__(
        self, simulation: PlantSimulation, plant: Plant, choosers: Sequence[Chooser]
    ) -> None:
        self._simulation, self._plant = simulation, plant
        self._choosers = choosers
        self._waiting: list[Sample] = []
        self.writes = self.refused = 0
        self.said: dict[str, int] = {}
        wanted = {name for chooser in choosers for name in chooser.signals}
        self._clock = VirtualClock(simulation.now)
        self._driver = InProcessDriver(
            simulation, self._clock, [plant.signals[name] for name in sorted(wanted)]
        )

    async def begin(self) -> None:
        """Listen."""
        await self._driver.connect()
        await self._driver.subscribe(
            [s for s in self._plant.signals.values() if s.id in self._wanted()], self._take
        )

    def _wanted(self) -> set[str]:
        return {name for chooser in self._choosers for name in chooser.signals}

    def _take(self, samples: Sequence[Sample]) -> None:
        self._waiting += samples

    def step(self, until: int) -> None:
        """Let the plant live on, then ask."""
        self._simulation.advance(until)
        self._clock.set(until)
        self._driver.pump()
        came, self._waiting = self._waiting, []
        for chooser in self._choosers:
            own = set(chooser.signals)
            chooser.take([sample for sample in came if sample.signal in own])
            if chooser.due(until):
                self._carry_out(chooser.choose(until))

    def _carry_out(self, answer: Setting | Held) -> None:
        told = answer.why if isinstance(answer, Held) else answer.reason.split(":")[0]
        self.said[told] = self.said.get(told, 0) + 1
        writes = answer.give_back if isinstance(answer, Held) else answer.writes
        for name, value in writes.items():
            if self._allowed(name, value):
                self._simulation.write(name, value)
                self.writes += 1
            else:
                self.refused += 1

    def _allowed(self, name: str, value: Scalar) -> bool:
        span = self._plant.signals[name].range
        if span is None or not isinstance(value, int | float):
            return False
        return (span.low is None or value >= span.low) and (span.high is None or value <= span.high)
