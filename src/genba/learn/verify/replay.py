"""Running a model over a recorded stretch, by the code that runs it live."""

import math
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from genba.learn.edge.bundle import Bundle
from genba.learn.edge.past import Stretch
from genba.learn.edge.runner import WORST_FAULTS
from genba.learn.edge.sandbox import Sandbox
from genba.learn.edge.session import usable
from genba.learn.edge.standing import Standing, Turn, standing_of
from genba.learn.edge.window import Feed

_AT_ONCE = 256
_WITHIN_S = 60.0


@dataclass(frozen=True, slots=True, eq=False)
class Replay:
    """What a model said, moment by moment.

    ``time`` (n,) are the moments at which it was asked, ``values`` (n,) its answers, NaN where it
    said that it does not know; ``raised`` the times at which a finding began.
    """

    time: NDArray[np.int64]
    values: NDArray[np.float64]
    raised: tuple[int, ...]
    at_work: int
    """Moments at which the machine was at work, answered or not."""
    faults: int
    """Answers without sense."""
    worst_run: int
    """Most of them in a row."""

    @property
    def answers(self) -> int:
        """How many answers make sense."""
        return int(np.isfinite(self.values).sum())

    @property
    def unknown(self) -> float:
        """Share of the moments at work without an answer."""
        return 1.0 - self.answers / self.at_work if self.at_work else 1.0

    @property
    def unbearable(self) -> bool:
        """Whether it would have been taken back where it runs."""
        return self.worst_run >= WORST_FAULTS


def replay(
    bundle: Bundle,
    stretch: Stretch,
    told: Callable[[float], None] = lambda share: None,
    *,
    sandbox: Sandbox | None = None,
) -> Replay:
    """Feed the moments of a stretch to a model, one after the other, as they would come live.

    The model runs in a process of its own, or in the ``sandbox`` that already holds it. ``told``
    hears which share of the stretch is done.

    Raises
    ------
    LearnError
        If the model cannot be loaded, fails, crashes or hangs.
    """
    contract, standing = bundle.contract, standing_of(bundle.contract)
    asked: list[int] = []
    values: list[float] = []
    raised: list[int] = []
    faults = run = worst = 0
    held = Sandbox(bundle.model, contract) if sandbox is None else nullcontext(sandbox)
    with held as running:
        for time, windows in _windows(stretch):
            said = running.answer(windows, _WITHIN_S).values
            told((time[-1] - int(stretch.time[0])) / max(1, int(np.ptp(stretch.time))))
            known = np.asarray(np.isfinite(windows).all(axis=(1, 2)))
            for moment, value, whole in zip(time, said.tolist(), known.tolist(), strict=True):
                sensible = usable(value, contract)
                if not sensible and (whole or not math.isnan(value)):
                    faults, run = faults + 1, run + 1
                    worst = max(worst, run)
                elif sensible:
                    run = 0
                    _count(standing, value, contract.threshold, moment, raised)
                asked.append(moment)
                values.append(value if sensible else math.nan)
    return Replay(
        np.array(asked, np.int64), np.array(values, np.float64), tuple(raised),
        int(stretch.at_work.sum()), faults, worst,
    )  # fmt: skip


def _count(
    standing: Standing, value: float, threshold: float | None, moment: int, raised: list[int]
) -> None:
    found = threshold is not None and value >= threshold
    if standing.take(found) is Turn.RAISED:
        raised.append(moment)


def _windows(stretch: Stretch) -> Iterator[tuple[list[int], NDArray[np.float32]]]:
    """Yield full windows and their moments, some at once."""
    if stretch.contract.asked_at:
        yield from _of_parts(stretch)
        return
    feed = Feed(stretch.contract)
    times: list[int] = []
    windows: list[NDArray[np.float32]] = []
    for row, moment in enumerate(stretch.time.tolist()):
        if feed.tick(moment, stretch.look(row)) and feed.full:
            times.append(moment)
            windows.append(feed.window().copy())
        if len(times) == _AT_ONCE:
            yield times, np.stack(windows)
            times, windows = [], []
    if times:
        yield times, np.stack(windows)


def _of_parts(stretch: Stretch) -> Iterator[tuple[list[int], NDArray[np.float32]]]:
    """Yield the newest rows at the end of each part."""
    rows, length = stretch.rows(), stretch.contract.window
    ends = range(length, len(rows) + 1)
    for first in range(0, len(ends), _AT_ONCE):
        some = ends[first : first + _AT_ONCE]
        times = [int(stretch.time[end - 1]) for end in some]
        yield times, np.stack([rows[end - length : end] for end in some])
