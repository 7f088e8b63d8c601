"""What a future is told: a plan that is followed, and when machines are out."""

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
    """A machine that is out from ``start`` to ``end`` (microseconds UTC), whatever it does."""

    machine: str
    start: int
    end: int
