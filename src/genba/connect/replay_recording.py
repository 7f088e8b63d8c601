"""Recordings in CSV or Parquet files, read piece by piece so that size does not matter.

Long form has one row for each sample: signal, time, value. Wide form has one row for each time,
and a column for each signal; an empty cell is no sample.
"""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet

from genba.connect.options import Options
from genba.errors import DeviceError
from genba.plant import DataType, Quality, Scalar, Signal

TimeUnit = Literal["iso", "s", "ms", "us", "ns"]
_BATCH_ROWS = 65_536
_LONGEST_HEADER = 1_000_000
_TIME_NAMES = ("time", "source_time")
_PER_US = {"s": 1e-6, "ms": 1e-3, "us": 1.0, "ns": 1e3}


class Columns(Options):
    """Names of a recording's columns, where they are not these."""

    time: str | None = None
    """Default ``time``, else ``source_time``."""
    signal: str = "signal"
    """The recording is in long form if this column is there."""
    value: str = "value"
    text: str = "text"
    """Long form: values that are no numbers, where ``value`` is empty. May be absent."""
    quality: str = "quality"
    """Long form: 0 good, 1 uncertain, 2 bad. May be absent."""


class Row(NamedTuple):
    """One value of a recording. ``time_us`` in microseconds UTC; ``row`` as an editor counts it."""

    row: int
    time_us: int
    name: str
    raw: Any
    quality: int


@dataclass(frozen=True, slots=True)
class _Layout:
    time: str
    long: bool
    columns: tuple[str, ...]


class Recording:
    """A file of samples in the order of their times.

    Raises
    ------
    DeviceError
        If there is no such file, it is neither CSV nor Parquet, or it has no time column.
    """

    def __init__(self, path: Path, columns: Columns, time_unit: TimeUnit) -> None:
        self.path = path
        self._names = columns
        self._unit = time_unit
        if path.suffix.lower() not in (".csv", ".parquet"):
            raise DeviceError(f"{path}: a recording is a .csv or a .parquet file")
        self._csv = path.suffix.lower() == ".csv"
        with self._explained():
            self._layout = self._find_layout()

    def names(self) -> list[str] | None:
        """What can be replayed: the columns of wide form; None in long form, where rows tell."""
        if self._layout.long:
            return None
        return [name for name in self._layout.columns if name != self._layout.time]

    def rows(self, wanted: set[str] | None = None) -> Iterator[list[Row]]:
        """Yield batches of the rows of the ``wanted`` names (all by default), in order.

        Raises
        ------
        DeviceError
            Naming file, row and column of what cannot be read.
        """
        row, before = 2 if self._csv else 1, None
        for batch in self._batches(wanted):
            times, error = self._times(batch.column(self._layout.time), row, before)
            sound = batch.slice(0, len(times))
            yield (
                self._long(sound, times, row, wanted)
                if self._layout.long
                else self._wide(sound, times, row)
            )
            if error is not None:
                raise error
            before = int(times[-1]) if len(times) else before
            row += batch.num_rows

    def _long(
        self, batch: Any, times: npt.NDArray[np.int64], first: int, wanted: set[str] | None
    ) -> list[Row]:
        names = batch.column(self._names.signal).cast(pa.string())
        chosen = np.arange(batch.num_rows)
        if wanted is not None:
            mask = pc.is_in(names, value_set=pa.array(sorted(wanted), pa.string()))
            chosen = np.flatnonzero(mask.to_numpy(zero_copy_only=False))
        take = pa.array(chosen)
        values = batch.column(self._names.value).take(take).to_pylist()
        if self._names.text in batch.schema.names:
            texts = batch.column(self._names.text).take(take).to_pylist()
            values = [t if v in (None, "") and t else v for v, t in zip(values, texts, strict=True)]
        qualities = [int(Quality.GOOD)] * len(chosen)
        if self._names.quality in batch.schema.names:
            column = batch.column(self._names.quality).take(take)
            qualities = [self._quality(q, first + i) for q, i in _pairs(column, chosen)]
        columns = (times[chosen].tolist(), names.take(take).to_pylist(), values, qualities)
        return [
            Row(first + int(index), time, name, value, quality)
            for index, time, name, value, quality in zip(chosen, *columns, strict=True)
        ]

    def _wide(self, batch: Any, times: npt.NDArray[np.int64], first: int) -> list[Row]:
        names = [name for name in batch.schema.names if name != self._layout.time]
        columns = [batch.column(name).to_pylist() for name in names]
        good = int(Quality.GOOD)
        return [
            Row(first + index, time, name, column[index], good)
            for index, time in enumerate(times.tolist())
            for name, column in zip(names, columns, strict=True)
            if column[index] is not None and column[index] != ""
        ]

    def _quality(self, raw: Any, row: int) -> int:
        try:
            return int(Quality(int(raw)))
        except (TypeError, ValueError):
            raise DeviceError(
                f"{self.path}, row {row}, column '{self._names.quality}': {raw!r} is no quality; "
                "write 0 (good), 1 (uncertain) or 2 (bad)"
            ) from None

    # --- reading ---

    def _find_layout(self) -> _Layout:
        if self._csv:
            present = self._header()
        else:
            present = tuple(pyarrow.parquet.read_schema(self.path).names)
        candidates = [self._names.time] if self._names.time else list(_TIME_NAMES)
        time = next((name for name in candidates if name in present), None)
        if time is None:
            raise DeviceError(
                f"{self.path} has no column '{candidates[0]}', but {', '.join(present[:8])}; "
                "name its time column in options.columns.time"
            )
        long = self._names.signal in present
        if long and self._names.value not in present:
            raise DeviceError(
                f"{self.path} has no column '{self._names.value}', but {', '.join(present[:8])}; "
                "name its value column in options.columns.value"
            )
        return _Layout(time, long, present)

    def _header(self) -> tuple[str, ...]:
        with self.path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
            header = next(csv.reader([file.readline(_LONGEST_HEADER)]), None)
        if not header:
            raise DeviceError(f"{self.path} is empty; its first row must name the columns")
        return tuple(header)

    def _batches(self, wanted: set[str] | None) -> Iterator[Any]:
        layout, names = self._layout, self._names
        used = {layout.time, names.signal, names.value, names.text, names.quality}
        if not layout.long:
            used = {layout.time} | (set(layout.columns) if wanted is None else wanted)
        columns = [name for name in layout.columns if name in used]
        with self._explained():
            if not self._csv:
                with pyarrow.parquet.ParquetFile(self.path) as file:
                    yield from file.iter_batches(_BATCH_ROWS, columns=columns)
                return
            convert = pyarrow.csv.ConvertOptions(
                column_types=dict.fromkeys(layout.columns, pa.string()), include_columns=columns
            )
            read = pyarrow.csv.ReadOptions(use_threads=False)
            with (  # a Python file, since Arrow reads 32 blocks ahead in one of its own
                self.path.open("rb") as file,
                pyarrow.csv.open_csv(file, read, convert_options=convert) as reader,
            ):
                yield from reader

    def _explained(self) -> "_Explained":
        return _Explained(self.path)

    # --- times ---

    def _times(
        self, column: Any, first: int, before: int | None
    ) -> tuple[npt.NDArray[np.int64], DeviceError | None]:
        """Microseconds UTC of a column of times, up to the first wrong one, and what is wrong."""
        error = None
        try:
            converted = self._convert_times(column)
        except pa.ArrowInvalid:
            bad = next(i for i in range(len(column)) if not self._is_time(column.slice(i, 1)))
            error = self._bad_time(first + bad, column[bad].as_py())
            converted = self._convert_times(column.slice(0, bad))
        if converted.null_count:
            bad = converted.is_null().index(pa.scalar(True)).as_py()
            error = self._bad_time(first + bad, column[bad].as_py())
            converted = converted.slice(0, bad)
        times = np.asarray(converted.to_numpy(zero_copy_only=False), np.int64)
        back = np.flatnonzero(np.diff(times, prepend=times[:1] if before is None else before) < 0)
        if len(back):
            error = DeviceError(
                f"{self.path}, row {first + int(back[0])}, column '{self._layout.time}': "
                "time goes back; sort the recording by time"
            )
            times = times[: back[0]]
        return times, error

    def _convert_times(self, column: Any) -> Any:
        if self._unit == "iso":
            if pa.types.is_timestamp(column.type) and column.type.tz is None:
                raise pa.ArrowInvalid("no zone")
            return column.cast(pa.timestamp("us", "UTC"), safe=False).cast(pa.int64())
        if self._unit == "s":
            scaled = pc.round(pc.multiply(column.cast(pa.float64()), 1e6))
            return scaled.cast(pa.int64())
        whole = column.cast(pa.int64())
        if self._unit == "ns":
            return pc.divide(whole, 1000)
        return pc.multiply(whole, 1000) if self._unit == "ms" else whole

    def _is_time(self, one: Any) -> bool:
        try:
            return not self._convert_times(one).null_count
        except pa.ArrowInvalid:
            return False

    def _bad_time(self, row: int, raw: object) -> DeviceError:
        expected = (
            "a time with a zone (write 2026-01-05T06:00:00Z, or numbers and options.time_unit)"
            if self._unit == "iso"
            else f"a number of {self._unit} since 1970-01-01 UTC"
        )
        return DeviceError(
            f"{self.path}, row {row}, column '{self._layout.time}': '{raw}' is not {expected}"
        )


def parse_cell(signal: Signal, raw: Any) -> Scalar:
    """Turn a cell into a value of the signal's type; an empty one into None.

    Raises
    ------
    ValueError
        If it is no such value.
    """
    if signal.type in (DataType.STRING, DataType.JSON):
        return raw if isinstance(raw, str) or raw is None else str(raw)
    if raw is None or raw == "":
        return None
    if signal.type is DataType.BOOL:
        return _bool(raw)
    number = float(raw)
    if signal.type is DataType.FLOAT or not number.is_integer():
        return number
    return int(raw)


def _bool(raw: Any) -> bool:
    word = str(raw).strip().lower()
    if word in ("true", "1", "1.0"):
        return True
    if word in ("false", "0", "0.0"):
        return False
    raise ValueError(raw)


def _pairs(column: Any, chosen: npt.NDArray[np.int64]) -> Iterator[tuple[Any, int]]:
    return zip(column.to_pylist(), (int(index) for index in chosen), strict=True)


class _Explained:
    """Turns what goes wrong in reading a file into one clear error."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> None:
        return None

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, FileNotFoundError):
            raise DeviceError(f"{self._path}: there is no such recording; check the url") from None
        if isinstance(error, OSError):
            raise DeviceError(f"{self._path} cannot be read ({error.strerror or error})") from None
        if isinstance(error, pa.ArrowInvalid | UnicodeDecodeError):
            reason = str(error).strip().splitlines()[0]
            raise DeviceError(
                f"{self._path}: {reason}; mend that row or write the file again"
            ) from None
