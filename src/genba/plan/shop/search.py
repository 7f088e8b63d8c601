"""The search of a whole: first schedules, tabu search, and paths between the best ones.

A pool of good schedules is filled by tabu search from different beginnings; then, again and again,
tabu search goes on from a schedule between two of the pool (Peng, Lü and Cheng 2015, with
:func:`genba.plan.shop.elites.between` for the path). Workers are threads that share the pool: the
compiled functions run side by side.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from genba.plan.shop.board import HEAD, TICKS, Board, board_of, load, rows_of
from genba.plan.shop.bound import lower_bound
from genba.plan.shop.construct import LOOKAHEADS, list_schedule, shaken, work_left
from genba.plan.shop.draw import below, seeded, unit
from genba.plan.shop.elites import Elite, Pool, between, neighbors
from genba.plan.shop.moves import Room, room_of
from genba.plan.shop.schedule import ShopSchedule, schedule_of
from genba.plan.shop.shop import Rows, Shop
from genba.plan.shop.tabu import BEST, NOW, Run, begin, run_of, search

POOL = 16
PIECE_S = 0.02
"""How long the clock is not looked at."""
STREAMS = 1000


@dataclass
class Hunt:
    """What the workers of one call share: the best schedule, the pool, and when to stop."""

    shop: Shop
    bound: int
    deadline: float
    iterations: int | None
    clock: Callable[[], float]
    on_improved: Callable[[ShopSchedule], None] | None
    pool: Pool = field(default_factory=lambda: Pool(POOL))
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

    def schedule(self) -> ShopSchedule:
        """Return the best schedule."""
        assert self.best_order is not None  # noqa: S101 - a first schedule is always made
        assert self.best_machines is not None  # noqa: S101
        rows = rows_of(self.shop)
        operation = np.zeros(self.shop.operations + self.shop.jobs + 1, np.int32)
        operation[rows] = np.arange(self.shop.operations)
        return schedule_of(
            self.shop,
            operation[self.best_order],
            self.best_machines[rows],
            self.bound,
            self.done,
        )


class Worker:
    """One thread of the search, with a board of its own."""

    def __init__(self, hunt: Hunt, seed: int, number: int) -> None:
        self._hunt = hunt
        self._rng = seeded(seed, number)
        self._number = number
        self._board: Board = board_of(hunt.shop)
        self._room: Room = room_of(hunt.shop.operations, self._rng)
        self._run: Run = run_of(self._board, tenure_of(hunt.shop))
        self._work = work_left(self._board)
        self._priority = self._work.copy()
        self._order = np.zeros(hunt.shop.operations, np.int32)
        self._machines = np.zeros(len(self._board.rank), np.int32)
        self._piece = 100
        self._patience = 5_000 + 10 * hunt.shop.operations

    def first(self) -> None:
        """Make first schedules by the plain rules; the best is kept."""
        for lookahead in LOOKAHEADS:
            self._construct(lookahead, 0.0)
            if self._hunt.over:
                break

    def _construct(self, lookahead: float, spread: float) -> None:
        shaken(self._work, spread, self._rng, self._priority)
        value = list_schedule(self._board, self._priority, lookahead, self._order, self._machines)
        self._hunt.offer(value, self._order, self._machines)

    def work(self) -> None:
        """Search until the hunt is over."""
        hunt = self._hunt
        if self._number == 0 and hunt.best_order is not None and hunt.best_machines is not None:
            self._improve(hunt.best_order, hunt.best_machines)
        while not hunt.over:
            if len(hunt.pool) < 2 or not hunt.pool.is_full:
                self._construct(unit(self._rng), 0.2)
                self._improve(self._order, self._machines)
            else:
                first, second = hunt.pool.pair(unit(self._rng), unit(self._rng))
                share = 0.3 + 0.4 * unit(self._rng)
                coins = np.random.default_rng(below(self._rng, 1 << 31)).random(len(first.begin))
                self._improve(*between(first, second, share, coins))

    def _improve(self, order: Rows, machines: Rows) -> None:
        """Run tabu search from a schedule, and put what it found into the pool."""
        hunt, run = self._hunt, self._run
        begin(self._board, self._room, run, order, machines)
        hunt.offer(int(run.state[BEST]), run.order, run.machines)
        over = False
        while not over and not hunt.over:
            size = self._piece
            if hunt.iterations is not None:
                size = min(size, max(1, hunt.iterations - hunt.done))
            before, clock = int(run.state[NOW]), time.perf_counter()
            over = search(self._board, self._room, run, size, self._patience, hunt.bound)
            spent = time.perf_counter() - clock
            hunt.count(int(run.state[NOW]) - before)
            hunt.offer(int(run.state[BEST]), run.order, run.machines)
            if size == self._piece:
                self._piece = (
                    int(np.clip(size * PIECE_S / max(spent, 1e-6), size / 2, size * 2)) + 1
                )
        self._keep()

    def _keep(self) -> None:
        board, run = self._board, self._run
        value = load(board, run.order, run.machines)
        self._hunt.pool.add(
            Elite(
                value,
                run.order.copy(),
                run.machines.copy(),
                board.table[:, HEAD] - board.table[:, TICKS],
                neighbors(run.order, run.machines, self._hunt.shop.machines),
            )
        )


def tenure_of(shop: Shop) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Return tenures (least and spread, of orders and of machines) after Zhang et al. (2007)."""
    least = 10 + shop.jobs // shop.machines
    spread = least * 2 // 5
    return np.array([least, spread, least, spread], np.int64)


def solve_shop(
    shop: Shop,
    *,
    time_limit_s: float,
    seed: int = 0,
    workers: int = 2,
    start: ShopSchedule | None = None,
    iterations: int | None = None,
    on_improved: Callable[[ShopSchedule], None] | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> ShopSchedule:
    """Look for a schedule with a short makespan.

    Parameters
    ----------
    time_limit_s : float
        Time to search; a first schedule is made in any case.
    seed : int
        With one worker and a limit of iterations, the same seed gives the same schedule.
    workers : int
        Threads.
    start : ShopSchedule, optional
        A schedule of this shop to begin with.
    iterations : int, optional
        Most moves of the tabu search, over all workers.
    on_improved : callable, optional
        Called with each better schedule, from the thread that found it.
    clock : callable, optional
        What ``time_limit_s`` is measured with, in seconds.
    """
    bound = lower_bound(shop)
    hunt = Hunt(shop, bound, clock() + time_limit_s, iterations, clock, on_improved)
    crew = [Worker(hunt, seed, number) for number in range(workers)]
    if start is not None:
        rows = rows_of(shop)
        machines = np.zeros(shop.operations + shop.jobs + 1, np.int32)
        machines[rows] = start.machine
        hunt.offer(start.makespan, rows[start.order].astype(np.int32), machines)
    crew[0].first()
    threads = [threading.Thread(target=worker.work) for worker in crew[1:]]
    for thread in threads:
        thread.start()
    crew[0].work()
    for thread in threads:
        thread.join()
    return hunt.schedule()
