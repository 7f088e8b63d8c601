"""The hall and the clock around a machine that runs alone for a shift."""

from genba.plant import US, Plant
from genba.testbed.environments.economics import price_per_kwh
from genba.testbed.physics_file import Physics
from genba.testbed.randomness import Chance
from genba.testbed.unit import build_climate
from genba.testbed.unit.process import Surroundings

_MINUTE_S = 60
_OTHERS_KW = 40.0
"""Heat of the other machines: about the mean of the whole plant under its own controller."""


class Hall:
    """Air and time; air moves once a minute, which its hours of inertia allow."""

    def __init__(self, plant: Plant, physics: Physics, chance: Chance, hour: float) -> None:
        self._plant = plant
        self._climate = build_climate(physics.climate, chance.stream("climate"))
        self._heat_kw = physics.base_load_kw + _OTHERS_KW
        self._hour = hour
        self.around = Surroundings(hour=hour)
        self.seconds = 0
        for _ in range(2 * 60):  # two hours, so that the hall is as on a working day
            self._climate.tick(_MINUTE_S, self.around, self._heat_kw)

    def second(self) -> None:
        """Let one second pass."""
        self.seconds += 1
        self.around.now = self.seconds * US
        if self.seconds % _MINUTE_S == 0:
            self.around.hour = (self._hour + self.seconds / 3600.0) % 24.0
            self._climate.tick(_MINUTE_S, self.around, self._heat_kw)

    @property
    def price_per_kwh(self) -> float:
        """Price of electricity now."""
        return price_per_kwh(self._plant, self.around.hour)

    def shown(self) -> list[float]:
        """What the climate station and the clock show: °C, %, local hour, price per kWh."""
        readings = self._climate.readings()
        return [
            float(readings["temperature"]),
            float(readings["humidity"]),
            self.around.hour,
            self.price_per_kwh,
        ]


HALL_NAMES = ("hall_temperature_c", "humidity_pct", "hour", "price_per_kwh")
"""Names of what :meth:`Hall.shown` gives."""
