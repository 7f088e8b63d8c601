"""Both together: a proof where the problem is small, windows where it is not."""

from collections.abc import Callable

from genba.plan.cpsat.exact import solve_exactly
from genba.plan.cpsat.neighborhoods import improve
from genba.plan.objective import Objective
from genba.plan.problem import Problem
from genba.plan.schedule import Plan, Status

PROVABLE = 60
"""Up to so many operations the whole model is tried, first for a moment and at last for a proof."""
FIRST_SHARE, LAST_SHARE = 0.15, 0.25


def solve_by_constraints(
    problem: Problem,
    objective: Objective,
    plan: Plan,
    *,
    time_limit_s: float,
    seed: int = 0,
    workers: int = 1,
    on_improved: Callable[[Plan], None] | None = None,
    work_limit_s: float | None = None,
) -> Plan:
    """Make a legal and whole plan better, and prove it best where that can be done.

    Parameters
    ----------
    problem : Problem
        What :func:`genba.plan.checks.examine` has passed.
    plan : Plan
        Where to begin; an equally good one or better comes back.
    time_limit_s, work_limit_s : float
        Wall time; or the solver's own count of its work, which is then what counts.
    seed, workers : int
        With one worker and a limit by work the same seed gives the same plan.
    on_improved : callable, optional
        Called with each better plan.

    Returns
    -------
    Plan
        With values; with bound, gap and status where the whole model was tried.
    """
    limits = time_limit_s, work_limit_s
    small = len(problem.operations) <= PROVABLE

    def whole(best: Plan, share: float) -> Plan:
        time_s, work_s = _part(limits, share)
        found = solve_exactly(
            problem,
            objective,
            time_limit_s=time_s,
            work_limit_s=work_s,
            seed=seed,
            workers=workers,
            hint=best,
            on_improved=on_improved,
        )
        return found or best

    best = whole(plan, FIRST_SHARE) if small else plan
    if best.status is Status.OPTIMAL:
        return best
    time_s, work_s = _part(limits, 1.0 - FIRST_SHARE - LAST_SHARE if small else 1.0)
    best = improve(
        problem,
        objective,
        best,
        time_limit_s=time_s,
        work_limit_s=work_s,
        seed=seed,
        workers=workers,
        on_improved=on_improved,
    )
    return whole(best, LAST_SHARE) if small else best


def _part(limits: tuple[float, float | None], share: float) -> tuple[float, float | None]:
    time_s, work_s = limits
    return time_s * share, None if work_s is None else work_s * share
