"""A machine's signals over time, out of the historian: as they stood at each moment."""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from genba.errors import LearnError
from genba.historian import Historian
from genba.learn.arrays import Booleans, Floats, Integers
from genba.learn.data.column import Column, ColumnKind, Known
from genba.learn.data.context import Context, context_of
from genba.learn.data.dataset import UNIT, Dataset
from genba.learn.data.lineage import Lineage
from genba.learn.data.settle import settled
from genba.plant import (
    US,
    DataType,
    Equipment,
    PackMLState,
    Plant,
    Role,
    Signal,
    SignalKind,
    format_time,
)

_NUMBERS = (DataType.BOOL, DataType.INT, DataType.FLOAT)
_LOST = ("none", "partly")
_MOST_ROWS = 500_000
_SHORTEST = 2
_KINDS = {SignalKind.SETPOINT: ColumnKind.SETPOINT, SignalKind.STATE: ColumnKind.STATE}


@dataclass(frozen=True, slots=True)
class Slice:
    """What of a machine is wanted: a period ``[start, end)`` in microseconds UTC, every ``step_s``.

    ``signals`` None takes all measurements and setpoints that hold numbers. ``without`` leaves some
    out, by id or short name. ``working`` keeps only moments at which the machine executes;
    ``settle_s`` then leaves out those at which it still settles after a standstill
    (:mod:`genba.learn.data.settle`). ``mode`` takes its mode (production, set-up) too, as a state:
    what is normal hangs on it.
    """

    equipment: str
    start: int
    end: int
    step_s: float | None = None
    signals: tuple[str, ...] | None = None
    without: tuple[str, ...] = ()
    working: bool = True
    mode: bool = False
    settle_s: float = 0.0


def slice_of_equipment(historian: Historian, plant: Plant, wanted: Slice) -> Dataset:
    """Read how a machine's signals stood at each moment of a grid.

    A value holds until the next one came, and is unknown in a gap whose samples were never
    recovered. Moments at which a value is unknown are left out. Rows that follow each other without
    a break are one unit, so that no window joins a shift with the next.

    Raises
    ------
    LearnError
        If there is no such machine or signal, or nothing was recorded while it worked.
    HistorianError
        If the period is empty.
    """
    machine = machine_of(plant, wanted.equipment)
    signals = signals_of(machine, wanted)
    step_us = _step_us(signals, wanted)
    ids = [signal.id for signal in signals]
    state = plant.roles.get((machine.id, Role.STATE)) if wanted.working else None
    asked = [*ids, *([state.id] if state is not None and state.id not in ids else [])]
    table = historian.asof(asked, wanted.start, wanted.end, step_us)
    time = np.asarray(table["time"].cast(pa.int64()).to_numpy(), np.int64)
    values = np.column_stack([numbers_of(table[name]) for name in ids])
    forget_gaps(historian, ids, wanted.start, wanted.end, time, values)
    kept: Booleans = np.all(np.isfinite(values), axis=1)
    if state is not None:
        executes: Booleans = numbers_of(table[state.id]) == PackMLState.EXECUTE
        kept &= settled(time, executes, round(wanted.settle_s * US))
    _check_rows(wanted, time, values, kept, signals)
    return _dataset(historian, machine, wanted, signals, time, values, kept, step_us)


def _dataset(
    historian: Historian,
    machine: Equipment,
    wanted: Slice,
    signals: list[Signal],
    time: Integers,
    values: Floats,
    kept: Booleans,
    step_us: int,
) -> Dataset:
    rows = np.flatnonzero(kept)
    run = np.concatenate([[0], np.cumsum(np.diff(rows) > 1)])
    context: Context = context_of(historian, machine.id, time[rows])
    query = {
        "equipment": machine.id,
        "signals": [signal.id for signal in signals],
        "from": format_time(wanted.start),
        "to": format_time(wanted.end),
        "step_s": step_us / US,
        "working": wanted.working,
        "settle_s": wanted.settle_s,
    }
    return Dataset(
        machine.id,
        tuple(column_of(signal) for signal in signals),
        values[rows],
        time[rows],
        Lineage("historian", query, as_of=wanted.end),
        {
            UNIT: np.array([f"{machine.id}/{number}" for number in run], np.str_),
            "lot": context.lot,
            "product": context.product,
        },
    )


def machine_of(plant: Plant, name: str) -> Equipment:
    """Find a piece of equipment.

    Raises
    ------
    LearnError
        If there is none.
    """
    try:
        return plant.equipment_by_id[name]
    except KeyError:
        having = [one.id for one in plant.equipment if one.signals]
        raise LearnError(
            f"the plant has no equipment '{name}'; with signals it has {', '.join(having)}"
        ) from None


def signals_of(machine: Equipment, wanted: Slice) -> list[Signal]:
    """Choose the signals of a slice.

    Raises
    ------
    LearnError
        If one that is named is not there or holds no numbers, or none is left.
    """
    by_name = {signal.id: signal for signal in machine.signals}
    for name in (*(wanted.signals or ()), *wanted.without):
        if _full(machine, name) not in by_name:
            raise LearnError(
                f"equipment '{machine.id}' has no signal '{name}'; "
                f"it has {', '.join(_short(machine, one) for one in by_name)}"
            )
    gone = {_full(machine, name) for name in wanted.without}
    if wanted.signals is not None:
        chosen = [by_name[_full(machine, name)] for name in wanted.signals]
        for signal in chosen:
            if signal.type not in _NUMBERS:
                raise LearnError(f"signal '{signal.id}' holds {signal.type.value}, no numbers")
    else:
        kinds = (SignalKind.MEASUREMENT, SignalKind.SETPOINT)
        chosen = [
            signal
            for signal in machine.signals
            if signal.kind in kinds and signal.type in _NUMBERS and signal.role is None
        ]
    if wanted.mode:
        chosen += [signal for signal in machine.signals if signal.role is Role.MODE]
    chosen = [signal for signal in chosen if signal.id not in gone]
    if not chosen:
        raise LearnError(
            f"equipment '{machine.id}' has no measurements or setpoints that hold numbers; "
            "name other equipment, or signals with --signals"
        )
    return chosen


def _full(machine: Equipment, name: str) -> str:
    return name if name.startswith(f"{machine.id}.") else f"{machine.id}.{name}"


def _short(machine: Equipment, name: str) -> str:
    return name.removeprefix(f"{machine.id}.")


def _step_us(signals: Collection[Signal], wanted: Slice) -> int:
    """As given, else how often the measurements usually come, coarser for long periods."""
    length = wanted.end - wanted.start
    if wanted.step_s is not None:
        step = round(wanted.step_s * US)
    else:
        usual = float(np.median([signal.sample_s for signal in signals])) * US
        step = round(max(usual, length / 100_000))
    if step <= 0 or length / step > _MOST_ROWS:
        raise LearnError(
            f"every {step / US:g} s that are {length / max(step, 1):,.0f} rows; "
            f"widen --step or shorten the period (at most {_MOST_ROWS:,})"
        )
    return step


def column_of(signal: Signal) -> Column:
    """Describe a signal as a column."""
    kind = _KINDS.get(signal.kind, ColumnKind.MEASUREMENT)
    known = Known.BEFORE if kind is ColumnKind.SETPOINT else Known.DURING
    return Column(
        signal.id.removeprefix(f"{signal.equipment}."), signal.unit, kind, signal.id, known
    )


def numbers_of(column: pa.ChunkedArray) -> Floats:
    """Turn a column of the historian into numbers; NaN where it has none."""
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        return np.full(len(column), np.nan)
    return np.array(column.cast(pa.float64()).to_numpy(), np.float64)


def forget_gaps(
    historian: Historian, ids: list[str], start: int, end: int, time: Integers, values: Floats
) -> None:
    """Take out what only seems to hold because nothing was received; ``values`` are changed."""
    found = historian.gaps(ids, start, end)
    for gap in found.to_pylist():
        if gap["recovery"] not in _LOST:
            continue
        begin = int(gap["start"].timestamp() * US)
        last = end if gap["end"] is None else int(gap["end"].timestamp() * US)
        within = (time >= begin) & (time < last)
        values[within, ids.index(gap["signal"])] = np.nan


def _check_rows(
    wanted: Slice, time: Integers, values: Floats, kept: Booleans, signals: list[Signal]
) -> None:
    if int(kept.sum()) >= _SHORTEST:
        return
    never = [s.id for n, s in enumerate(signals) if not np.isfinite(values[:, n]).any()]
    period = f"{format_time(wanted.start)} to {format_time(wanted.end)}"
    if never:
        raise LearnError(
            f"nothing is recorded of {', '.join(never[:5])} in {period}; "
            f"choose another period with --from and --to, or leave it out with --without"
        )
    settling = wanted.working and wanted.settle_s > 0
    long = f" for over {wanted.settle_s / 60:g} min, which it takes to settle," if settling else ""
    raise LearnError(
        f"'{wanted.equipment}' was never at work{long} with all signals known in {period} "
        f"({len(time)} moments); choose another period, or take all with --idle-too"
    )
