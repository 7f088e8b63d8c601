"""Tariffs and carbon intensity by the hour."""

from typing import Annotated

from pydantic import Field

from genba.plant.ids import Id, Value

Hourly = Annotated[tuple[float, ...], Field(min_length=24, max_length=24)]


class Tariff(Value):
    """Price and carbon of one energy carrier for each local hour of the day (0 to 23)."""

    id: Id
    carrier: str = "electricity"
    price_per_kwh: Hourly
    carbon_g_per_kwh: Hourly
    peak_limit_kw: Annotated[float, Field(gt=0)] | None = None
