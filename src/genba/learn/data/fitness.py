"""Whether data can be learned from: what is wrong, and the mend, before anything is fitted."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from genba.errors import LearnError
from genba.learn.arrays import Floats
from genba.learn.data.column import ColumnKind
from genba.learn.data.dataset import Dataset
from genba.learn.data.target import Target
from genba.plant import format_time

FEWEST_ROWS = 100
MOST_UNKNOWN = 0.3
FEWEST_OF_CLASS = 5
_DEAD_TAIL = 0.2
_JUMPS = 3
_BESIDE = 40
"""Rows beside a jump whose level and spread are compared."""
_SCALES = {
    "times 1000": 1000.0,
    "times 100": 100.0,
    "times 10": 10.0,
    "times 60 (minutes and seconds)": 60.0,
    "times 3600 (hours and seconds)": 3600.0,
    "times 25.4 (inches and mm)": 25.4,
    "times 14.5 (bar and psi)": 14.5038,
}
_SHIFTS = {"273.15 (Celsius and kelvin)": 273.15}


@dataclass(frozen=True, slots=True)
class Misfit:
    """One thing that is wrong with the data: what it is about, what, and the mend."""

    about: str
    text: str
    mend: str
    column: str = ""
    """Name of the column, where it is one that could be left out."""

    def __str__(self) -> str:
        return f"{self.about} {self.text}; {self.mend}"


def misfits(data: Dataset, fewest: int = FEWEST_ROWS) -> tuple[Misfit, ...]:
    """Look for what keeps a data set from being learned from.

    Too few rows; a target that is unknown, of one class, or constant; labels from the future; a
    measurement that is dead, mostly unknown, infinite, or whose unit changed on the way. Setpoints,
    states and context may be constant.
    """
    found = [*_too_few(data, fewest), *_labels(data)]
    moving = _moving(data)
    for index, column in enumerate(data.columns):
        measured = column.kind in (ColumnKind.MEASUREMENT, ColumnKind.COUNTER)
        alive = column.signal in moving and not _moves(data.values[:, index])
        measured = measured and not column.levels and not alive
        problem = _of_column(data, data.values[:, index], measured=measured)
        if problem is not None:
            text, mend = problem
            about = f"signal '{column.shown}'" if column.signal else f"column '{column.name}'"
            found.append(Misfit(about, text, mend.format(name=column.name), column.name))
    return tuple(found)


def without_constant(data: Dataset) -> tuple[Dataset, tuple[str, ...]]:
    """Leave out setpoints, states and context that never change; give back which these are.

    Nothing can be learned from them. A measurement that never changes stays: it is dead, and that
    has to be said. Where only a summary of a signal never changes (its least value), it goes.
    """
    moving = _moving(data)
    gone = tuple(
        column.name
        for index, column in enumerate(data.columns)
        if not _moves(data.values[:, index])
        and (column.kind is not ColumnKind.MEASUREMENT or column.signal in moving)
    )
    return (data.without(gone) if gone else data), gone


def _moves(values: Floats) -> bool:
    return len(np.unique(values[np.isfinite(values)])) > 1


def _moving(data: Dataset) -> set[str]:
    """Signals of which at least one column changes."""
    return {
        column.signal
        for index, column in enumerate(data.columns)
        if column.signal is not None and _moves(data.values[:, index])
    }


def refuse_misfits(data: Dataset, fewest: int = FEWEST_ROWS) -> None:
    """Look for misfits, and go no further where there is one.

    Raises
    ------
    LearnError
        One line per misfit: what, why, and the mend.
    """
    found = misfits(data, fewest)
    if found:
        lines = [str(one) for one in found]
        if len(columns := [one.column for one in found if one.column]) > 1:
            lines.append(f"to go on without these: {' '.join(f'--without {c!r}' for c in columns)}")
        raise LearnError("\n".join(lines))


def _too_few(data: Dataset, fewest: int) -> Iterator[Misfit]:
    if data.rows < fewest:
        yield Misfit(
            f"data set '{data.name}'",
            f"has {data.rows} rows, and it takes at least {fewest}",
            "widen the period, or record longer",
        )


def _labels(data: Dataset) -> Iterator[Misfit]:
    target = data.target
    if target is None:
        return
    about = f"target '{target.name}'"
    known = target.values[np.isfinite(target.values)]
    if len(known) == 0:
        yield Misfit(about, "is known in no row", "give labels, or choose another target")
        return
    if target.is_class:
        counts = np.bincount(known.astype(np.int64), minlength=len(target.classes))
        there = np.flatnonzero(counts)
        if len(there) == 1:
            yield Misfit(
                about,
                f"has one class only: all {len(known)} labels are '{target.classes[there[0]]}'",
                "record until others came, or watch for anomalies instead: they need no labels",
            )
        for index in there if len(there) > 1 else ():
            if counts[index] < FEWEST_OF_CLASS:
                yield Misfit(
                    about,
                    f"has '{target.classes[index]}' in {counts[index]} rows only",
                    f"record until there are {FEWEST_OF_CLASS}, or join classes",
                )
    elif np.ptp(known) == 0:
        yield Misfit(about, f"is always {known[0]:g}", "choose another target, or another period")
    if data.lineage.as_of is not None:
        yield from _late(target, data.lineage.as_of)


def _late(target: Target, now: int) -> Iterator[Misfit]:
    late = 0 if target.known is None else int(np.count_nonzero(target.known > now))
    if late:
        yield Misfit(
            f"target '{target.name}'",
            f"has {late} labels from the future, after {format_time(now)}",
            "mend the clock that they come from, or leave these rows out",
        )


def refuse_labels_after(data: Dataset, now: int) -> None:
    """Refuse labels that became known after ``now``, microseconds UTC.

    Raises
    ------
    LearnError
        If there are some.
    """
    for misfit in () if data.target is None else _late(data.target, now):
        raise LearnError(str(misfit))


def _of_column(data: Dataset, values: Floats, *, measured: bool) -> tuple[str, str] | None:
    if np.isinf(values).any():
        count = int(np.isinf(values).sum())
        return f"is infinite in {count} rows", "mend its scale, or leave it out: --without {name}"
    known = np.isfinite(values)
    share = 1 - float(known.mean()) if len(values) else 0.0
    if share > MOST_UNKNOWN:
        return (
            f"is unknown in {share:.0%} of the rows",
            "see `genba historian gaps` for the reason, choose another period, "
            "or leave it out: --without {name}",
        )
    if not measured or known.sum() < 2:
        return None
    seen = values[known]
    if np.ptp(seen) == 0:
        return (
            f"never changes (always {seen[0]:g}): it is dead or not connected",
            "mend it, or leave it out: --without {name}",
        )
    return _died(data, values, known) or _unit_changed(data, values)


def _died(data: Dataset, values: Floats, known: np.ndarray) -> tuple[str, str] | None:
    """Tell of a signal that moved once and then stood still to the end."""
    seen = np.flatnonzero(known)
    moved = np.flatnonzero(np.diff(values[seen]) != 0)
    last = int(moved[-1]) + 1
    still = 1 - (last + 1) / len(seen)
    before = np.diff(moved) if len(moved) > 1 else np.array([len(seen)])
    longest = int(before.max()) if len(before) else len(seen)
    if still < _DEAD_TAIL or len(seen) - last <= 3 * longest:
        return None
    return (
        f"stands still at {values[seen[-1]]:g} since {_moment(data, int(seen[last]))}",
        "mend it, take the period before (--to), or leave it out: --without {name}",
    )


def _unit_changed(data: Dataset, values: Floats) -> tuple[str, str] | None:
    """Tell of a jump that a change of unit explains: level and spread change by the same factor."""
    jumps = np.abs(np.diff(values))
    farthest = np.argsort(-np.nan_to_num(jumps), kind="stable")[:_JUMPS]
    for row in sorted(int(jump) + 1 for jump in farthest):
        told = _as_units(values[max(0, row - _BESIDE) : row], values[row : row + _BESIDE])
        if told is not None and _stays(values, row):
            return (
                f"looks as if its unit changed near {_moment(data, row)}: {told}",
                "mend it with `genba historian quarantine fix --unit-from`, take a period on one "
                "side (--from, --to), or leave it out: --without {name}",
            )
    return None


def _as_units(before: Floats, after: Floats) -> str | None:
    before, after = before[np.isfinite(before)], after[np.isfinite(after)]
    if min(len(before), len(after)) < 8:
        return None
    middles = float(np.median(before)), float(np.median(after))
    spreads = _spread(before), _spread(after)
    if min(spreads) <= 0 or middles[0] * middles[1] <= 0:
        return None
    level, width = middles[1] / middles[0], spreads[1] / spreads[0]
    for text, factor in _SCALES.items():
        for wanted in (factor, 1 / factor):
            if abs(level / wanted - 1) < 0.25 and 0.4 < width / wanted < 2.5:
                return f"values {text}, up or down"
    for text, shift in _SHIFTS.items():
        apart = abs(abs(middles[1] - middles[0]) - shift)
        if apart < 0.05 * shift and 0.5 < width < 2.0:
            return f"values apart by {text}"
    return None


def _stays(values: Floats, row: int) -> bool:
    """Whether hardly any value after a row is within what came before: a unit does not go back."""
    before, after = values[:row], values[row:]
    low, high = np.nanquantile(before, [0.05, 0.95]), np.nanquantile(after, [0.05, 0.95])
    return bool(low[1] < high[0] or high[1] < low[0])


def _spread(values: Floats) -> float:
    low, high = np.quantile(values, [0.1, 0.9])
    return float(high - low)


def _moment(data: Dataset, row: int) -> str:
    return format_time(int(data.time[row])) if data.timed else f"row {row}"
