"""How a signal lies in Modbus tables: ``table:address[:type]``.

Tables are ``coil``, ``discrete`` (bits), ``holding`` and ``input`` (16-bit words); addresses count
from 0, as in the protocol. Types of words: ``int16``, ``uint16``, ``int32``, ``uint32``,
``int64``, ``uint64``, ``float32``, ``float64``, ``stringN`` (N words of ASCII, zero-filled) and
``bitN`` (one bit of a word, 0 the lowest). Without a type, words hold ``uint16``.
"""

import re
import struct
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from genba.errors import TestbedError
from genba.plant import Scalar, Signal

WordOrder = Literal["big", "little"]
_ADDRESS = re.compile(r"(coil|discrete|holding|input):(\d+)(?::([a-z]+\d+))?")
_STRUCT = {
    "int16": "h",
    "uint16": "H",
    "int32": "i",
    "uint32": "I",
    "int64": "q",
    "uint64": "Q",
    "float32": "f",
    "float64": "d",
}


class Table(StrEnum):
    """The four tables of a Modbus device."""

    COIL = "coil"
    DISCRETE = "discrete"
    HOLDING = "holding"
    INPUT = "input"


@dataclass(frozen=True, slots=True)
class Place:
    """Where and how one signal lies."""

    table: Table
    start: int
    count: int
    """Words, or bits in the bit tables."""
    type: str

    @property
    def stop(self) -> int:
        """First address behind it."""
        return self.start + self.count


def parse_place(signal: Signal) -> Place:
    """Read the address of a signal.

    Raises
    ------
    TestbedError
        If it does not follow the grammar, or runs past the last address.
    """
    wrong = TestbedError(
        f"signal {signal.id}: '{signal.address}' is no Modbus address; "
        "write it like holding:100:float32, input:10:uint16, coil:3 or holding:200:string16"
    )
    match = _ADDRESS.fullmatch(signal.address)
    if match is None:
        raise wrong
    table, start, type_ = Table(match[1]), int(match[2]), match[3] or ""
    if table in (Table.COIL, Table.DISCRETE):
        if type_:
            raise wrong
        place = Place(table, start, 1, "bit")
    else:
        place = Place(table, start, _words(type_ or "uint16", wrong), type_ or "uint16")
    if place.stop > 0x10000:
        raise wrong
    return place


def encode(
    place: Place, raw: Scalar, order: WordOrder, present: list[int]
) -> tuple[list[int], bool]:
    """Turn a device number into words (or one bit); also whether it fitted.

    What does not fit is shown as the nearest that does, as a PLC's register does. ``present`` are
    the words before, for a single bit among others.
    """
    if place.type.startswith("string"):
        return _encode_text(place, "" if raw is None else str(raw))
    number = 0.0 if raw is None or isinstance(raw, str) else raw
    if place.type == "bit":
        return [int(bool(number))], True
    if place.type.startswith("bit"):
        mask = 1 << int(place.type[3:])
        return [present[0] | mask if number else present[0] & ~mask], True
    code = _STRUCT[place.type]
    if place.type.startswith("float"):
        return _split(struct.pack(f">{code}", float(number)), order), True
    bits = struct.calcsize(code) * 8
    low, high = (-(1 << bits - 1), (1 << bits - 1) - 1) if code.islower() else (0, (1 << bits) - 1)
    whole = round(number)
    shown = min(max(whole, low), high)
    return _split(struct.pack(f">{code}", shown), order), shown == whole


def decode(place: Place, words: list[int], order: WordOrder) -> Scalar:
    """Turn words (or one bit) into the device's number.

    Raises
    ------
    ValueError
        If text is not ASCII.
    """
    if place.type == "bit":
        return bool(words[0])
    if place.type.startswith("bit"):
        return bool(words[0] >> int(place.type[3:]) & 1)
    content = _join(words, order if not place.type.startswith("string") else "big")
    if place.type.startswith("string"):
        return content.split(b"\0")[0].decode("ascii")
    number: int | float = struct.unpack(f">{_STRUCT[place.type]}", content)[0]
    return number


def _words(type_: str, wrong: TestbedError) -> int:
    if type_ in _STRUCT:
        return struct.calcsize(_STRUCT[type_]) // 2
    if type_.startswith("bit") and int(type_[3:]) < 16:
        return 1
    if type_.startswith("string") and int(type_[6:]) > 0:
        return int(type_[6:])
    raise wrong


def _encode_text(place: Place, text: str) -> tuple[list[int], bool]:
    content = text.encode("ascii", errors="replace")
    room = place.count * 2
    return _split(content[:room].ljust(room, b"\0"), "big"), len(content) <= room


def _split(content: bytes, order: WordOrder) -> list[int]:
    words = list(struct.unpack(f">{len(content) // 2}H", content))
    return words if order == "big" else words[::-1]


def _join(words: list[int], order: WordOrder) -> bytes:
    return struct.pack(f">{len(words)}H", *(words if order == "big" else words[::-1]))
