"""The coarse problem that a running plant is planned with: machines, routings, set-ups, calendars.

A plan over days is an order of work. Which place of a station is free, which vehicle comes, who is
there to set up and which copy of a tool is in use is known minutes ahead at best; whoever follows
the plan takes care of these as they are. What is left can be timed some ten thousand times a
second, so that the search looks at orders and not at details that will have changed.
"""

from dataclasses import replace

from genba.plan.problem import Job, Machine, Operation, Problem


def coarse(problem: Problem) -> Problem:
    """Return a problem without places, transport, people, tools and batches.

    An operation that may share a batch takes its share of it: the time of the batch, times its
    parts over the most that fit. So machines that treat batches are loaded as they are with full
    ones, and a lot seems to leave sooner than it does by part of a batch's time.
    """
    return replace(
        problem,
        machines=tuple(map(_machine, problem.machines)),
        jobs=tuple(map(_job, problem.jobs)),
        operations=tuple(map(_operation, problem.operations)),
        staff=(),
        tools={},
        transport=None,
    )


def _machine(machine: Machine) -> Machine:
    return replace(machine, places=None)


def _job(job: Job) -> Job:
    return replace(job, origin=None, destination=None)


def _operation(operation: Operation) -> Operation:
    share = 1.0
    if operation.batch is not None and operation.batch_parts:
        share = min(1.0, operation.parts / operation.batch_parts)
    modes = tuple(
        replace(mode, ticks=round(mode.ticks * share), tools=(), skill=None)
        for mode in operation.modes
    )
    return replace(operation, modes=modes, batch=None, batch_parts=None)
