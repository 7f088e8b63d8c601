"""The best legal plan so far, from whichever path; every one is checked before it counts."""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from genba.plan.checks.validate import violations
from genba.plan.objective import Objective
from genba.plan.problem import Problem
from genba.plan.schedule import Plan, Status
from genba.plan.values import values_of

logger = logging.getLogger(__name__)

TOLERANCE = 1e-9
"""Relative difference of two values that are alike."""


@dataclass
class Incumbent:
    """What a run of :func:`genba.plan.solve` has found; safe to hand to one path after the other.

    Parameters
    ----------
    problem : Problem
        Examined.
    began, time_limit_s : float
        Start on :func:`time.monotonic`, and how long the run may take.
    """

    problem: Problem
    objective: Objective
    began: float
    time_limit_s: float
    seed: int
    on_improved: Callable[[Plan], None] | None = None
    plan: Plan | None = None
    bound: float | None = None
    bound_by: str = ""
    discarded: list[str] = field(default_factory=list)
    """Which paths returned an illegal plan."""
    proven: tuple[float, ...] | None = None
    """The best value of all goals, where a path has proven it."""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def left_s(self) -> float:
        """Seconds until the run should end."""
        return self.time_limit_s - self.elapsed_s

    @property
    def elapsed_s(self) -> float:
        """Seconds since the run began."""
        return time.monotonic() - self.began

    @property
    def is_optimal(self) -> bool:
        """Whether nothing can be better than what was found."""
        if self.plan is None or self.plan.left_out:
            return False
        values = self.objective.value(dict(self.plan.values))
        if len(values) > 1:  # a bound speaks of the first goal only
            return self.proven is not None and values <= self.proven
        value = values[0]
        return self.bound is not None and value <= self.bound + TOLERANCE * max(1.0, abs(value))

    def offer(self, plan: Plan, path: str) -> bool:
        """Take a plan if it is legal and better; return whether it was taken."""
        with self._lock:
            return self._offer(plan, path)

    def take(self, plan: Plan, path: str) -> None:
        """Offer, where nobody waits for an answer."""
        self.offer(plan, path)

    def _offer(self, plan: Plan, path: str) -> bool:
        values = values_of(self.problem, plan, self.objective)
        candidate = replace(plan, values=values, bound=None, gap=None, found_by=path)
        if self.plan is not None and not self._is_better(candidate, self.plan):
            return False
        broken = violations(self.problem, candidate, self.objective)
        if broken:
            logger.warning("a plan of %s was discarded: %s", path, broken[0])
            if path not in self.discarded:
                self.discarded.append(path)
            return False
        self.plan = candidate
        if self.on_improved is not None:
            self.on_improved(self.finished())
        return True

    def prove(self, bound: float | None, path: str) -> None:
        """Take a proven lower bound of the first goal (of the weighted sum) if it is higher."""
        if bound is not None and (self.bound is None or bound > self.bound):
            self.bound, self.bound_by = bound, path

    def called_optimal(self, plan: Plan) -> None:
        """Take a path's word that no plan is better than this one, for all goals in their order."""
        values = values_of(self.problem, plan, self.objective)
        self.proven = self.objective.value(values)

    def finished(self, status: Status = Status.FEASIBLE) -> Plan:
        """Return the best plan with all that is known of it."""
        plan = self.plan or Plan((), status=Status.EMPTY)
        bound, gap = self.bound, None
        found_by = plan.found_by
        if plan.assignments and not plan.left_out and bound is not None:
            value = self.objective.value(dict(plan.values))[0]
            bound = min(bound, value)
            gap = 0.0 if value == bound else (value - bound) / abs(value)
            found_by += f"; bound: {self.bound_by}"
        else:
            bound = None
        if self.discarded:
            found_by += f"; discarded as illegal: {', '.join(self.discarded)}"
        if self.is_optimal:
            status = Status.OPTIMAL
        return replace(
            plan,
            status=plan.status if plan.status is Status.EMPTY else status,
            bound=bound,
            gap=gap,
            found_by=found_by,
            seed=self.seed,
            elapsed_s=self.elapsed_s,
        )

    def _is_better(self, plan: Plan, than: Plan) -> bool:
        if len(plan.assignments) != len(than.assignments):
            return len(plan.assignments) > len(than.assignments)
        value = self.objective.value(dict(plan.values))
        return value < self.objective.value(dict(than.values))
