"""A sample: one value of one signal at one time."""

from enum import IntEnum
from typing import NamedTuple

Scalar = bool | int | float | str | None
"""What a sample holds. JSON documents (VDA 5050 orders, events) travel as ``str``."""


class Quality(IntEnum):
    """The three classes of OPC UA status codes (OPC 10000-4, 7.39)."""

    GOOD = 0
    UNCERTAIN = 1
    BAD = 2


class Sample(NamedTuple):
    """One value of one signal.

    Times are integers: microseconds since 1970-01-01 UTC, at the plant's clock.
    ``sequence`` counts up per connection, in the order in which the driver received.
    """

    signal: str
    source_time: int
    receive_time: int
    value: Scalar
    quality: int = Quality.GOOD
    sequence: int = 0
