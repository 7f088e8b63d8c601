"""Calendars as the decoder sees them: windows of machine and person together.

Where both must be open, their windows are cut with each other. Work may pause from one window to
the next only if whoever is away in between has an interruptible calendar; windows that are joined
in this way are one *stretch*, which work does not leave.
"""

import numpy as np
from numpy.typing import NDArray

from genba.plan.problem import Calendar, Problem, Window
from genba.plan.timing import columns as c
from genba.plan.worktime import open_pieces, within_one_window


class Stretches:
    """Every pair of calendars that was asked for, once."""

    def __init__(self, problem: Problem) -> None:
        self._problem = problem
        self._staff = {group.id: group.calendar for group in problem.staff}
        self._number: dict[tuple[str | None, str | None], int] = {}
        self._rows: list[list[tuple[int, int, int, int]]] = []

    def of_machine(self, machine: str, group: str | None = None) -> int:
        """Return the number of a machine's calendar, cut with a staff group's; -1: always open."""
        own = self._problem.machines_by_id[machine].calendar
        others = None if group is None else self._staff[group]
        pair = (own, None if others == own else others)
        if pair == (None, None):
            return -1
        if pair not in self._number:
            self._number[pair] = len(self._rows)
            calendars = [self._problem.calendars_by_id[i] for i in pair if i is not None]
            self._rows.append(_joined(calendars))
        return self._number[pair]

    def tables(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return all windows (windows, C_WIDTH) and where each calendar's begin."""
        at = np.zeros(len(self._rows) + 1, dtype=np.int64)
        np.cumsum([len(rows) for rows in self._rows], out=at[1:])
        flat = [row for rows in self._rows for row in rows]
        return np.array(flat, dtype=np.int64).reshape(len(flat), c.C_WIDTH), at


def _joined(calendars: list[Calendar]) -> list[tuple[int, int, int, int]]:
    """Return begin, end, whether it joins the next, and number of the stretch of each window."""
    windows = list(calendars[0].windows)
    if len(calendars) > 1:
        windows = [p for start, end in windows for p in open_pieces(calendars[1:], start, end)]
    rows, stretch = [], 0
    for number, window in enumerate(windows):
        is_last = number + 1 == len(windows)
        joins = not is_last and _may_pause(calendars, window, windows[number + 1])
        rows.append((*window, int(joins), stretch))
        stretch += not joins
    return rows


def _may_pause(calendars: list[Calendar], before: Window, after: Window) -> bool:
    return all(within_one_window(calendar, before[0], after[1]) for calendar in calendars)
