"""What can be seen of a recording without any model: too little, too many holes, frozen, outside.

A sensor counts as frozen where its value stays equal to the last bit while set-points move, for far
longer than it ever did besides. One that mostly changes from row to row is told by twenty equal
rows; one that often repeats itself (coarse steps, or only changes are sent), by four times its own
longest stretch. Ends of what was seen are left out where it came to rest there before: limiters and
empty tanks do that.
"""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from genba.twin.process.episode import Episode, Floats
from genba.twin.process.findings.finding import Finding, error, spoilt, warning
from genba.twin.process.findings.told import Told
from genba.twin.process.unit import Clock
from genba.twin.process.variable import Variable

_FEWEST = 30
_PER_PARAMETER = 3
_SPARSE, _STORM = 0.2, 0.5
"""Shares of values that are missing: to be told, and too many."""
_EQUAL_ROWS = 20
_LONGER = 4
_MOVED = 0.05
"""Share of an input's range that counts as moved, while a sensor stands still."""
_FEW, _MANY = 0.01, 0.2
"""Shares of values outside of a range: to be told, and too many."""
_CORNER = 0.02
"""Share of a range; of one in which all values lie within so little, most was never seen."""
_STILL = 1e-3
"""Share of an input's range, below which it was not moved: the report's own."""


def seen_in(told: Told) -> list[Finding]:
    """Say what is wrong with a recording, before anything is learned from it."""
    if not told.episodes:
        return _few(told)
    few = [*_few(told), *_missing(told)]
    if spoilt(few):
        return few
    return [*few, *_frozen(told), *_ranges(told), *_outside(told), *_narrow(told)]


def seen_in_runs(
    told: Told, spans: Floats | None = None, kept: Sequence[str] = ()
) -> list[Finding]:
    """Say what is wrong with a recording by run, whatever the products, in the order of time.

    Parts are measured by sample, so that a sensor counts as frozen over the parts that it measured;
    products have recipes of their own, so that it matters whether any of them moved.

    Parameters
    ----------
    spans : (inputs,), optional
        What may be chosen of each set-point; a twentieth of it counts as moved. By default the
        physics' range.
    kept : sequence of str
        Variables that no sensor shows (times, counts, whether a tool is fresh).
    """
    if not told.episodes:
        return []
    found = []
    for values, place, one in told.variables():
        if values == "inputs" or one.name in kept:
            continue
        column = told.column(values, place)
        known = np.isfinite(column)
        if values == "context" and np.ptp(column[known]) == 0:
            continue  # it may well be as steady as that
        inputs, context = (
            np.concatenate([getattr(e, of) for e in told.episodes])[known]
            for of in ("inputs", "context")
        )
        shown = np.full((int(known.sum()), len(told.symbolic.process.outputs)), np.nan)
        dense = Told(told.symbolic, [Episode(inputs, context, shown)], told.sources)
        stretch = _standing(dense, [column[known]], one, spans)
        if stretch is not None:
            found.append(_stood(told, one, stretch, "parts"))
    return [*found, *_ranges(told), *_outside(told), *_narrow(told)]


def _few(told: Told) -> list[Finding]:
    least = max(_FEWEST, _PER_PARAMETER * len(told.symbolic.process.parameters))
    if told.rows >= least:
        return []
    return [
        error(
            "rows",
            (),
            f"{told.rows} rows are too few to learn {len(told.symbolic.process.parameters)} "
            f"parameters from; {least} are the least",
            "record for longer, or take a longer period",
        )
    ]


def _missing(told: Told) -> list[Finding]:
    found = []
    gone = 1 - told.rows / told.steps if told.steps else 0.0
    if gone > _SPARSE:
        grade = error if gone > _STORM else warning
        found.append(
            grade(
                "missing",
                (),
                f"in {gone:.0%} of the period a set-point or a piece of context is unknown",
                "see `genba historian gaps` for which one, mend its connection, or take another "
                "period",
            )
        )
    if told.symbolic.process.clock is Clock.RUN:
        return found  # parts are measured by sample, as a rule
    shown = np.concatenate([np.isfinite(episode.shown) for episode in told.episodes])
    names = [one.name for values, _, one in told.variables() if values == "shown"]
    gone = 1 - float(shown.any(axis=1).mean())
    if gone > _STORM:
        return [
            *found,
            error(
                "missing",
                names,
                f"in {gone:.0%} of the rows nothing is shown at all",
                "see `genba historian gaps`, mend the connection, or take another period",
            ),
        ]
    for values, place, one in told.variables():
        gone = float(np.isnan(told.column(values, place)).mean())
        if gone > _SPARSE:
            found.append(
                warning(
                    "missing",
                    (one.name,),
                    f"{told.called(one.name)} is missing in {gone:.0%} of the rows",
                    "see `genba historian gaps`, mend its connection, or leave the signal out of "
                    "the process",
                )
            )
    return found


def _frozen(told: Told) -> list[Finding]:
    found = []
    for values, place, one in told.variables():
        if values != "shown":
            continue
        columns = [episode.shown[:, place] for episode in told.episodes]
        stretch = _standing(told, columns, one)
        if stretch is not None:
            found.append(_stood(told, one, stretch, "rows"))
    return found


def _stood(told: Told, one: Variable, stretch: tuple[float, int, str], what: str) -> Finding:
    value, rows, moved = stretch
    return error(
        "frozen",
        (one.name,),
        f"{told.called(one.name)} stood at exactly {value:.6g} {one.unit} for {rows} {what}, while "
        f"'{moved}' moved",
        "look at the sensor and its connection, and take a period without this stretch",
    )


def _standing(
    told: Told, columns: Sequence[Floats], one: Variable, spans: Floats | None = None
) -> tuple[float, int, str] | None:
    """Find the longest stretch of equal values that set-points should have ended; one column for
    each episode.
    """
    runs = [
        (index, start, stop)
        for index, column in enumerate(columns)
        for start, stop in _runs(column)
    ]
    runs.sort(key=lambda run: run[1] - run[2])
    if not runs:
        return None
    index, start, stop = runs[0]
    long, rest = stop - start, [b - a for _, a, b in runs if b - a < _EQUAL_ROWS]
    equal = sum(length - 1 for length in rest) / max(1, sum(rest))
    besides = max((b - a for _, a, b in runs[1:]), default=0)
    if long < _EQUAL_ROWS or (long < _LONGER * besides and (equal > 0.5 or not rest)):
        return None
    value = float(columns[index][start])
    whole = np.concatenate(columns)
    known = whole[np.isfinite(whole)]
    if value in (known.min(), known.max()) and _rested(columns, value, runs[1:]):
        return None
    moved = _moved(told, told.episodes[index], start, stop, spans)
    return None if moved is None else (value, long, moved)


def _runs(column: Floats) -> list[tuple[int, int]]:
    """Cut a column into stretches of equal values; unknown ones are left out."""
    if not len(column):
        return []
    edges = np.flatnonzero(~(column[1:] == column[:-1])) + 1
    bounds = [0, *edges.tolist(), len(column)]
    return [(a, b) for a, b in pairwise(bounds) if np.isfinite(column[a])]


def _rested(columns: Sequence[Floats], value: float, runs: Sequence[tuple[int, int, int]]) -> bool:
    return any(stop - start >= 3 and columns[index][start] == value for index, start, stop in runs)


def _moved(
    told: Told, episode: Episode, start: int, stop: int, spans: Floats | None = None
) -> str | None:
    """Name an input that was elsewhere than at the start for half of ``_EQUAL_ROWS`` or more."""
    for at, one in enumerate(told.symbolic.process.inputs):
        course = episode.inputs[start:stop, at]
        span = one.span if spans is None else float(spans[at])
        away = np.abs(course - course[0]) > _MOVED * span
        if away.sum() >= _EQUAL_ROWS // 2:
            return one.name
    return None


def _ranges(told: Told) -> list[Finding]:
    """Hold values against the range that the plant file gives."""
    found = []
    for values, place, one in told.variables():
        source = told.sources.get(one.name)
        if source is None:
            continue
        column = told.column(values, place)
        known = column[np.isfinite(column)]
        slack = 1e-9 * one.span
        beyond = float(((known < source.low - slack) | (known > source.high + slack)).mean())
        if beyond > _FEW:
            grade = error if beyond > _MANY else warning
            found.append(
                grade(
                    "range",
                    (one.name,),
                    f"{told.called(one.name)} was {known.min():.5g} to {known.max():.5g} "
                    f"{one.unit}, {beyond:.0%} of it outside of its range in the plant file, "
                    f"{source.low:.5g} to {source.high:.5g}",
                    "correct the range or the unit in the plant file",
                )
            )
    return found


def _outside(told: Told) -> list[Finding]:
    """Hold values against the range in which the physics mean anything."""
    found = []
    for values, place, one in told.variables():
        column = told.column(values, place)
        known = column[np.isfinite(column)]
        slack = 0.1 * one.span
        beyond = float(((known < one.low - slack) | (known > one.high + slack)).mean())
        if beyond > _FEW:
            grade = error if beyond > _MANY else warning
            found.append(
                grade(
                    "outside",
                    (one.name,),
                    f"{told.called(one.name)} was {known.min():.5g} to {known.max():.5g} "
                    f"{one.unit}, and '{told.symbolic.process.name}' speaks of {one.low:g} to "
                    f"{one.high:g}",
                    "look at its unit and address, or take physics that reach so far",
                )
            )
    return found


def _narrow(told: Told) -> list[Finding]:
    """Name inputs whose range in the plant file is far wider than anything seen."""
    found = []
    for place, one in enumerate(told.symbolic.process.inputs):
        source = told.sources.get(one.name)
        if source is None or not np.isfinite(source.high - source.low):
            continue
        column = told.column("inputs", place)
        moved, wide = float(np.ptp(column)), source.high - source.low
        if _STILL * one.span < moved < _CORNER * wide:
            found.append(
                warning(
                    "narrow",
                    (one.name,),
                    f"{told.called(one.name)} was {column.min():.5g} to {column.max():.5g} "
                    f"{one.unit}, {moved / wide:.1%} of its range in the plant file, "
                    f"{source.low:.5g} to {source.high:.5g}",
                    "is that range right? Nothing is known of the rest",
                )
            )
    return found
