"""Modbus addresses as text, and values as registers.

::

    <table>:<number>[:<type>]     holding:100:float32   input:10   coil:3   holding:7:bit12

``number`` is the protocol's, counted from 0 (register "40001" of a manual is ``holding:0``).
"""

import re
import struct
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from genba.connect.conversion import whole
from genba.errors import PlantError, WrongType
from genba.plant import DataType, Scalar, Signal

WordOrder = Literal["big", "little"]

_FORMATS = {
    "int16": ">h",
    "uint16": ">H",
    "int32": ">i",
    "uint32": ">I",
    "int64": ">q",
    "uint64": ">Q",
    "float32": ">f",
    "float64": ">d",
}
_ADDRESS = re.compile(r"(?P<table>[a-z]+):(?P<number>\d{1,5})(?::(?P<type>[a-z]+)(?P<size>\d*))?")
_MOST_STRING_REGISTERS = 120


class Table(StrEnum):
    """The four tables of the Modbus data model (application protocol 1.1b3, 4.3)."""

    COIL = "coil"
    DISCRETE = "discrete"
    INPUT = "input"
    HOLDING = "holding"

    @property
    def bits(self) -> bool:
        """Whether an entry is one bit, not a register of 16."""
        return self in (Table.COIL, Table.DISCRETE)

    @property
    def writable(self) -> bool:
        """Whether the protocol has a write for it."""
        return self in (Table.COIL, Table.HOLDING)

    @property
    def most_per_read(self) -> int:
        """Entries that one request may read (6.1 and 6.3 of the specification)."""
        return 2000 if self.bits else 125


@dataclass(frozen=True, slots=True)
class Address:
    """Where a value lies and how it is coded: a number, ``count`` registers of text, or one bit."""

    text: str
    table: Table
    number: int
    count: int = 1
    code: str = ""
    """A :mod:`struct` format for numbers, ``string``, ``bit`` or ``""`` for coils and discretes."""
    bit: int = 0

    @property
    def end(self) -> int:
        """The first number behind the value."""
        return self.number + self.count


def parse_address(signal: Signal) -> Address:
    """Read the address of ``signal`` and check that its type and kind fit.

    Raises
    ------
    PlantError
        If the text is no address, or holds nothing of the signal's type, or cannot be written
        though the signal is a setpoint.
    """
    where = f"signal '{signal.id}': address '{signal.address}'"
    match = _ADDRESS.fullmatch(signal.address)
    tables = {table.value for table in Table}
    if match is None or match["table"] not in tables:
        raise PlantError(
            f"{where} is no Modbus address; write it like holding:100:float32, input:10:uint16, "
            "coil:3, discrete:4 or holding:200:string16"
        )
    address = _coded(match, signal.address, where)
    if address.end > 65536:
        raise PlantError(f"{where} reaches beyond 65535, the last Modbus number")
    if signal.writable and not address.table.writable:
        raise PlantError(
            f"{where} can only be read, but the signal is a setpoint; "
            "use a coil or a holding register"
        )
    _check_type(signal, address, where)
    return address


def _coded(match: re.Match[str], text: str, where: str) -> Address:
    table, number = Table(match["table"]), int(match["number"])
    name, size = match["type"] or "", match["size"] or ""
    full = name + size
    if table.bits:
        if full:
            raise PlantError(
                f"{where}: a {table.value} is one bit and takes no type; drop '{full}'"
            )
        return Address(text, table, number)
    if name == "string" and size and 1 <= int(size) <= _MOST_STRING_REGISTERS:
        return Address(text, table, number, int(size), "string")
    if name == "bit" and size and int(size) <= 15:
        return Address(text, table, number, 1, "bit", int(size))
    code = _FORMATS.get(full or "uint16")
    if code is None:
        raise PlantError(
            f"{where}: there is no type '{full}'; use {', '.join(_FORMATS)}, "
            f"bit0 to bit15, or string1 to string{_MOST_STRING_REGISTERS} (registers of 2 letters)"
        )
    return Address(text, table, number, struct.calcsize(code) // 2, code)


def _check_type(signal: Signal, address: Address, where: str) -> None:
    if address.code == "string":
        fits = signal.type in (DataType.STRING, DataType.JSON)
    elif address.table.bits or address.code == "bit":
        fits = signal.type is DataType.BOOL
    elif address.code in (">f", ">d"):
        fits = signal.type in (DataType.FLOAT, DataType.INT)
    else:
        fits = signal.type in (DataType.FLOAT, DataType.INT, DataType.BOOL)
    if not fits:
        raise PlantError(
            f"{where} cannot hold {signal.type.value}; correct the signal's type or its address"
        )


def decode(address: Address, words: list[int], order: WordOrder) -> bool | int | float | str:
    """Turn the registers (or the one bit) of ``address`` into a value.

    A 32-bit float becomes the shortest decimal that stands for it, so that 0.1 reads as 0.1.

    Raises
    ------
    WrongType
        If text registers hold something that is not ASCII.
    """
    if address.table.bits:
        return bool(words[0])
    if address.code == "bit":
        return bool(words[0] >> address.bit & 1)
    if address.code == "string":
        data = struct.pack(f">{len(words)}H", *words).split(b"\0")[0]
        try:
            return data.decode("ascii")
        except UnicodeDecodeError:
            raise WrongType(f"'{address.text}' holds no ASCII text: {data[:16]!r}") from None
    ordered = words if order == "big" else words[::-1]
    data = struct.pack(f">{len(ordered)}H", *ordered)
    value: int | float = struct.unpack(address.code, data)[0]
    return _shortest(value, data) if address.code == ">f" else value


def encode(signal: Signal, address: Address, value: Scalar, order: WordOrder) -> list[int]:
    """Turn a device value into the registers (or the one bit) of ``address``.

    Raises
    ------
    WrongType
        If it does not fit: out of the register's range, between two of its steps, too long, or
        not ASCII. Nothing is rounded or cut silently.
    """
    if address.table.bits or address.code == "bit":
        return [int(bool(value))]
    if address.code == "string":
        return _text_words(signal, address, str(value))
    number = _number(signal, address, value)
    try:
        data = struct.pack(address.code, number)
    except (struct.error, OverflowError):
        raise WrongType(
            f"signal '{signal.id}': {value!r} does not fit '{address.text}'; "
            "write a value in the register's range"
        ) from None
    words = list(struct.unpack(f">{address.count}H", data))
    return words if order == "big" else words[::-1]


def _number(signal: Signal, address: Address, value: Scalar) -> int | float:
    if isinstance(value, str) or value is None:
        raise WrongType(f"signal '{signal.id}': '{address.text}' takes a number, not {value!r}")
    if address.code in (">f", ">d"):
        return float(value)
    number = whole(value)
    if number is None:
        step = abs(signal.scale)
        raise WrongType(
            f"signal '{signal.id}': the device takes steps of {step:g} {signal.unit}; "
            f"write {round(value) * signal.scale + signal.offset:.10g}"
        )
    return number


def _text_words(signal: Signal, address: Address, text: str) -> list[int]:
    try:
        data = text.encode("ascii")
    except UnicodeEncodeError:
        raise WrongType(
            f"signal '{signal.id}': '{address.text}' takes ASCII text, not {text!r}"
        ) from None
    most = 2 * address.count
    if len(data) > most or b"\0" in data:
        raise WrongType(
            f"signal '{signal.id}': {len(data)} letters do not fit '{address.text}'; "
            f"write at most {most}, none of them NUL"
        )
    return list(struct.unpack(f">{address.count}H", data.ljust(most, b"\0")))


def _shortest(value: float, data: bytes) -> float:
    for digits in (6, 7, 8):
        short = float(f"{value:.{digits}g}")
        try:
            if struct.pack(">f", short) == data:
                return short
        except OverflowError:
            continue
    return value
