"""The checker's own account of what a plan is worth, against what the plan says of itself."""

from collections.abc import Iterator
from functools import partial
from math import isclose

from genba.plan.objective import Goal, Objective
from genba.plan.problem import Problem
from genba.plan.schedule import Assignment, Plan, Status
from genba.plan.worktime import machine_calendars, mode_of, open_pieces, open_ticks

TOLERANCE = 1e-6


def values_broken(problem: Problem, plan: Plan, objective: Objective | None) -> Iterator[str]:
    """Compare each stated value, the bound and the gap with a count of our own."""
    counted = {
        Goal.MAKESPAN: _makespan(plan),
        Goal.TARDINESS: _tardiness(problem, plan),
        Goal.FLOW: _flow(problem, plan),
        Goal.SETUPS: _setups(problem, plan),
        Goal.ENERGY: _energy(problem, plan),
    }
    if objective is not None and objective.reference is not None:
        counted[Goal.STABILITY] = _stability(plan, objective, objective.reference)
    for goal, stated in plan.values.items():
        if goal in counted and not _alike(counted[goal], stated):
            yield f"the plan says {goal} {stated:g}; it is {counted[goal]:g}"
    if plan.gap is not None and plan.gap < -TOLERANCE:
        yield f"the gap {plan.gap:g} is negative: the bound is above the value"
    if objective is not None and plan.bound is not None and plan.assignments:
        value = objective.value(counted)[0]
        if plan.bound > value + TOLERANCE * max(1.0, abs(value)):
            yield f"the bound {plan.bound:g} is above the value {value:g}"
        if (
            plan.status is Status.OPTIMAL
            and not objective.ordered
            and not _alike(plan.bound, value)
        ):
            yield f"the plan is called optimal at {value:g} with a bound of {plan.bound:g}"


def _alike(one: float, other: float) -> bool:
    return isclose(one, other, rel_tol=TOLERANCE, abs_tol=TOLERANCE)


def _makespan(plan: Plan) -> float:
    ends = [a.end for a in plan.assignments] + [leg.end for leg in plan.legs]
    return float(max(ends, default=0))


def _done(problem: Problem, plan: Plan) -> dict[str, int]:
    done: dict[str, int] = {}
    for assignment in plan.assignments:
        job = problem.operations_by_id[assignment.operation].job
        done[job] = max(done.get(job, assignment.end), assignment.end)
    for leg in plan.legs:
        done[leg.job] = max(done.get(leg.job, leg.end), leg.end)
    return done


def _flow(problem: Problem, plan: Plan) -> float:
    total = 0.0
    for name, end in _done(problem, plan).items():
        if name not in problem.jobs_by_id:
            continue
        parts = max((o.parts for o in problem.operations_of[name]), default=1)
        total += parts * (end - problem.jobs_by_id[name].release)
    return total


def _tardiness(problem: Problem, plan: Plan) -> float:
    done = _done(problem, plan)
    late = 0.0
    for job in problem.jobs:
        if job.due is not None and job.id in done:
            late += job.weight * max(0, done[job.id] - job.due)
    return late


def _setups(problem: Problem, plan: Plan) -> float:
    """Ticks in which the machine is open and sets up; a batch is set up for once."""
    total = 0
    for run in _runs(problem, plan):
        calendars = machine_calendars(problem, run[0].machine)
        total += open_ticks(calendars, run[0].setup_start, run[0].start)
    return float(total)


def _energy(problem: Problem, plan: Plan) -> float:
    cost = 0.0
    mode = partial(mode_of, problem)
    for run in _runs(problem, plan):
        first = run[0]
        power = max((m.power_kw for m in map(mode, run) if m is not None), default=0.0)
        calendars = machine_calendars(problem, first.machine)
        for start, stop in open_pieces(calendars, first.start, first.end):
            for price_start, price_stop, price in problem.energy.prices:
                ticks = max(0, min(stop, price_stop) - max(start, price_start))
                cost += power * ticks * problem.tick_s / 3600.0 * price
    return cost


def _runs(problem: Problem, plan: Plan) -> list[list[Assignment]]:
    runs: dict[tuple[object, ...], list[Assignment]] = {}
    for a in plan.assignments:
        word = problem.operations_by_id[a.operation].batch
        alone = a.operation if word is None else None
        key = (a.machine, a.setup_start, a.start, a.end, word, alone)
        runs.setdefault(key, []).append(a)
    return list(runs.values())


def _stability(plan: Plan, objective: Objective, reference: Plan) -> float:
    before, after = _order(reference), _order(plan)
    price = 0.0
    for name, was in reference.by_operation.items():
        now = plan.by_operation.get(name)
        if now is None:
            continue
        price += objective.machine_price * (now.machine != was.machine)
        price += objective.order_price * (before[name] != after[name])
        price += abs(now.start - was.start) / 1000.0
    return price


def _order(plan: Plan) -> dict[str, str | None]:
    """Predecessor of each operation on its machine."""
    found: dict[str, str | None] = {}
    for listed in plan.by_machine.values():
        before: str | None = None
        for assignment in listed:
            found[assignment.operation] = before
            before = assignment.operation
    return found
