"""Parts of a machine that announces none, by its counters: each rise is the end of a part.

A counter that falls was reset. Where it rises by more than one between two samples, nobody can tell
the parts apart, and they count as one. Parts of a counter have no serial and no sizes; what
they came to is which counter rose.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from genba.historian import Historian
from genba.learn.arrays import Floats, Integers
from genba.learn.data.part import Part
from genba.plant import Plant, Quality, Role

GOOD = "good"
RESULTS = {Role.GOOD_COUNT: GOOD, Role.SCRAP_COUNT: "scrap", Role.REWORK_COUNT: "rework"}


def counters_of(plant: Plant, equipment: str) -> dict[str, str]:
    """Return the counters of finished parts of equipment: signal id -> what its parts came to."""
    found = ((plant.roles.get((equipment, role)), result) for role, result in RESULTS.items())
    return {signal.id: result for signal, result in found if signal is not None}


class Rises:
    """Tells the rises of counters from samples as they come, in order of time."""

    def __init__(self) -> None:
        self._last: dict[str, tuple[int, float]] = {}

    def take(self, counter: str, time: int, value: float) -> bool:
        """Take a good sample; say whether parts ended with it. One that comes late says nothing."""
        last = self._last.get(counter)
        if last is not None and time <= last[0]:
            return False
        self._last[counter] = (time, value)
        return last is not None and value > last[1]


def parts_counted(
    historian: Historian, counters: Mapping[str, str] | Sequence[str], start: int, end: int
) -> list[Part]:
    """Return the parts that ended in ``[start, end)``, in order of time.

    Parts of several counters at one moment are one, bad if one of them is. Where a machine counts
    good ones alone, nobody looked.

    Raises
    ------
    HistorianError
        If the period is empty.
    """
    results = counters if isinstance(counters, Mapping) else dict.fromkeys(counters, "")
    looked = any(result != GOOD for result in results.values())
    ended: dict[int, str] = {}
    before = historian.asof(list(results), start, start + 1, 1)
    came = historian.samples(list(results), start, end)
    for counter, result in results.items():
        rises = Rises()
        stood = before[counter].to_pylist()[0] if before.num_rows else None
        if isinstance(stood, int | float):
            rises.take(counter, start - 1, float(stood))
        for time, value in zip(*_track(came, counter), strict=True):
            if rises.take(counter, time, value) and ended.get(time, GOOD) == GOOD:
                ended[time] = result
    return [Part(time, "", ended[time], looked, {}) for time in sorted(ended)]


def _track(came: pa.Table, counter: str) -> tuple[Sequence[int], Sequence[float]]:
    own = came.filter(pc.equal(came["signal"], counter))
    times: Integers = np.asarray(own["source_time"].cast(pa.int64()).to_numpy(), np.int64)
    values: Floats = own["value"].to_numpy().astype(np.float64)
    good = (np.asarray(own["quality"].to_numpy()) < Quality.BAD) & np.isfinite(values)
    return times[good].tolist(), values[good].tolist()
