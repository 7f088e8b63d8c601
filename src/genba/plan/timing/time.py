"""When work can be done: calendars with breaks, and pools that several use at a time. Compiled."""

import numpy as np

from genba.jit import inner
from genba.plan.timing.columns import (
    C_END,
    C_JOINS,
    C_START,
    C_STRETCH,
    NEVER,
    P_CAPACITY,
    P_OFFSET,
)
from genba.plan.timing.compile import Ints


@inner
def window_at(calendar: int, windows: Ints, windows_at: Ints, tick: int) -> int:
    """Return the first window that ends after a tick, or one past the last."""
    low, high = windows_at[calendar], windows_at[calendar + 1]
    while low < high:
        middle = (low + high) // 2
        if windows[middle, C_END] > tick:
            high = middle
        else:
            low = middle + 1
    return int(low)


@inner
def forward(
    calendar: int, windows: Ints, windows_at: Ints, tick: int, ticks: int
) -> tuple[int, int]:
    """Return begin and end of the earliest work of ``ticks`` that starts at ``tick`` or later."""
    last = windows_at[calendar + 1]
    window = window_at(calendar, windows, windows_at, tick)
    while window < last:
        begin = max(tick, windows[window, C_START])
        at, left = begin, ticks
        while at + left > windows[window, C_END]:
            left -= windows[window, C_END] - at
            joins = windows[window, C_JOINS]
            window += 1
            if not joins:
                break
            at = windows[window, C_START]
        else:
            return begin, at + left
    return NEVER, NEVER


@inner
def backward(calendar: int, windows: Ints, windows_at: Ints, tick: int, ticks: int) -> int:
    """Return the latest begin of work of ``ticks`` that ends at ``tick`` or before.

    Where the stretch begins too late for that, its begin.
    """
    first, last = windows_at[calendar], windows_at[calendar + 1]
    window = window_at(calendar, windows, windows_at, tick - 1)
    if window == last:
        return tick
    if windows[window, C_START] >= tick:
        if window == first or not windows[window - 1, C_JOINS]:
            return int(windows[window, C_START])
        window -= 1
    at, left = min(tick, windows[window, C_END]), ticks
    while at - windows[window, C_START] < left:
        left -= at - windows[window, C_START]
        if window == first or not windows[window - 1, C_JOINS]:
            return int(windows[window, C_START])
        window -= 1
        at = windows[window, C_END]
    return int(at - left)


@inner
def earliest(
    at_setup: int,
    at_work: int,
    whole: int,
    windows: Ints,
    windows_at: Ints,
    setup_from: int,
    start_from: int,
    setup: int,
    ticks: int,
) -> tuple[int, int, int]:
    """Return set-up start, start and end of the earliest run, :data:`NEVER` if there is none.

    ``at_setup``, ``at_work`` and ``whole`` are the calendars of the set-up, of the processing, and
    of what must stay within one stretch from begin to end.
    """
    while True:
        if setup == 0:
            begin = max(setup_from, start_from)
            start = begin
        else:
            begin = setup_from
            if start_from > setup_from + setup:
                if at_setup < 0:
                    begin = start_from - setup
                else:
                    found = backward(at_setup, windows, windows_at, start_from, setup)
                    begin = max(begin, found)
            start = begin + setup
            if at_setup >= 0:
                begin, start = forward(at_setup, windows, windows_at, begin, setup)
            start = max(start, start_from)  # only closed ticks lie between
        if start >= NEVER:
            return NEVER, NEVER, NEVER
        end = start + ticks
        if ticks > 0 and at_work >= 0:
            work_begin, end = forward(at_work, windows, windows_at, start, ticks)
            if work_begin >= NEVER:
                return NEVER, NEVER, NEVER
            if work_begin > start:
                if setup == 0:
                    begin = work_begin
                elif not _only_pauses(at_work, windows, windows_at, start, work_begin):
                    start_from = work_begin
                    continue
                start = work_begin
        if whole >= 0 and end > begin:
            first = window_at(whole, windows, windows_at, begin)
            final = window_at(whole, windows, windows_at, end - 1)
            if windows[first, C_STRETCH] != windows[final, C_STRETCH]:
                while windows[first, C_JOINS]:
                    first += 1
                setup_from = windows[first + 1, C_START]
                continue
        return begin, start, end


@inner
def _only_pauses(calendar: int, windows: Ints, windows_at: Ints, since: int, until: int) -> bool:
    """Whether work that ended at ``since`` may go on at ``until`` with only a break between."""
    window = window_at(calendar, windows, windows_at, since - 1)
    return bool(
        windows[window, C_END] == since
        and windows[window, C_JOINS]
        and windows[window + 1, C_START] == until
    )


@inner
def conflict(
    pool: int,
    begin: int,
    end: int,
    amount: int,
    pools: Ints,
    step_tick: Ints,
    step_used: Ints,
    steps: Ints,
) -> int:
    """Return -1 if a pool has ``amount`` free all the time, else the tick to begin at or after."""
    if begin >= end or amount == 0:
        return -1
    limit = pools[pool, P_CAPACITY] - amount
    if limit < 0:
        return NEVER
    offset, count = pools[pool, P_OFFSET], steps[pool]
    step = _step_before(offset, count, step_tick, end)
    until = NEVER if step + 1 == offset + count else step_tick[step + 1]
    while step >= offset and until > begin:
        if step_used[step] > limit:
            return int(until)
        until = step_tick[step]
        step -= 1
    return -1


@inner
def occupy(
    pool: int,
    begin: int,
    end: int,
    amount: int,
    pools: Ints,
    step_tick: Ints,
    step_used: Ints,
    steps: Ints,
) -> None:
    """Take ``amount`` of a pool for a time; a negative amount gives it back."""
    if begin >= end or amount == 0:
        return
    offset = pools[pool, P_OFFSET]
    first = _cut(pool, offset, begin, step_tick, step_used, steps)
    last = offset + steps[pool]
    if end < NEVER:
        last = _cut(pool, offset, end, step_tick, step_used, steps)
    for step in range(first, last):
        step_used[step] += amount
    if end < NEVER:
        _mend(pool, offset, last, step_tick, step_used, steps)
    _mend(pool, offset, first, step_tick, step_used, steps)


@inner
def _step_before(offset: int, count: int, step_tick: Ints, tick: int) -> int:
    """Return the last step that begins before a tick."""
    low, high = offset, offset + count
    while low < high:
        middle = (low + high) // 2
        if step_tick[middle] < tick:
            low = middle + 1
        else:
            high = middle
    return int(low - 1)


@inner
def _cut(pool: int, offset: int, tick: int, step_tick: Ints, step_used: Ints, steps: Ints) -> int:
    """Make a step begin at a tick, and return it."""
    step = _step_before(offset, steps[pool], step_tick, tick) + 1
    last = offset + steps[pool]
    if step < last and step_tick[step] == tick:
        return step
    for at in range(last, step, -1):
        step_tick[at] = step_tick[at - 1]
        step_used[at] = step_used[at - 1]
    step_tick[step] = tick
    step_used[step] = step_used[step - 1]
    steps[pool] += 1
    return step


@inner
def _mend(pool: int, offset: int, step: int, step_tick: Ints, step_used: Ints, steps: Ints) -> None:
    """Drop a step that is as high as the one before."""
    if step == offset or step_used[step] != step_used[step - 1]:
        return
    steps[pool] -= 1
    for at in range(step, offset + steps[pool]):
        step_tick[at] = step_tick[at + 1]
        step_used[at] = step_used[at + 1]


@inner
def empty_pools(pools: Ints, step_tick: Ints, step_used: Ints, steps: Ints) -> None:
    """Begin with nothing in use."""
    for pool in range(len(pools)):
        step_tick[pools[pool, P_OFFSET]] = -NEVER
        step_used[pools[pool, P_OFFSET]] = 0
        steps[pool] = 1


def new_steps(room: int, pools: int) -> tuple[Ints, Ints, Ints]:
    """Make room for the steps of all pools: their ticks, what is used from there on, and counts."""
    ticks = np.zeros(max(room, 1), dtype=np.int64)
    return ticks, np.zeros_like(ticks), np.zeros(max(pools, 1), dtype=np.int64)
