"""Many processes to learn from: signals of one length after the other, drawn evenly by process."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from genba.errors import LearnError
from genba.learn.arrays import Floats
from genba.learn.backbone.window import HORIZON, LENGTH
from genba.learn.data.dataset import Dataset
from genba.learn.features.windows import runs_of

_MIXED = 1 / 3
_DAY_US = 86_400_000_000
WHOLE = LENGTH + HORIZON
"""Rows of a stretch: what is seen, and what comes."""


@dataclass(frozen=True, slots=True, eq=False)
class Process:
    """A process: ``runs`` of (rows, signals), each in order of time without a gap.

    ``day`` is how many rows a day has, 0 where that is not known or means nothing.
    """

    name: str
    runs: tuple[Floats, ...]
    day: float = 0.0

    @property
    def rows(self) -> int:
        """How many rows all runs have together."""
        return sum(len(run) for run in self.runs)


def process_of(data: Dataset) -> Process:
    """Take the numbers of a data set: a run for each stretch of one unit that is long enough.

    Raises
    ------
    LearnError
        If none is.
    """
    runs = tuple(np.asarray(data.values[rows]) for rows in runs_of(data))
    return long_enough(Process(data.name, runs, day_of(data)))


def day_of(data: Dataset) -> float:
    """Return how many rows a day has, by the usual step in time; 0 where rows have no times."""
    steps = np.diff(data.time)
    steps = steps[steps > 0]
    return float(_DAY_US / np.median(steps)) if data.timed and len(steps) else 0.0


def long_enough(process: Process) -> Process:
    """Leave out runs that are shorter than a stretch, and signals that never change.

    Raises
    ------
    LearnError
        If nothing is left.
    """
    runs = [run for run in process.runs if len(run) >= WHOLE]
    if runs:
        whole = np.concatenate(runs)
        with np.errstate(invalid="ignore"):
            moving = np.nanmax(whole, axis=0) > np.nanmin(whole, axis=0)
        if moving.any():
            return Process(process.name, tuple(run[:, moving] for run in runs), process.day)
    raise LearnError(
        f"process '{process.name}' has no run of {WHOLE} rows with a signal that moves; "
        "record longer, or leave it out of the pool"
    )


def stretches(
    pool: Sequence[Process], count: int, source: np.random.Generator, steps: Sequence[int] = (1,)
) -> tuple[Floats, Floats]:
    """Draw stretches of single signals, (count, length + horizon), and rows of a day, (count,).

    Process first, then run, then signal.

    ``steps``: strides in rows that may be taken, so that one recording shows several paces.
    """
    drawn, day = np.empty((count, WHOLE)), np.empty(count)
    for index in range(count):
        process = pool[int(source.integers(len(pool)))]
        lengths = np.array([len(run) for run in process.runs], float)
        run = process.runs[int(source.choice(len(lengths), p=lengths / lengths.sum()))]
        fitting = [step for step in steps if step * (WHOLE - 1) < len(run)]
        step = int(source.choice(fitting))
        reach = step * (WHOLE - 1) + 1
        start = int(source.integers(len(run) - reach + 1))
        drawn[index] = run[start : start + reach : step, int(source.integers(run.shape[1]))]
        day[index] = process.day / step
    return drawn, day


def blended(drawn: Floats, day: Floats, source: np.random.Generator) -> tuple[Floats, Floats]:
    """Turn half of the stretches upside down, and mix a third with another one.

    Few recordings become many courses. Each is brought to mean 0 and spread 1 over what is seen
    before it is mixed (TSMixup; Ansari et al., *Chronos*, TMLR 2024).
    """
    past = drawn[:, :LENGTH]
    with np.errstate(invalid="ignore"):
        middle, spread = np.nanmean(past, axis=1), np.nanstd(past, axis=1)
    moving = spread > 1e-9 * (1 + np.abs(middle))
    by = np.where(moving, spread, np.nan)
    standard = (drawn - middle[:, None]) / by[:, None] * source.choice([-1.0, 1.0], (len(drawn), 1))
    share = source.uniform(0.2, 0.8, (len(drawn), 1))
    mixed = share * standard + (1 - share) * standard[source.permutation(len(drawn))]
    mix = (source.random(len(drawn)) < _MIXED) & np.isfinite(mixed).all(axis=1)
    told = np.where(moving[:, None], np.where(mix[:, None], mixed, standard), drawn)
    return told, np.where(mix, 0.0, day)
