"""The shop floor: what machines, vehicles and people share."""

from genba.plant import Plant
from genba.testbed.board import Outbox
from genba.testbed.lots import Lot, OrderBook
from genba.testbed.monitor import SafetyMonitor
from genba.testbed.people import Crew
from genba.testbed.physics_file import Physics
from genba.testbed.randomness import Chance
from genba.testbed.stations import Station
from genba.testbed.unit.process import Surroundings


class ToolCrib:
    """The plant's tools; each copy serves one machine at a time."""

    def __init__(self, plant: Plant) -> None:
        self._free = {tool.id: tool.count for tool in plant.tools}

    def missing(self, tools: tuple[str, ...]) -> str | None:
        """The first tool of which no copy is free, or None."""
        return next((tool for tool in tools if self._free.get(tool, 0) < 1), None)

    def take(self, tools: tuple[str, ...]) -> None:
        """Hand tools out. The caller asked :meth:`missing` before."""
        for tool in tools:
            self._free[tool] -= 1

    def give_back(self, tools: tuple[str, ...]) -> None:
        """Take tools back."""
        for tool in tools:
            self._free[tool] += 1


class Floor:
    """One object that the parts of the simulation hold in common."""

    def __init__(
        self, plant: Plant, physics: Physics, chance: Chance, crew: Crew, start: int
    ) -> None:
        self.plant = plant
        self.physics = physics
        self.chance = chance
        self.crew = crew
        self.start = start
        self.random = True
        """Whether random disturbances come, beside scripted ones."""
        self.outbox = Outbox()
        self.around = Surroundings(now=start)
        self.tools = ToolCrib(plant)
        self.monitor = SafetyMonitor()
        self.stations: dict[str, Station] = {}
        self.lots: dict[str, Lot] = {}
        self.orders: dict[str, OrderBook] = {}
        self._setups = {(s.equipment, s.before, s.after): s.duration_s for s in plant.setup_times}

    def setup_s(self, equipment: str, before: str | None, after: str | None) -> float:
        """Planned change-over time; the most specific row of the plant file's table wins."""
        if after is None or before == after:
            return 0.0
        for key in (
            (equipment, before or "*", after),
            (equipment, "*", after),
            (equipment, before or "*", "*"),
            (equipment, "*", "*"),
        ):
            if key in self._setups:
                return self._setups[key]
        return 0.0
