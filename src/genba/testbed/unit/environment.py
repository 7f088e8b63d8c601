"""The hall's air and the supplier's lots.

The hall is one lump of air and building, heated by machines and people, losing to outdoors, held
by ventilation with a dead band (lumped capacitance: Incropera & DeWitt, ch. 5). Outdoors follows a
daily sine with its peak in the afternoon and a wandering of its own. Relative humidity falls as the
air warms, by Magnus' formula for the saturation pressure (WMO No. 8, annex 4.B).
"""

import math
from collections.abc import Mapping
from typing import Annotated

from pydantic import Field

from genba.plant.ids import Id, Value
from genba.testbed.randomness import Chance, Stream
from genba.testbed.unit.cyclic import NotNegative, Positive, between, quantize
from genba.testbed.unit.process import Number, Surroundings
from genba.testbed.unit.wear import Drift


class ClimateParameters(Value):
    """Weather and hall."""

    outdoor_mean_c: float = 13.0
    outdoor_swing_k: float = 5.0
    outdoor_sigma_k: NotNegative = 2.0
    dew_point_c: float = 8.0
    dew_sigma_k: NotNegative = 2.0
    hall_start_c: float = 20.0
    capacity_kj_k: Positive = 60_000.0
    loss_kw_k: Positive = 5.5
    heat_from_c: float = 19.0
    """Below this the hall is heated."""
    cool_from_c: float = 24.0
    """Above this it is cooled."""
    hvac_kw_k: float = 12.0
    hvac_limit_kw: NotNegative = 60.0
    heat_cop: Positive = 3.2
    cool_cop: Positive = 3.0
    fan_kw: NotNegative = 2.2


class Climate:
    """The hall's air; changes :class:`~genba.testbed.unit.process.Surroundings` in place."""

    __slots__ = ("_dew", "_outdoor", "_p", "_random", "_seen", "power_kw")

    def __init__(self, parameters: ClimateParameters, stream: Stream) -> None:
        self._p = parameters
        self._random = stream
        self._outdoor = Drift(parameters.outdoor_sigma_k, 30.0, 0.0, stream)
        self._dew = Drift(parameters.dew_sigma_k, 30.0, 0.0, stream)
        self._seen: Surroundings | None = None
        self.power_kw = 0.0

    def outdoor_c(self, hour: float) -> float:
        """Temperature outdoors; warmest at 15 h."""
        p = self._p
        daily = p.outdoor_swing_k * math.cos(2.0 * math.pi * (hour - 15.0) / 24.0)
        return p.outdoor_mean_c + daily + self._outdoor.value

    def tick(self, dt_s: float, around: Surroundings, heat_kw: float) -> None:
        """One second passes while machines give off ``heat_kw``."""
        p = self._p
        if self._seen is None:
            around.hall_c = p.hall_start_c
            self._seen = around
        self._outdoor.pass_time(dt_s)
        self._dew.pass_time(dt_s)
        below = p.heat_from_c - around.hall_c
        above = around.hall_c - p.cool_from_c
        heating_kw = between(p.hvac_kw_k * below, 0.0, p.hvac_limit_kw)
        cooling_kw = between(p.hvac_kw_k * above, 0.0, p.hvac_limit_kw)
        loss_kw = p.loss_kw_k * (around.hall_c - self.outdoor_c(around.hour))
        balance_kw = heat_kw + heating_kw - cooling_kw - loss_kw
        around.hall_c += balance_kw * dt_s / p.capacity_kj_k
        around.humidity_pct = relative_humidity_pct(around.hall_c, p.dew_point_c + self._dew.value)
        self.power_kw = p.fan_kw + heating_kw / p.heat_cop + cooling_kw / p.cool_cop

    def readings(self) -> Mapping[str, Number]:
        """What the climate sensors show."""
        around = self._seen or Surroundings()
        noise = self._random.normal
        return {
            "temperature": quantize(around.hall_c + noise(0.0, 0.08), 0.1),
            "humidity": between(quantize(around.humidity_pct + noise(0.0, 0.5), 0.5), 0.0, 100.0),
        }


def relative_humidity_pct(temperature_c: float, dew_point_c: float) -> float:
    """Relative humidity from the dew point, after Magnus."""

    def saturation(celsius: float) -> float:
        return math.exp(17.62 * celsius / (243.12 + celsius))

    return between(100.0 * saturation(dew_point_c) / saturation(temperature_c), 0.0, 100.0)


class Property(Value):
    """One property of a raw material."""

    mean: float
    lot_sigma: Annotated[float, Field(ge=0)]
    """Spread from supplier lot to supplier lot."""
    part_sigma: Annotated[float, Field(ge=0)] = 0.0
    """Spread inside a lot."""
    low: float = 0.0
    """No value below this occurs."""


class Supply(Value):
    """A raw material that comes in lots."""

    products: tuple[Id, ...] | None = None
    """Products made of it; ``None``: all."""
    lot_h: Annotated[float, Field(gt=0)] = 10.0
    """Mean time until the next supplier lot is opened."""
    properties: dict[str, Property]


_SUPPLIES = {
    "polymer": Supply(
        lot_h=9.0,
        properties={
            "mfi_g_10min": Property(mean=18.0, lot_sigma=1.5, part_sigma=0.15, low=8.0),
            "moisture_pct": Property(mean=0.028, lot_sigma=0.009, part_sigma=0.002, low=0.004),
        },
    ),
    "steel": Supply(
        lot_h=12.0,
        properties={
            "hardness_hb": Property(mean=180.0, lot_sigma=10.0, part_sigma=2.0, low=120.0),
            "carbon_pct": Property(mean=0.17, lot_sigma=0.010, part_sigma=0.002, low=0.10),
        },
    ),
}


class MaterialParameters(Value):
    """All raw materials, by name."""

    supplies: dict[str, Supply] = _SUPPLIES


class _OpenLot:
    __slots__ = ("random", "supply", "until", "values")

    def __init__(self, supply: Supply, random: Stream) -> None:
        self.supply = supply
        self.random = random
        self.until: int | None = None
        self.values: dict[str, float] = {}

    def at(self, now: int) -> dict[str, float]:
        if self.until is None:
            self._open(now)
        while self.until is not None and now >= self.until:
            self._open(self.until)
        return self.values

    def _open(self, now: int) -> None:
        # No lot is used up in less than a quarter of the mean time.
        hours = self.supply.lot_h * (0.25 + 0.75 * self.random.exponential())
        self.until = now + int(hours * 3.6e9)
        self.values = {
            name: self.random.normal(p.mean, p.lot_sigma)
            for name, p in self.supply.properties.items()
        }


class Material:
    """Supplier lots of raw material: hidden properties that jump when a new lot is opened."""

    __slots__ = ("_lots",)

    def __init__(self, parameters: MaterialParameters, stream: Stream) -> None:
        seeds = Chance(int(stream.uniform() * 2**31))
        self._lots = {
            name: _OpenLot(supply, seeds.stream(name))
            for name, supply in parameters.supplies.items()
        }

    def features(self, product: str, now: int) -> Mapping[str, float]:
        """Hidden properties for a part of ``product`` born now, as ``material_<property>``."""
        found: dict[str, float] = {}
        for lot in self._lots.values():
            if lot.supply.products is not None and product not in lot.supply.products:
                continue
            values = lot.at(now)
            for name, p in lot.supply.properties.items():
                value = values[name] + lot.random.normal(0.0, p.part_sigma)
                found[f"material_{name}"] = max(p.low, value)
        return found
