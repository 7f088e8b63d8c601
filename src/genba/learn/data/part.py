"""A part, as its machine told of it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Part:
    """A part at its end: ``time``, microseconds UTC.

    ``told`` holds the numbers that came with it.
    """

    time: int
    lot: str
    result: str
    inspected: bool
    told: dict[str, float]
    serial: str = ""
