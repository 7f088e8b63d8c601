"""From the problem's words to arrays, and back."""

import numpy as np

from genba.errors import PlanError
from genba.plan.problem import Problem
from genba.plan.schedule import Assignment
from genba.plan.shop.schedule import ShopSchedule
from genba.plan.shop.shop import Shop, shop_of_modes


def shop_of_problem(problem: Problem) -> Shop:
    """Write a plain problem as arrays: machines and jobs as they stand, operations job by job.

    Raises
    ------
    PlanError
        If the problem has more than a flexible job shop, or names an unknown machine or job.
    """
    if not problem.is_plain_shop:
        raise PlanError("the problem has more than a flexible job shop; solve it with genba.plan")
    number = {machine.id: i for i, machine in enumerate(problem.machines)}
    for operation in problem.operations:
        if operation.job not in problem.jobs_by_id:
            raise PlanError(f"operation {operation.id}: there is no job {operation.job}; add it")
        for mode in operation.modes:
            if mode.machine not in number:
                raise PlanError(
                    f"operation {operation.id}: there is no machine {mode.machine}; add it"
                )
    return shop_of_modes(
        len(problem.machines),
        (
            [[(number[mode.machine], mode.ticks) for mode in o.modes] for o in operations]
            for operations in (problem.operations_of[job.id] for job in problem.jobs)
        ),
        release=np.array([job.release for job in problem.jobs], np.int64),
        free_from=np.array([machine.free_from for machine in problem.machines], np.int64),
    )


def assignments_of(problem: Problem, schedule: ShopSchedule) -> tuple[Assignment, ...]:
    """Write a schedule of :func:`shop_of_problem` in the problem's words, job by job."""
    operations = [o for job in problem.jobs for o in problem.operations_of[job.id]]
    return tuple(
        Assignment(operation.id, problem.machines[machine].id, start, start, end)
        for operation, machine, start, end in zip(
            operations,
            schedule.machine.tolist(),
            schedule.start.tolist(),
            schedule.end.tolist(),
            strict=True,
        )
    )
