"""Working time inside the kernel: when work ends, how long was worked, and what it cost."""

# mypy: disable-error-code="no-any-return"
# Fields of records have no types of their own.

import math

from genba.jit import compiled
from genba.twin.reach import World, calendar_at, machine_at, price_at, use_at, whole_at, window_at
from genba.twin.records import OFF, RUNNING, STATE_COUNT

PRICE_BIN_S = 900.0
"""Length of a bin of ``World.prices``."""


@compiled
def is_open(w: World, calendar: int) -> bool:
    """Whether a calendar works now; -1 always does."""
    return calendar < 0 or calendar_at(w, calendar).open == 1


@compiled
def end_of_work(w: World, calendar: int, time: float, work: float) -> float:
    """When ``work`` seconds from ``time`` on are done by a calendar; infinity: never."""
    if calendar < 0:
        return time + work
    record = calendar_at(w, calendar)
    index = record.at
    while index < record.last:
        begin, end = max(time, window_at(w, index).begin), window_at(w, index).end
        if end > begin:
            if work <= end - begin:
                return begin + work
            work -= end - begin
        index += 1
    return math.inf


@compiled
def end_of_joint_work(w: World, one: int, other: int, time: float, work: float) -> float:
    """When ``work`` is done that goes on only while both calendars are open."""
    if one == other or other < 0:
        return end_of_work(w, one, time, work)
    if one < 0:
        return end_of_work(w, other, time, work)
    first, second = calendar_at(w, one), calendar_at(w, other)
    i, j = first.at, second.at
    while i < first.last and j < second.last:
        begin = max(time, window_at(w, i).begin, window_at(w, j).begin)
        end = min(window_at(w, i).end, window_at(w, j).end)
        if end > begin:
            if work <= end - begin:
                return begin + work
            work -= end - begin
        if window_at(w, i).end <= window_at(w, j).end:
            i += 1
        else:
            j += 1
    return math.inf


@compiled
def worked(w: World, calendar: int, begin: float, end: float) -> float:
    """Working time in ``[begin, end)``, which must not lie before the last account."""
    if calendar < 0:
        return end - begin
    record = calendar_at(w, calendar)
    index = record.at
    if (
        index < record.last
        and window_at(w, index).begin <= begin
        and end <= window_at(w, index).end
    ):
        return end - begin
    while index > record.first and window_at(w, index - 1).end > begin:
        index -= 1
    total = 0.0
    while index < record.last and window_at(w, index).begin < end:
        total += max(0.0, min(end, window_at(w, index).end) - max(begin, window_at(w, index).begin))
        index += 1
    return total


@compiled
def price_until(w: World, time: float) -> float:
    """Cost of 1 kW drawn from the first bin's begin until ``time``."""
    time += whole_at(w, 0).price_offset
    place = min(int(time / PRICE_BIN_S), whole_at(w, 0).prices - 1)
    return price_at(w, place).before + (time - place * PRICE_BIN_S) * price_at(w, place).rate


@compiled
def _spend(w: World, m: int, state: int, kw: float, begin: float, end: float) -> None:
    use_at(w, m * STATE_COUNT + state).seconds += end - begin
    if kw > 0.0:
        machine_at(w, m).kwh += kw * (end - begin) / 3600.0
        whole_at(w, 0).cost += kw * (price_until(w, end) - price_until(w, begin))


@compiled
def account(w: World, m: int, until: float) -> None:
    """Count time and energy of machine ``m`` since the last account, in the state it is in."""
    machine = machine_at(w, m)
    since, state = machine.since, machine.state
    if until <= since:
        return
    machine.since = until
    kw = machine.kw if state == RUNNING else use_at(w, m * STATE_COUNT + state).kw
    calendar = machine.calendar
    if calendar < 0 or (state == RUNNING and machine.through == 1):
        _spend(w, m, state, kw, since, until)
        return
    record = calendar_at(w, calendar)
    index = record.at
    if (
        index < record.last
        and window_at(w, index).begin <= since
        and until <= window_at(w, index).end
    ):
        _spend(w, m, state, kw, since, until)
        return
    while index > record.first and window_at(w, index - 1).end > since:
        index -= 1
    off_kw = use_at(w, m * STATE_COUNT + OFF).kw
    while since < until:
        begin = end = until
        if index < record.last:
            begin = min(max(since, window_at(w, index).begin), until)
            end = min(window_at(w, index).end, until)
        if begin > since:
            _spend(w, m, OFF, off_kw, since, begin)
        if end > begin:
            _spend(w, m, state, kw, begin, end)
        since = max(begin, end)
        index += 1
