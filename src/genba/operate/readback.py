"""Whether what a device shows is what was written."""

from genba.operate.heartbeat import overtakes
from genba.plant import DataType, Role, Scalar, Signal


def same_value(signal: Signal, shown: Scalar, wanted: Scalar) -> bool:
    """Whether a device shows what was written, to the resolution of its registers."""
    if signal.role is Role.HEARTBEAT:
        # A later beat may have overtaken this one.
        numbers = isinstance(shown, int) and isinstance(wanted, int)
        return numbers and overtakes(signal, int(shown or 0), int(wanted or 0))
    if signal.type is DataType.FLOAT:
        if not isinstance(shown, int | float) or not isinstance(wanted, int | float):
            return False
        step = abs(signal.scale) if signal.scale != 1.0 else 0.0
        return abs(shown - wanted) <= max(1e-6 * abs(wanted), step, 1e-12)
    return type(shown) is type(wanted) and shown == wanted
