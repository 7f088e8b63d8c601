"""What was set apart: found, mended, put through again, or let go. Nothing is ever deleted."""

import threading
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from genba.errors import GenbaError, HistorianError
from genba.historian.admission import Misfit, Reason, misfit_of, tolerance_us
from genba.historian.correction import Correction, value_from_json
from genba.historian.historian import Historian
from genba.historian.queries import Queries
from genba.historian.reading import Wanted
from genba.historian.schema import QUARANTINE, SAMPLES
from genba.plant import Sample, Scalar, Signal, SignalKind

STATUSES = ("held", "replayed", "dropped")
PAGE_ROWS = 5_000
_NO_TIME = -(2**62)
_Known = dict[tuple[str, int], list[Scalar]]
"""Values that the historian has, by signal and source time."""
_LOCK = threading.Lock()
"""Two replays of the same samples at once would store them twice."""

_NEWEST = (
    "SELECT * FROM rows QUALIFY row_number() OVER (PARTITION BY id ORDER BY sequence DESC) = 1"
    " ORDER BY time, id"
)


@dataclass(frozen=True, slots=True)
class Selection:
    """Which samples are meant: those that all given criteria fit. Times in microseconds UTC.

    ``start`` and ``end`` are about when a sample was set apart.
    """

    ids: Sequence[str] = ()
    signals: Sequence[str] = ()
    reasons: Sequence[str] = ()
    status: str | None = "held"
    start: int | None = None
    end: int | None = None

    def __post_init__(self) -> None:
        for reason in self.reasons:
            if reason not in tuple(Reason):
                raise HistorianError(f"there is no reason '{reason}'; use {', '.join(Reason)}")
        if self.status not in (None, *STATUSES):
            raise HistorianError(f"there is no status '{self.status}'; use {', '.join(STATUSES)}")

    @property
    def is_everything(self) -> bool:
        """Whether nothing narrows it down."""
        return not (self.ids or self.signals or self.reasons) and self.start is self.end is None


@dataclass(slots=True)
class Replayed:
    """What came of putting samples through again."""

    stored: int = 0
    already: int = 0
    """Their values stand in the historian already, so that they were not stored again."""
    held: Counter[str] = field(default_factory=Counter)
    """Still do not fit, by reason."""
    why: dict[str, str] = field(default_factory=dict)
    """An example for each reason."""
    more: bool = False
    """Whether more were meant than were put through in one call."""


def select(historian: Queries, selection: Selection) -> pa.Table:
    """Read samples that were set apart, as they stand now, oldest first.

    Returns
    -------
    pa.Table
        The columns of the table ``quarantine``.

    Raises
    ------
    HistorianError
        If the historian cannot be read.
    """
    wanted = Wanted(selection.start, selection.end, tuple(selection.signals) or None)
    found = historian.ask(QUARANTINE, wanted, _NEWEST).cast(QUARANTINE.schema)
    for column, values in (("id", selection.ids), ("reason", selection.reasons)):
        if values:
            chosen = pa.array([str(value) for value in values], pa.string())
            found = found.filter(pc.is_in(found[column], chosen))
    if selection.status is not None:
        found = found.filter(pc.equal(found["status"], selection.status))
    return found


def counts(historian: Queries, selection: Selection) -> pa.Table:
    """Count what was set apart, by signal, reason and status; with the first and the last time."""
    found = select(historian, selection)
    grouped = found.group_by(["signal", "reason", "status"]).aggregate(
        [("id", "count"), ("time", "min"), ("time", "max")]
    )
    names = ["signal", "reason", "status", "samples", "first", "last"]
    order = [("samples", "descending"), ("signal", "ascending"), ("reason", "ascending")]
    return grouped.rename_columns(names).sort_by(order)


def fix(
    historian: Historian,
    signals: Mapping[str, Signal],
    selection: Selection,
    correction: Correction,
    by: str,
    why: str,
) -> int:
    """Record how samples are to be mended; :func:`replay` does it. Return how many that are.

    A later correction takes the place of an earlier one. The sample itself stays as it came.

    Raises
    ------
    HistorianError, PlantError
        If the correction is wrong, or a name or reason for it is missing.
    """
    correction.check(signals)
    return _mark(historian, selection, by, why, correction=correction.to_json())


def drop(historian: Historian, selection: Selection, by: str, why: str) -> int:
    """Let samples go: they stay in the table, marked, and are not put through any more.

    Raises
    ------
    HistorianError
        If a name or reason for it is missing.
    """
    return _mark(historian, selection, by, why, status="dropped")


def _mark(historian: Historian, selection: Selection, by: str, why: str, **changes: str) -> int:
    if not by or not why.strip():
        raise HistorianError("say who does it and why; both are recorded with each sample")
    with _LOCK:
        found = select(historian, selection)
        for page in _pages(found):
            rows = [_plain(row) | {"by": by, "why": why, **changes} for row in page]
            historian.append_all((), {QUARANTINE.name: rows})
    return int(found.num_rows)


def replay(
    historian: Historian,
    signals: Mapping[str, Signal],
    selection: Selection,
    by: str,
    now: int,
    speed: float = 1.0,
    *,
    skip: int = 0,
    most: int | None = None,
) -> Replayed:
    """Put samples through admission again, mended as recorded; store those that fit now.

    A sample and the note that it was replayed are stored together or not at all, so that none is
    doubled however often this is called or wherever it is cut off.

    Parameters
    ----------
    historian : Historian
        Opened to write.
    signals : mapping of str to Signal
        The plant's signals.
    selection : Selection
        Which; those that were replayed or dropped before are left out.
    by : str
        Who does it.
    now, speed : int, float
        The plant's time (microseconds UTC) and how fast it runs.
    skip, most : int
        Leave out so many of the selection, those that still do not fit after the last call, and
        put through so many.

    Raises
    ------
    HistorianError
        If the historian cannot be read or written; what was done until then stays done.
    """
    result = Replayed()
    horizon = now + tolerance_us(speed)
    with _LOCK:
        found = select(historian, selection)
        meant = found.slice(skip) if most is None else found.slice(skip, most)
        result.more = skip + meant.num_rows < found.num_rows
        for page in _pages(meant):
            held = [row for row in page if row["status"] == "held"]
            _replay_page(historian, signals, held, by, horizon, result)
    return result


def _replay_page(
    historian: Historian,
    signals: Mapping[str, Signal],
    page: Sequence[dict[str, Any]],
    by: str,
    horizon: int,
    result: Replayed,
) -> None:
    mended = [(row, *_mended(row, signals, horizon)) for row in page]
    known = _known(historian, [sample for _, sample, wrong in mended if wrong is None])
    stored, rows = [], []
    for row, sample, wrong in mended:
        misfit = wrong or _conflict(sample, signals, known)
        if misfit is None:
            rows.append(_plain(row) | {"status": "replayed", "by": by})
            values = known.setdefault((sample.signal, sample.source_time), [])
            if sample.value in values:
                result.already += 1
            else:
                values.append(sample.value)
                stored.append(sample)
            continue
        result.held[str(misfit.reason)] += 1
        result.why.setdefault(str(misfit.reason), f"{row['signal']}: {misfit.detail}")
        if (str(misfit.reason), misfit.detail) != (row["reason"], row["detail"]):
            rows.append(_plain(row) | {"reason": str(misfit.reason), "detail": misfit.detail})
    historian.append_all(stored, {QUARANTINE.name: rows})
    result.stored += len(stored)


def _conflict(sample: Sample, signals: Mapping[str, Signal], known: _Known) -> Misfit | None:
    values = known.get((sample.signal, sample.source_time))
    if not values or sample.value in values:
        return None
    if signals[sample.signal].kind is not SignalKind.MEASUREMENT:
        return None
    return Misfit(Reason.DUPLICATE_TIME, f"its time has the value {values[0]!r} already")


def _mended(
    row: Mapping[str, Any], signals: Mapping[str, Signal], horizon: int
) -> tuple[Sample, Misfit | None]:
    sample = Sample(
        row["signal"],
        _NO_TIME if row["source_time"] is None else row["source_time"],
        row["receive_time"],
        value_from_json(row["value"]),
        row["quality"] or 0,
        # After the empty sample that was stored in its place.
        (row["number"] or 0) + 1,
    )
    if row["source_time"] is None:
        return sample, Misfit(Reason.NO_TIME, row["detail"])
    try:
        sample = Correction.from_json(row["correction"]).apply(sample, signals)
    except GenbaError as error:
        return sample, Misfit(Reason(row["reason"]), f"the correction does not fit: {error}")
    return sample, misfit_of(signals.get(sample.signal), sample, horizon)


def _known(historian: Queries, samples: Sequence[Sample]) -> dict[tuple[str, int], list[Scalar]]:
    """Return the values that the historian has at the times of samples, without bad ones."""
    if not samples:
        return {}
    times = sorted({sample.source_time for sample in samples})
    listed = ", ".join(map(str, times))
    found = historian.ask(
        SAMPLES,
        Wanted(times[0], times[-1] + 1, tuple(sorted({sample.signal for sample in samples}))),
        "SELECT signal, epoch_us(source_time) AS source, value, text FROM rows"  # noqa: S608
        f" WHERE quality < 2 AND epoch_us(source_time) IN ({listed})",
    )
    known: _Known = {}
    columns = [found[name].to_pylist() for name in ("signal", "source", "value", "text")]
    for signal, source, value, text in zip(*columns, strict=True):
        known.setdefault((signal, source), []).append(value if text is None else text)
    return known


def _pages(found: pa.Table) -> Iterator[list[dict[str, Any]]]:
    for name in ("time", "receive_time"):
        index = found.schema.get_field_index(name)
        found = found.set_column(index, name, found[name].cast(pa.int64()))
    for batch in found.combine_chunks().to_batches(max_chunksize=PAGE_ROWS):
        yield batch.to_pylist()


def _plain(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row as it may be stored again: under a new sequence number."""
    return {name: value for name, value in row.items() if name != "sequence"}
