"""What is made small, as expressions of the solver's variables."""

from fractions import Fraction
from math import lcm

from ortools.sat.python import cp_model

from genba.plan.cpsat.draft import Draft, Expr, Slot, Var
from genba.plan.cpsat.kept import EDGE
from genba.plan.cpsat.trips import Travel
from genba.plan.objective import Goal, Objective
from genba.plan.schedule import Assignment, Plan
from genba.plan.worktime import machine_calendars, open_pieces

Term = tuple[Expr, float]
"""An expression and what one of it costs."""


def terms_of(draft: Draft, travel: Travel, objective: Objective, goal: Goal) -> list[Term]:
    """Return the terms whose sum is the value of a goal."""
    match goal:
        case Goal.MAKESPAN:
            return [(_makespan(draft, travel), 1.0)]
        case Goal.TARDINESS:
            return _tardiness(draft, travel)
        case Goal.FLOW:
            return _flow(draft, travel)
        case Goal.SETUPS:
            return _setups(draft)
        case Goal.ENERGY:
            return _energy(draft)
        case Goal.STABILITY:
            return _stability(draft, objective)


def minimize(draft: Draft, terms: list[tuple[Expr, float]]) -> Fraction:
    """Set the solver's objective; return by what its values are to be divided.

    Costs become whole numbers where a common factor of at most a million does that exactly.
    """
    costs = [Fraction(cost).limit_denominator(1_000_000) for _, cost in terms]
    exact = all(float(f) == cost for f, (_, cost) in zip(costs, terms, strict=True))
    factor = lcm(*(f.denominator for f in costs)) if costs else 1
    if not exact or factor > 1_000_000:
        draft.cp.minimize(sum(cost * expr for expr, cost in terms))
        return Fraction(1)
    draft.cp.minimize(
        sum(int(f * factor) * expr for f, (expr, _) in zip(costs, terms, strict=True))
    )
    return Fraction(factor)


def _makespan(draft: Draft, travel: Travel) -> Expr:
    makespan = draft.tick("makespan", 0)
    ends = [end for ends in travel.done.values() for end in ends]
    needed = {p for o in draft.problem.operations for p in o.predecessors if o.fixed is None}
    inner = {id(draft.slots[name].end) for name in needed}
    for end in ends:
        if id(end) not in inner or isinstance(end, int):
            draft.cp.add(makespan >= end)
    draft.hinters.append(
        lambda hints: hints.tell(makespan, max([0, *(hints.of(end) for end in ends)]))
    )
    return makespan


def _tardiness(draft: Draft, travel: Travel) -> list[Term]:
    terms: list[Term] = []
    for job in draft.problem.jobs:
        ends = travel.done[job.id]
        if job.due is None or not ends or job.weight == 0:
            continue
        late = draft.cp.new_int_var(0, max(0, draft.horizon - job.due), f"{job.id} late")
        for end in ends:
            draft.cp.add(late >= end - job.due)
        terms.append((late, job.weight))
        _tell_latest(draft, late, ends, job.due)
    return terms


def _tell_latest(draft: Draft, late: Var, ends: list[Expr], due: int) -> None:
    draft.hinters.append(
        lambda hints: hints.tell(late, max(0, *(hints.of(end) - due for end in ends)))
    )


def _flow(draft: Draft, travel: Travel) -> list[Term]:
    terms: list[Term] = []
    for job in draft.problem.jobs:
        ends = travel.done[job.id]
        parts = max((o.parts for o in draft.problem.operations_of.get(job.id, ())), default=0)
        if not ends or parts == 0:
            continue
        last: Expr = ends[0]
        if len(ends) > 1:
            last = draft.tick(f"{job.id} is done")
            for end in ends:
                draft.cp.add(last >= end)
            _tell_latest(draft, last, ends, 0)
        terms.append((last - job.release, float(parts)))
    return terms


def _setups(draft: Draft) -> list[Term]:
    """Return the ticks of all set-ups; of a batch, those of its leader."""
    terms: list[Term] = []
    for slot in draft.slots.values():
        fixed = slot.operation.fixed
        if fixed is not None:
            calendars = machine_calendars(draft.problem, fixed.machine)
            start, end = int(slot.setup_start), int(slot.start)
            terms.append((sum(e - s for s, e in open_pieces(calendars, start, end)), 1.0))
        elif slot.setup is not None:
            terms.append((slot.setup, 1.0))
    return terms


# -- energy -----------------------------------------------------------------------------------


def _energy(draft: Draft) -> list[Term]:
    """Return power times price, over the time in which a machine is open and processes.

    The price that has been paid for one kilowatt up to a tick is piecewise linear; a run costs the
    difference between its end and its start.
    """
    if not draft.problem.energy.prices:
        return []
    unit = draft.problem.tick_s / 3600.0
    prices = [Fraction(p).limit_denominator(10_000) for _, _, p in draft.problem.energy.prices]
    scale = lcm(*(p.denominator for p in prices))
    while scale > 1_000_000:
        scale //= 10
    terms: list[Term] = []
    paid: dict[tuple[int, str | None, int], Expr] = {}
    for slot in draft.slots.values():
        for power, numbers in _powers(slot).items():
            if power == 0.0:
                continue
            for number in numbers:
                cost = _priced(draft, slot, number, scale, paid)
                terms.append((cost, power * unit / scale))
    return terms


def _powers(slot: Slot) -> dict[float, list[int]]:
    found: dict[float, list[int]] = {}
    for number, way in enumerate(slot.ways):
        found.setdefault(way.mode.power_kw, []).append(number)
    return found


def _priced(
    draft: Draft, slot: Slot, number: int, scale: int, paid: dict[tuple[int, str | None, int], Expr]
) -> Expr:
    """Return what a run would cost with one kilowatt in a way that it leads, else 0."""
    cp, machine = draft.cp, slot.ways[number].machine
    steps = _steps(draft, machine.calendar, scale)
    lead, length = slot.leads[number], slot.lengths[number]
    if isinstance(length, int) and slot.ways[number].pauses_work is None:
        cost = _paid(
            draft, slot.start, _of_run(steps, length), (slot.start, machine.calendar, length), paid
        )
    else:
        before = _paid(draft, slot.start, steps, (slot.start, machine.calendar, 0), paid)
        after = _paid(draft, slot.end, steps, (slot.end, machine.calendar, 0), paid)
        cost = after - before
        if all(slope >= 0 for _, _, slope in steps):
            cp.add(after >= before)
    if draft.is_true(lead):
        return cost
    slopes = [slope for _, _, slope in steps]
    longest = draft.horizon - draft.lowest
    most = (length if isinstance(length, int) else longest) * max(0, *slopes)
    least = (length if isinstance(length, int) else longest) * min(0, *slopes)
    charged = cp.new_int_var(least, most, "")
    cp.add(charged == cost).only_enforce_if(lead)
    cp.add(charged == 0).only_enforce_if(~lead)
    draft.hinters.append(lambda hints: hints.tell(charged, hints.of(lead) * hints.of(cost)))
    return charged


def _of_run(steps: list[tuple[int, int, int]], ticks: int) -> list[tuple[int, int, int]]:
    """Return the price of a run of so many ticks by its start, as steps like those of the price."""
    begins = sorted({at for begin, _, _ in steps for at in (begin, begin - ticks)})
    found = []
    for begin in begins:
        now = _value_at(steps, begin + ticks) - _value_at(steps, begin)
        after = _value_at(steps, begin + 1 + ticks) - _value_at(steps, begin + 1)
        found.append((begin, now, after - now))
    return found


def _steps(draft: Draft, calendar: str | None, scale: int) -> list[tuple[int, int, int]]:
    """Return begin, what is paid up to it, and the price from there on."""
    calendars = [] if calendar is None else [draft.problem.calendars_by_id[calendar]]
    pieces = [
        (start, end, round(price * scale))
        for since, until, price in draft.problem.energy.prices
        for start, end in open_pieces(
            calendars, max(since, draft.lowest), min(until, draft.horizon)
        )
    ]
    steps: list[tuple[int, int, int]] = []
    paid, at = 0, draft.lowest
    for start, end, price in pieces:
        if start > at or not steps:
            steps.append((at, paid, 0))
        if steps and steps[-1][0] == start:
            steps.pop()
        steps.append((start, paid, price))
        paid += (end - start) * price
        at = end
    steps.append((at, paid, 0))
    merged: list[tuple[int, int, int]] = []
    for step in steps:
        if not merged or merged[-1][2] != step[2]:
            merged.append(step)
    return merged


def _paid(
    draft: Draft,
    at: Expr,
    steps: list[tuple[int, int, int]],
    key: tuple[Expr, str | None, int],
    paid: dict[tuple[int, str | None, int], Expr],
) -> Expr:
    """Return what is paid for one kilowatt from the beginning up to a time."""
    if isinstance(at, int):
        return _value_at(steps, at)
    name = (id(at), *key[1:])
    if name in paid:
        return paid[name]
    cp = draft.cp
    time = at
    if not isinstance(time, cp_model.IntVar):
        variable = draft.tick("")
        cp.add(variable == time)
        draft.hinters.append(lambda hints: hints.tell(variable, hints.of(at)))
        time = variable
    values = [_value_at(steps, tick) for tick in (*(s[0] for s in steps), draft.horizon)]
    total = cp.new_int_var(min(values), max(values), "")
    for number, (begin, value, slope) in enumerate(steps):
        conditions: list[Expr] = []
        inside = draft.reached(time, begin)
        if isinstance(inside, int):
            if not inside:
                break
        else:
            conditions.append(inside)
        if number + 1 < len(steps):
            over = draft.reached(time, steps[number + 1][0])
            if isinstance(over, int):
                if over:
                    continue
            else:
                conditions.append(~over)
        cp.add(total == value + slope * (time - begin)).only_enforce_if(conditions)
    draft.hinters.append(lambda hints: hints.tell(total, _value_at(steps, hints.of(at))))
    paid[name] = total
    return total


def _value_at(steps: list[tuple[int, int, int]], tick: int) -> int:
    found = 0
    for begin, value, slope in steps:
        if begin <= tick:
            found = value + slope * (tick - begin)
    return found


# -- stability --------------------------------------------------------------------------------


def _stability(draft: Draft, objective: Objective) -> list[Term]:
    """Return the price of the difference to the reference, as far as the model knows it."""
    reference = objective.reference
    if reference is None:
        return []
    terms: list[Term] = []
    orders = _neighbors(reference)
    for name, was in reference.by_operation.items():
        slot = draft.slots.get(name)
        if slot is not None:
            terms += _moved(draft, objective, slot, was)
            if objective.order_price > 0:
                terms.append((_reordered(draft, slot, was, orders[name]), objective.order_price))
    return terms


def _moved(draft: Draft, objective: Objective, slot: Slot, was: Assignment) -> list[Term]:
    stays = [
        x for x, way in zip(slot.present, slot.ways, strict=True) if way.machine.id == was.machine
    ]
    on: Expr = sum(stays)
    if slot.fixed and slot.operation.fixed is not None:
        on = int(slot.operation.fixed.machine == was.machine)
    terms: list[Term] = [(1 - on, objective.machine_price)]
    if isinstance(slot.start, int):
        return [*terms, (abs(slot.start - was.start), 0.001)]
    moved = draft.cp.new_int_var(0, draft.horizon - draft.lowest, "")
    draft.cp.add_abs_equality(moved, slot.start - was.start)
    draft.hinters.append(lambda hints: hints.tell(moved, abs(hints.of(slot.start) - was.start)))
    return [*terms, (moved, 0.001)]


def _reordered(draft: Draft, slot: Slot, was: Assignment, before: str | None) -> Expr:
    """Return 1 unless the same operation (or none) is right before it on its machine.

    Within batches the order is one of names; there nothing is counted, and that is a lower bound.
    """
    if slot.operation.batch is not None:
        return 0
    same = [
        arc
        for order in draft.orders.values()
        for first, second, arc in order.arcs
        if order.nodes[second].slot is slot
        and (None if first == EDGE else order.nodes[first].slot.operation.id) == before
    ]
    return 1 - sum(same)


def _neighbors(plan: Plan) -> dict[str, str | None]:
    return {
        a.operation: listed[number - 1].operation if number else None
        for listed in plan.by_machine.values()
        for number, a in enumerate(listed)
    }
