"""What a future is told: a plan that is followed, who is out when, and what is scrapped."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PlannedJob:
    """One operation of a lot as a plan has it. ``start`` in microseconds UTC."""

    lot: str
    step: int
    """Index in the product's routing."""
    machine: str
    start: int


Schedule = tuple[PlannedJob, ...]
"""A plan as plain values. What it does not speak of is decided by rules."""


@dataclass(frozen=True, slots=True)
class Outage:
    """A machine or vehicle that is out from ``start`` to ``end``, whatever it does.

    Microseconds UTC. A vehicle that is on its way goes on afterwards.
    """

    unit: str
    start: int
    end: int


Scrapped = Mapping[tuple[str, int], int]
"""Parts that a lot loses in an operation, by lot and step; drawn where it is not told."""
