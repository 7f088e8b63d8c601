"""What a timed board is worth, as one number for a search. Compiled.

The exact values of a finished plan are those of :mod:`genba.plan.values`; here the same goals are
counted fast, and weighed into one number that falls whenever the objective does.
"""

from typing import NamedTuple

import numpy as np

from genba.jit import compiled, inner
from genba.plan.objective import Goal, Objective
from genba.plan.problem import Problem
from genba.plan.schedule import Plan
from genba.plan.timing import columns as c
from genba.plan.timing.compile import MILLIWATTS, Floats, Ints, Tables
from genba.plan.timing.place import Board

MISSING = 1e12
"""Price of an operation that found no place: more than any plan costs."""

GOALS = (
    Goal.MAKESPAN,
    Goal.TARDINESS,
    Goal.SETUPS,
    Goal.ENERGY,
    Goal.STABILITY,
    Goal.FLOW,
)


class Pricing(NamedTuple):
    """What boards are compared by, in numbers."""

    goals: Floats
    """(7,): weight of each of :data:`GOALS`, and of the mean end of jobs, which breaks ties."""
    jobs: Floats
    """(jobs, 2): weight of tardiness, parts."""
    prices: Floats
    """(prices, 4): begin, end, price per milliwatt and tick, cost of a milliwatt before."""
    reference: Ints
    """(operations, 3): machine, operation before, start in the reference; machine -1: not there."""
    changes: Floats
    """(2,): price of another machine, of another operation before."""


def pricing_of(problem: Problem, objective: Objective, scale: float = 1.0) -> Pricing:
    """Write an objective as numbers.

    Parameters
    ----------
    scale : float
        Where goals are ordered: about how large one goal's value is. Each next goal weighs so much
        less that it hardly ever outweighs one unit of the goal before.
    """
    weights = np.zeros(len(GOALS) + 1)
    for number, (goal, weight) in enumerate(objective.goals):
        lesser = 1.0 / (1000.0 * max(1.0, scale)) ** number
        weights[GOALS.index(goal)] = lesser if objective.ordered else weight
    weights[-1] = min(weights[weights > 0]) * 1e-4
    per_tick = problem.tick_s / 3600.0 / MILLIWATTS
    prices = np.zeros((len(problem.energy.prices), 4))
    cost = 0.0
    for row, (begin, end, price) in zip(prices, problem.energy.prices, strict=True):
        row[:] = begin, end, price * per_tick, cost
        cost += (end - begin) * price * per_tick
    parts = {job.id: 1 for job in problem.jobs}
    for operation in problem.operations:
        parts[operation.job] = max(parts[operation.job], operation.parts)
    return Pricing(
        weights,
        np.array([(job.weight, parts[job.id]) for job in problem.jobs]).reshape(-1, 2),
        prices,
        _reference(problem, objective.reference),
        np.array([objective.machine_price, objective.order_price]),
    )


def _reference(problem: Problem, plan: Plan | None) -> Ints:
    rows = np.full((len(problem.operations), 3), -1, dtype=np.int64)
    if plan is None:
        return rows
    machines = {machine.id: i for i, machine in enumerate(problem.machines)}
    operations = {operation.id: i for i, operation in enumerate(problem.operations)}
    for machine, listed in plan.by_machine.items():
        before = -1
        for assignment in listed:
            row = operations.get(assignment.operation)
            if row is not None:
                rows[row] = machines.get(machine, -1), before, assignment.start
                before = row
    return rows


@compiled
def worth(t: Tables, b: Board, pricing: Pricing, missing: int) -> float:
    """Return the weighted sum of all goals of a board; smaller is better."""
    goals = pricing.goals
    last, late, ends, setups, flow = 0.0, 0.0, 0.0, 0.0, 0.0
    count = len(t.operations)
    for job in range(len(t.jobs)):
        end = b.jobs[job, c.K_TIME]
        if b.trips[count + job, c.L_KIND] >= 0:
            end = max(end, b.trips[count + job, c.L_END])
        ends += end
        late += pricing.jobs[job, 0] * max(0, end - t.jobs[job, c.J_DUE])
        flow += pricing.jobs[job, 1] * (end - t.jobs[job, c.J_RELEASE])
        last = max(last, float(end))
    value = goals[0] * last + goals[1] * late + missing * MISSING
    value += goals[5] * flow + goals[6] * ends / max(1, len(t.jobs))
    if goals[2] > 0 or goals[3] > 0:
        energy = 0.0
        for operation in range(count):
            p = b.placed[operation]
            if p[c.S_WAY] >= 0 and p[c.S_LEADER] == operation:
                setups += p[c.S_TICKS]
                power = t.ways[p[c.S_WAY], c.W_POWER]
                if goals[3] > 0 and power > 0:
                    machine = t.ways[p[c.S_WAY], c.W_MACHINE]
                    calendar = t.machines[machine, c.M_CALENDAR]
                    energy += power * cost_of_milliwatt(
                        pricing.prices, t, calendar, p[c.S_START], p[c.S_END]
                    )
        value += goals[2] * setups + goals[3] * energy
    if goals[4] > 0:
        value += goals[4] * _changes(t, b, pricing)
    return float(value)


@inner
def cost_of_milliwatt(prices: Floats, t: Tables, calendar: int, start: int, end: int) -> float:
    """Return the cost of a milliwatt in the open ticks of an interval."""
    if calendar < 0:
        return _cost_until(prices, end) - _cost_until(prices, start)
    cost = 0.0
    for window in range(t.windows_at[calendar], t.windows_at[calendar + 1]):
        opens, closes = t.windows[window, c.C_START], t.windows[window, c.C_END]
        if opens >= end:
            break
        if closes > start:
            cost += _cost_until(prices, min(end, closes)) - _cost_until(prices, max(start, opens))
    return cost


@inner
def _cost_until(prices: Floats, tick: float) -> float:
    low, high = 0, len(prices)
    while low < high:
        middle = (low + high) // 2
        if prices[middle, 0] < tick:
            low = middle + 1
        else:
            high = middle
    if low == 0:
        return 0.0
    row = prices[low - 1]
    return float(row[3] + (min(row[1], tick) - row[0]) * row[2])


@inner
def _changes(t: Tables, b: Board, pricing: Pricing) -> float:
    price = 0.0
    for operation in range(len(t.operations)):
        p, was = b.placed[operation], pricing.reference[operation]
        if p[c.S_WAY] < 0 or was[0] < 0:
            continue
        if t.ways[p[c.S_WAY], c.W_MACHINE] != was[0]:
            price += pricing.changes[0]
        if p[c.S_LEADER] == operation and p[c.S_BEFORE] != was[1]:
            price += pricing.changes[1]
        price += abs(p[c.S_START] - was[2]) / 1000.0
    return price
