"""Repair a plan that something came between: legal at once, better in seconds, changed little.

What has begun, and what is fenced, stays as it is. Of the rest, sequences and machines stay where
they can: a first answer shifts to the right what is held up, and sends to another machine what is
held up less there. Then small changes are tried along what makes the plan late, as long as the
stated goals, the price of changes among them, come out better, and no more than a share of the
operations is moved.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain
from typing import TYPE_CHECKING

from genba.errors import PlanError
from genba.plan.objective import Goal, Objective
from genba.plan.problem import Problem
from genba.plan.repair.difference import Difference, difference
from genba.plan.repair.disturbance import Disturbance
from genba.plan.repair.effort import Effort
from genba.plan.repair.remaining import begun_legs, disturbed, standing_of
from genba.plan.repair.sorting import Sorted, sort_out
from genba.plan.schedule import Plan

if TYPE_CHECKING:
    from genba.plan.repair.prepared import PreparedPlan

OnRepaired = Callable[[Plan], None]


@dataclass(frozen=True)
class Repair:
    """A repaired plan, the problem it is legal for, and what it changes."""

    plan: Plan
    problem: Problem
    """What remains: begun and fenced operations are fixed, disturbances are part of it."""
    before: Plan
    objective: Objective

    @cached_property
    def difference(self) -> Difference:
        """All that changed, with its price."""
        prices = self.objective.machine_price, self.objective.order_price
        return difference(self.before, self.plan, *prices)

    @property
    def moved(self) -> tuple[str, ...]:
        """Operations that go to another machine, or follow another operation, than before."""
        return self.difference.moved

    @property
    def price(self) -> float:
        """Price of the changes, as STABILITY counts it."""
        return self.difference.price


def repair(
    problem: Problem,
    plan: Plan,
    disturbances: Iterable[Disturbance],
    now: int,
    objective: Objective | None = None,
    *,
    fence: int | None = None,
    most_moved: float = 0.1,
    time_limit_s: float = 5.0,
    seed: int = 0,
    rounds: int | None = None,
    prepared: "PreparedPlan | None" = None,
    on_repaired: OnRepaired | None = None,
) -> Repair:
    """Repair a plan.

    Parameters
    ----------
    problem, plan : Problem, Plan
        What was planned.
    disturbances : iterable of Disturbance
        What came between.
    now : int
        Tick before which all has happened.
    objective : Objective, optional
        Default: makespan, weighted tardiness and stability, each with weight 1. Its reference is
        the plan, whatever it was before.
    fence : int, optional
        Tick, ``now`` or later; what is planned to begin before it stays as it is, unless a
        disturbance makes that impossible. Nothing else begins before it.
    most_moved : float
        Share of the operations that may be moved beyond what the first answer had to move.
    time_limit_s : float
        Wall time for the improvement; the first answer is made in any case.
    seed : int
        Of the changes that are tried.
    rounds : int, optional
        Most changes tried.
    prepared : PreparedPlan, optional
        Answer of :func:`~genba.plan.repair.prepared.prepare` for this problem and plan. It is worth
        making when a plan of a plain shop is put in force: the first answer then needs no more
        than the arrays it holds.
    on_repaired : callable, optional
        Called with the first plan, and with each better one.

    Raises
    ------
    PlanError
        If the fence is before now, or a disturbance speaks of something unknown.
    """
    floor = now if fence is None else fence
    if floor < now:
        raise PlanError(f"the fence at {floor} is before now, {now}; set it at now or later")
    objective = _against(plan, objective)
    sorted_out = sort_out(problem, disturbances)
    effort = Effort(most_moved, time_limit_s, seed, rounds)
    if _is_plain(problem, plan, sorted_out):
        from genba.plan.repair.plain import PlainRepair
        from genba.plan.repair.prepared import prepare

        if prepared is None:
            prepared = prepare(problem, plan)
        mending = PlainRepair(prepared, sorted_out, now, floor, objective)
        found = _last(mending.plan(), mending.improved(effort), on_repaired)
        remaining = disturbed(problem, sorted_out, mending.standing(), (), floor)
    else:
        from genba.plan.repair.decoded import DecodedRepair

        legs = begun_legs(plan, floor)
        standing = standing_of(problem, plan, sorted_out, now, floor)
        remaining = disturbed(problem, sorted_out, standing, legs, floor)
        decoding = DecodedRepair(remaining, problem, plan, sorted_out, floor, objective)
        found = _last(decoding.plan, decoding.improved(effort), on_repaired)
    return Repair(found, remaining, plan, objective)


def _last(first: Plan, better: Iterable[Plan], on_repaired: OnRepaired | None) -> Plan:
    """Return the last of the plans, and tell of each."""
    plan = first
    for plan in chain([first], better):
        if on_repaired is not None:
            on_repaired(plan)
    return plan


def _against(plan: Plan, objective: Objective | None) -> Objective:
    """Return the objective with the plan as its reference."""
    if objective is None:
        goals = ((Goal.MAKESPAN, 1.0), (Goal.TARDINESS, 1.0), (Goal.STABILITY, 1.0))
        return Objective(goals, reference=plan)
    return replace(objective, reference=plan)


def _is_plain(problem: Problem, plan: Plan, sorted_out: Sorted) -> bool:
    """Whether the arrays of a plain shop can hold the problem, the plan and what is new."""
    if not problem.is_plain_shop or problem.energy.prices:
        return False
    if len(plan.assignments) < len(problem.operations):
        return False
    new = Problem(problem.machines, sorted_out.jobs, sorted_out.operations)
    known = new.jobs_by_id.keys() >= {operation.job for operation in new.operations}
    return known and new.is_plain_shop
