"""What goes over the wire: a JSON head, and arrays as plain bytes behind it. Nothing that runs.

Four bytes of length (big-endian), the head, then each array in the order in which the head lists
them (name, type, shape), little-endian.
"""

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from genba.errors import LearnError
from genba.learn.arrays import AnyArray

_TYPES = ("<f8", "<f4", "<u8", "<i8", "|u1", "|b1")
MOST_BYTES = 64 * 2**20
"""A longer message is refused."""


@dataclass(frozen=True, slots=True, eq=False)
class Message:
    """``head`` holds plain JSON values, ``arrays`` numbers."""

    head: Mapping[str, Any]
    arrays: Mapping[str, AnyArray] = field(default_factory=dict)

    def pack(self) -> bytes:
        """Return the bytes; the same message gives the same."""
        listed, content = [], []
        for name in sorted(self.arrays):
            array = np.asarray(self.arrays[name])
            plain = np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
            listed.append([name, plain.dtype.str, list(array.shape)])
            content.append(plain.tobytes())
        told = {"head": self.head, "arrays": listed}
        head = json.dumps(told, sort_keys=True, separators=(",", ":")).encode()
        return b"".join([len(head).to_bytes(4), head, *content])

    @classmethod
    def unpack(cls, content: bytes) -> "Message":
        """Read a message.

        Raises
        ------
        LearnError
            If it is none, too long, or holds anything but plain numbers.
        """
        if len(content) > MOST_BYTES:
            raise LearnError(f"a message of {len(content):,} bytes is too long; it is refused")
        try:
            end = 4 + int.from_bytes(content[:4])
            told = json.loads(content[4:end])
            arrays, rest = _arrays(told["arrays"], content[end:])
        except (ValueError, KeyError, TypeError, RecursionError):
            arrays, rest, told = {}, 1, {}
        if rest or not isinstance(told.get("head"), dict):
            raise LearnError("a message is damaged or of another version; it is refused")
        return cls(told["head"], arrays)

    def digest(self) -> str:
        """SHA-256 of the whole, lower-case hex."""
        return hashlib.sha256(self.pack()).hexdigest()

    def text(self, name: str) -> str:
        """Return a text of the head.

        Raises
        ------
        LearnError
            If there is none.
        """
        found = self.head.get(name)
        if not isinstance(found, str):
            raise LearnError(f"a message lacks its '{name}'; it is refused")
        return found

    def table(self, name: str) -> dict[str, Any]:
        """Return a table of the head.

        Raises
        ------
        LearnError
            If there is none.
        """
        found = self.head.get(name)
        if not isinstance(found, dict):
            raise LearnError(f"a message lacks its '{name}'; it is refused")
        return found


def _arrays(listed: list[Any], content: bytes) -> tuple[dict[str, AnyArray], int]:
    """Read arrays, and tell how many bytes are left over."""
    found: dict[str, AnyArray] = {}
    at = 0
    for name, kind, shape in listed:
        count = math.prod(int(length) for length in shape) if kind in _TYPES else -2
        if count < 0 or any(length < 0 for length in shape):
            return {}, len(content) or 1
        found[str(name)] = np.frombuffer(content, np.dtype(kind), count, at).reshape(shape)
        at += found[str(name)].nbytes
    return found, len(content) - at
