"""The search of a large shop: tabu search in windows of time, and now and then in the whole.

Workers share one schedule, as a list in topological order. Each takes a stretch of the list that
no other has, improves it as a shop of its own, and writes it back if the whole, with what the
others have written meanwhile, has not become longer. Where one machine is full and the gaps lie at
the ends of the schedule, no window gains anything, and the whole must be searched; which of the two
is done next depends on what each has gained for its cost. When nothing is gained for a while,
windows become larger and the search in them more patient.
"""

import threading
from dataclasses import dataclass, field

from genba.plan.shop.board import Board, board_of, load
from genba.plan.shop.bound import lower_bound
from genba.plan.shop.draw import below, seeded, unit
from genba.plan.shop.hunt import Hunt
from genba.plan.shop.room import Room, room_of
from genba.plan.shop.shop import Ints, Rows
from genba.plan.shop.tabu import BEST, NOW, Run, begin, run_of, search, tenure_of
from genba.plan.shop.windows import by_begin, cut_out, put_back

LARGE = 4_000
"""Operations from which on a shop is searched by windows."""
SIZE = 2_000
"""Operations of a window, at first."""
LARGEST = 4_000
PATIENCE = 3_000
"""Iterations without progress after which a window is left, at first."""
MOST_PATIENCE = 24_000
PIECE = 1_000_000
"""Iterations times operations between two looks at the clock."""
WHOLE = 24_000_000
"""Iterations times operations of one search of the whole."""
CURIOSITY = 0.15
"""How often the way that has gained less is taken."""
MEMORY = 0.8
"""How much of what was gained and spent is remembered from one time to the next."""


class Gains:
    """What windows and the whole have gained lately, and what that has cost."""

    def __init__(self) -> None:
        self._gained = [0.0, 0.0]
        self._spent = [0.0, 0.0]

    def add(self, whole: bool, gained: int, spent: int) -> None:
        """Note the outcome of one search."""
        self._gained[whole] = MEMORY * self._gained[whole] + gained
        self._spent[whole] = MEMORY * self._spent[whole] + max(1, spent)

    def choose(self, rng: Ints) -> bool:
        """Return whether the whole should be searched next."""
        for way in (False, True):
            if self._spent[way] == 0.0:
                return way
        window, whole = (g / s for g, s in zip(self._gained, self._spent, strict=True))
        if window == whole:
            return below(rng, 2) == 1
        return (whole > window) != (unit(rng) < CURIOSITY)


@dataclass
class Sweep:
    """The schedule that the workers improve together, and which part of it each is at."""

    hunt: Hunt
    order: Rows
    machines: Rows
    value: int
    size: int = SIZE
    patience: int = PATIENCE
    idle: int = 0
    """Windows in turn that gained nothing."""
    version: int = 0
    """How often the whole was replaced."""
    taken: dict[int, tuple[int, int]] = field(default_factory=dict)
    gains: Gains = field(default_factory=Gains)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def work(self, seed: int, number: int) -> None:
        """Improve windows and the whole until the hunt is over; run by each worker."""
        board, rng = board_of(self.hunt.shop), seeded(seed, number)
        room, run = room_of(len(self.order), rng), run_of(board, tenure_of(self.hunt.shop))
        while not self.hunt.over:
            if self.gains.choose(rng):
                self._improve_whole(board, room, run)
            else:
                self._improve_window(board, rng, number)

    def _improve_whole(self, board: Board, room: Room, run: Run) -> None:
        """Search the whole for a while from the shared schedule; replace it if that is better."""
        with self.lock:
            order, machines, value = self.order, self.machines, self.value
        begin(board, room, run, order, machines)
        most = max(10, WHOLE // len(order))
        self._search(board, room, run, most, most, self.hunt.bound)
        found = int(run.state[BEST])
        with self.lock:
            self.gains.add(True, value - found, int(run.state[NOW]) * len(order))
            if found < self.value:
                load(board, run.order, run.machines)
                self.order, self.machines = by_begin(board), run.machines.copy()
                self.value = found
                self.version += 1
                self.idle = 0
        self.hunt.offer(found, run.order, run.machines)

    def _improve_window(self, board: Board, rng: Ints, number: int) -> None:
        """Search a window, and write it back unless the whole has become longer by it."""
        with self.lock:
            first, last = self._take(rng, number)
            order, machines, version = self.order, self.machines, self.version
            before, patience = self.value, self.patience
        load(board, order, machines)
        window = cut_out(board, order, first, last)
        own = board_of(window.shop)
        room, run = room_of(last - first, rng), run_of(own, tenure_of(window.shop))
        begin(own, room, run, window.order, window.machines)
        self._search(own, room, run, 1 << 60, patience, lower_bound(window.shop))
        load(own, run.order, run.machines)
        with self.lock:
            del self.taken[number]
            if version != self.version:
                return
            part = by_begin(own)
            order, machines = put_back(window, self.order, self.machines, part, run.machines)
            value = load(board, order, machines)
            self.gains.add(False, max(0, before - value), int(run.state[NOW]) * (last - first))
            self._adapt(value < self.value)
            if value <= self.value:
                self.order = order if self.taken else by_begin(board)
                self.machines, self.value = machines, value
        self.hunt.offer(value, order, machines)

    def _take(self, rng: Ints, number: int) -> tuple[int, int]:
        """Choose a stretch of the list that no other worker has."""
        total = len(self.order)
        others = [span for worker, span in self.taken.items() if worker != number]
        size = min(self.size, total // (2 * len(others) + 1))
        while True:
            first = max(0, min(total - size, below(rng, total) - size // 2))
            if all(first + size <= low or first >= high for low, high in others):
                self.taken[number] = (first, first + size)
                return first, first + size

    def _search(
        self, board: Board, room: Room, run: Run, most: int, patience: int, goal: int
    ) -> None:
        """Run tabu search, with a look at the clock now and then."""
        hunt, over = self.hunt, False
        while not over and not hunt.over and run.state[NOW] < most:
            pace = min(max(1, PIECE // len(board.order)), most)
            if hunt.iterations is not None:
                pace = max(1, min(pace, hunt.iterations - hunt.done))
            before = int(run.state[NOW])
            over = search(board, room, run, pace, patience, goal)
            hunt.count(int(run.state[NOW]) - before)

    def _adapt(self, gained: bool) -> None:
        """Make windows larger and more patient after two sweeps without gain."""
        self.idle = 0 if gained else self.idle + 1
        if self.idle * self.size > 2 * len(self.order):
            self.idle = 0
            self.size = min(LARGEST, self.size * 5 // 4)
            self.patience = min(MOST_PATIENCE, self.patience * 3 // 2)
