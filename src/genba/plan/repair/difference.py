"""What is different between two plans, in plain values, and what it costs."""

from collections.abc import Iterator
from dataclasses import dataclass

from genba.plan.schedule import Assignment, Plan


@dataclass(frozen=True, slots=True)
class Change:
    """What became of one operation. ``None`` before: it is new; after: it is gone."""

    operation: str
    machine_before: str | None
    machine_after: str | None
    follows_before: str | None
    """Operation before it on its machine."""
    follows_after: str | None
    start_before: int | None
    start_after: int | None
    price: float

    @property
    def moved(self) -> bool:
        """Whether it goes to another machine or follows another operation."""
        return (self.machine_before, self.follows_before) != (
            self.machine_after,
            self.follows_after,
        )

    @property
    def shift(self) -> int:
        """Ticks by which the start moved; 0 of what is new or gone."""
        if self.start_before is None or self.start_after is None:
            return 0
        return self.start_after - self.start_before

    def __str__(self) -> str:
        if self.machine_before is None:
            return f"{self.operation}: new, on {self.machine_after} at {self.start_after}"
        if self.machine_after is None:
            return f"{self.operation}: no longer planned"
        told = []
        if self.machine_before != self.machine_after:
            told.append(f"{self.machine_before} -> {self.machine_after}")
        if self.follows_before != self.follows_after:
            told.append(f"after {self.follows_after or 'nothing'}")
        if self.shift:
            told.append(f"starts {abs(self.shift)} {'later' if self.shift > 0 else 'earlier'}")
        return f"{self.operation}: {', '.join(told)}"


@dataclass(frozen=True, slots=True)
class Difference:
    """All that changed: first machines, then orders, then starts only, the largest shift first."""

    changes: tuple[Change, ...]
    planned: int
    """Operations of both plans together, each counted once."""

    @property
    def moved(self) -> tuple[str, ...]:
        """Operations that were in the plan and go to another machine or follow another one."""
        return tuple(
            change.operation
            for change in self.changes
            if change.moved and change.machine_before is not None
        )

    @property
    def shifted(self) -> int:
        """How many start at another tick."""
        return sum(change.shift != 0 for change in self.changes)

    @property
    def price(self) -> float:
        """Price of all changes, as STABILITY counts it."""
        return sum(change.price for change in self.changes)


def difference(
    before: Plan, after: Plan, machine_price: float = 10.0, order_price: float = 1.0
) -> Difference:
    """Return what changed from one plan to another, priced as in ``Objective``."""
    old, new = dict(_places(before)), dict(_places(after))
    found = []
    for name in old.keys() | new.keys():
        change = _change(name, old.get(name), new.get(name), machine_price, order_price)
        if change.moved or change.shift:
            found.append(change)
    found.sort(key=_rank)
    return Difference(tuple(found), len(old.keys() | new.keys()))


_Place = tuple[Assignment, str | None]


def _places(plan: Plan) -> Iterator[tuple[str, _Place]]:
    for listed in plan.by_machine.values():
        follows = None
        for assignment in listed:
            yield assignment.operation, (assignment, follows)
            follows = assignment.operation


def _change(
    name: str, old: _Place | None, new: _Place | None, machine_price: float, order_price: float
) -> Change:
    price = 0.0
    if old is not None and new is not None:
        price += machine_price * (old[0].machine != new[0].machine)
        price += order_price * (old[1] != new[1])
        price += abs(new[0].start - old[0].start) / 1000.0
    return Change(
        name,
        None if old is None else old[0].machine,
        None if new is None else new[0].machine,
        None if old is None else old[1],
        None if new is None else new[1],
        None if old is None else old[0].start,
        None if new is None else new[0].start,
        price,
    )


def _rank(change: Change) -> tuple[bool, bool, int, str]:
    return (
        change.machine_before == change.machine_after,
        not change.moved,
        -abs(change.shift),
        change.operation,
    )
