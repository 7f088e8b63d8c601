"""A machine's parts, one row each: how its signals were meanwhile, and what gauging found."""

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from genba.errors import LearnError
from genba.historian import Historian
from genba.learn.arrays import Floats, Integers, Texts
from genba.learn.data.column import Column, ColumnKind, Known
from genba.learn.data.context import Context, context_of
from genba.learn.data.counted import counters_of, parts_counted
from genba.learn.data.dataset import Dataset
from genba.learn.data.equipment import Slice, column_of, machine_of, signals_of
from genba.learn.data.lineage import Lineage
from genba.learn.data.part import Part
from genba.learn.data.settle import settled_parts
from genba.learn.data.sums import LAST, SUMS
from genba.learn.data.target import Target
from genba.plant import US, Equipment, Plant, Quality, Role, Signal, SignalKind, format_time

_PLAIN = ("lot", "serial", "result", "inspected")
LONGEST_US = 3_600_000_000
"""A part's own time begins at the end of the one before, at most so long before its own end."""


def slice_of_parts(
    historian: Historian, plant: Plant, wanted: Slice, target: str | None = "result"
) -> Dataset:
    """Make a row for each part that the machine's ``part`` signal announced, or its counters told.

    A part's columns are mean, spread, least and greatest of each measurement from the end of the
    part before to its own, the setpoints as they stood at its end, and what the machine told of
    every part. What only gauged parts have (sizes) is known later, and is never a column; what
    gauging found of the last gauged part *before* is, as ``size_um.last``: a machine that drifts
    shows it there first. Of a machine that settles (``settle_s``) parts are left out that it made
    meanwhile.

    Parameters
    ----------
    target : str or None
        ``result``: class ``bad`` where a gauged part was not good, unknown where nobody looked; or
        the name of a measurement of gauged parts, for virtual metrology. None: no target.

    Raises
    ------
    LearnError
        If the machine tells of no parts, none was gauged, or no part has such a measurement.
    """
    machine = machine_of(plant, wanted.equipment)
    announcing = plant.roles.get((machine.id, Role.PART))
    counters = {} if announcing is not None else counters_of(plant, machine.id)
    if announcing is not None:
        parts, told_by = _parts(historian, announcing.id, wanted), [announcing.id]
    elif counters:
        parts, told_by = _counted(historian, counters, wanted), list(counters)
    else:
        raise LearnError(
            f"equipment '{machine.id}' has no signal that tells of parts; give the one that "
            "announces them 'role: part' in the plant file, or its counters 'role: good_count' and "
            "'role: scrap_count'"
        )
    signals = signals_of(machine, wanted)
    always, later = _told_of(parts)
    labels = None if target is None else _labels(parts, target, later, machine)
    columns, values = _summaries(historian, signals, parts, wanted)
    columns += [Column(name, known=Known.DURING) for name in always]
    columns += [Column(f"{name}{LAST}", known=Known.BEFORE) for name in later]
    told = np.array([[part.told.get(name, np.nan) for name in always] for part in parts])
    time = np.array([part.time for part in parts], np.int64)
    before = [held(*gauged_in(parts, name), time - 1) for name in later]
    context = context_of(historian, machine.id, time)
    query = {
        "equipment": machine.id,
        "parts": told_by[0],
        **({"counters": list(counters)} if counters else {}),
        "signals": [signal.id for signal in signals],
        "from": format_time(wanted.start),
        "to": format_time(wanted.end),
        "target": target,
        "settle_s": wanted.settle_s,
    }
    data = Dataset(
        machine.id,
        tuple(columns),
        np.column_stack([values, told.reshape(len(parts), len(always)), *before]),
        time,
        Lineage("historian", query, as_of=wanted.end),
        {"lot": _lots(parts, context), "product": context.product},
        labels,
    )
    if wanted.settle_s <= 0:
        return data
    return data.take(settled_parts(time, round(wanted.settle_s * US)), "of a settled machine")


def _parts(historian: Historian, signal: str, wanted: Slice) -> list[Part]:
    found = historian.samples([signal], wanted.start, wanted.end)
    parts = parts_in(found)
    if not parts:
        raise LearnError(
            f"signal '{signal}' announced no part from {format_time(wanted.start)} to "
            f"{format_time(wanted.end)}; choose another period with --from and --to"
        )
    return parts


def _counted(historian: Historian, counters: dict[str, str], wanted: Slice) -> list[Part]:
    parts = parts_counted(historian, counters, wanted.start, wanted.end)
    if not parts:
        raise LearnError(
            f"no counter of {', '.join(counters)} rose from {format_time(wanted.start)} to "
            f"{format_time(wanted.end)}; choose another period with --from and --to"
        )
    return parts


def _lots(parts: list[Part], context: Context) -> Texts:
    """Return the lot of each part, as told with it, else as the operations of the machine say."""
    told = np.array([part.lot for part in parts], np.str_)
    return told if (told != "").any() else context.lot


def parts_in(announced: pa.Table) -> list[Part]:
    """Read parts out of samples of the signal that announces them, in order of time."""
    times = announced["source_time"].cast(pa.int64()).to_pylist()
    texts = announced["text"].to_pylist()
    parts = (part_of(time, text) for time, text in zip(times, texts, strict=True))
    return [part for part in parts if part is not None]


def part_of(time: int, text: str | None) -> Part | None:
    """Read an announcement; None where it is none."""
    document = _document(text)
    if document is None:
        return None
    told = {
        name: float(value)
        for name, value in document.items()
        if name not in _PLAIN and isinstance(value, int | float)
    }
    lot, result, serial = (str(document.get(name, "")) for name in ("lot", "result", "serial"))
    return Part(time, lot, result, bool(document.get("inspected")), told, serial)


def gauged_in(parts: Sequence[Part], name: str) -> tuple[Integers, Floats]:
    """Return times and values of a measurement of those parts, in order, that were gauged."""
    found = [(part.time, part.told[name]) for part in parts if part.inspected and name in part.told]
    return (
        np.array([time for time, _ in found], np.int64),
        np.array([value for _, value in found], np.float64),
    )


def _document(text: str | None) -> dict[str, Any] | None:
    try:
        document = json.loads(text or "")
    except ValueError:
        return None
    return document if isinstance(document, dict) else None


def _told_of(parts: list[Part]) -> tuple[list[str], list[str]]:
    """Names of values that parts have without being gauged, and of those that only gauging gives.

    Where every part is gauged, nobody can tell them apart: then all are taken for found by gauging.
    """
    always = {name for part in parts if not part.inspected for name in part.told}
    every = {name for part in parts for name in part.told}
    return sorted(always), sorted(every - always)


def _labels(parts: list[Part], target: str, later: list[str], machine: Equipment) -> Target:
    gauged = np.array([part.inspected for part in parts])
    if not gauged.any():
        raise LearnError(
            f"none of {len(parts)} parts of '{machine.id}' was gauged in this period; quality can "
            "only be learned where somebody looked: widen the period"
        )
    if target == "result":
        bad = np.array([part.result != "good" for part in parts], np.float64)
        return Target("result", np.where(gauged, bad, np.nan), classes=("good", "bad"))
    if target not in later:
        raise LearnError(
            f"gauged parts of '{machine.id}' have no '{target}'; they have "
            f"{', '.join(later) or 'nothing but their result'}"
        )
    return Target(target, np.array([part.told.get(target, np.nan) for part in parts]))


def _summaries(
    historian: Historian, signals: list[Signal], parts: list[Part], wanted: Slice
) -> tuple[list[Column], Floats]:
    """Sum up each signal over each part's own time."""
    ends = np.array([part.time for part in parts], np.int64)
    begins = np.maximum(np.concatenate([[wanted.start], ends[:-1]]), ends - LONGEST_US)
    columns: list[Column] = []
    values: list[Floats] = []
    for signal in signals:
        found = historian.samples([signal.id], wanted.start - LONGEST_US, wanted.end)
        times, numbers = track_in(found)
        plain = column_of(signal)
        if signal.kind is SignalKind.SETPOINT:
            columns.append(plain)
            values.append(held(times, numbers, ends))
            continue
        for name, sums in summed(times, numbers, begins, ends).items():
            title = f"{plain.name}.{name}"
            columns.append(
                Column(title, signal.unit, ColumnKind.MEASUREMENT, signal.id, Known.DURING)
            )
            values.append(sums)
    return columns, np.column_stack(values)


def track_in(samples: pa.Table) -> tuple[Integers, Floats]:
    """Return times and values of the samples of one signal that are not bad."""
    good = np.asarray(samples["quality"].to_numpy()) < Quality.BAD
    numbers = samples["value"].to_numpy().astype(np.float64)[good]
    times = np.asarray(samples["source_time"].cast(pa.int64()).to_numpy(), np.int64)[good]
    return times, numbers


def held(times: Integers, numbers: Floats, at: Integers) -> Floats:
    """The value that held at each moment; NaN before the first."""
    place = np.searchsorted(times, at, side="right") - 1
    if len(numbers) == 0:
        return np.full(len(at), np.nan)
    return np.where(place >= 0, numbers[np.maximum(place, 0)], np.nan)


def summed(times: Integers, numbers: Floats, begins: Integers, ends: Integers) -> dict[str, Floats]:
    """Mean, spread, least and greatest of the samples in ``(begin, end]``; NaN where none is."""
    first = np.searchsorted(times, begins, side="right")
    last = np.searchsorted(times, ends, side="right")
    told = {name: np.full(len(ends), np.nan) for name in SUMS}
    for row, (low, high) in enumerate(zip(first, last, strict=True)):
        own = numbers[low:high]
        own = own[np.isfinite(own)]
        if len(own) == 0:
            continue
        told["mean"][row], told["spread"][row] = own.mean(), own.std()
        told["least"][row], told["greatest"][row] = own.min(), own.max()
    return told
