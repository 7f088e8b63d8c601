"""The replay driver: a recording played as if it were a device."""

import asyncio
import logging
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import unquote, urlsplit

from pydantic import Field

from genba.connect.conversion import not_finite, to_plant
from genba.connect.driver import DriverContext, Sink
from genba.connect.ending import end_task
from genba.connect.options import Options, read_options
from genba.connect.outlet import Outlet, Reading, everything
from genba.connect.replay_recording import Columns, Recording, Row, TimeUnit, parse_cell
from genba.errors import ConnectionLost, DeviceError, PlantError
from genba.plant import (
    BrowseEntry,
    Health,
    Quality,
    Sample,
    Scalar,
    Signal,
)

_LOG = logging.getLogger("genba.connect.replay")
_MOST_AT_ONCE = 1_000
_BROWSED_BATCHES = 2


class ReplayOptions(Options):
    """Options of a replay connection."""

    speed: Annotated[float, Field(gt=0)] = 1.0
    """Recorded seconds per second of the plant clock."""
    as_fast_as_possible: bool = False
    """Do not wait between samples; ``most_samples_s`` holds back-pressure."""
    most_samples_s: Annotated[int, Field(ge=1)] = 100_000
    """Most samples per second of the wall clock when played as fast as possible."""
    times: Literal["original", "shifted"] = "original"
    """Source times as recorded, or moved to when they are played."""
    time_unit: TimeUnit = "iso"
    """``iso`` for text with a zone (and Parquet timestamps), else numbers since 1970 UTC."""
    columns: Columns = Columns()


class ReplayDriver:
    """Plays a CSV or Parquet file, from its beginning at the first subscription.

    A signal's address is its name in the recording: what stands in the signal column (long form)
    or a column's name (wide form). Every recorded value is delivered, unchanged ones too. At the
    end of the recording the link counts as down, and values stay as they were.
    """

    def __init__(self, context: DriverContext) -> None:
        self._id = context.connection.id
        self._clock = context.clock
        self._options = read_options(context.connection, ReplayOptions)
        self._path = _path_of(context)
        for signal in context.signals:
            if signal.writable:
                raise PlantError(
                    f"signal '{signal.id}' is a setpoint, but a recording takes no writes; "
                    "make it a state or a measurement"
                )
        self._signals = context.signals
        self._outlet = Outlet(context)
        self._recording: Recording | None = None
        self._wanted: dict[str, list[Signal]] = {}
        self._task: asyncio.Task[None] | None = None
        self._begun: int | None = None
        self._first: int | None = None
        self._played = 0

    async def connect(self) -> None:
        """Open the recording.

        Raises
        ------
        DeviceError
            If it is not there, or has not the columns that signals are to come from.
        """
        options = self._options
        recording = await asyncio.to_thread(
            Recording, self._path, options.columns, options.time_unit
        )
        names = recording.names()
        for signal in self._signals:
            if names is not None and signal.address not in names:
                raise DeviceError(
                    f"signal '{signal.id}': {self._path} has no column '{signal.address}', "
                    f"but {', '.join(names[:8])}; correct its address"
                )
        self._recording = recording
        self._outlet.up()

    async def subscribe(self, signals: Sequence[Signal], sink: Sink) -> None:
        """Play ``signals`` to ``sink``; the first subscription starts the recording."""
        self._open()
        self._outlet.subscribe(signals, sink)
        for signal in signals:
            self._wanted.setdefault(signal.address, []).append(signal)
        if self._task is None:
            self._task = asyncio.create_task(self._play(), name=f"replay {self._id}")

    async def read(self, signals: Sequence[Signal]) -> list[Sample]:
        """Return what was played last, in the order of ``signals``; bad before the first."""
        self._open()
        return [self._outlet.sample(self._present(signal)) for signal in signals]

    async def write(self, signal: Signal, value: Scalar) -> None:
        """Refuse: a recording takes no writes."""
        raise DeviceError(f"signal '{signal.id}': a recording takes no writes")

    async def browse(self) -> list[BrowseEntry]:
        """List the signals of the recording (of its first rows, in long form)."""
        recording = self._open()

        def find() -> dict[str, object]:
            found: dict[str, object] = dict.fromkeys(recording.names() or ())
            for _, batch in zip(range(_BROWSED_BATCHES), recording.rows(), strict=False):
                for row in batch:
                    if found.get(row.name) is None:
                        found[row.name] = row.raw
            return found

        return [
            BrowseEntry(name, name, name, *_guess(raw))
            for name, raw in (await asyncio.to_thread(find)).items()
        ]

    async def history(self, signal: Signal, start: int, end: int) -> list[Sample]:
        """Return what the recording holds of ``signal`` in ``[start, end)``, played or not.

        With ``times: shifted``, times are those at which it is, was or will be played.
        """
        recording = self._open()

        def find() -> list[Reading]:
            found = []
            for batch in recording.rows({signal.address}):
                for row in batch:
                    if start <= (when := self._source_time(row)) < end:
                        found.append(self._reading(signal, row))
                    elif when >= end:
                        return found
            return found

        return [self._outlet.sample(reading) for reading in await asyncio.to_thread(find)]

    def health(self) -> Health:
        """How the playing does; ``error`` tells its end, or where the recording is broken."""
        return self._outlet.health()

    async def close(self) -> None:
        """Stop playing."""
        task, self._task = self._task, None
        await end_task(task)
        self._recording = None
        self._outlet.closed()

    # --- playing ---

    async def _play(self) -> None:
        await asyncio.sleep(0)  # lets more signals be subscribed before the first row
        batches = self._open().rows(set(self._wanted))
        started = asyncio.get_running_loop().time()
        ahead = asyncio.create_task(asyncio.to_thread(_next, batches))
        try:
            while (batch := await ahead) is not None:
                ahead = asyncio.create_task(asyncio.to_thread(_next, batches))
                await self._play_batch(batch, started)
        except DeviceError as error:
            self._outlet.down(f"connection '{self._id}': {error}", of=())
        except Exception as error:  # noqa: BLE001 - or the playing would stop without a word
            _LOG.error("connection '%s': unexpected", self._id, exc_info=error)
            text = f"unexpected {type(error).__name__}: {error}"
            self._outlet.down(f"connection '{self._id}': {text}", of=())
        else:
            text = f"the recording {self._path} ended after {self._played} samples"
            self._outlet.down(f"connection '{self._id}': {text}", of=())
        finally:
            await end_task(ahead)

    async def _play_batch(self, batch: list[Row], started: float) -> None:
        """Deliver a batch in groups of what is due; never many at once."""
        group: list[Row] = []
        for row in batch:
            due = self._due(row)
            if group and (len(group) >= _MOST_AT_ONCE or self._waits_for(due)):
                await self._deliver(group, started)
                group = []
            if self._waits_for(due):
                await self._clock.sleep_until(due)
            group.append(row)
        await self._deliver(group, started)

    async def _deliver(self, group: list[Row], started: float) -> None:
        readings: list[Reading] = []
        try:
            for row in group:
                readings += [self._reading(s, row) for s in self._wanted.get(row.name, ())]
        finally:  # what stands before a broken row is played
            self._outlet.deliver(readings, everything)
            self._played += len(readings)
        wait_s = 0.0
        if self._options.as_fast_as_possible:
            elapsed = asyncio.get_running_loop().time() - started
            wait_s = self._played / self._options.most_samples_s - elapsed
        await asyncio.sleep(max(0.0, wait_s))

    def _waits_for(self, due: int) -> bool:
        return not self._options.as_fast_as_possible and due > self._clock.now()

    def _due(self, row: Row) -> int:
        """Plant time at which a row is played."""
        if self._begun is None or self._first is None:
            self._begun, self._first = self._clock.now(), row.time_us
        return self._begun + round((row.time_us - self._first) / self._options.speed)

    def _source_time(self, row: Row) -> int:
        return row.time_us if self._options.times == "original" else self._due(row)

    def _reading(self, signal: Signal, row: Row) -> Reading:
        try:
            raw = parse_cell(signal, row.raw)
            value, quality = to_plant(signal, raw)
        except (ValueError, DeviceError):
            raise DeviceError(
                f"{self._path}, row {row.row}: {row.raw!r} of '{row.name}' is no "
                f"{signal.type.value}; correct the row, or the type of signal '{signal.id}'"
            ) from None
        when = self._source_time(row)
        if value is None and raw is not None and row.quality is not Quality.BAD:
            self._outlet.unfit(signal, when, raw, not_finite(signal, raw), each=True)
        return Reading(signal, when, value, Quality(max(quality, row.quality)))

    def _present(self, signal: Signal) -> Reading:
        last = self._outlet.last(signal)
        if last is None or signal not in self._wanted.get(signal.address, ()):
            return Reading(signal, self._clock.now(), None, Quality.BAD)
        return Reading(signal, last.source_time, last.value, Quality(last.quality))

    def _open(self) -> Recording:
        if self._recording is None:
            raise ConnectionLost(
                f"connection '{self._id}': the recording is not open; connect first"
            )
        return self._recording


def _next(batches: Iterator[list[Row]]) -> list[Row] | None:
    return next(batches, None)


def _guess(raw: object) -> tuple[str | None, bool, None, None, None, Scalar]:
    """The last six fields of a `BrowseEntry`: type, writable, unit, low, high, value."""
    if isinstance(raw, str):
        try:
            raw = float(raw)
        except ValueError:
            return "string", False, None, None, None, raw
    kinds = {bool: "bool", int: "int", float: "float"}
    value = raw if isinstance(raw, bool | int | float) else None
    return kinds.get(type(raw)), False, None, None, None, value


def _path_of(context: DriverContext) -> Path:
    """The file of ``file:recording.csv``, ``file:///data/recording.parquet`` or a plain path."""
    url = context.connection.url
    parts = urlsplit(url)
    if parts.scheme not in ("", "file") or parts.netloc not in ("", "localhost") or not parts.path:
        raise PlantError(
            f"connection '{context.connection.id}': url '{url}' is no file; "
            "write it like file:recording.csv or file:///data/recording.parquet"
        )
    return Path(unquote(parts.path))
