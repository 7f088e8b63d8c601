"""Working time: which ticks of an interval are open, and which mode an assignment stands for.

Used where plans are read (checking, values, reports); the decoder counts in its own way.
"""

from bisect import bisect_right
from collections.abc import Sequence

from genba.plan.problem import Calendar, Mode, Problem, Window
from genba.plan.schedule import Assignment


def open_pieces(calendars: Sequence[Calendar], begin: int, end: int) -> list[Window]:
    """Return the pieces of ``[begin, end)`` in which all the calendars are open."""
    pieces = [(begin, end)] if begin < end else []
    for calendar in calendars:
        pieces = [
            (max(start, piece_start), min(stop, piece_stop))
            for piece_start, piece_stop in pieces
            for start, stop in _overlapping(calendar.windows, piece_start, piece_stop)
        ]
    return pieces


def open_ticks(calendars: Sequence[Calendar], begin: int, end: int) -> int:
    """Return how many ticks of ``[begin, end)`` all the calendars are open."""
    return sum(stop - start for start, stop in open_pieces(calendars, begin, end))


def within_one_window(calendar: Calendar, begin: int, end: int) -> bool:
    """Whether work of ``[begin, end)`` may stand there: in one window, or interruptible.

    An interruptible calendar only pauses: work must not begin after its last window.
    """
    if begin == end or calendar.interruptible:
        return True
    found = _overlapping(calendar.windows, begin, end)
    return len(found) == 1 and found[0][0] <= begin and end <= found[0][1]


def machine_calendars(problem: Problem, machine: str) -> list[Calendar]:
    """Return the calendar of a machine, or nothing where it is always open."""
    calendar = problem.machines_by_id[machine].calendar
    return [] if calendar is None else [problem.calendars_by_id[calendar]]


def mode_of(problem: Problem, assignment: Assignment) -> Mode | None:
    """Return the mode that an assignment stands for: of those on its machine the one that fits.

    The first whose time is the open time between start and end; in a batch, where the longest of
    all counts, the first that is able at all. None if the operation has none on that machine.
    """
    modes = problem.operations_by_id[assignment.operation].modes
    able = [mode for mode in modes if mode.machine == assignment.machine]
    if len(able) > 1:
        calendars = machine_calendars(problem, assignment.machine)
        ticks = open_ticks(calendars, assignment.start, assignment.end)
        able.sort(key=lambda mode: mode.ticks != ticks)
    return able[0] if able else None


def _overlapping(windows: Sequence[Window], begin: int, end: int) -> list[Window]:
    first = max(bisect_right(windows, begin, key=lambda w: w[0]) - 1, 0)
    found = []
    for start, stop in windows[first:]:
        if start >= end:
            break
        if stop > begin:
            found.append((start, stop))
    return found
