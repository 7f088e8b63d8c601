"""Addresses of VDA 5050 signals: where in which message a value lies.

::

    state:/lastNodeId           a JSON pointer (RFC 6901) into the last message of a topic
    state:/nodeStates#          a trailing # counts the entries
    state:/loads/*/loadId       * goes through a list; what is found is joined by ","
    order, instantActions       the message itself, to be written as JSON text
"""

import re
from dataclasses import dataclass
from typing import Any

from genba.errors import PlantError
from genba.plant import DataType, Signal

INCOMING = ("state", "connection", "factsheet")
OUTGOING = ("order", "instantActions")
_ADDRESS = re.compile(r"(?P<topic>[a-zA-Z]+)(?::(?P<pointer>(?:/[^/#]*)*)(?P<count>#)?)?")
_MISSING = object()


@dataclass(frozen=True, slots=True)
class Address:
    """A topic, and a path through its message; ``*`` stands for every entry of a list."""

    topic: str
    path: tuple[str, ...] = ()
    count: bool = False


def parse_address(signal: Signal) -> Address:
    """Read the address of ``signal``.

    Raises
    ------
    PlantError
        If it is none, or its topic does not go in the direction that the signal's kind needs.
    """
    where = f"signal '{signal.id}': address '{signal.address}'"
    match = _ADDRESS.fullmatch(signal.address)
    if match is None or match["topic"] not in (*INCOMING, *OUTGOING):
        raise PlantError(
            f"{where} is no VDA 5050 address; write it like state:/lastNodeId, "
            "state:/nodeStates#, state:/loads/*/loadId, connection:/connectionState or order"
        )
    topic, pointer = match["topic"], match["pointer"]
    if (topic in OUTGOING) != signal.writable:
        raise PlantError(
            f"{where}: a setpoint is 'order' or 'instantActions', "
            "and these are written, not observed; correct the signal's kind or address"
        )
    if topic in OUTGOING:
        if pointer is not None or signal.type is not DataType.JSON:
            raise PlantError(f"{where} is written whole; make it '{topic}' of type json")
        return Address(topic)
    if pointer is None:
        raise PlantError(f"{where} has no pointer; write {topic}:/ and the field's name")
    path = tuple(part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:])
    return Address(topic, path, match["count"] is not None)


def extract(address: Address, message: Any) -> Any:
    """Find the value of ``address`` in a message; None where the message has no such field.

    The pieces that a ``*`` finds are joined by commas where they are text or numbers, and come as
    a list otherwise. A list without entries gives "" (or 0, counted).
    """
    if "*" in address.path:
        found = _gather(message, address.path)
        if found is None:
            return None
        if address.count:
            return len(found)
        if all(type(piece) in (str, int, float) for piece in found):
            return ",".join(str(piece) for piece in found)
        return found
    value = _follow(message, address.path)
    if value is _MISSING:
        return None
    if address.count:
        return len(value) if isinstance(value, list | dict) else None
    return value


def _gather(value: Any, path: tuple[str, ...]) -> list[Any] | None:
    if "*" not in path:
        held = _follow(value, path)
        return [] if held is _MISSING else [held]
    star = path.index("*")
    entries = _follow(value, path[:star])
    if not isinstance(entries, list):
        return None
    return [piece for entry in entries for piece in _gather(entry, path[star + 1 :]) or ()]


def _follow(value: Any, path: tuple[str, ...]) -> Any:
    for name in path:
        if isinstance(value, dict) and name in value:
            value = value[name]
        elif isinstance(value, list) and name.isdecimal() and int(name) < len(value):
            value = value[int(name)]
        else:
            return _MISSING
    return value
