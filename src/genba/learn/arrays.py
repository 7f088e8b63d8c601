"""The arrays that this room hands around, by name."""

import hashlib
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]
Integers: TypeAlias = NDArray[np.int64]
Booleans: TypeAlias = NDArray[np.bool_]
Texts: TypeAlias = NDArray[np.str_]
Bytes: TypeAlias = NDArray[np.uint8]
AnyArray: TypeAlias = NDArray[Any]


def frozen(array: AnyArray) -> AnyArray:
    """Return a view that cannot be written to."""
    view = array.view()
    view.flags.writeable = False
    return view


def digest_of(*parts: AnyArray | str) -> str:
    """SHA-256 over arrays (type, shape, bytes in C order) and texts, as lower-case hex."""
    digest = hashlib.sha256()
    for part in parts:
        if isinstance(part, str):
            content = part.encode()
            digest.update(f"text {len(content)} ".encode())
        else:
            content = np.ascontiguousarray(part).tobytes()
            digest.update(f"{part.dtype.str} {part.shape} ".encode())
        digest.update(content)
    return digest.hexdigest()
