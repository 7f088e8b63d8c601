"""The wire format of protocol buffers: as much of it as Sparkplug B uses."""

from collections.abc import Iterator
from typing import Any

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5


def fields(data: bytes) -> Iterator[tuple[int, int, Any]]:
    """Yield field number, wire type and value: an int for varints, else the bytes.

    Raises
    ------
    ValueError
        If the bytes are no message.
    """
    at, end = 0, len(data)
    while at < end:
        tag, at = read_varint(data, at)
        number, wire = tag >> 3, tag & 7
        if number == 0 or number >= 2**29:
            raise ValueError(f"field number {number} does not exist")
        if wire == VARINT:
            value, at = read_varint(data, at)
            yield number, wire, value
            continue
        if wire == BYTES:
            length, at = read_varint(data, at)
        elif wire in (FIXED32, FIXED64):
            length = 4 if wire == FIXED32 else 8
        else:
            raise ValueError(f"wire type {wire} is not used by Sparkplug")
        if length > end - at:
            raise ValueError("it ends in the middle of a field")
        yield number, wire, data[at : at + length]
        at += length


def read_varint(data: bytes, at: int) -> tuple[int, int]:
    """Read the number at a place; give back it, cut to 64 bits, and the place after it.

    Raises
    ------
    ValueError
        If it has no end.
    """
    value = 0
    for index in range(10):
        if at + index >= len(data):
            raise ValueError("it ends in the middle of a number")
        byte = data[at + index]
        value |= (byte & 0x7F) << (7 * index)
        if byte < 0x80:
            return value & 0xFFFFFFFFFFFFFFFF, at + index + 1
    raise ValueError("a number has more than 10 bytes")


def varint(value: int) -> bytes:
    """Write a number that is not negative."""
    data = bytearray()
    while value > 0x7F:
        data.append(value & 0x7F | 0x80)
        value >>= 7
    data.append(value)
    return bytes(data)


def number(field: int, value: int) -> bytes:
    """Write a field that holds a number."""
    return varint(field << 3 | VARINT) + varint(value)


def piece(field: int, value: bytes) -> bytes:
    """Write a field that holds bytes, a text or another message."""
    return varint(field << 3 | BYTES) + varint(len(value)) + value
