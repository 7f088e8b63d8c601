"""How much the signals hold at all: trees that were told the truth of every part.

For each machine they learn from all parts of all other seeds which were truly bad, by the columns
that a quality model has, with those of the five parts before beside them. What even they do not
find leaves no trace that a model of this kind could see.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.hidden.judged import Found, Span, stretches
from benchmarks.hidden.truth import Books
from genba.errors import LearnError
from genba.historian import Historian
from genba.learn import Slice, slice_of_parts
from genba.learn.anomaly.episodes import apart_of, episodes_of
from genba.learn.verify.budget import BUDGET_A_WEEK
from genba.plant import Plant

PAST = 5
_NEAR_US = 65_000_000
_HOUR_US = 3_600_000_000


@dataclass(frozen=True, slots=True)
class Seen:
    """All parts of one machine in one seed: what was seen, and which were bad."""

    seed: int
    machine: str
    names: tuple[str, ...]
    values: np.ndarray
    time: np.ndarray
    bad: np.ndarray
    judged: np.ndarray
    """Whether a part was made in the days that are judged."""
    apart: int
    weeks: float


@dataclass(frozen=True, slots=True)
class Told:
    """A finding of the oracle in a seed."""

    seed: int
    finding: Found


def parts_seen(
    historian: Historian, plant: Plant, machine: str, span: Span, books: Books, seed: int
) -> Iterator[Seen]:
    """Yield what was seen of a machine's parts; nothing where it announces none."""
    begin, middle, end = span
    try:
        data = slice_of_parts(historian, plant, Slice(machine, begin, end))
    except LearnError:
        return
    new = np.diff(np.array(books.hidden), prepend=0) > 0
    wrong = np.array(books.time)[new]
    # A part is announced at most a step before the truth of it was noted.
    place = np.searchsorted(wrong, data.time)
    bad = np.zeros(data.rows, bool)
    for row in np.flatnonzero(place < len(wrong)):
        after = data.time[row + 1] if row + 1 < data.rows else np.iinfo(np.int64).max
        step = wrong[place[row]]
        bad[row] = step - data.time[row] < _NEAR_US and after > step
    past = np.stack([np.roll(data.values, n, axis=0) for n in range(1, PAST + 1)]).mean(axis=0)
    past[:PAST] = np.nan
    values = np.column_stack([data.values, past])
    judged = data.time >= middle
    names = (*data.names, *(f"{name}, before" for name in data.names))
    weeks = (end - begin) / _HOUR_US * 16 / 24 / 80
    yield Seen(seed, machine, names, values, data.time, bad, judged, apart_of(data, 1), weeks)


def oracle(seen: Sequence[Seen]) -> Iterator[Told]:
    """Yield what trees find in the judged days of each seed, told the truth of the others."""
    from lightgbm import LGBMClassifier

    for machine in dict.fromkeys(one.machine for one in seen):
        own = [one for one in seen if one.machine == machine]
        names = [n for n in own[0].names if all(n in one.names for one in own)]
        chances = {}
        for one in own:
            others = [other for other in own if other is not one]
            if not others or not any(other.bad.any() for other in others):
                continue
            model = LGBMClassifier(
                n_estimators=200, num_leaves=15, learning_rate=0.05, min_child_samples=20,
                n_jobs=1, verbose=-1, random_state=0,
            )  # fmt: skip
            rows = np.concatenate([_columns(other, names) for other in others])
            model.fit(rows, np.concatenate([other.bad for other in others]))
            chances[one.seed] = model.predict_proba(_columns(one, names))[:, 1]
        judged = [one for one in own if one.seed in chances]
        limit = _limit(judged, chances)
        for one in judged:
            alarms = (chances[one.seed] >= limit) & one.judged
            for finding in stretches(machine, "oracle", alarms, one.time, one.apart):
                yield Told(one.seed, finding)


def _columns(one: Seen, names: Sequence[str]) -> np.ndarray:
    return one.values[:, [one.names.index(name) for name in names]]


def _limit(seen: Sequence[Seen], chances: dict[int, np.ndarray]) -> float:
    """Return the lowest limit that gives no more false alarms over all seeds than the budget."""
    allowed = BUDGET_A_WEEK * sum(one.weeks for one in seen)
    for limit in np.linspace(0.02, 0.98, 49):
        false = 0
        for one in seen:
            alarms = chances[one.seed] >= limit
            units = np.full(len(alarms), "", np.str_)
            wrong = one.time[one.bad]
            for row in episodes_of(alarms, units, one.apart):
                false += not (np.abs(wrong - one.time[row]) <= _HOUR_US).any()
        if false <= allowed:
            return float(limit)
    return 1.0
