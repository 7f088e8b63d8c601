"""Repair of plain flexible shops on arrays that were made when the plan was.

Speed comes from three things: the arrays stand ready, all timing is compiled, and what did not
change is handed back as the very objects it was.
"""

import time
from collections.abc import Iterator
from dataclasses import replace
from itertools import product

import numpy as np

from genba.plan.bounds.flexible import Floats, Ints
from genba.plan.objective import Goal, Objective
from genba.plan.repair.bettering import Wish, better, compared
from genba.plan.repair.effort import Effort
from genba.plan.repair.mending import MOVED, Mended, Remains, mend, worth
from genba.plan.repair.prepared import (
    PreparedPlan,
    predecessors,
    remains_of,
    with_new_names,
    with_news,
)
from genba.plan.repair.sorting import Sorted
from genba.plan.schedule import Assignment, Plan
from genba.plan.shop.draw import seeded

POSITION = {Goal.MAKESPAN: 0, Goal.TARDINESS: 1, Goal.FLOW: 2, Goal.STABILITY: 3}
"""Where :func:`genba.plan.repair.mending.worth` has a goal."""

ROUNDS_AT_ONCE = 20
"""Changes tried between two looks at the clock."""

WAYS = 100
"""Ways to time what remains that are tried before single changes are."""

AT_FIRST = ((False, 0.0), (False, 0.35), (True, 0.35), (False, 1.0))
"""Ways that are tried for the first answer: whether operations may start earlier than they did, and
how readily they go to another machine (0: never)."""


class PlainRepair:
    """One repair of a plain shop's plan.

    Parameters
    ----------
    prepared : PreparedPlan
        The plan as arrays.
    sorted_out : Sorted
        What came between.
    now, floor : int
        What began before ``now`` stays; nothing new begins before ``floor``.
    objective : Objective
        With the plan as its reference.
    """

    def __init__(
        self,
        prepared: PreparedPlan,
        sorted_out: Sorted,
        now: int,
        floor: int,
        objective: Objective,
    ) -> None:
        self.begun = time.perf_counter()
        self.old = prepared
        self.shop = with_news(prepared.shop, sorted_out)
        self.remains: Remains = remains_of(prepared, self.shop, sorted_out, now, floor)
        self.names: Floats = with_new_names(prepared, self.shop)
        self.prices = float(objective.machine_price), float(objective.order_price)
        self.wish = self._wish(objective)
        r = self.remains
        self.mode: Ints = np.where(r.mode_was >= 0, r.mode_was, r.mode_first[:-1])
        starts = [r.start_was]
        if self.shop.size > len(prepared.mode):
            starts.append(self._just_in_time())
        self.keys: list[Ints] = [2 * start + (r.end_was > r.start_was) for start in starts]
        self.by_key: list[Ints] = [np.argsort(key, kind="stable") for key in self.keys]
        self.best: Mended = self._first()
        self.worth: Floats = worth(self.remains, self.best, *self.prices)

    def _wish(self, objective: Objective) -> Wish:
        goals = [(POSITION[goal], weight) for goal, weight in objective.goals if goal in POSITION]
        if not goals:  # set-ups and energy, which a plain shop has none of
            goals = [(POSITION[Goal.STABILITY], 1.0)]
        return Wish(
            order=np.asarray([at for at, _ in goals], dtype=np.int64),
            weights=np.asarray([weight for _, weight in goals], dtype=np.float64),
            prices=np.asarray(self.prices),
            limits=np.asarray([int(objective.ordered), 0, self._patience(), 0], dtype=np.int64),
        )

    def _patience(self) -> int:
        ticks = self.remains.end_was - self.remains.start_was
        return int(np.median(ticks)) if len(ticks) else 0

    def _first(self) -> Mended:
        """Return the best of a few ways to time what remains."""
        patience = int(self.wish.limits[2])
        best, best_value = self._way(0, patience, *AT_FIRST[0])
        for keys, (early, reach) in product(range(len(self.keys)), AT_FIRST):
            mended, value = self._way(keys, patience, early, reach)
            if compared(self.wish, value, best_value) < 0:
                best, best_value = mended, value
                self.wish.limits[3] = early
        return best

    def _way(self, keys: int, patience: int, early: bool, reach: float) -> tuple[Mended, Floats]:
        key, by_key = self.keys[keys], self.by_key[keys]
        found = mend(self.remains, key, self.mode, by_key, patience, early, reach)
        return found, worth(self.remains, found, *self.prices)

    def _just_in_time(self) -> Ints:
        """Return starts at which new jobs are done when they are due, or when all else is."""
        r, start = self.remains, self.remains.start_was.copy()
        last = int(self.old.end.max(initial=0))
        for o in range(self.shop.size - 1, len(self.old.mode) - 1, -1):
            is_last = o + 1 == r.first_of[r.job_of[o] + 1]
            until = min(int(r.due[r.job_of[o]]), last) if is_last else start[o + 1]
            start[o] = max(start[o], until - (r.end_was[o] - r.start_was[o]))
        return start

    def improved(self, effort: Effort) -> Iterator[Plan]:
        """Yield better and better plans, until the effort is spent."""
        r = self.remains
        most = int(effort.most_moved * len(r.stands))
        self.wish.limits[1] = most
        random = np.random.default_rng(effort.seed)
        for _ in range(WAYS if effort.rounds is None else min(WAYS, effort.rounds)):
            if time.perf_counter() - self.begun > effort.time_limit_s:
                return
            patience = int(self.wish.limits[2] * random.choice([0.0, 0.5, 1.0, 1.0, 2.0, 4.0]))
            early, reach = bool(random.integers(2)), float(np.exp(random.uniform(-3.0, 0.0)))
            found, value = self._way(int(random.integers(len(self.keys))), patience, early, reach)
            if value[MOVED] <= most and compared(self.wish, value, self.worth) < 0:
                self.best, self.worth = found, value
                self.wish.limits[3] = early
                yield self.plan()
        rng = seeded(effort.seed)
        mode = self.best.mode.copy()
        key = 2 * self.best.start + (self.best.end > self.best.start)
        left = effort.rounds if effort.rounds is not None else 1 << 60
        if r.stands.all():
            return
        while left > 0 and time.perf_counter() - self.begun < effort.time_limit_s:
            found, value = better(r, self.wish, key, mode, min(left, ROUNDS_AT_ONCE), rng)
            left -= ROUNDS_AT_ONCE
            if compared(self.wish, value, self.worth) < 0:
                self.best, self.worth = found, value
                yield self.plan()

    def standing(self) -> dict[str, Assignment]:
        """Return what stands, by operation, with the ends that pauses have moved."""
        r, known = self.remains, self.old.assignments
        return {
            known[o].operation: replace(known[o], end=int(r.end_was[o]))
            for o in np.flatnonzero(r.stands).tolist()
        }

    def plan(self) -> Plan:
        """Return the best plan so far."""
        mode, start, end = self.best.mode, self.best.start, self.best.end
        machine = self.shop.mode_machine[mode]
        old, size = self.old, len(self.old.mode)
        same = np.zeros(len(mode), np.bool_)
        same[:size] = machine[:size] == self.shop.mode_machine[old.mode]
        same[:size] &= (start[:size] == old.start) & (end[:size] == old.end)
        machines, operations = self.shop.machines, self.shop.operations
        assignments = [
            old.assignments[o] if kept else Assignment(operations[o].id, machines[m], s, s, e)
            for o, (kept, m, s, e) in enumerate(
                zip(same.tolist(), machine.tolist(), start.tolist(), end.tolist(), strict=True)
            )
        ]
        # Operations without length may share a tick: then the order is that of their ids.
        before = predecessors(machine, start, end, self.names)
        value = worth(self.remains, self.best._replace(before=before), *self.prices)
        values = {goal: float(value[at]) for goal, at in POSITION.items()}
        return Plan(
            tuple(assignments),
            values={**values, Goal.SETUPS: 0.0, Goal.ENERGY: 0.0},
            found_by=f"repair that moves {int(value[MOVED])} operations",
            elapsed_s=time.perf_counter() - self.begun,
        )
