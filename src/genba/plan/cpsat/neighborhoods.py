"""Large-neighborhood search: one part of a plan after the other is solved anew, the rest stands.

Shaw, CP 1998; with the rest kept as an order, not as times, after Godard, Laborie and Nuijten,
ICAPS 2005: what comes after the window moves up when there is room.
"""

import time
from collections.abc import Callable
from dataclasses import replace
from random import Random

from ortools.sat.python import cp_model

from genba.plan.checks.validate import violations
from genba.plan.cpsat.budget import Budget
from genba.plan.cpsat.goals import Term, minimize
from genba.plan.cpsat.model import Model, model_of, plan_in, tell
from genba.plan.cpsat.windows import Windows
from genba.plan.objective import Objective
from genba.plan.problem import Problem
from genba.plan.schedule import Plan
from genba.plan.values import values_of

START_SIZE = 60.0
LIMIT_S = 4.0
"""Longest search of one window, in seconds."""
FOUND_BY = "windows by constraint programming"


def improve(
    problem: Problem,
    objective: Objective,
    plan: Plan,
    *,
    time_limit_s: float,
    seed: int = 0,
    workers: int = 1,
    on_improved: Callable[[Plan], None] | None = None,
    iterations: int | None = None,
    work_limit_s: float | None = None,
) -> Plan:
    """Make a legal and whole plan better, window by window.

    Parameters
    ----------
    problem : Problem
        What :func:`genba.plan.checks.examine` has passed.
    plan : Plan
        Where to begin; an equally good one or better comes back.
    time_limit_s : float
        Wall time.
    seed, workers : int
        Of the choice of windows, and of the solver.
    on_improved : callable, optional
        Called with each better plan.
    iterations : int, optional
        Windows to try at most. With one worker, and windows that are searched to their end, the
        same seed then gives the same plan.
    work_limit_s : float, optional
        Limit by the solver's own count of its work instead of the clock; see
        :class:`~genba.plan.cpsat.budget.Budget`.

    Returns
    -------
    Plan
        With values; what was proven of ``plan`` is not carried over.
    """
    budget = Budget(time_limit_s, work_limit_s)
    most_s = min(LIMIT_S, budget.left_s / 8.0)
    best = replace(plan, values=values_of(problem, plan, objective))
    movable = [o for o in problem.operations if o.fixed is None]
    if not movable or any(o.id not in plan.by_operation for o in problem.operations):
        return best
    windows = Windows(problem, Random(seed), min(START_SIZE, len(movable)))  # noqa: S311 - no secret
    tried, drawing_s = 0, 0.0
    while budget.allows(drawing_s) and (iterations is None or tried < iterations):
        tried += 1
        began = time.monotonic()
        kind, frame = windows.draw(best)
        horizon = _horizon(objective, best)
        model = model_of(problem, objective, horizon, frame)
        drawing_s = max(drawing_s, time.monotonic() - began)  # no model without time to solve it
        found, solved = _solve(model, objective, best, budget, most_s, seed + tried, workers)
        improved = False
        if found is not None:
            candidate = replace(
                found, values=values_of(problem, found, objective), found_by=FOUND_BY, seed=seed
            )
            better = _value(objective, candidate) < _value(objective, best)
            improved = better and not violations(problem, candidate, objective)
            if improved:
                best = candidate
                if on_improved is not None:
                    on_improved(best)
        if solved and len(frame.open) == len(movable):
            break  # the whole of it was searched to the end
        windows.learn(kind, improved=improved, solved=solved)
    return best


def _value(objective: Objective, plan: Plan) -> tuple[float, ...]:
    return tuple(round(value, 9) for value in objective.value(dict(plan.values)))


def _horizon(objective: Objective, plan: Plan) -> int:
    """Return how far a plan may go: a better one may well end later, unless that is what counts."""
    latest = max(a.end for a in plan.assignments)
    latest = max(latest, max((leg.end for leg in plan.legs), default=0))
    return latest if objective.is_makespan else latest + latest // 4 + 1


def _solve(
    model: Model,
    objective: Objective,
    plan: Plan,
    budget: Budget,
    most_s: float,
    seed: int,
    workers: int,
) -> tuple[Plan | None, bool]:
    """Return the best plan of a model, and whether it was searched to its end."""
    minimize(model.draft, _terms(model, objective))
    tell(model, plan)
    solver = cp_model.CpSolver()
    solver.parameters.random_seed = seed
    solver.parameters.num_workers = workers
    solver.parameters.cp_model_probing_level = 0
    solver.parameters.symmetry_level = 0
    status = budget.solve(solver, model.draft.cp, most_s)
    if status not in {cp_model.OPTIMAL, cp_model.FEASIBLE}:
        return None, status == cp_model.INFEASIBLE
    return plan_in(model, lambda expr: int(solver.value(expr))), bool(status == cp_model.OPTIMAL)


def _terms(model: Model, objective: Objective) -> list[Term]:
    """Return one sum for all goals; of goals in order, each outweighs what the next can gain."""
    if not objective.ordered:
        return [
            (expr, cost * weight)
            for goal, weight in objective.goals
            for expr, cost in model.goals[goal]
        ]
    weight, terms = 1.0, []
    for goal, _ in objective.goals:
        terms += [(expr, cost * weight) for expr, cost in model.goals[goal]]
        weight /= 1000.0
    return terms
