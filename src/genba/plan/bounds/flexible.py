"""The arrays of a plain flexible shop, and the way back from arrays to a plan.

Operations stand job by job, in the order of their routing; the modes of each stand one after the
other. Where ids are needed, ``operations``, ``jobs`` and ``machines`` say which position is which.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from genba.errors import PlanError
from genba.plan.objective import Goal
from genba.plan.problem import Operation, Problem
from genba.plan.schedule import Assignment, Plan

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

NEVER = 1 << 60
"""A tick that does not come."""


@dataclass(frozen=True)
class FlexibleShop:
    """A plain shop of ``n`` operations, ``j`` jobs, ``m`` machines and ``k`` modes as arrays."""

    operations: tuple[Operation, ...]
    jobs: tuple[str, ...]
    machines: tuple[str, ...]
    job_of: Ints
    """(n,) position of each operation's job."""
    first_of: Ints
    """(j + 1,) position of each job's first operation; the last entry is n."""
    mode_first: Ints
    """(n + 1,) position of each operation's first mode; the last entry is k."""
    mode_machine: Ints
    """(k,) position of the machine."""
    mode_ticks: Ints
    """(k,) processing time in ticks."""
    release: Ints
    """(j,) ticks."""
    due: Ints
    """(j,) ticks; ``NEVER`` where there is none."""
    weight: Floats
    """(j,)"""
    parts: Ints
    """(j,) most parts that an operation of the job has."""
    free_from: Ints
    """(m,) ticks."""

    @property
    def size(self) -> int:
        """How many operations there are."""
        return len(self.job_of)


def flexible_shop(problem: Problem) -> FlexibleShop:
    """Return the arrays of a plain shop.

    Raises
    ------
    PlanError
        If the problem is more than a plain shop, or an operation has no mode.
    """
    if not problem.is_plain_shop:
        raise PlanError("this path takes plain flexible shops only; use genba.plan.solve")
    machines = tuple(machine.id for machine in problem.machines)
    at = {machine: position for position, machine in enumerate(machines)}
    operations: list[Operation] = []
    first_of = [0]
    for job in problem.jobs:
        operations.extend(problem.operations_of[job.id])
        first_of.append(len(operations))
    counts = [len(operation.modes) for operation in operations]
    if operations and not min(counts):
        bare = operations[counts.index(0)]
        raise PlanError(f"operation {bare.id} has no machine able to do it; add a mode")
    modes = [mode for operation in operations for mode in operation.modes]
    steps: Ints = np.asarray(first_of, dtype=np.int64)
    return FlexibleShop(
        operations=tuple(operations),
        jobs=tuple(job.id for job in problem.jobs),
        machines=machines,
        job_of=np.repeat(np.arange(len(problem.jobs), dtype=np.int64), steps[1:] - steps[:-1]),
        first_of=steps,
        mode_first=np.concatenate(([0], np.cumsum(counts, dtype=np.int64))).astype(np.int64),
        mode_machine=np.fromiter((at[mode.machine] for mode in modes), np.int64, len(modes)),
        mode_ticks=np.fromiter((mode.ticks for mode in modes), np.int64, len(modes)),
        release=np.asarray([job.release for job in problem.jobs], dtype=np.int64),
        due=np.asarray(
            [NEVER if job.due is None else job.due for job in problem.jobs], dtype=np.int64
        ),
        parts=np.asarray(
            [max((o.parts for o in problem.operations_of[j.id]), default=1) for j in problem.jobs],
            dtype=np.int64,
        ),
        weight=np.asarray([job.weight for job in problem.jobs], dtype=np.float64),
        free_from=np.asarray([machine.free_from for machine in problem.machines], dtype=np.int64),
    )


def plan_of(shop: FlexibleShop, mode: Ints, start: Ints, **about: object) -> Plan:
    """Return the plan in which operation ``i`` starts in ``mode[i]`` at ``start[i]``."""
    end = start + shop.mode_ticks[mode]
    machine = shop.mode_machine[mode]
    assignments = tuple(
        Assignment(operation.id, shop.machines[m], s, s, e)
        for operation, m, s, e in zip(
            shop.operations, machine.tolist(), start.tolist(), end.tolist(), strict=True
        )
    )
    return Plan(assignments, values=values_of(shop, mode, start), **about)  # type: ignore[arg-type]


def values_of(shop: FlexibleShop, mode: Ints, start: Ints) -> dict[Goal, float]:
    """Return makespan, weighted tardiness, flow and set-ups (none) of a plain plan."""
    end = start + shop.mode_ticks[mode]
    done = shop.release.copy()
    np.maximum.at(done, shop.job_of, end)
    late = np.maximum(done - shop.due, 0)
    return {
        Goal.MAKESPAN: float(end.max(initial=0)),
        Goal.TARDINESS: float(late @ shop.weight),
        Goal.FLOW: float(shop.parts @ (done - shop.release)),
        Goal.SETUPS: 0.0,
    }
