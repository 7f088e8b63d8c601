"""What energy cost and emitted, by the hour in which it was used."""

import datetime as dt
from zoneinfo import ZoneInfo

import numpy as np

from genba.plant import US, Plant, Tariff

HOURS = 24


def electricity(plant: Plant) -> Tariff | None:
    """Return the plant's tariff for electricity, if it has one."""
    return next((t for t in plant.tariffs if t.carrier == "electricity"), None)


def by_tariff(
    tariff: Tariff | None, timezone: str, times: np.ndarray, kwh: np.ndarray
) -> tuple[float | None, float | None]:
    """Cost and carbon (kg) of energy that was counted at ``times``; None without a tariff."""
    if tariff is None:
        return None, None
    hours = _local_hours(times, ZoneInfo(timezone))
    price = np.asarray(tariff.price_per_kwh)[hours]
    carbon = np.asarray(tariff.carbon_g_per_kwh)[hours]
    return float((price * kwh).sum()), float((carbon * kwh).sum()) / 1000.0


def _local_hours(times: np.ndarray, zone: ZoneInfo) -> np.ndarray:
    """Local hour of day of each time; computed once per quarter hour, where offsets change."""
    quarters = times // (900 * US)
    distinct, inverse = np.unique(quarters, return_inverse=True)
    hours = [dt.datetime.fromtimestamp(int(q) * 900, zone).hour for q in distinct]
    return np.asarray(hours, dtype=np.intp)[inverse]
