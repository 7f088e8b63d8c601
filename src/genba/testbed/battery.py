"""The battery of a vehicle, or its cable where it has none."""

from genba.testbed.physics_file import VehiclePhysics

_CHARGER_EFFICIENCY = 0.92


class Battery:
    """State of charge from power drawn and charged; a cable never runs empty."""

    __slots__ = ("_capacity_kwh", "_physics", "_power_kw", "charge", "charging", "energy_kwh")

    def __init__(self, capacity_kwh: float | None, physics: VehiclePhysics) -> None:
        self._capacity_kwh = capacity_kwh
        self._physics = physics
        self._power_kw = 0.0
        self.charge = 1.0
        self.charging = False
        self.energy_kwh = 0.0
        """Drawn from the mains so far."""

    def tick(self, power_kw: float) -> bool:
        """Let one second pass at a power; True when charging has just come to its end."""
        self._power_kw = power_kw
        capacity = self._capacity_kwh
        if capacity is None:
            self.energy_kwh += power_kw / 3600.0
            return False
        self.charge = max(0.0, self.charge - power_kw / 3600.0 / capacity)
        if not self.charging:
            return False
        gain = min(self._physics.charge_kw / 3600.0 / capacity, 1.0 - self.charge)
        self.charge += gain
        self.energy_kwh += gain * capacity / _CHARGER_EFFICIENCY
        if self.charge < 0.999:
            return False
        self.charging = False
        return True

    @property
    def mains_kw(self) -> float:
        """Power drawn from the mains."""
        if self._capacity_kwh is None:
            return self._power_kw
        return self._physics.charge_kw / _CHARGER_EFFICIENCY if self.charging else 0.0
