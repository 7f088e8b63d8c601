"""What bounds a plant's output: where the time of machines that do the same work went.

Machines that share an operation form a group. If a group had run throughout the hours that it was
on, with the cycles that it had, it could have made so much more; a plant's output can rise by no
more than what its busiest group leaves, whoever plans it. Only shorter cycles, fewer bad parts or
more machines go beyond.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from genba.plant import Plant

_STOPPED = ("paused", "down", "maintenance")


@dataclass(frozen=True, slots=True)
class Hours:
    """Parts of the hours that a group of machines was on; they sum up to 1."""

    machines: str
    run: float
    setup: float
    stopped: float
    """Paused, down or maintained."""
    idle: float

    @property
    def room(self) -> float | None:
        """How much more it could have made, as a part of what it made; None where it made nothing.

        With the cycles that it had, never set up, stopped or waiting.
        """
        return 1.0 / self.run - 1.0 if self.run else None


def groups(plant: Plant) -> list[tuple[str, ...]]:
    """Give machines that share an operation, in the order of the plant file."""
    found: list[set[str]] = []
    for product in plant.products:
        for operation in product.routing:
            joined = {one.equipment for one in operation.alternatives}
            apart = [group for group in found if not group & joined]
            found = [*apart, joined.union(*(group for group in found if group & joined))]
    order = {name: place for place, name in enumerate(plant.equipment_by_id)}
    return sorted(
        (tuple(sorted(g, key=order.__getitem__)) for g in found), key=lambda g: order[g[0]]
    )


def hours(plant: Plant, ledgers: Sequence[Mapping[str, Any]]) -> list[Hours]:
    """Give where each group's time went, over all of some runs, the busiest first."""
    rows = []
    for group in groups(plant):
        spent: dict[str, float] = {}
        for ledger in ledgers:
            for name in group:
                for phase, seconds in ledger["machines"][name]["seconds"].items():
                    spent[phase] = spent.get(phase, 0.0) + seconds
        on = sum(seconds for phase, seconds in spent.items() if phase != "off")
        if not on:
            continue
        rows.append(
            Hours(
                ", ".join(group),
                spent.get("run", 0.0) / on,
                spent.get("setup", 0.0) / on,
                sum(spent.get(phase, 0.0) for phase in _STOPPED) / on,
                spent.get("idle", 0.0) / on,
            )
        )
    return sorted(rows, key=lambda row: -row.run)
