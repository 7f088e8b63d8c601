"""The one door to the planner: look at the problem, choose the paths, keep the best legal plan."""

import time
from collections.abc import Callable
from dataclasses import replace

from genba.plan.checks.examine import examine
from genba.plan.incumbent import Incumbent
from genba.plan.objective import MAKESPAN, Goal, Objective
from genba.plan.problem import Problem
from genba.plan.schedule import LeftOut, Plan

SMALL = 60
"""Up to so many operations a proof by constraint programming is likely."""
LARGE = 4_000
"""From so many operations on, a horizon rolls over all but plain shops."""
FIRST, HALF = 0.15, 0.6
"""Share of the time for the search, before proofs or windows have the rest."""
JOBS_SHARE = 0.75
"""Share of that for the order of whole jobs, where the decoder puts jobs in whole."""

OnImproved = Callable[[Plan], None]


def solve(
    problem: Problem,
    objective: Objective = MAKESPAN,
    *,
    time_limit_s: float = 10.0,
    seed: int = 0,
    workers: int = 2,
    hint: Plan | None = None,
    on_improved: OnImproved | None = None,
    iterations: int | None = None,
) -> Plan:
    """Make a plan.

    Parameters
    ----------
    problem : Problem
        What there is to schedule; what of it cannot be planned is left out and told.
    objective : Objective
        What a good plan is.
    time_limit_s : float
        Wall time. A first plan of the rules comes in any case, within milliseconds for hundreds of
        operations.
    seed : int
        The same seed, with ``iterations`` instead of time as the limit, gives the same plan.
    workers : int
        Threads of the paths that can use more than one.
    hint : Plan, optional
        A plan to begin with. It is timed anew where it is not legal any more; the answer is never
        worse than it.
    on_improved : callable, optional
        Called with each better legal plan; may be called from another thread.
    iterations : int, optional
        Steps of the search, instead of a limit by time. Only paths that count in steps are taken.

    Returns
    -------
    Plan
        Legal by :func:`genba.plan.violations`, with the values of all goals, a proven bound and the
        gap to it where one is known, and how both were found.
    """
    began = time.monotonic()
    examined, left_out = examine(problem)
    best = Incumbent(
        examined,
        objective,
        began,
        time_limit_s,
        seed,
        None if on_improved is None else lambda plan: on_improved(_told(plan, left_out)),
    )
    if examined.operations or examined.transport is not None:
        _run(best, workers, hint, iterations)
    return _told(best.finished(), left_out)


def _told(plan: Plan, left_out: tuple[LeftOut, ...]) -> Plan:
    return replace(plan, left_out=(*left_out, *plan.left_out))


def _run(best: Incumbent, workers: int, hint: Plan | None, iterations: int | None) -> None:
    from genba.plan import paths
    from genba.plan.search.jobs import puts_jobs_in_whole

    size = len(best.problem.operations)
    if hint is not None:
        paths.from_hint(best, hint)
    if best.problem.is_plain_shop and _is_makespan_first(best.objective):
        paths.prove(best)
        paths.shop(best, workers, iterations, share=FIRST if size <= SMALL else 1.0)
    elif size > LARGE:
        paths.rolling(best, workers, iterations)
        paths.prove(best)
    else:
        found = paths.by_rules(best, iterations)
        paths.prove(best)
        if size and not best.is_optimal:
            share = FIRST if size <= SMALL else HALF
            if puts_jobs_in_whole(best.problem):
                found = paths.by_jobs(best, found, workers, iterations, JOBS_SHARE * share)
            paths.by_search(best, found, workers, iterations, share=share)
    if iterations is not None or best.is_optimal or not size:
        return
    if size <= SMALL:
        paths.exactly(best, workers)
    elif size <= LARGE:
        paths.by_windows(best, workers)


def _is_makespan_first(objective: Objective) -> bool:
    first = objective.goals[0][0] is Goal.MAKESPAN
    return first and (objective.ordered or len(objective.goals) == 1)
