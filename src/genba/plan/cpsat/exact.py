"""Constraint programming on the whole problem: the best plan, with a proof where time allows."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction

from ortools.sat.python import cp_model

from genba.plan.cpsat.budget import Budget
from genba.plan.cpsat.goals import Term, minimize
from genba.plan.cpsat.horizon import horizon_of
from genba.plan.cpsat.model import Model, model_of, plan_in, tell
from genba.plan.objective import Objective
from genba.plan.problem import Problem
from genba.plan.schedule import Plan, Status
from genba.plan.values import values_of

OnImproved = Callable[[Plan], None]
ALIKE = 1e-6


def solve_exactly(
    problem: Problem,
    objective: Objective,
    *,
    time_limit_s: float,
    seed: int = 0,
    workers: int = 1,
    hint: Plan | None = None,
    on_improved: OnImproved | None = None,
    work_limit_s: float | None = None,
) -> Plan | None:
    """Solve the full constraint model of a problem (CP-SAT).

    Parameters
    ----------
    problem : Problem
        What :func:`genba.plan.checks.examine` has passed.
    objective : Objective
        Goals in order are solved one after the other, each with those before it held.
    time_limit_s : float
        Wall time for all goals together, drawing up the model not included.
    seed, workers : int
        Of the solver. With one worker and enough time the same seed gives the same plan.
    hint : Plan, optional
        A legal plan to begin with; what is returned is never worse.
    on_improved : callable, optional
        Called with each better plan, from the solver's thread.
    work_limit_s : float, optional
        Limit by the solver's own count of its work instead of the clock; see
        :class:`~genba.plan.cpsat.budget.Budget`.

    Returns
    -------
    Plan or None
        With values, a bound of the first goal (or the weighted sum) and the gap to it; OPTIMAL
        where the solver proved every goal. None if there was no hint and nothing was found.
    """
    began = time.monotonic()
    horizon = horizon_of(problem, objective)
    if hint is not None:
        latest = max((a.end for a in hint.assignments), default=0)
        latest = max(latest, max((leg.end for leg in hint.legs), default=0))
        horizon = latest if objective.is_makespan else max(horizon, latest)
    model = model_of(problem, objective, horizon)
    search = _Search(problem, objective, model, seed, workers, on_improved, began)
    return search.run(Budget(time_limit_s, work_limit_s), hint)


@dataclass
class _Search:
    problem: Problem
    objective: Objective
    model: Model
    seed: int
    workers: int
    on_improved: OnImproved | None
    began: float
    best: Plan | None = None
    bound: float | None = None

    def run(self, budget: Budget, hint: Plan | None) -> Plan | None:
        """Solve goal by goal (or the weighted sum) within a budget."""
        self.best = None if hint is None else self._valued(hint)
        stages = self._stages()
        proven = True
        for number, terms in enumerate(stages):
            left = budget.left_s
            if left <= 0:
                proven = False
                break
            share = left if number + 1 == len(stages) else left / 2
            proven &= self._stage(terms, budget, share, is_first=number == 0)
        return self._finished(proven)

    def _stages(self) -> list[list[Term]]:
        goals = self.model.goals
        if self.objective.ordered:
            return [goals[goal] for goal, _ in self.objective.goals]
        return [
            [(e, cost * weight) for goal, weight in self.objective.goals for e, cost in goals[goal]]
        ]

    def _stage(self, terms: list[Term], budget: Budget, limit_s: float, *, is_first: bool) -> bool:
        """Make one sum small; return whether that was proven."""
        draft = self.model.draft
        factor = minimize(draft, terms)
        if self.best is not None:
            tell(self.model, self.best)
        solver = self._solver()
        status = budget.solve(solver, draft.cp, limit_s, _Watch(self, self.model))
        if status not in {cp_model.OPTIMAL, cp_model.FEASIBLE}:
            return False
        self._take(plan_in(self.model, lambda expr: int(solver.value(expr))))
        if is_first and not draft.reordered:
            self.bound = _bound(solver.best_objective_bound, factor)
        value = solver.objective_value
        draft.cp.clear_objective()  # type: ignore[no-untyped-call]
        if self.objective.ordered:
            scaled = [(round(cost * factor), e) for e, cost in terms]
            if all(
                abs(c - cost * factor) < ALIKE
                for (c, _), (_, cost) in zip(scaled, terms, strict=True)
            ):
                draft.cp.add(sum(cost * e for cost, e in scaled) <= round(value))
        return bool(status == cp_model.OPTIMAL)

    def _solver(self) -> cp_model.CpSolver:
        solver = cp_model.CpSolver()
        solver.parameters.random_seed = self.seed
        solver.parameters.num_workers = self.workers
        return solver

    def _valued(self, plan: Plan) -> Plan:
        return replace(
            plan,
            values=values_of(self.problem, plan, self.objective),
            status=Status.FEASIBLE,
            seed=self.seed,
            elapsed_s=time.monotonic() - self.began,
        )

    def take(self, plan: Plan) -> None:
        """Keep a plan if it is better than the best."""
        valued = self._valued(replace(plan, found_by="constraint programming"))
        value = self.objective.value(dict(valued.values))
        if self.best is None or value < self.objective.value(dict(self.best.values)):
            self.best = valued
            if self.on_improved is not None:
                self.on_improved(valued)

    _take = take

    def _finished(self, proven: bool) -> Plan | None:
        if self.best is None:
            return None
        value = self.objective.value(dict(self.best.values))[0]
        bound = None if self.bound is None else min(self.bound, value)
        gap = None
        if bound is not None:
            gap = (value - bound) / value if value > 0 else 0.0
        is_best = proven and bound is not None and value - bound <= ALIKE * max(1.0, abs(value))
        found_by = self.best.found_by
        if bound is not None:
            found_by += ("; " if found_by else "") + "bound by constraint programming"
        return replace(
            self.best,
            bound=bound,
            gap=gap,
            status=Status.OPTIMAL if is_best else Status.FEASIBLE,
            found_by=found_by,
            elapsed_s=time.monotonic() - self.began,
        )


def _bound(found: float, factor: Fraction) -> float:
    return float(Fraction(found) / factor)


class _Watch(cp_model.CpSolverSolutionCallback):
    """Hands on each better plan as it is found."""

    def __init__(self, search: _Search, model: Model) -> None:
        super().__init__()
        self._search = search
        self._model = model

    def on_solution_callback(self) -> None:
        """Read the plan."""
        self._search.take(plan_in(self._model, lambda expr: int(self.value(expr))))
