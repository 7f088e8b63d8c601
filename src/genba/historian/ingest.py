"""Ingest: from the event loop into the historian, without ever holding the loop up."""

import asyncio
import collections
import contextlib
import itertools
import logging
import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from genba.errors import GenbaError, HistorianError
from genba.historian.disk import DiskFull
from genba.historian.historian import Historian
from genba.historian.schema import NotStorable, batch_of_rows, batch_of_samples, records_layout
from genba.plant import Sample

_LOG = logging.getLogger("genba.historian")
_GROUP_S = 0.05
_GROUP_ROWS = 5_000
_RETRY_S = 0.5
END_S = 10.0
"""Wall seconds that the disk has, when all ends, to take what waits."""


class _Item(NamedTuple):
    """What was put at once: samples, or records of a table; and how many were put before."""

    table: str | None
    rows: Sequence[Any]
    before: int


class Ingest:
    """A bounded queue and a thread that groups what comes within 50 ms into one durable append.

    Nothing is dropped silently: while the disk is full the queue keeps what it has and tries
    again; beyond its bound `put` raises. Records, which may use the disk's reserve, then overtake
    the samples that may not. A sample that can never be stored (a value of a type that no signal
    has) is logged, counted in ``rejected`` and left out, so that it does not hold up the others.

    Parameters
    ----------
    historian : Historian
        Where to append.
    most : int
        How many samples and records may wait.

    Attributes
    ----------
    accepted, acknowledged, rejected, refused : int
        How many were put; are durable; can never be stored; did not fit when they were put.
    error : str or None
        Why the last append failed, until one succeeds.
    """

    def __init__(self, historian: Historian, most: int = 500_000) -> None:
        self._historian = historian
        self._most = most
        self._queue: collections.deque[_Item] = collections.deque()
        self._wake = threading.Event()
        self._lock = threading.Lock()
        self._closing = self._gave_up = False
        self._waiters: list[tuple[int, asyncio.AbstractEventLoop, asyncio.Future[None]]] = []
        self.accepted = self.acknowledged = self.rejected = self.refused = 0
        self.error: str | None = None
        self._thread = threading.Thread(target=self._drain, name="ingest", daemon=True)
        self._thread.start()

    @property
    def waiting(self) -> int:
        """How many are not yet durable."""
        return self.accepted - self.acknowledged - self.rejected

    @property
    def full(self) -> bool:
        """Whether drivers should hold back: half of the room is taken."""
        return self.waiting >= self._most // 2

    def put(self, samples: Sequence[Sample]) -> None:
        """Queue samples; returns at once.

        Raises
        ------
        HistorianError
            If they do not fit, or the ingest is closed; none of them is taken then.
        """
        self._put(None, samples)

    def put_rows(self, name: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """Queue records for one of the tables of records; returns at once.

        Raises
        ------
        HistorianError
            As with :meth:`put`, and if there is no such table.
        """
        records_layout(name)
        self._put(name, rows)

    def _put(self, name: str | None, items: Sequence[Any]) -> None:
        if not items:
            return
        with self._lock:
            if self._closing:
                raise HistorianError("the ingest is closed; nothing more can be recorded")
            if self.waiting + len(items) > self._most:
                self.refused += len(items)
                raise HistorianError(
                    f"{self.waiting:,} samples wait to be stored and no more fit"
                    + (f": {self.error}" if self.error else "; the disk is too slow for them")
                )
            self._queue.append(_Item(name, list(items), self.accepted))
            self.accepted += len(items)
        self._wake.set()

    async def drained(self) -> None:
        """Wait until all that was put so far is durable or rejected.

        Raises
        ------
        HistorianError
            If the ingest is closed before, and gives up what the disk does not take.
        """
        loop = asyncio.get_running_loop()
        with self._lock:
            if self.waiting == 0:
                return
            if self._gave_up:
                raise self._lost()
            future: asyncio.Future[None] = loop.create_future()
            self._waiters.append((self.accepted, loop, future))
        await future

    def close(self) -> None:
        """Store what waits and stop. What the disk does not take within 10 s is lost, and said.

        Raises
        ------
        HistorianError
            If something could not be stored.
        """
        with self._lock:
            self._closing = True
        self._wake.set()
        self._thread.join()
        if self.waiting:
            raise self._lost()

    def _lost(self) -> HistorianError:
        return HistorianError(
            f"{self.waiting:,} samples could not be stored before the end: {self.error}"
        )

    def _give_up(self) -> None:
        """Let nobody wait any longer for what is not going to be stored."""
        with self._lock:
            self._gave_up = True
            waiters, self._waiters = self._waiters, []
            lost = self._lost()
        for _, loop, future in waiters:
            # A loop that is closed has nobody on it who waits.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(_refuse, future, lost)

    def _drain(self) -> None:
        deadline: float | None = None
        while True:
            self._wake.wait()
            if not self._closing and self.waiting < _GROUP_ROWS:
                _pause(_GROUP_S)
            group = self._group()
            while group and not self._store(group):
                if self._closing:
                    deadline = deadline or time.monotonic() + END_S
                    if time.monotonic() > deadline:
                        self._give_up()
                        return
                _pause(_RETRY_S)
            if self._closing and not self._queue:
                return

    def _group(self) -> list[_Item]:
        group: list[_Item] = []
        rows = 0
        with self._lock:
            while self._queue and rows < _GROUP_ROWS:
                group.append(self._queue.popleft())
                rows += len(group[-1].rows)
            if not self._queue:
                self._wake.clear()
            if self._closing:
                self._wake.set()
        return group

    def _store(self, group: list[_Item]) -> bool:
        """Store a group; where only its records can be, they leave it. False while some is left."""
        try:
            try:
                stored, rejected = self._append(group)
            except DiskFull:
                self._let_records_pass(group)
                raise
        except GenbaError as error:
            if self.error is None:
                _LOG.error("%s", error)
            self.error = str(error)
            return False
        except Exception as error:  # noqa: BLE001 - without this thread nothing is recorded
            if self.error is None:
                _LOG.error("unexpected", exc_info=error)
            self.error = f"unexpected {type(error).__name__}: {error}"
            return False
        if self.error is not None:
            _LOG.warning("the historian stores again")
            self.error = None
        self._count(stored, rejected, [])
        return True

    def _let_records_pass(self, group: list[_Item]) -> None:
        """Store the records of a group, and those that wait behind it; its samples stay."""
        with self._lock:
            passing = [item for item in (*group, *self._queue) if item.table is not None]
        if not passing:
            return
        stored, rejected = self._append(passing)
        gone = {item.before for item in passing}
        group[:] = [item for item in group if item.before not in gone]
        with self._lock:
            left = [item for item in self._queue if item.before not in gone]
            self._queue.clear()
            self._queue.extend(left)
        self._count(stored, rejected, group)

    def _append(self, group: Sequence[_Item]) -> tuple[int, int]:
        """Append, and leave out what can never be stored. Give back how many were and were not."""
        samples = [sample for item in group if item.table is None for sample in item.rows]
        records: dict[str, list[Mapping[str, Any]]] = {}
        for item in group:
            if item.table is not None:
                records.setdefault(item.table, []).extend(item.rows)
        count = len(samples) + sum(map(len, records.values()))
        try:
            self._historian.append_all(samples, records)
        except NotStorable:
            good = [sample for sample in samples if _storable(sample)]
            fitting = {
                name: [row for row in rows if _fits(name, row)] for name, rows in records.items()
            }
            self._historian.append_all(good, fitting)
            kept = len(good) + sum(map(len, fitting.values()))
            return kept, count - kept
        return count, 0

    def _count(self, stored: int, rejected: int, left: Sequence[_Item]) -> None:
        """Count what was settled, and tell those who wait for it; ``left`` is still in work."""
        with self._lock:
            self.acknowledged += stored
            self.rejected += rejected
            oldest = next(iter((*left[:1], *itertools.islice(self._queue, 1))), None)
            settled = self.accepted if oldest is None else oldest.before
            ready = [waiter for waiter in self._waiters if waiter[0] <= settled]
            self._waiters = [waiter for waiter in self._waiters if waiter[0] > settled]
        for _, loop, future in ready:
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(_resolve, future)


def _pause(seconds: float) -> None:
    """Sleep. A system whose clock is being set may refuse: then go on, or nothing is recorded."""
    with contextlib.suppress(OSError):
        time.sleep(seconds)


def _resolve(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


def _refuse(future: asyncio.Future[None], error: HistorianError) -> None:
    if not future.done():
        future.set_exception(error)


def _storable(sample: Sample) -> bool:
    try:
        batch_of_samples([sample], 0)
    except NotStorable as error:
        _LOG.error("a sample of '%s' is left out: %s", sample[0], error)
        return False
    return True


def _fits(name: str, row: Mapping[str, Any]) -> bool:
    try:
        batch_of_rows(records_layout(name), [row])
    except NotStorable as error:
        _LOG.error("a record of '%s' is left out: %s", name, error)
        return False
    return True
