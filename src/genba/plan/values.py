"""What a plan is worth: every goal that can be computed from it."""

from genba.plan.objective import Goal, Objective
from genba.plan.problem import Problem
from genba.plan.schedule import Assignment, Plan
from genba.plan.worktime import machine_calendars, mode_of, open_pieces, open_ticks


def values_of(
    problem: Problem, plan: Plan, objective: Objective | None = None
) -> dict[Goal, float]:
    """Return the value of each goal: ticks, weighted ticks, or the currency of the prices.

    STABILITY is there only where the objective has a reference. A job that was not planned to its
    end counts as far as it goes.
    """
    runs = _runs(problem, plan)
    values = {
        Goal.MAKESPAN: makespan(plan),
        Goal.TARDINESS: tardiness(problem, plan),
        Goal.FLOW: flow(problem, plan),
        Goal.SETUPS: float(
            sum(
                open_ticks(
                    machine_calendars(problem, run[0].machine), run[0].setup_start, run[0].start
                )
                for run in runs
                if run[0].setup_start < run[0].start
            )
        ),
        Goal.ENERGY: sum(_energy_cost(problem, run) for run in runs)
        if problem.energy.prices
        else 0.0,
    }
    if objective is not None and objective.reference is not None:
        values[Goal.STABILITY] = stability(plan, objective, objective.reference)
    return values


def makespan(plan: Plan) -> float:
    """Return the end of the last operation or trip; 0 for an empty plan."""
    last = max((assignment.end for assignment in plan.assignments), default=0)
    return float(max(last, max((leg.end for leg in plan.legs), default=last)))


def completions(problem: Problem, plan: Plan) -> dict[str, int]:
    """Return when each job that was planned is done: treated, and brought where it is wanted."""
    done: dict[str, int] = {}
    for assignment in plan.assignments:
        job = problem.operations_by_id[assignment.operation].job
        done[job] = max(done.get(job, assignment.end), assignment.end)
    for leg in plan.legs:
        done[leg.job] = max(done.get(leg.job, leg.end), leg.end)
    return done


def tardiness(problem: Problem, plan: Plan) -> float:
    """Return the weighted ticks that jobs are late."""
    jobs = problem.jobs_by_id
    return float(
        sum(
            jobs[job].weight * max(0, end - due)
            for job, end in completions(problem, plan).items()
            if (due := jobs[job].due) is not None
        )
    )


def flow(problem: Problem, plan: Plan) -> float:
    """Return the ticks that jobs take from release to end, times their parts."""
    parts: dict[str, int] = {}
    for operation in problem.operations:
        parts[operation.job] = max(parts.get(operation.job, 1), operation.parts)
    return float(
        sum(
            parts[job] * (end - problem.jobs_by_id[job].release)
            for job, end in completions(problem, plan).items()
        )
    )


def stability(plan: Plan, objective: Objective, reference: Plan) -> float:
    """Return the price of what changed against the reference, of operations that are in both."""
    before, after = _neighbors(reference), _neighbors(plan)
    price = 0.0
    for assignment in plan.assignments:
        was = reference.by_operation.get(assignment.operation)
        if was is None:
            continue
        if was.machine != assignment.machine:
            price += objective.machine_price
        if before[assignment.operation] != after[assignment.operation]:
            price += objective.order_price
        price += abs(assignment.start - was.start) / 1000.0
    return price


def _neighbors(plan: Plan) -> dict[str, str | None]:
    return {
        assignment.operation: listed[number - 1].operation if number else None
        for listed in plan.by_machine.values()
        for number, assignment in enumerate(listed)
    }


def _runs(problem: Problem, plan: Plan) -> list[list[Assignment]]:
    """Group the assignments that are one batch; most stand alone."""
    alone: list[list[Assignment]] = []
    batches: dict[tuple[str, int, int, int, str], list[Assignment]] = {}
    for assignment in plan.assignments:
        word = problem.operations_by_id[assignment.operation].batch
        if word is None:
            alone.append([assignment])
        else:
            times = assignment.setup_start, assignment.start, assignment.end
            batches.setdefault((assignment.machine, *times, word), []).append(assignment)
    return alone + list(batches.values())


def _energy_cost(problem: Problem, run: list[Assignment]) -> float:
    modes = [mode_of(problem, assignment) for assignment in run]
    power_kw = max((mode.power_kw for mode in modes if mode is not None), default=0.0)
    if power_kw == 0.0:
        return 0.0
    calendars = machine_calendars(problem, run[0].machine)
    priced = sum(
        price * max(0, min(end, until) - max(start, since))
        for start, end in open_pieces(calendars, run[0].start, run[0].end)
        for since, until, price in problem.energy.prices
    )
    return power_kw * priced * problem.tick_s / 3600.0
