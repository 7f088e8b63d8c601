"""A plan as an order again: what the decoder has to be told to come to (nearly) the same plan.

Where the decoder places whole jobs (stations with bounded places), the order in which jobs end,
with gaps filled, brings a plan back; where it places single operations, the order of their starts.
Which of them fits is not guessed: all are timed, and the best one is taken.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from genba.plan.problem import Operation
from genba.plan.schedule import Plan
from genba.plan.search.rules import Draft
from genba.plan.timing.compile import Floats, Ints
from genba.plan.timing.decode import Decoder, modes_of
from genba.plan.timing.value import Pricing


def resumed(decoder: Decoder, plan: Plan, pricing: Pricing) -> Plan:
    """Time a plan anew: the same machines, and of the orders it may stem from the best."""
    best = drafts_of(decoder, plan, pricing)[0]
    return decoder.plan(best.rank, best.modes, fill_gaps=best.fill_gaps)


def drafts_of(decoder: Decoder, plan: Plan, pricing: Pricing) -> list[Draft]:
    """Return the orders that a plan may stem from, the best first.

    Operations of the problem that are not in the plan come last, with any machine.
    """
    operations = decoder.problem.operations
    starts = {assignment.operation: assignment.start for assignment in plan.assignments}
    after_all = max(starts.values(), default=0) + 1
    start = np.array([starts.get(o.id, after_all) for o in operations], dtype=np.float64)
    modes = modes_of(decoder.problem, plan)
    chosen = np.array([modes.get(o.id, -1) for o in operations], dtype=np.int64)
    found = []
    for rank, fill_gaps in orders_of(operations, start, plan.turns):
        worth = decoder.worth(rank, chosen, pricing, fill_gaps=fill_gaps)
        found.append(Draft(worth, rank, chosen, fill_gaps, "as before"))
    return sorted(found, key=lambda draft: draft.worth)


def orders_of(
    operations: Sequence[Operation], start: Floats, turns: Sequence[str]
) -> Iterator[tuple[Ints, bool]]:
    """Yield ranks that may bring a plan back, each with whether gaps are to be filled.

    Parameters
    ----------
    start : (operations,) float64
        When each operation starts in the plan.
    turns : sequence of str
        The very order that the plan was made with; empty where that is not known.
    """
    last: dict[str, float] = {}
    for operation, at in zip(operations, start.tolist(), strict=True):
        last[operation.job] = max(last.get(operation.job, at), at)
    end = np.array([last[o.job] for o in operations], dtype=np.float64)
    by_start = _ranked(np.argsort(start, kind="stable"))
    yield by_start, False
    yield by_start, True
    yield _ranked(np.lexsort((start, end))), True
    if turns:
        turn = {name: number for number, name in enumerate(turns)}
        known = [turn.get(o.id, len(turn)) for o in operations]
        yield _ranked(np.argsort(known, kind="stable")), True


def _ranked(order: Ints) -> Ints:
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    return rank
