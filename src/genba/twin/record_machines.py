"""What machines did, from their PackML state and mode, counters and energy meters."""

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from genba.plant import US, Calendar, PackMLMode, PackMLState, Plant, Role
from genba.plant.worktime import calendar_of, planned_busy_s
from genba.twin.recording import Activity, Piece, Stopped
from genba.twin.renewal import Spans
from genba.twin.trace import Trace

_BY_STATE = {
    PackMLState.SUSPENDED: Activity.WAIT,
    PackMLState.SUSPENDING: Activity.WAIT,
    PackMLState.UNSUSPENDING: Activity.WAIT,
    PackMLState.HOLDING: Activity.HELD,
    PackMLState.HELD: Activity.HELD,
    PackMLState.UNHOLDING: Activity.HELD,
    PackMLState.ABORTING: Activity.DOWN,
    PackMLState.ABORTED: Activity.DOWN,
    PackMLState.STARTING: Activity.CHANGE,
    PackMLState.COMPLETING: Activity.CHANGE,
    PackMLState.COMPLETE: Activity.CHANGE,
    PackMLState.RESETTING: Activity.CHANGE,
    PackMLState.CLEARING: Activity.CHANGE,
    PackMLState.IDLE: Activity.IDLE,
    PackMLState.STOPPED: Activity.OFF,
    PackMLState.STOPPING: Activity.OFF,
}
_STOPS = (Activity.DOWN, Activity.SERVICE, Activity.HELD)
_SPOILED_WITHIN_US = 3 * US
"""A part that a breakdown spoils is counted this soon."""


@dataclass(frozen=True)
class Machines:
    """What all machines did in a period."""

    pieces: Mapping[str, tuple[Piece, ...]]
    stops: tuple[Stopped, ...]
    running: Mapping[tuple[str, Activity], Spans]

    def within(self, machine: str, start: int, end: int) -> Iterator[Piece]:
        """Pieces of a machine from ``start`` to ``end``, cut there; energy in proportion."""
        pieces = self.pieces.get(machine, ())
        first = bisect_left(pieces, start, key=lambda piece: piece.end)
        for piece in pieces[first:]:
            if piece.start >= end:
                return
            begin, until = max(piece.start, start), min(piece.end, end)
            if begin < until:
                part = (until - begin) / (piece.end - piece.start)
                yield Piece(begin, until, piece.activity, piece.kwh * part)


def read_machines(
    plant: Plant, told: Mapping[tuple[str, Role], Trace], start: int, end: int
) -> Machines:
    """Split the period of every machine into what it did."""
    pieces: dict[str, tuple[Piece, ...]] = {}
    stops: list[Stopped] = []
    running: dict[tuple[str, Activity], Spans] = {}
    for unit in plant.equipment:
        if (unit.id, Role.STATE) not in told:
            continue
        found = tuple(_pieces(unit.id, told, start, end))
        pieces[unit.id] = found
        scrap = told.get((unit.id, Role.SCRAP_COUNT))
        calendar = calendar_of(plant, unit)
        for activity in _STOPS:
            spells = list(_spells(found, activity))
            stops += [
                _stopped(unit.id, activity, a, b, calendar, scrap) for a, b in spells if b < end
            ]
            running[unit.id, activity] = running_between(found, [a for a, _ in spells])
    return Machines(pieces, tuple(stops), running)


def activity_of(state: float, mode: float | None) -> Activity:
    """Return what a machine does by its state and mode; one without a mode produces."""
    if mode == PackMLMode.MAINTENANCE and state not in (PackMLState.ABORTED, PackMLState.ABORTING):
        return Activity.SERVICE
    if state == PackMLState.EXECUTE:
        return Activity.SETUP if mode == PackMLMode.SETUP else Activity.RUN
    try:
        return _BY_STATE[PackMLState(int(state))]
    except ValueError:
        return Activity.IDLE


def _pieces(
    machine: str, told: Mapping[tuple[str, Role], Trace], start: int, end: int
) -> Iterator[Piece]:
    """One piece for each activity, in order; none before the machine first said what it does."""
    state, mode = told[machine, Role.STATE], told.get((machine, Role.MODE))
    changes = [state.times] if mode is None else [state.times, mode.times]
    times = np.unique(np.concatenate([[start], *changes, [end]]))
    times = times[(times >= start) & (times <= end)]
    spells: list[tuple[int, int, Activity]] = []
    for begin, until in pairwise(times.tolist()):
        held = state.value_at(begin)
        if held is None:
            continue
        kind = activity_of(held, None if mode is None else mode.value_at(begin))
        if spells and spells[-1][2] is kind and spells[-1][1] == begin:
            spells[-1] = (spells[-1][0], until, kind)
        else:
            spells.append((begin, until, kind))
    energy = told.get((machine, Role.ENERGY))
    for begin, until, kind in _joined(spells):
        yield Piece(begin, until, kind, 0.0 if energy is None else energy.grown(begin, until))


def _joined(spells: Sequence[tuple[int, int, Activity]]) -> list[tuple[int, int, Activity]]:
    """Count the seconds of holding before maintenance, and of unholding after it, with it."""
    found: list[tuple[int, int, Activity]] = []
    for begin, until, kind in spells:
        last = found[-1] if found and found[-1][1] == begin else None
        pair = {kind, None if last is None else last[2]}
        if last is not None and pair == {Activity.HELD, Activity.SERVICE}:
            found[-1] = (last[0], until, Activity.SERVICE)
        else:
            found.append((begin, until, kind))
    return found


def _spells(pieces: Sequence[Piece], activity: Activity) -> Iterator[tuple[int, int]]:
    for piece in pieces:
        if piece.activity is activity:
            yield piece.start, piece.end


def _stopped(
    machine: str,
    activity: Activity,
    start: int,
    end: int,
    calendar: Calendar | None,
    scrap: Trace | None,
) -> Stopped:
    working = (end - start) / US
    if calendar is not None:
        working = planned_busy_s(calendar, start, end) or 0.0
    spoiled = 0
    if activity is Activity.DOWN and scrap is not None:
        spoiled = round(scrap.counted(start - _SPOILED_WITHIN_US, start + _SPOILED_WITHIN_US))
    return Stopped(machine, start, end, activity, working, spoiled)


def running_between(pieces: Sequence[Piece], stops: Sequence[int]) -> Spans:
    """Running time before, between and after the moments at which something stopped it."""
    lengths = [0.0]
    left = list(stops)
    for piece in pieces:
        while left and piece.start >= left[0]:
            left.pop(0)
            lengths.append(0.0)
        if piece.activity is Activity.RUN:
            lengths[-1] += piece.length_s
    return spans_of(lengths)


def spans_of(lengths: Sequence[float]) -> Spans:
    """Make spans from running times before, between and after stops."""
    first = lengths[0] if len(lengths) > 1 else None
    return Spans(tuple(lengths[1:-1]), tuple(s for s in lengths[-1:] if s > 0), first)
