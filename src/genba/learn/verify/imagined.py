"""Faults that did not happen, put into what was recorded: would the model have found them?

What is added to the readings comes from a world model of the process (what a changed parameter does
to each signal); the readings, their noise and their context stay the recorded ones. So this says
what a model sees of faults as the world model knows them, and nothing of any other.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from genba.errors import LearnError
from genba.learn.edge.bundle import Bundle
from genba.learn.edge.past import Stretch
from genba.learn.edge.sandbox import Sandbox
from genba.learn.edge.window import US
from genba.learn.verify.replay import replay

_LEAD = 3
"""Windows before a fault begins that are replayed, too."""
_WEAKEST = 0.75
"""Share of a fault's moments that have to be at work, else it says nothing."""


@dataclass(frozen=True, slots=True, eq=False)
class Fault:
    """A change of the process that begins at ``time[0]`` and lasts to ``time[-1]``.

    Attributes
    ----------
    name : str
        What changed, in plain words.
    time : (n,) int64
        Microseconds UTC, rising.
    added : mapping
        Signal -> (n,), what the change adds to its reading, in the signal's unit.
    shown : float
        How far it moves a signal at most, in standard deviations of that signal's noise.
    """

    name: str
    time: NDArray[np.int64]
    added: Mapping[str, NDArray[np.float64]]
    shown: float


@dataclass(frozen=True, slots=True)
class Sought:
    """What became of one kind of fault.

    ``tried`` onsets, of which ``found`` were found; ``delay_s`` the median time from onset to
    finding, None where none was found; ``shown`` as of :class:`Fault`, its median.
    """

    name: str
    tried: int
    found: int
    delay_s: float | None
    shown: float

    def as_json(self) -> dict[str, object]:
        """Plain values."""
        return {
            "fault": self.name,
            "tried": self.tried,
            "found": self.found,
            "delay_s": self.delay_s,
            "shown": round(self.shown, 2),
        }


def onsets(stretch: Stretch, length_s: float, most: int) -> list[int]:
    """Choose moments (microseconds UTC) at which faults may begin, evenly spread.

    From each on, the machine works most of ``length_s``, and the model has had time to see it.
    """
    contract = stretch.contract
    steps = round(length_s / contract.step_s)
    lead = _LEAD * contract.window
    last = len(stretch.time) - steps
    if steps < 1 or last <= lead:
        return []
    work = np.concatenate([[0], np.cumsum(stretch.at_work)])
    share = (work[lead + steps : last + steps] - work[lead:last]) / steps
    fit = np.flatnonzero(stretch.at_work[lead:last] & (share >= _WEAKEST)) + lead
    if not len(fit):
        return []
    chosen = fit[np.linspace(0, len(fit) - 1, min(most, len(fit))).astype(np.int64)]
    return [int(stretch.time[row]) for row in dict.fromkeys(chosen.tolist())]


def seek(
    bundle: Bundle,
    stretch: Stretch,
    faults: Sequence[Fault],
    told: Callable[[float], None] = lambda share: None,
) -> list[Sought]:
    """Replay each fault to a model, and count those that it finds.

    An onset at which it finds something in what was really recorded, too, is left out: nothing
    could be said of it.

    Parameters
    ----------
    told : callable
        Hears which share is done.

    Raises
    ------
    LearnError
        If the model finds nothing by design (it has no threshold), reads none of the signals that
        change, or fails.
    """
    contract = bundle.contract
    if contract.threshold is None:
        raise LearnError("the model says a number and finds nothing, so it can miss nothing either")
    if not any(set(fault.added) & set(contract.columns) for fault in faults):
        named = sorted({name for fault in faults for name in fault.added})
        raise LearnError(
            f"the model reads none of the signals that the process shows ({', '.join(named)}); "
            "name another process"
        )
    delays: dict[str, list[float | None]] = {}
    shown: dict[str, list[float]] = {}
    calm: dict[tuple[int, int], bool] = {}
    with Sandbox(bundle.model, contract) as sandbox:
        for count, fault in enumerate(faults):
            begin, end = int(fault.time[0]), int(fault.time[-1])
            part = _part(stretch, begin, end)
            if (begin, end) not in calm:
                before = replay(bundle, part, sandbox=sandbox)
                calm[begin, end] = not before.raised
            if calm[begin, end]:
                after = replay(bundle, _changed(part, fault), sandbox=sandbox)
                at = next((time for time in after.raised if time >= begin), None)
                delay = None if at is None else (at - begin) / US
                delays.setdefault(fault.name, []).append(delay)
                shown.setdefault(fault.name, []).append(fault.shown)
            told((count + 1) / len(faults))
    return [
        Sought(
            name,
            len(each),
            sum(delay is not None for delay in each),
            _median([delay for delay in each if delay is not None]),
            float(np.median(shown[name])),
        )
        for name, each in delays.items()
    ]


def _part(stretch: Stretch, begin: int, end: int) -> Stretch:
    """Cut out a fault's time, with a lead, and what tells whether the machine was settled."""
    contract = stretch.contract
    lead = round((_LEAD * contract.window * contract.step_s + 2 * contract.settle_s) * US)
    kept = (stretch.time >= begin - lead) & (stretch.time <= end)
    return replace(
        stretch,
        time=stretch.time[kept],
        values=stretch.values[kept],
        executes=stretch.executes[kept],
        recorded=stretch.recorded[kept],
    )


def _changed(part: Stretch, fault: Fault) -> Stretch:
    """Add a fault to what was recorded; what was unknown stays unknown."""
    values = part.values.copy()
    during = part.time >= fault.time[0]
    for place, column in enumerate(part.contract.columns):
        if column in fault.added:
            added = np.interp(part.time[during], fault.time, fault.added[column])
            values[during, place] += added.astype(np.float32)
    return replace(part, values=values)


def _median(values: list[float]) -> float | None:
    return float(np.median(values)) if values else None
