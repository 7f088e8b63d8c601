"""Numbers that JSON has no word for."""

import math

from genba.plant import Scalar


def finite(value: Scalar) -> Scalar:
    """Return the value, None where JSON has no word for it."""
    return None if isinstance(value, float) and not math.isfinite(value) else value
