"""A plan as an order again: what the decoder has to be told to come to (nearly) the same plan.

Where the decoder places whole jobs (stations with bounded places), the order in which jobs end,
with gaps filled, brings a plan back; where it places single operations, the order of their starts.
Which of them fits is not guessed: both are timed, and the better one is taken.
"""

import numpy as np

from genba.plan.schedule import Plan
from genba.plan.search.rules import Draft
from genba.plan.timing.decode import Decoder, modes_of
from genba.plan.timing.value import Pricing


def drafts_of(decoder: Decoder, plan: Plan, pricing: Pricing) -> list[Draft]:
    """Return the orders that a plan may stem from, the best first.

    Operations of the problem that are not in the plan come last, with any machine.
    """
    operations = decoder.problem.operations
    starts = {assignment.operation: assignment.start for assignment in plan.assignments}
    after_all = max(starts.values(), default=0) + 1
    start = np.array([starts.get(o.id, after_all) for o in operations], dtype=np.int64)
    last: dict[str, int] = {}
    for operation, at in zip(operations, start.tolist(), strict=True):
        last[operation.job] = max(last.get(operation.job, at), at)
    end = np.array([last[o.job] for o in operations], dtype=np.int64)
    orders = [
        (np.lexsort((start, end)), True),
        (np.argsort(start, kind="stable"), True),
        (np.argsort(start, kind="stable"), False),
    ]
    if plan.turns:  # the very order that the plan was made with
        turn = {name: number for number, name in enumerate(plan.turns)}
        turns = [turn.get(o.id, len(turn)) for o in operations]
        orders.append((np.argsort(turns, kind="stable"), True))
    modes = modes_of(decoder.problem, plan)
    chosen = np.array([modes.get(o.id, -1) for o in operations], dtype=np.int64)
    found = []
    for order, fill_gaps in orders:
        rank = np.empty(len(operations), dtype=np.int64)
        rank[order] = np.arange(len(operations))
        worth = decoder.worth(rank, chosen, pricing, fill_gaps=fill_gaps)
        found.append(Draft(worth, rank, chosen, fill_gaps, "as before"))
    return sorted(found, key=lambda draft: draft.worth)
