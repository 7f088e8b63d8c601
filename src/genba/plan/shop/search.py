"""The search of a whole: first schedules, tabu search, and paths between the best ones.

A pool of good schedules is filled by tabu search from different beginnings; then, again and again,
tabu search goes on from a schedule between two of the pool (Peng, Lü and Cheng 2015, with
:func:`genba.plan.shop.elites.between` for the path). Workers are threads that share the pool: the
compiled functions run side by side.
"""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np

from genba.plan.shop.board import HEAD, TICKS, Board, board_of, load, rows_of
from genba.plan.shop.bound import lower_bound
from genba.plan.shop.construct import LOOKAHEADS, list_schedule, shaken, work_left
from genba.plan.shop.draw import below, seeded, unit
from genba.plan.shop.elites import Elite, Pool, between, neighbors
from genba.plan.shop.hunt import Hunt
from genba.plan.shop.room import Room, room_of
from genba.plan.shop.schedule import ShopSchedule
from genba.plan.shop.shop import Rows, Shop
from genba.plan.shop.sweep import LARGE, Sweep
from genba.plan.shop.tabu import BEST, NOW, Run, begin, run_of, search, tenure_of
from genba.plan.shop.tight import at_bound, is_tight

POOL = 16
REFUSALS = 40
"""Schedules in turn that do not come into the pool, before it is filled anew."""
MOST_STEPS = 1 << 30
"""Steps in one call at most, however fast a tiny shop is searched."""
TIGHT = 0.1
"""Part of the time in which a large tight shop may be solved by propagation."""
PIECE_S = 0.02
"""How long the clock is not looked at."""


class Worker:
    """One thread of the search, with a board of its own."""

    def __init__(self, hunt: Hunt, pool: Pool, seed: int, number: int) -> None:
        self._hunt = hunt
        self._pool = pool
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
        if self._number == 0:
            self._improve(*hunt.kept())
        while not hunt.over:
            pair = self._pool.pair(unit(self._rng), unit(self._rng))
            if pair is None:
                self._construct(unit(self._rng), 0.2)
                self._improve(self._order, self._machines)
            else:
                share = 0.3 + 0.4 * unit(self._rng)
                coins = np.random.default_rng(below(self._rng, 1 << 31)).random(len(pair[0].begin))
                self._improve(*between(*pair, share, coins))

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
                    int(
                        np.clip(
                            size * PIECE_S / max(spent, 1e-6), size / 2, min(size * 2, MOST_STEPS)
                        )
                    )
                    + 1
                )
        self._keep()

    def _keep(self) -> None:
        board, run = self._board, self._run
        value = load(board, run.order, run.machines)
        self._pool.add(
            Elite(
                value,
                run.order.copy(),
                run.machines.copy(),
                board.table[:, HEAD] - board.table[:, TICKS],
                neighbors(run.order, run.machines, self._hunt.shop.machines),
            )
        )


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
    if start is None and shop.operations >= LARGE and is_tight(shop, bound):
        start = at_bound(shop, bound, limit_s=TIGHT * time_limit_s, seed=seed)
    pool = Pool(POOL, REFUSALS)
    crew = [Worker(hunt, pool, seed, number) for number in range(workers)]
    if start is not None:
        rows = rows_of(shop)
        machines = np.zeros(shop.operations + shop.jobs + 1, np.int32)
        machines[rows] = start.machine
        hunt.offer(start.makespan, rows[start.order].astype(np.int32), machines)
    crew[0].first()
    order, machines = hunt.kept()
    jobs: list[Callable[[], None]] = [worker.work for worker in crew]
    if shop.operations >= LARGE:
        sweep = Sweep(hunt, order, machines, hunt.best)
        jobs = [partial(sweep.work, seed, number) for number in range(workers)]
    with ThreadPoolExecutor(workers) as threads:
        for result in [threads.submit(job) for job in jobs]:
            result.result()
    return hunt.schedule()
