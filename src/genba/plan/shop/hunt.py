"""What the workers of one search share: the best schedule, and when to stop."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from genba.plan.shop.board import rows_of
from genba.plan.shop.schedule import ShopSchedule, schedule_of
from genba.plan.shop.shop import Rows, Shop


@dataclass
class Hunt:
    """What the workers of one call share: the best schedule, and when to stop."""

    shop: Shop
    bound: int
    deadline: float
    iterations: int | None
    clock: Callable[[], float]
    on_improved: Callable[[ShopSchedule], None] | None
    best: int = 1 << 62
    best_order: Rows | None = None
    best_machines: Rows | None = None
    done: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def over(self) -> bool:
        """Whether time or iterations are used up, or nothing better is possible."""
        return (
            self.best <= self.bound
            or self.clock() >= self.deadline
            or (self.iterations is not None and self.done >= self.iterations)
        )

    def offer(self, value: int, order: Rows, machines: Rows) -> None:
        """Keep a schedule if it is the best so far."""
        if value >= self.best:
            return
        with self._lock:
            if value >= self.best:
                return
            self.best, self.best_order, self.best_machines = value, order.copy(), machines.copy()
            if self.on_improved is not None:
                self.on_improved(self.schedule())

    def count(self, iterations: int) -> None:
        """Add to the iterations done."""
        with self._lock:
            self.done += iterations

    def kept(self) -> tuple[Rows, Rows]:
        """Return the best schedule as ``board.load`` takes it."""
        assert self.best_order is not None  # noqa: S101 - a first schedule is always made
        assert self.best_machines is not None  # noqa: S101
        return self.best_order, self.best_machines

    def schedule(self) -> ShopSchedule:
        """Return the best schedule."""
        order, machines = self.kept()
        rows = rows_of(self.shop)
        operation = np.zeros(self.shop.operations + self.shop.jobs + 1, np.int32)
        operation[rows] = np.arange(self.shop.operations)
        return schedule_of(
            self.shop,
            operation[order],
            machines[rows],
            self.bound,
            self.done,
        )
