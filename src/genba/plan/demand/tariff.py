"""What energy costs in each tick, from the plant's tariff."""

import datetime as dt
from zoneinfo import ZoneInfo

from genba.plan.demand.scale import Scale
from genba.plan.problem import Energy
from genba.plant import US, Plant

_QUARTER = 900 * US
"""Local hours begin at a quarter of an hour UTC, whatever the zone."""


def energy_of(plant: Plant, scale: Scale, until: int) -> Energy:
    """Return the price of electricity by window, and the most power that may be drawn.

    Tariffs are by local hour of the plant's time zone; equal prices in a row make one window.
    """
    tariff = next((t for t in plant.tariffs if t.carrier == "electricity"), None)
    if tariff is None:
        return Energy()
    zone = ZoneInfo(plant.timezone)
    prices: list[tuple[int, int, float]] = []
    time = scale.zero - scale.zero % _QUARTER
    while time < until:
        hour = dt.datetime.fromtimestamp(time / US, zone).hour
        start, end = max(0, scale.before(time)), scale.before(min(time + _QUARTER, until))
        price = tariff.price_per_kwh[hour]
        if prices and prices[-1][2] == price:
            prices[-1] = (prices[-1][0], end, price)
        elif start < end:
            prices.append((start, end, price))
        time += _QUARTER
    return Energy(tuple(prices), tariff.peak_limit_kw)
