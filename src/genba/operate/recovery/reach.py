"""Whether a device's own record goes back far enough to be believed."""

import asyncio

from genba.connect.driver import Driver
from genba.plant import Signal

REQUEST_S = 60.0
"""Wall seconds that a device may take to look into its record."""


async def goes_back(
    driver: Driver, signal: Signal, start: int, known: int | None, margin_us: int
) -> bool:
    """Ask whether a device still has what came before a gap, or nothing changed since then.

    A device that has lost its record says as little as one on which nothing happened.

    Parameters
    ----------
    driver : Driver
        Of the device.
    signal : Signal
        What is missing.
    start : int
        Begin of the gap, microseconds UTC.
    known : int, optional
        Source time of the last value that was stored before it.
    margin_us : int
        How far source times may be off.

    Raises
    ------
    DeviceError, TimeoutError
        If the device does not answer.
    """
    async with asyncio.timeout(REQUEST_S):
        if known is not None:
            begin = min(known, start) - margin_us
            if await driver.history(signal, begin, start + 1):
                return True
        present = await driver.read([signal])
    return bool(present) and present[0].source_time <= start
