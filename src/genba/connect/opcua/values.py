"""Between OPC UA values and the plant's: types, quality, and what a node can hold."""

import math
import struct
from typing import Any

from asyncua import ua

from genba.connect.conversion import as_it_came, not_finite, to_device, to_plant, whole
from genba.connect.opcua.notification import Change
from genba.errors import DeviceError, WrongType
from genba.plant import DataType, Quality, Sample, Scalar, Signal

_INTS: dict[ua.VariantType, tuple[int, int]] = {
    ua.VariantType.SByte: (-(2**7), 2**7 - 1),
    ua.VariantType.Byte: (0, 2**8 - 1),
    ua.VariantType.Int16: (-(2**15), 2**15 - 1),
    ua.VariantType.UInt16: (0, 2**16 - 1),
    ua.VariantType.Int32: (-(2**31), 2**31 - 1),
    ua.VariantType.UInt32: (0, 2**32 - 1),
    ua.VariantType.Int64: (-(2**63), 2**63 - 1),
    ua.VariantType.UInt64: (0, 2**64 - 1),
}
_FLOATS = (ua.VariantType.Float, ua.VariantType.Double)
_TEXTS = (ua.VariantType.String, ua.VariantType.LocalizedText)

FLOATS = frozenset(int(kind.value) for kind in _FLOATS)
NUMBERS = frozenset(int(kind.value) for kind in (*_INTS, *_FLOATS))
"""Variant types that a deadband can apply to."""


def data_type(kind: ua.VariantType) -> DataType | None:
    """Plant type that a device's type is read as; None where it cannot be a signal."""
    if kind is ua.VariantType.Boolean:
        return DataType.BOOL
    if kind in _INTS:
        return DataType.INT
    if kind in _FLOATS:
        return DataType.FLOAT
    if kind in (*_TEXTS, ua.VariantType.DateTime, ua.VariantType.Guid):
        return DataType.STRING
    return None


def direct_types(signal: Signal) -> frozenset[int]:
    """Variant types whose values are this signal's values as they stand."""
    scaled = signal.scale != 1.0 or signal.offset != 0.0
    if signal.type is DataType.BOOL:
        return frozenset({ua.VariantType.Boolean.value})
    if signal.type is DataType.STRING:
        return frozenset({ua.VariantType.String.value})
    if signal.type is DataType.INT and not scaled:
        return frozenset(kind.value for kind in _INTS)
    if signal.type is DataType.FLOAT and not scaled:
        return frozenset(kind.value for kind in _FLOATS)
    return frozenset()


def convert(signal: Signal, change: Change) -> tuple[Scalar, Quality]:
    """Turn what a device sent into a plant value and its quality.

    Raises
    ------
    WrongType
        If the device holds another type than the plant file says.
    """
    severity = Quality(min(2, change.status >> 30))
    if change.raw is None:
        return None, Quality.BAD
    raw = _plain(signal, change)
    unscaled = signal.type is DataType.INT and signal.scale == 1.0 and signal.offset == 0.0
    if unscaled and change.type in (ua.VariantType.Float.value, ua.VariantType.Double.value):
        raise _wrong(signal, ua.VariantType(change.type).name)
    value, quality = to_plant(signal, raw)
    return value, max(severity, quality)


def unfit_sample(signal: Signal, change: Change, now: int) -> tuple[Sample, str] | None:
    """Return what a device sent that is no value of its signal, as it came, and why.

    None where it is one, or where the device itself calls it bad.
    """
    severity = min(2, change.status >> 30)
    if change.raw is None or severity == Quality.BAD:
        return None
    try:
        value, _ = convert(signal, change)
        why = not_finite(signal, change.raw)
    except WrongType as error:
        value, why = None, str(error)
    if value is not None:
        return None
    raw = change.raw.Value if isinstance(change.raw, ua.Variant) else change.raw
    kept = as_it_came(signal, raw)
    return Sample(signal.id, change.source_time or now, now, kept, severity), why


def _plain(signal: Signal, change: Change) -> Scalar:
    if not isinstance(change.raw, ua.Variant):
        scalar: Scalar = change.raw
        return scalar
    variant = change.raw
    if variant.is_array:
        raise _wrong(signal, f"an array of {variant.VariantType.name}")
    value: Any = variant.Value
    if variant.VariantType is ua.VariantType.LocalizedText:
        return str(value.Text or "")
    if variant.VariantType is ua.VariantType.DateTime:
        return f"{value.isoformat()}"
    if variant.VariantType is ua.VariantType.Guid:
        return str(value)
    raise _wrong(signal, variant.VariantType.name)


def _wrong(signal: Signal, found: str) -> WrongType:
    return WrongType(
        f"signal '{signal.id}' at '{signal.address}': the device holds {found}, "
        f"the plant file says {signal.type.value}; correct its type or address"
    )


def to_variant(signal: Signal, value: Scalar, kind: ua.VariantType) -> ua.Variant:
    """Turn a plant value into one of the node's own type, exactly or not at all.

    Raises
    ------
    WrongType
        If the value or the node is of another type than the plant file says.
    DeviceError
        If the node cannot hold the value.
    """
    raw = to_device(signal, value)
    if isinstance(raw, bool) or kind is ua.VariantType.Boolean:
        if not (isinstance(raw, bool) and kind is ua.VariantType.Boolean):
            raise _wrong(signal, kind.name)
        return ua.Variant(raw, kind)
    if isinstance(raw, str):
        if kind is ua.VariantType.LocalizedText:
            return ua.Variant(ua.LocalizedText(raw), kind)
        if kind is not ua.VariantType.String:
            raise _wrong(signal, kind.name)
        return ua.Variant(raw, kind)
    assert isinstance(raw, int | float)  # noqa: S101 - to_device lets nothing else through
    if kind in _INTS:
        return ua.Variant(_whole(signal, value, raw, kind), kind)
    if kind in _FLOATS:
        return ua.Variant(_real(signal, value, raw, kind), kind)
    raise _wrong(signal, kind.name)


def _whole(signal: Signal, value: Scalar, raw: float, kind: ua.VariantType) -> int:
    number = whole(raw)
    if number is None:
        raise DeviceError(
            f"signal '{signal.id}': the device holds whole steps of {abs(signal.scale):g} "
            f"{signal.unit}, so {value!r} cannot be written exactly; write a multiple"
        )
    low, high = _INTS[kind]
    if not low <= number <= high:
        raise DeviceError(
            f"signal '{signal.id}': {value!r} does not fit the device's {kind.name} "
            f"({low} to {high} raw); write a value inside, or correct scale and range"
        )
    return number


def _real(signal: Signal, value: Scalar, raw: float, kind: ua.VariantType) -> float:
    number = float(raw)
    try:
        if kind is ua.VariantType.Float:
            struct.pack("<f", number)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise DeviceError(
            f"signal '{signal.id}': {value!r} does not fit the device's {kind.name}; "
            "write a smaller value, or correct scale and range"
        )
    return number
