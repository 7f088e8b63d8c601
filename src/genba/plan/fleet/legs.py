"""The transports of a schedule as tasks for the fleet."""

from genba.plan.fleet.tasks import TransportTask
from genba.plan.problem import Problem
from genba.plan.schedule import Plan
from genba.plant import US


def tasks_of(plan: Plan, problem: Problem) -> list[TransportTask]:
    """Turn the legs of a plan into tasks, the earliest first.

    Each is ready when the plan has it begin, due when the plan has it end, and weighs what its job
    weighs. Which vehicle does it is decided anew: the plan knows driving times, but no traffic.

    Parameters
    ----------
    plan : Plan
        With legs; those without a way (origin and destination the same) are left out.
    problem : Problem
        What it is a plan for: jobs, ``zero`` and ``tick_s``. Its locations are stations.

    Returns
    -------
    list of TransportTask
        Times in seconds since 1970 for a problem of a plant. The id of a task is its job's with the
        operation that it is brought to; a delivery has the job's id alone.
    """
    legs = sorted(plan.legs, key=lambda leg: (leg.start, leg.end, leg.job))
    return [
        TransportTask(
            id=leg.job if leg.operation is None else f"{leg.job}@{leg.operation}",
            lot=leg.job,
            origin=leg.origin,
            destination=leg.destination,
            ready_s=problem.zero / US + leg.start * problem.tick_s,
            due_s=problem.zero / US + leg.end * problem.tick_s,
            weight=problem.jobs_by_id[leg.job].weight,
        )
        for leg in legs
        if leg.origin != leg.destination
    ]
