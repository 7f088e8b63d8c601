"""What a model would have seen: rows out of the historian, each value as it stood at its step."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from genba.errors import GenbaError, LearnError
from genba.historian import Historian
from genba.learn.data.equipment import numbers_of
from genba.learn.data.settle import settled
from genba.learn.edge.contract import Contract
from genba.learn.edge.part_feed import PartFeed, last_gauged, parts_before, recorded_rows
from genba.learn.edge.pictures import PictureFeed, recent
from genba.learn.edge.window import US, Feed, Look
from genba.plant import PackMLState, Plant, Quality, Role, SignalKind

RECENT_WINDOWS = 200
_PIECE_US = 6 * 3600 * US


Opened = Callable[[], AbstractContextManager[Historian]]
"""Gives a historian for as long as it is looked into."""


@dataclass(frozen=True, slots=True, eq=False)
class Stretch:
    """Moments of a grid, or ends of parts, and the row that a model needs of each.

    ``time`` is (n,) int64, microseconds UTC; ``values`` (n, columns) float32, NaN where a value is
    unknown, bad or stale; ``executes`` (n,) bool, true throughout where the equipment does not
    tell; ``recorded`` (n,) bool whether any measurement was known.
    """

    time: NDArray[np.int64]
    values: NDArray[np.float32]
    executes: NDArray[np.bool_]
    recorded: NDArray[np.bool_]
    contract: Contract

    @property
    def at_work(self) -> NDArray[np.bool_]:
        """Moments (n,) at which the model could be expected to answer."""
        return self.recorded & self._shown

    @property
    def _shown(self) -> NDArray[np.bool_]:
        """Moments (n,) of which it sees anything: while the machine works, and is settled."""
        if not self.contract.working:
            return np.ones(len(self.time), np.bool_)
        return settled(self.time, self.executes, round(self.contract.settle_s * US))

    def rows(self) -> NDArray[np.float32]:
        """Return the rows that the model sees: unknown where the machine does not do its work, or
        still settles.
        """
        rows = self.values.copy()
        rows[~self._shown] = np.nan
        return rows

    def look(self, row: int) -> Look:
        """Return how things stood at one moment, as a :class:`~genba.learn.edge.window.Feed` asks.

        Equipment and columns share the ids, as they do live.
        """
        values = dict(zip(self.contract.columns, self.values[row].tolist(), strict=True))
        values[self.contract.equipment] = float(self.executes[row])
        return values.__getitem__


class Past:
    """Looks into the historian as a model at work looks at live values.

    A measurement counts no longer than its signal is fresh, exactly as live; a setpoint or a state
    stands until the next one comes.

    Parameters
    ----------
    plant : Plant
        Its signals and its machines' states.
    opened : callable
        Gives the historian.
    now : callable
        Microseconds UTC, plant clock.
    pictures : Path, optional
        Where cameras put pictures: of those the folder keeps what was judged.
    """

    def __init__(
        self, plant: Plant, opened: Opened, now: Callable[[], int], pictures: Path | None = None
    ) -> None:
        self._plant = plant
        self._opened = opened
        self._now = now
        self._pictures = pictures

    def feed(self, contract: Contract) -> Feed | PartFeed | PictureFeed:
        """Return what feeds a model from now on, filled with what was recorded until now."""
        if contract.picture is not None:
            return PictureFeed(contract)
        if contract.asked_at:
            return PartFeed(contract, self)
        feed = Feed(contract)
        try:
            seen = self._newest(contract, contract.window)
        except GenbaError:
            return feed
        for row, moment in enumerate(seen.time.tolist()):
            feed.tick(moment, seen.look(row))
        return feed

    def parts(self, contract: Contract, count: int, moment: int) -> NDArray[np.float32] | None:
        """Return the rows of the last ``count`` parts before a moment; None where none is read."""
        try:
            with self._opened() as store:
                return parts_before(contract, store, count, moment)
        except GenbaError:
            return None

    def gauged(self, contract: Contract, moment: int) -> dict[str, float]:
        """Return what was found of the last gauged part before a moment, by what is taken of it."""
        try:
            with self._opened() as store:
                return last_gauged(contract, store, moment)
        except GenbaError:
            return {}

    def rows(self, contract: Contract, count: int) -> NDArray[np.float32] | None:
        """Return the last ``count`` rows (rows, columns), oldest first; None where none is read."""
        if contract.picture is not None:
            return None
        if contract.asked_at:
            return self.parts(contract, count, self._now())
        try:
            return self._newest(contract, count).rows()[-count:]
        except GenbaError:
            return None

    def _newest(self, contract: Contract, count: int) -> Stretch:
        """Read the last ``count`` moments, and those before that tell whether it was settled."""
        step = round(contract.step_s * US)
        end = self._now() // step * step + step
        before = 2 * round(contract.settle_s * US)
        return self.stretch(contract, end - count * step - before, end)

    def windows(self, contract: Contract) -> NDArray[np.float32] | None:
        """Return the newest windows whose values are all known, at most ``RECENT_WINDOWS``.

        For a model of pictures, the newest pictures that were judged.
        """
        if contract.picture is not None:
            return None if self._pictures is None else recent(self._pictures, contract)
        rows = self.rows(contract, contract.window + RECENT_WINDOWS - 1)
        if rows is None or len(rows) < contract.window:
            return None
        view = np.lib.stride_tricks.sliding_window_view(rows, contract.window, axis=0)
        windows = np.moveaxis(view, -1, 1)
        known = np.isfinite(windows).all(axis=(1, 2))
        return np.ascontiguousarray(windows[known])

    def stretch(self, contract: Contract, start: int, end: int) -> Stretch:
        """Read the moments of ``[start, end)`` on the grid of a contract, or the parts ended then.

        Raises
        ------
        HistorianError
            If the period is empty, or a signal is unknown to the historian.
        LearnError
            If the model sees pictures, which no historian keeps.
        """
        if contract.picture is not None:
            raise LearnError(
                f"model '{contract.name}' judges pictures, and none are recorded; verify it on a "
                "folder of them with --pictures"
            )
        step = round(contract.step_s * US)
        if contract.asked_at:
            with self._opened() as store:
                ends, values = recorded_rows(contract, store, start, end)
            every = np.ones(len(ends), np.bool_)
            return Stretch(ends, values, every, every, contract)
        first = -(-start // step) * step
        state = state_of(self._plant, contract.equipment)
        piece = max(1, _PIECE_US // step) * step
        with self._opened() as store:
            found = [
                self._piece(store, contract, state, begin, min(begin + piece, end))
                for begin in range(first, end, piece)
            ]
        if not found:
            rows, none = np.empty((0, len(contract.columns)), np.float32), np.empty(0, np.bool_)
            return Stretch(np.empty(0, np.int64), rows, none, none, contract)
        time, values, executes, recorded = (
            np.concatenate(part) for part in zip(*found, strict=True)
        )
        return Stretch(time, values, executes, recorded, contract)

    def _piece(
        self, store: Historian, contract: Contract, state: str | None, start: int, end: int
    ) -> tuple[NDArray[np.int64], NDArray[np.float32], NDArray[np.bool_], NDArray[np.bool_]]:
        step = round(contract.step_s * US)
        time = np.arange(start, end, step, dtype=np.int64)
        names = list(dict.fromkeys([*contract.columns, *([] if state is None else [state])]))
        fresh = {name: us for name in names if (us := self._fresh_us(name)) is not None}
        held = [name for name in names if name not in fresh]
        known = {}
        if held:
            table = store.asof(held, start, end, step)
            known = {name: numbers_of(table[name]) for name in held}
        if fresh:
            came = store.samples(list(fresh), start - max(fresh.values()), end)
            known |= {name: _as_live(came, name, time, us) for name, us in fresh.items()}
        values = np.column_stack([known[name] for name in contract.columns]).astype(np.float32)
        executes, recorded = np.ones(len(time), np.bool_), np.ones(len(time), np.bool_)
        if state is not None:
            executes = np.asarray(known[state] == PackMLState.EXECUTE)
        if fresh:
            measured = np.column_stack([known[name] for name in fresh])
            recorded = np.asarray(np.isfinite(measured).any(axis=1))
        return time, values, executes, recorded

    def _fresh_us(self, name: str) -> int | None:
        """How long a value counts, None where it stands until the next one."""
        signal = self._plant.signals.get(name)
        if signal is None or signal.kind is not SignalKind.MEASUREMENT:
            return None
        return round(signal.freshness_s * US)


def state_of(plant: Plant, equipment: str) -> str | None:
    """Return the id of the signal that tells the PackML state of equipment, None without one."""
    signal = plant.roles.get((equipment, Role.STATE))
    return None if signal is None else signal.id


def _as_live(
    came: pa.Table, name: str, time: NDArray[np.int64], fresh_us: int
) -> NDArray[np.float64]:
    """Return the last value at or before each moment; NaN where it is bad or too old."""
    own = came.filter(pc.equal(came["signal"], name))
    values = np.full(len(time), np.nan)
    if own.num_rows == 0:
        return values
    at = np.asarray(own["source_time"].cast(pa.int64()).to_numpy(), np.int64)
    said = numbers_of(own["value"])
    said[np.asarray(own["quality"].to_numpy()) >= Quality.BAD] = np.nan
    held = np.searchsorted(at, time, side="right") - 1
    there = held >= 0
    there[there] &= time[there] - at[held[there]] <= fresh_us
    values[there] = said[held[there]]
    return values
