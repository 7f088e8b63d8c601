"""Who decides in a future: the plant's plain rules, or a plan that is followed."""

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
