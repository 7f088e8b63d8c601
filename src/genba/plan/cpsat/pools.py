"""What several operations share: people, tools, power."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from genba.plan.cpsat.draft import Draft, Expr, Slot, Var
from genba.plan.cpsat.machines import span_of


@dataclass(frozen=True, slots=True)
class Use:
    """An amount that is taken from one time to another, if ``on``."""

    start: Expr
    end: Expr
    amount: Expr
    on: Var
    slot: Slot


def add_pools(draft: Draft) -> None:
    """Keep people, tools and power within what there is."""
    problem = draft.problem
    for group in problem.staff:
        _within(draft, group.count, list(_staff_uses(draft, group.id)))
    for tool, count in problem.tools.items():
        _within(draft, count, list(_tool_uses(draft, tool)))
    cap = problem.energy.cap_kw
    if cap is not None:
        most = int(cap * (1 + 1e-9) * 1e6 + 1e-3)
        _within(draft, most, list(_power_uses(draft)), is_power=True)


def _staff_uses(draft: Draft, group: str) -> Iterator[Use]:
    for slot in draft.slots.values():
        # At most one way is taken, and ways of one group differ in the machine alone as a rule.
        for whole in (False, True):
            numbers = [
                n for n, way in enumerate(slot.ways) if way.staff == group and way.whole == whole
            ]
            if numbers:
                until = slot.end if whole else slot.start
                on = draft.any_of([slot.leads[n] for n in numbers], "")
                yield Use(slot.setup_start, until, 1, on, slot)


def _tool_uses(draft: Draft, tool: str) -> Iterator[Use]:
    for slot in draft.slots.values():
        numbers = [n for n, way in enumerate(slot.ways) if tool in way.mode.tools]
        if numbers:
            on = draft.any_of([slot.leads[n] for n in numbers], "")
            yield Use(slot.setup_start, slot.end, 1, on, slot)


def _power_uses(draft: Draft) -> Iterator[Use]:
    for slot in draft.slots.values():
        amounts: dict[int, list[int]] = {}
        for number, amount in enumerate(slot.powers):
            if isinstance(amount, int):
                amounts.setdefault(amount, []).append(number)
            else:
                yield Use(slot.start, slot.end, amount, slot.leads[number], slot)
        for amount, numbers in amounts.items():
            if amount > 0:
                on = draft.any_of([slot.leads[n] for n in numbers], "")
                yield Use(slot.start, slot.end, amount, on, slot)


def _within(draft: Draft, most: int, uses: Sequence[Use], *, is_power: bool = False) -> None:
    """Keep the sum of what is taken within ``most`` at any time.

    What stands already may take more than there is; then nothing else is taken meanwhile.
    """
    cp = draft.cp
    stands = [u for u in uses if isinstance(u.start, int) and isinstance(u.amount, int)]
    moves = [u for u in uses if not (isinstance(u.start, int) and isinstance(u.amount, int))]
    if not moves:
        return
    intervals, demands = [], []
    for start, end, amount in _profile(stands):
        intervals.append(cp.new_fixed_size_interval_var(start, end - start, ""))
        demands.append(min(amount, most))
    for use in moves:
        span = span_of(draft, use.start, use.end)
        intervals.append(cp.new_optional_interval_var(use.start, span, use.end, use.on, ""))
        demands.append(use.amount)
    cp.add_cumulative(intervals, demands, most)
    if not is_power:
        _keep_order(draft, most, moves)


def _profile(uses: Sequence[Use]) -> Iterator[tuple[int, int, int]]:
    """Yield begin, end and amount of the steps of what stands already."""
    events: dict[int, int] = {}
    for use in uses:
        start, end = int(use.start), int(use.end)
        if start < end:
            events[start] = events.get(start, 0) + use.amount
            events[end] = events.get(end, 0) - use.amount
    ticks, taken = sorted(events), 0
    for tick, following in pairwise(ticks):
        taken += events[tick]
        if taken > 0:
            yield tick, following, taken


def _keep_order(draft: Draft, most: int, uses: Sequence[Use]) -> None:
    """Keep what a frame does not open in the order in which it takes turns in its plan."""
    if draft.frame is None:
        return
    stands = draft.frame.stands
    kept = [use for use in uses if use.slot.operation.id in stands and draft.is_true(use.on)]
    kept.sort(key=lambda use: draft.frame.rank[use.slot.operation.id] if draft.frame else 0)
    turns: list[tuple[int, Expr]] = []
    for use in kept:
        a = stands[use.slot.operation.id]
        begins, ends = a.setup_start, a.start if use.end is use.slot.start else a.end
        if begins == ends:
            continue
        free = [turn for turn in turns if turn[0] <= begins]
        if free:
            turn = max(free, key=lambda turn: turn[0])
            turns.remove(turn)
            draft.cp.add(use.start >= turn[1])
        elif len(turns) >= most:
            continue  # with what is fixed, there are more than the pool holds
        turns.append((ends, use.end))
