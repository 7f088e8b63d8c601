"""What a kilowatt hour costs now, and over the hours to come."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from zoneinfo import ZoneInfo

from genba.plant.clock import US
from genba.plant.model import Plant

_QUARTER_S = 900
"""Local hours begin at a quarter of an hour UTC, whatever the zone."""


@dataclass(frozen=True, slots=True)
class KwhPrice:
    """Price of electricity by local hour of the day, in the plant's currency."""

    by_hour: tuple[float, ...]
    zone: ZoneInfo

    @classmethod
    def of(cls, plant: Plant) -> "KwhPrice | None":
        """Take the plant's tariff of electricity; None where it has none."""
        tariff = next((t for t in plant.tariffs if t.carrier == "electricity"), None)
        return None if tariff is None else cls(tariff.price_per_kwh, ZoneInfo(plant.timezone))

    def at(self, time: int) -> float:
        """Price at a time (microseconds UTC)."""
        return self.by_hour[dt.datetime.fromtimestamp(time / US, self.zone).hour]

    def means(self, start: int, lengths_s: Sequence[float]) -> list[float]:
        """Mean prices from ``start`` on, over each of ``lengths_s``.

        A length that is not positive has the price at ``start``.
        """
        longest = max((length for length in lengths_s if length > 0), default=0.0)
        first = start // US - (start // US) % _QUARTER_S
        into = start / US - first
        quarters = int((into + longest) // _QUARTER_S) + 1
        prices = [self.at((first + n * _QUARTER_S) * US) for n in range(quarters)]
        paid = [0.0, *accumulate(price * _QUARTER_S for price in prices)]

        def until(second: float) -> float:
            whole = min(quarters - 1, int(second // _QUARTER_S))
            return paid[whole] + prices[whole] * (second - whole * _QUARTER_S)

        before = until(into)
        return [
            (until(into + length) - before) / length if length > 0 else prices[0]
            for length in lengths_s
        ]
