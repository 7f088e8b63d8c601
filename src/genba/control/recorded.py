"""Episodes of a process out of the historian: what was set, what was around, what was shown."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from genba.control.bound import Bound, Wire
from genba.errors import ControlError
from genba.historian import Historian
from genba.learn.data.equipment import forget_gaps, numbers_of
from genba.plant import US, format_time
from genba.twin.process import Episode
from genba.twin.process.episode import Floats

_SHORTEST = 5


def episodes_of(historian: Historian, bound: Bound, start: int, end: int) -> list[Episode]:
    """Cut a period ``[start, end)`` (microseconds UTC) into unbroken episodes.

    An episode ends where a set-point or a piece of context is unknown.

    Raises
    ------
    ControlError
        If no stretch of five steps is known.
    """
    step_us = round(bound.process.step_s * US)
    ids = bound.signals
    table = historian.asof(ids, start, end, step_us)
    time = np.asarray(table["time"].cast(pa.int64()).to_numpy(), np.int64)
    values = np.column_stack([numbers_of(table[name]) for name in ids])
    forget_gaps(historian, ids, start, end, time, values)
    columns = {name: values[:, place] for place, name in enumerate(ids)}
    inputs, context, shown = (
        _physical(wires, columns, len(time))
        for wires in (bound.inputs, bound.context, bound.outputs)
    )
    known = np.isfinite(inputs).all(axis=1) & np.isfinite(context).all(axis=1)
    rows = np.flatnonzero(known)
    pieces = np.split(rows, np.flatnonzero(np.diff(rows) > 1) + 1)
    episodes = [
        Episode(inputs[piece], context[piece], shown[piece])
        for piece in pieces
        if len(piece) >= _SHORTEST and np.isfinite(shown[piece]).any()
    ]
    if not episodes:
        raise ControlError(
            f"nothing was recorded of '{bound.process.id}' from {format_time(start)} to "
            f"{format_time(end)}; look at its signals ({', '.join(ids)}) or take another period"
        )
    return episodes


def _physical(wires: Sequence[Wire], columns: dict[str, Floats], rows: int) -> Floats:
    """Turn signals into the physics' variables, (rows, variables)."""
    told = [
        np.full(rows, np.nan)
        if wire.signal is None
        else wire.scale * columns[wire.signal.id] + wire.shift
        for wire in wires
    ]
    return np.column_stack(told) if told else np.zeros((rows, 0))
