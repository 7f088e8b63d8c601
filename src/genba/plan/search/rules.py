"""A portfolio of dispatching rules: in milliseconds many plans, of which the best is taken.

Earliest due date (Jackson, 1955), apparent tardiness cost with set-ups (ATCS: Lee, Bhaskaran and
Pinedo, *A heuristic to minimize the total weighted tardiness with sequence-dependent setups*, 1997)
at several look-aheads, shortest processing time, most work remaining, least slack, least set-up,
first come first served, critical ratio (Putnam et al., 1971), and random keys. Each is dispatched
with the machines that the rule finds free, and once more only as an order, with the machine left to
the decoder.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from genba.plan.objective import MAKESPAN, Goal, Objective
from genba.plan.problem import Problem
from genba.plan.schedule import Plan
from genba.plan.search import dispatch_rules as rule
from genba.plan.timing import columns as c
from genba.plan.timing.compile import Floats, Ints, Tables
from genba.plan.timing.decode import Decoder
from genba.plan.timing.value import Pricing, pricing_of
from genba.plan.values import values_of

LOOKS = ((2.0, 1.0), (8.0, 0.5), (2.0, 0.2), (0.5, 0.5))
"""Look-aheads of ATCS: mean processing times, mean set-ups."""


@dataclass(frozen=True, eq=False)
class Draft:
    """An order with modes, and what it is worth on the decoder's board."""

    worth: float
    rank: Ints
    """(operations,): smaller is more urgent."""
    modes: Ints
    """(operations,): -1 leaves the choice to the decoder."""
    fill_gaps: bool
    name: str


def rule_plan(problem: Problem, objective: Objective = MAKESPAN, *, seed: int = 0) -> Plan:
    """Return the best plan of all rules, for an examined problem, with its values."""
    decoder = Decoder(problem)
    best = drafts(decoder, objective, seed)[0]
    plan = decoder.plan(best.rank, best.modes, fill_gaps=best.fill_gaps)
    values = values_of(problem, plan, objective)
    return replace(plan, values=values, found_by=f"rule {best.name}", seed=seed)


def drafts(
    decoder: Decoder, objective: Objective, seed: int = 0, *, until: float | None = None
) -> list[Draft]:
    """Try all rules, or as many as there is time for; return what they found, best first.

    ``until`` is an end on :func:`time.monotonic`; one rule is tried in any case.
    """
    pricing = pricing_of(decoder.problem, objective)
    found: list[Draft] = []
    for draft in _tried(decoder, objective, pricing, seed):
        found.append(draft)
        if until is not None and time.monotonic() > until:
            break
    return sorted(found, key=lambda draft: draft.worth)


def _tried(decoder: Decoder, objective: Objective, pricing: Pricing, seed: int) -> Iterator[Draft]:
    is_makespan = objective.goals[0][0] is Goal.MAKESPAN
    for name, rank, modes in _dispatched(decoder, pricing, seed, is_makespan):
        yield Draft(decoder.worth(rank, modes, pricing), rank, modes, True, f"{name}, dispatched")
        open_modes = np.full_like(modes, -1)
        yield Draft(decoder.worth(rank, open_modes, pricing), rank, open_modes, True, name)


def _dispatched(
    decoder: Decoder, pricing: Pricing, seed: int, is_makespan: bool
) -> Iterator[tuple[str, Ints, Ints]]:
    tables = decoder.tables
    tail = tails(tables)
    job = tables.operations[:, c.O_JOB]
    latest = float(tables.jobs[:, c.J_RELEASE].max(initial=0) + tail.max(initial=0))
    due_of_job = tables.jobs[:, c.J_DUE].astype(np.float64)
    due_of_job[tables.jobs[:, c.J_DUE] >= c.NEVER] = 10.0 * latest + 1e6
    due = due_of_job[job]
    weight = pricing.jobs[job, 0]
    random = np.random.default_rng(seed)
    tries: list[tuple[str, int, tuple[float, float]]] = [
        *((f"ATCS {a:g}/{b:g}", rule.ATCS, (a, b)) for a, b in LOOKS),
        ("EDD", rule.EDD, LOOKS[0]),
        ("most work remaining", rule.WORK, LOOKS[0]),
        ("least slack", rule.SLACK, LOOKS[0]),
        ("shortest processing time", rule.SPT, LOOKS[0]),
        ("least set-up", rule.SETUP, LOOKS[0]),
        ("first come first served", rule.FIFO, LOOKS[0]),
        ("critical ratio", rule.RATIO, LOOKS[0]),
        ("random keys", rule.KEYS, LOOKS[0]),
    ]
    if is_makespan:
        tries.sort(key=lambda tried: tried[1] != rule.WORK)
    for name, number, looks in tries:
        rank, modes = np.empty(len(job), np.int64), np.empty(len(job), np.int64)
        keys = random.random(len(job))
        rule.dispatch(tables, number, due, tail, weight, keys, np.array(looks), rank, modes)
        yield name, rank, modes


def tails(tables: Tables) -> Ints:
    """Return for each operation the shortest work that follows it, along the longest way; ticks."""
    ticks: Floats = np.zeros(len(tables.operations))
    ways = tables.ways[:, c.W_TICKS]
    starts = tables.operations[:, c.O_WAY]
    has_ways = tables.operations[:, c.O_WAY_END] > starts
    if len(ways):
        ticks[has_ways] = np.minimum.reduceat(ways, starts[has_ways])
    tail = np.zeros(len(ticks), dtype=np.int64)
    waits = np.diff(tables.after_at)
    ready = list(np.flatnonzero(waits == 0))
    while ready:
        operation = ready.pop()
        for at in range(tables.before_at[operation], tables.before_at[operation + 1]):
            before = tables.before[at]
            tail[before] = max(tail[before], tail[operation] + ticks[operation])
            waits[before] -= 1
            if waits[before] == 0:
                ready.append(before)
    return tail
