"""Between a device's values and the plant's: type, scale, offset; and what counts as a change."""

import json
import math
from collections.abc import Callable
from typing import Any

from genba.errors import WrongType
from genba.plant import DataType, Quality, Scalar, Signal


def to_plant(signal: Signal, raw: Any) -> tuple[Scalar, Quality]:
    """Turn a device's value into the plant's: of the signal's type, scaled, in its unit.

    A missing value, a NaN and an infinity become ``None`` of bad quality.

    Raises
    ------
    WrongType
        If the device holds another type than the plant file says.
    """
    if raw is None:
        return None, Quality.BAD
    value = _READERS[signal.type](signal, raw)
    return value, Quality.BAD if value is None else Quality.GOOD


def not_finite(signal: Signal, raw: Any) -> str:
    """Say that a number is none."""
    return f"signal '{signal.id}' at '{signal.address}': {raw!r} is no finite number"


def as_it_came(signal: Signal, raw: Any) -> Any:
    """Return what is kept of a value that does not fit: a number scaled, all else as it stands."""
    if isinstance(raw, bool) or not isinstance(raw, int | float) or not _is_scaled(signal):
        return raw
    try:
        return raw * signal.scale + signal.offset
    except OverflowError:
        return raw


def to_device(signal: Signal, value: Scalar) -> Scalar:
    """Turn a plant value into the device's number or text, undoing scale and offset.

    Raises
    ------
    WrongType
        If ``value`` is not of the signal's type, or not finite.
    """
    fits = {
        DataType.BOOL: isinstance(value, bool),
        DataType.INT: isinstance(value, int) and not isinstance(value, bool),
        DataType.FLOAT: isinstance(value, int | float) and not isinstance(value, bool),
        DataType.STRING: isinstance(value, str),
        DataType.JSON: isinstance(value, str),
    }[signal.type]
    if not fits or (isinstance(value, float) and not math.isfinite(value)):
        raise WrongType(
            f"signal '{signal.id}' takes {signal.type.value}, not {value!r}; "
            "write a finite value of that type"
        )
    if isinstance(value, int | float) and not isinstance(value, bool) and _is_scaled(signal):
        return (value - signal.offset) / signal.scale
    return value


def whole(raw: float) -> int | None:
    """Return the whole number that an unscaled value stands for; None where it lies between two.

    Dividing by a scale leaves an error of some units in the last place: 0.3 / 0.1 is not 3.
    """
    number = round(raw)
    return number if abs(number - raw) <= max(1e-6, 1e-12 * abs(raw)) else None


def changed(before: Scalar, after: Scalar, deadband: float = 0.0) -> bool:
    """Whether ``after`` differs from ``before`` by more than ``deadband`` (numbers) or at all."""
    if _is_number(before) and _is_number(after):
        return before != after and abs(float(after) - float(before)) > deadband  # type: ignore[arg-type]
    return type(before) is not type(after) or before != after


def _is_number(value: Scalar) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_scaled(signal: Signal) -> bool:
    return signal.scale != 1.0 or signal.offset != 0.0


def _wrong(signal: Signal, raw: Any) -> WrongType:
    shown = repr(raw)
    shown = shown if len(shown) <= 60 else shown[:57] + "..."
    return WrongType(
        f"signal '{signal.id}' at '{signal.address}': the device holds {type(raw).__name__} "
        f"{shown}, the plant file says {signal.type.value}; correct its type or address"
    )


def _bool(signal: Signal, raw: Any) -> Scalar:
    if isinstance(raw, bool):
        return raw
    if isinstance(raw, int) and raw in (0, 1):
        return bool(raw)
    raise _wrong(signal, raw)


def _int(signal: Signal, raw: Any) -> Scalar:
    number = _float(signal, raw)
    if isinstance(raw, int) and not _is_scaled(signal):
        return raw
    if number is not None and not number.is_integer():
        raise _wrong(signal, raw)
    return None if number is None else int(number)


def _float(signal: Signal, raw: Any) -> float | None:
    if isinstance(raw, bool) or not isinstance(raw, int | float):
        raise _wrong(signal, raw)
    try:
        number = float(raw) * signal.scale + signal.offset
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def _string(signal: Signal, raw: Any) -> Scalar:
    if not isinstance(raw, str):
        raise _wrong(signal, raw)
    return raw


def _json(signal: Signal, raw: Any) -> Scalar:
    """Keep valid JSON text as it is; write anything else as compact JSON."""
    if isinstance(raw, str):
        try:
            json.loads(raw)
        except ValueError:
            raise _wrong(signal, raw) from None
        return raw
    try:
        return json.dumps(raw, separators=(",", ":"), allow_nan=False)
    except (TypeError, ValueError):
        raise _wrong(signal, raw) from None


_READERS: dict[DataType, Callable[[Signal, Any], Scalar]] = {
    DataType.BOOL: _bool,
    DataType.INT: _int,
    DataType.FLOAT: _float,
    DataType.STRING: _string,
    DataType.JSON: _json,
}
