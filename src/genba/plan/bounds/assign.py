"""Large flexible shops: who does what by a linear program, then in which order by lists.

The prices of the assignment program (:mod:`genba.plan.bounds.loading`) say both what no plan can be
below and on which machine each operation is cheapest. Rounded so that no machine has more than its
share, the rest is a job shop with full machines, where list schedules come close to the bound
because something is always waiting: the asymptotics of Bertsimas and Gamarnik, *Asymptotically
optimal algorithms for job shop scheduling and packet routing* (1999).
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from genba.errors import PlanError
from genba.plan.bounds.bound import gap, makespan_bound, rounds_for
from genba.plan.bounds.flexible import FlexibleShop, Floats, Ints, flexible_shop, plan_of
from genba.plan.bounds.relaxation import edges, relaxation
from genba.plan.objective import MAKESPAN, Goal, Objective
from genba.plan.problem import Problem
from genba.plan.schedule import Plan, Status

OnImproved = Callable[[Plan], None]


def solve_by_assignment(
    problem: Problem,
    objective: Objective = MAKESPAN,
    *,
    time_limit_s: float = 30.0,
    seed: int = 0,
    rounds: int | None = None,
    on_improved: OnImproved | None = None,
) -> Plan:
    """Return a plan of a plain flexible shop with a certified gap of its makespan.

    Parameters
    ----------
    problem : Problem
        A plain shop (``problem.is_plain_shop``).
    objective : Objective
        Its first goal must be the makespan.
    time_limit_s : float
        Wall time; the first plan is made in any case.
    seed : int
        Of the perturbations.
    rounds : int, optional
        Most rounds of improvement; with the same seed and no time limit reached, the same plan.
    on_improved : callable, optional
        Called with each better plan.

    Raises
    ------
    PlanError
        If the problem is more than a plain shop, or the makespan is not the first goal.
    """
    if objective.goals[0][0] is not Goal.MAKESPAN or not (
        objective.ordered or objective.is_makespan
    ):
        raise PlanError(
            "the assignment program makes the makespan small; ask solve for other goals"
        )
    search = _Search(problem, seed, time.perf_counter())
    best = search.first()
    if on_improved is not None:
        on_improved(search.plan(best))
    if best.value > search.bound.value and time.perf_counter() - search.begun < time_limit_s:
        search.sharpen()
    turn = 0
    while (
        best.value > search.bound.value
        and (rounds is None or turn < rounds)
        and time.perf_counter() - search.begun < time_limit_s
    ):
        found = search.again(turn, best)
        turn += 1
        if found.value < best.value:
            best = found
            if on_improved is not None:
                on_improved(search.plan(best))
    return search.plan(best)


@dataclass(frozen=True)
class _Found:
    value: int
    mode: Ints
    start: Ints


class _Search:
    def __init__(self, problem: Problem, seed: int, begun: float) -> None:
        from genba.plan.bounds import loading

        self.begun, self.seed = begun, seed
        self.random = np.random.default_rng(seed)
        self.shop: FlexibleShop = flexible_shop(problem)
        relaxed = relaxation(problem)
        self.problem, self.relaxed = problem, relaxed
        self.bound = makespan_bound(problem, relaxed, effort=0.1)
        begin, after = edges(relaxed, len(problem.machines))
        self.edge: Floats = (begin + after).astype(np.float64)
        self.base = self.edge.copy()
        _, self.price = loading.climb(
            self.shop.mode_first,
            self.shop.mode_machine,
            self.shop.mode_ticks,
            self.edge,
            np.ones(len(self.edge)),
            rounds_for(relaxed, 0.25),
        )

    def first(self) -> _Found:
        """Return a first plan."""
        return self._scheduled(self._loaded(self.price, self.edge), noise=0.0)

    def sharpen(self) -> None:
        """Find better prices and a better bound, with the time that a first plan does not have."""
        from genba.plan.bounds import loading

        self.bound = makespan_bound(self.problem, self.relaxed)
        _, self.price = loading.climb(
            self.shop.mode_first,
            self.shop.mode_machine,
            self.shop.mode_ticks,
            self.edge,
            self.price,
            rounds_for(self.relaxed, 0.5),
        )

    def again(self, turn: int, best: _Found) -> _Found:
        """Return another plan: new shares, after what was idle in the last one, or new orders."""
        if turn % 2:
            return self._scheduled(best.mode, noise=float(self.random.choice([0.02, 0.1, 0.3])))
        self._learn(best)
        price = self.price * np.exp(0.003 * self.random.standard_normal(len(self.price)))
        return self._scheduled(self._loaded(price, self.base), noise=0.02)

    def plan(self, found: _Found) -> Plan:
        """Return what was found, with its gap."""
        bound = self.bound.value
        return plan_of(
            self.shop,
            found.mode,
            found.start,
            status=Status.OPTIMAL if found.value == bound else Status.FEASIBLE,
            bound=bound,
            gap=gap(found.value, bound),
            found_by=f"assignment program and lists; bound: {self.bound.how}",
            seed=self.seed,
            elapsed_s=time.perf_counter() - self.begun,
        )

    def _loaded(self, price: Floats, base: Floats) -> Ints:
        from genba.plan.bounds import loading

        shop = self.shop
        modes = shop.mode_first, shop.mode_machine, shop.mode_ticks
        chosen = loading.cheapest(*modes, price)
        loading.level(*modes, base, self.price, chosen, 4 * shop.size + 100)
        return chosen

    def _learn(self, best: _Found) -> None:
        """Let time that a machine stood idle before its last end count like work there."""
        machine = self.shop.mode_machine[best.mode]
        ticks = self.shop.mode_ticks[best.mode]
        end = self.edge.copy().astype(np.int64)
        np.maximum.at(end, machine, best.start + ticks)
        idle = end - np.bincount(machine, ticks, len(end))
        self.base = 0.7 * self.base + 0.3 * np.maximum(idle, self.edge)

    def _scheduled(self, mode: Ints, noise: float) -> _Found:
        from genba.plan.bounds import listing

        shop = self.shop
        machine, ticks = shop.mode_machine[mode], shop.mode_ticks[mode]
        tail = listing.tails_of(shop.first_of, ticks).astype(np.float64)
        if noise:
            tail += noise * tail.mean() * self.random.standard_normal(len(tail))
        start = listing.forth_and_back(
            shop.first_of, machine, ticks, shop.release, shop.free_from, -tail, 10
        )
        return _Found(int((start + ticks).max(initial=0)), mode, start)
