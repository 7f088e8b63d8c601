"""The rows of parts as a model wants to see them: the same out of a recording as live.

What a row holds is computed by the code that training uses (:mod:`genba.learn.data.parts`), of the
samples that came until the question is put.
"""

from array import array
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from genba.historian import Historian
from genba.learn.arrays import Floats, Integers
from genba.learn.data.counted import Rises, parts_counted
from genba.learn.data.part import Part
from genba.learn.data.parts import (
    LONGEST_US,
    gauged_in,
    held,
    part_of,
    parts_in,
    summed,
    track_in,
)
from genba.learn.data.settle import Settling, settled_parts
from genba.learn.edge.contract import LAST_OF, STANDS, TOLD, Contract
from genba.learn.edge.window import US, Look, Question
from genba.plant import Quality, Sample

Track = tuple[Integers, Floats]
"""Times and values of one signal's good samples, in order of time."""
_DAY_US = 86_400 * US
"""How far back is looked for the last gauged part."""
_LONGEST_WAY = 4
"""Times as far back as parts usually take that is looked for those before."""


class Recorded(Protocol):
    """What was before a moment, in microseconds UTC."""

    def parts(self, contract: Contract, count: int, moment: int) -> NDArray[np.float32] | None:
        """Return the rows (n, columns) of the last ``count`` parts, in order; None without any."""
        ...

    def gauged(self, contract: Contract, moment: int) -> Mapping[str, float]:
        """Return what was found of the last gauged part, by what the contract takes."""
        ...


def rows_of_parts(
    contract: Contract, parts: Sequence[Part], begins: Integers, tracks: Mapping[str, Track]
) -> NDArray[np.float32]:
    """Make the rows (parts, columns) of parts that each began at its one of ``begins`` (parts,)."""
    ends = np.array([part.time for part in parts], np.int64)
    sums: dict[str, dict[str, Floats]] = {}
    columns: list[Floats] = []
    for name, take in zip(contract.columns, contract.takes, strict=True):
        if take.startswith(TOLD):
            field = take.removeprefix(TOLD)
            columns.append(np.array([part.told.get(field, np.nan) for part in parts], np.float64))
        elif take.startswith(LAST_OF):
            columns.append(held(*tracks[take], ends - 1))
        elif take == STANDS:
            columns.append(held(*tracks[name], ends))
        else:
            if name not in sums:
                sums[name] = summed(*tracks[name], begins, ends)
            columns.append(sums[name][take])
    return np.column_stack(columns).astype(np.float32)


def recorded_rows(
    contract: Contract, store: Historian, start: int, end: int
) -> tuple[Integers, NDArray[np.float32]]:
    """Return the ends (n,) and the rows (n, columns) of the parts that ended in ``[start, end)``.

    Raises
    ------
    HistorianError
        If the period is empty.
    """
    lasts = lasts_of(contract)
    settle_us = round(contract.settle_s * US)
    back = start - max(LONGEST_US, 2 * settle_us, _DAY_US if lasts else 0)
    parts = _parts_of(contract, store, back, end)
    ends = np.array([part.time for part in parts], np.int64)
    begins = np.maximum(np.concatenate([[back], ends[:-1]]), ends - LONGEST_US)
    calm = settled_parts(ends, settle_us) if settle_us else np.ones(len(ends), np.bool_)
    within = np.flatnonzero((ends >= start) & calm)
    tracks = {take: gauged_in(parts, field) for take, field in lasts.items()}
    for name in contract.hears - contract.tells:
        found = store.samples([name], start - 2 * LONGEST_US, end)
        tracks[name] = track_in(found)
        if name in contract.looks:
            tracks[name] = _with_older(store, name, tracks[name], start - 2 * LONGEST_US)
    rows = rows_of_parts(contract, [parts[row] for row in within], begins[within], tracks)
    return ends[within], rows


def _parts_of(contract: Contract, store: Historian, start: int, end: int) -> list[Part]:
    if contract.counters:
        return parts_counted(store, contract.counters, start, end)
    return parts_in(store.samples([contract.asked_at], start, end))


def _with_older(store: Historian, name: str, track: Track, start: int) -> Track:
    """Begin with the value that stood before: a setpoint may be days old."""
    table = store.asof([name], start, start + 1, 1)
    value = table[name].to_pylist()[0] if table.num_rows else None
    if not isinstance(value, int | float):
        return track
    return np.concatenate([[start - 1], track[0]]), np.concatenate([[float(value)], track[1]])


def lasts_of(contract: Contract) -> dict[str, str]:
    """Return what a model takes of the last gauged part, and the name it was told by."""
    return {take: take.removeprefix(LAST_OF) for take in contract.takes if take.startswith(LAST_OF)}


class PartFeed:
    """Hears every sample that a model of parts needs, and asks a tick after a part has ended.

    That tick lets come what was measured before the end and arrives behind it. The part that was
    under way when it began to hear, or when something was lost on the way to it
    (:meth:`lose`), is not asked about: nobody saw all of it. What a machine makes while it settles
    is no part to it.

    Parameters
    ----------
    contract : Contract
        Of a model of parts.
    recorded : Recorded, optional
        Knows the parts before the first one, for a model that sees several, or the last gauged.
    """

    def __init__(self, contract: Contract, recorded: Recorded | None = None) -> None:
        self._contract = contract
        self._recorded = recorded
        self._asked = False
        self._tracks: dict[str, tuple[array[int], array[float]]] = {}
        self._rows: deque[NDArray[np.float32]] = deque(maxlen=contract.window)
        self._ended: list[Part] = []
        self._rises = Rises()
        self._last: int | None = None
        self._heard = False
        self._lasts = lasts_of(contract)
        self._settle_us = round(contract.settle_s * US)
        self._settling = Settling(self._settle_us)

    def ask(self, now: int, look: Look, came: Sequence[object] = ()) -> Sequence[Question]:
        """Take what came since the last tick; return a question for each part that is over."""
        if not self._heard:
            self._begin(look)
        due, self._ended = self._ended, []
        for one in came:
            if isinstance(one, Sample):
                self._hear(one)
        asked = [question for part in due if (question := self._question(part)) is not None]
        self._forget(now)
        return asked

    def lose(self) -> None:
        """Something that it should have heard is lost: begin anew."""
        self._tracks, self._ended, self._last = {}, [], None
        self._heard = self._asked = False
        self._rows.clear()
        self._rises = Rises()
        self._settling = Settling(self._settle_us)

    def _begin(self, look: Look) -> None:
        self._heard = True
        self._tracks = {
            name: (array("q"), array("d"))
            for name in (self._contract.hears - self._contract.tells) | self._lasts.keys()
        }
        for name in self._contract.looks:
            times, values = self._tracks[name]
            times.append(np.iinfo(np.int64).min)
            values.append(look(name))

    def _hear(self, sample: Sample) -> None:
        number = isinstance(sample.value, int | float)
        if sample.signal in self._contract.counters:
            self._count(sample)
        elif sample.signal == self._contract.asked_at:
            text = sample.value if isinstance(sample.value, str) else None
            part = part_of(sample.source_time, text)
            if part is not None:
                self._ended.append(part)
                for take, field in self._lasts.items():
                    times, values = gauged_in([part], field)
                    self._tracks[take][0].extend(times.tolist())
                    self._tracks[take][1].extend(values.tolist())
        elif sample.quality < Quality.BAD and (track := self._tracks.get(sample.signal)):
            track[0].append(sample.source_time)
            track[1].append(float(sample.value) if number else np.nan)  # type: ignore[arg-type]

    def _count(self, sample: Sample) -> None:
        """Take a sample of a counter: where it rises, a part is over."""
        value = sample.value if isinstance(sample.value, int | float) else np.nan
        if sample.quality >= Quality.BAD or not np.isfinite(value):
            return
        if self._rises.take(sample.signal, sample.source_time, float(value)):
            self._ended.append(Part(sample.source_time, "", "", False, {}))
            self._ended.sort(key=lambda part: part.time)

    def _question(self, part: Part) -> Question | None:
        last = self._last
        if last is not None and part.time <= last:
            return None  # an old announcement that came late
        self._last = part.time
        calm = not self._settle_us or self._settling.part(part.time)
        if last is None or not calm:
            return None
        if not self._asked and self._recorded is not None:
            self._remember(self._recorded, part.time)
        self._asked = True
        begins = np.array([max(last, part.time - LONGEST_US)], np.int64)
        tracks = {name: _in_order(*track) for name, track in self._tracks.items()}
        row = rows_of_parts(self._contract, [part], begins, tracks)[0]
        self._rows.append(row)
        if len(self._rows) < self._contract.window:
            return None
        return Question(part.time, np.stack(list(self._rows)), part.serial)

    def _remember(self, recorded: Recorded, moment: int) -> None:
        """Take what was before the first part out of the recording."""
        if self._lasts:
            for take, value in recorded.gauged(self._contract, moment).items():
                times, values = self._tracks[take]
                times.insert(0, np.iinfo(np.int64).min)
                values.insert(0, value)
        if self._contract.window > 1:
            rows = recorded.parts(self._contract, self._contract.window - 1, moment)
            self._rows.extend(() if rows is None else rows)

    def _forget(self, now: int) -> None:
        """Let go of what no part to come can have; of a setpoint the last value stays."""
        first = now - 2 * LONGEST_US
        if self._last is not None:
            first = max(first, self._last)
        for name, (times, values) in self._tracks.items():
            old = 0
            while old < len(times) and times[old] <= first:
                old += 1
            old -= name in self._contract.looks or name in self._lasts
            if old > 0:
                del times[:old], values[:old]


def last_gauged(contract: Contract, store: Historian, moment: int) -> dict[str, float]:
    """Return what was found of the last gauged part before a moment, by what is taken of it.

    Raises
    ------
    HistorianError
        If it cannot be read.
    """
    parts = _parts_of(contract, store, moment - _DAY_US, moment)
    found = {take: gauged_in(parts, field)[1] for take, field in lasts_of(contract).items()}
    return {take: float(values[-1]) for take, values in found.items() if len(values)}


def _in_order(times: "array[int]", values: "array[float]") -> Track:
    at, numbers = np.array(times, np.int64), np.array(values, np.float64)
    if len(at) > 1 and (np.diff(at) < 0).any():
        order = np.argsort(at, kind="stable")
        at, numbers = at[order], numbers[order]
    return at, numbers


def parts_before(
    contract: Contract, store: Historian, count: int, moment: int
) -> NDArray[np.float32]:
    """Return the rows (n, columns) of the last ``count`` parts that ended before a moment.

    Raises
    ------
    HistorianError
        If they cannot be read.
    """
    back = LONGEST_US + round(_LONGEST_WAY * count * contract.step_s * US)
    return recorded_rows(contract, store, moment - back, moment)[1][-count:]
