"""The coarse problem that a running plant is planned with: machines, routings, set-ups, calendars.

A plan over days is an order of work. Which place of a station is free, which vehicle comes, who is
there to set up and which copy of a tool is in use is known minutes ahead at best; whoever follows
the plan takes care of these as they are. What is left can be timed some ten thousand times a
second, so that the search looks at orders and not at details that will have changed.
"""

from collections.abc import Mapping
from dataclasses import replace

from genba.plan.problem import Machine, Mode, Operation, Problem

REST = "~rest"
"""Ends the id of the time that a lot still spends in a batch when its share of it is over."""

MISSED = 0.5
"""Part of a batch's time that a lot waits on average, as it comes while the one before runs."""


def coarse(problem: Problem) -> Problem:
    """Return a problem without places, transport, people, tools and batches.

    An operation that may share a batch takes its share of it: the time of the batch, times its
    parts over the most that fit. So machines that treat batches are loaded as they are with full
    ones. The rest of the batch's time, and the wait for the batch before, pass before the lot goes
    on, on a machine of its own: without the wait lots for batches look faster than they are, and a
    plan begins the day with them.
    """
    operations: list[Operation] = []
    rests: list[str] = []
    for operation in problem.operations:
        alone = _alone(operation)
        operations.append(alone)
        rest = operation.modes[0].ticks - alone.modes[0].ticks
        rest += round(MISSED * operation.modes[0].ticks) if rest > 0 else 0
        if rest > 0 and operation.fixed is None:
            rests.append(operation.id)
            mode = Mode(operation.id + REST, rest)
            operations.append(Operation(operation.id + REST, operation.job, (mode,), (alone.id,)))
    after = {name: name + REST for name in rests}
    return replace(
        problem,
        machines=(
            *(replace(machine, places=None) for machine in problem.machines),
            *(Machine(name) for name in after.values()),
        ),
        jobs=tuple(replace(job, origin=None, destination=None) for job in problem.jobs),
        operations=tuple(_behind(operation, after) for operation in operations),
        staff=(),
        tools={},
        transport=None,
    )


def _behind(operation: Operation, after: Mapping[str, str]) -> Operation:
    """Let an operation follow the rest of a batch instead of the batch."""
    if operation.id.endswith(REST):
        return operation
    before = tuple(after.get(name, name) for name in operation.predecessors)
    return replace(operation, predecessors=before)


def _alone(operation: Operation) -> Operation:
    """Return an operation for itself, without what the floor looks after."""
    share = 1.0
    if operation.batch is not None and operation.batch_parts:
        share = min(1.0, operation.parts / operation.batch_parts)
    modes = tuple(
        replace(mode, ticks=round(mode.ticks * share), tools=(), skill=None)
        for mode in operation.modes
    )
    return replace(operation, modes=modes, batch=None, batch_parts=None)
