"""What may be written to one setpoint: type, finite, unit, range, rate."""

import json
import math
from dataclasses import dataclass

from genba.errors import PlantError
from genba.guard.knowledge import Knowledge
from genba.plant import US, DataType, Scalar, Signal, Write
from genba.plant.units import commensurable, convert

RATE_WINDOW_S = 60.0
"""A rest does not save up for a leap: at most this many seconds of change at once."""

LONGEST_TEXT = 65_536


@dataclass(frozen=True, slots=True)
class Checked:
    """A write in the signal's own unit, and what speaks against it."""

    value: Scalar
    reasons: tuple[str, ...] = ()


def check_write(signal: Signal, write: Write, knowledge: Knowledge, now: int) -> Checked:
    """Check one write against its signal's envelope. No value is ever changed to fit."""
    if not signal.writable:
        return Checked(write.value, (f"{signal.id} is a {signal.kind}, no setpoint",))
    wrong = _wrong_type(signal, write.value)
    if wrong:
        return Checked(write.value, (wrong,))
    if signal.type in (DataType.FLOAT, DataType.INT):
        return _check_number(signal, write, knowledge, now)
    if write.unit != signal.unit:
        reason = f"{signal.id} takes unit '{signal.unit}', not '{write.unit}'"
        return Checked(write.value, (reason,))
    return Checked(write.value)


def _wrong_type(signal: Signal, value: Scalar) -> str:
    match signal.type:
        case DataType.BOOL:
            fits = isinstance(value, bool)
        case DataType.INT:
            fits = isinstance(value, int) and not isinstance(value, bool)
        case DataType.FLOAT:
            fits = isinstance(value, int | float) and not isinstance(value, bool)
        case DataType.STRING:
            fits = isinstance(value, str) and len(value) <= LONGEST_TEXT
        case DataType.JSON:
            fits = isinstance(value, str) and len(value) <= LONGEST_TEXT and is_json(value)
    return "" if fits else f"{signal.id} takes {signal.type}, and {_short(value)} is none"


def _check_number(signal: Signal, write: Write, knowledge: Knowledge, now: int) -> Checked:
    try:
        value = in_signal_unit(signal, write)
    except (PlantError, OverflowError) as error:
        return Checked(write.value, (f"{signal.id}: {error}",))
    if not math.isfinite(value):
        return Checked(write.value, (f"{signal.id}: {write.value} is not a finite number",))
    reasons = []
    if signal.type is DataType.INT and value != int(value):
        reasons.append(f"{signal.id} takes whole numbers, and {value:g} is none")
    if signal.range is not None and not signal.range.low <= value <= signal.range.high:
        reasons.append(
            f"{signal.id}: {value:g} {signal.unit} is outside "
            f"{signal.range.low:g} to {signal.range.high:g}"
        )
    reasons += _too_fast(signal, value, knowledge, now)
    if signal.type is DataType.INT and not reasons:
        return Checked(write.value if write.unit == signal.unit else int(value))
    return Checked(value, tuple(reasons))


def in_signal_unit(signal: Signal, write: Write) -> float:
    """Convert a number that is to be written into the signal's unit.

    Raises
    ------
    PlantError
        If the units do not measure the same thing.
    OverflowError
        If the number is too large for a float.
    """
    value = float(write.value)  # type: ignore[arg-type]
    if write.unit == signal.unit:
        return value
    if not commensurable(write.unit, signal.unit):
        raise PlantError(f"'{write.unit}' cannot be converted to '{signal.unit}'")
    return convert(value, write.unit, signal.unit)


def _too_fast(signal: Signal, value: float, knowledge: Knowledge, now: int) -> list[str]:
    if signal.max_rate is None:
        return []
    present = knowledge.present_values(signal.id)
    if not present:
        return [f"{signal.id} has a rate limit, and its present value is not known"]
    reasons = []
    for before, since in present:
        allowed = signal.max_rate * min(RATE_WINDOW_S, max(0.0, (now - since) / US))
        if abs(value - before) > allowed * (1 + 1e-9):
            reasons.append(
                f"{signal.id}: from {before:g} to {value:g} {signal.unit} is more than "
                f"{allowed:g} at {signal.max_rate:g} per second"
            )
    return reasons


def is_json(text: str) -> bool:
    """Whether text is one JSON document without NaN or infinities."""
    try:
        json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        return False
    return True


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is not JSON")


def _short(value: Scalar) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
