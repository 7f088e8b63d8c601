"""Findings in the words of the plant's signals: when, how far beyond the limit, and which signals.

A column's share is what its model's ``explain`` says; beside it stands how far the column is off
what is usual at the setting, in spreads, which people can check at the machine.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from genba.learn.anomaly.episodes import apart_of, episodes_of
from genba.learn.anomaly.usual import Usual
from genba.learn.arrays import Floats
from genba.learn.data.dataset import Dataset
from genba.learn.features.windows import windows_of
from genba.learn.recipe.protocol import Model
from genba.plant import format_time

_SPOKEN = 3
_LEAST_SHARE = 0.1


@dataclass(frozen=True, slots=True)
class Part:
    """What one column says to a finding.

    ``share`` of the answer, 0 to 1; ``spreads`` by which its mean over the windows is off what is
    usual at the setting, and ``wider``, its spread there in parts of the usual one; both None where
    the model tells neither.
    """

    column: str
    share: float
    spreads: float | None = None
    wider: float | None = None

    def __str__(self) -> str:
        if self.spreads is None:
            return f"{self.column} ({self.share:.0%})"
        how = f"{self.spreads:+.1f} spreads"
        if self.wider is not None and abs(self.spreads) < 1 and not 0.5 < self.wider < 2:
            how = f"{self.wider:.1f} times as restless as usual"
        return f"{self.column} {how} ({self.share:.0%})"


@dataclass(frozen=True, slots=True)
class Finding:
    """A stretch of alarms: ``begin`` and ``end`` in the time of the data, the highest ``value`` in
    parts of the limit, and what each column says, the most telling first.
    """

    begin: int
    end: int
    timed: bool
    value: float
    rows: int
    strange: bool
    """Whether the setting at its peak was never seen in training."""
    parts: tuple[Part, ...]

    def __str__(self) -> str:
        when = (
            f"{format_time(self.begin)} to {format_time(self.end)}"
            if self.timed
            else f"rows {self.begin} to {self.end}"
        )
        spoken = [str(one) for one in self.parts[:_SPOKEN] if one.share >= _LEAST_SHARE]
        told = ", ".join(spoken or [str(one) for one in self.parts[:1]])
        at = "; at a setting that training never saw" if self.strange else ""
        return f"{when}: {self.value:.1f} times the limit: {told}{at}"


def findings_of(model: Model, window: int, data: Dataset) -> tuple[Finding, ...]:
    """Return the findings of a model in some data, in order.

    Alarms at most a window, or 15 minutes, apart are one finding, explained where it is highest.

    Raises
    ------
    LearnError
        If no stretch of the data is as long as the window.
    """
    seen = windows_of(data, window)
    value = model.predict(seen.values).value
    alarms = value > (model.threshold or 1.0)
    begins = episodes_of(alarms, data.units[seen.rows], apart_of(data, window))
    found = []
    for begin, end in pairwise([*begins.tolist(), len(alarms)]):
        rows = np.flatnonzero(alarms[begin:end]) + begin
        highest = rows[np.argsort(-value[rows], kind="stable")[:20]]
        parts, strange = _parts(model, data, seen.values[highest])
        found.append(
            Finding(
                int(data.time[seen.rows[rows[0]]]),
                int(data.time[seen.rows[rows[-1]]]),
                data.timed,
                float(value[highest[0]]),
                len(rows),
                strange,
                parts,
            )
        )
    return tuple(found)


def _parts(model: Model, data: Dataset, inputs: Floats) -> tuple[tuple[Part, ...], bool]:
    shares = np.maximum(model.explain(inputs), 0).mean(axis=0)
    shares = shares / max(float(shares.sum()), 1e-12)
    usual = usual_of(model)
    off = wider = np.full(len(shares), np.nan)
    strange = False
    if usual is not None:
        left, index, _ = usual.of_windows(inputs)
        judged = usual.measured > 0
        off, wider = off.copy(), wider.copy()
        off[judged] = left.mean(axis=(0, 1))
        wider[judged] = left.std(axis=1).mean(axis=0)
        strange = bool(index[0] < 0)
    parts = [
        Part(
            data.columns[number].shown,
            float(shares[number]),
            float(off[number]) if np.isfinite(off[number]) else None,
            float(wider[number]) if np.isfinite(wider[number]) else None,
        )
        for number in np.argsort(-shares, kind="stable")
        if shares[number] > 0 or np.isfinite(off[number])
    ]
    return tuple(parts), strange


def usual_of(model: Model) -> Usual | None:
    """Return what a detector takes for usual; None of one that looks at signals as they are."""
    view = getattr(model, "view", model)
    usual = getattr(view, "usual", None)
    return usual if isinstance(usual, Usual) else None
