"""A device's clock that jumped, seen in the times that it gives to what it shows.

A jump is a place where the time of the device and the time of receiving go apart by more than a
delay explains, while samples before and after it come at their usual pace. Samples that were held
back and came all at once (a link that was down) do not look like that: their own pace is broken.
"""

import numpy as np
import numpy.typing as npt

from genba.twin.process.episode import Floats
from genba.twin.process.findings.finding import Finding, warning

_LEAST_S = 10.0
_AROUND = 5
_AHEAD_S = 5.0
_MOSTLY = 0.2
"""Share of samples that may have come late in spite of a clock that runs ahead."""
_US = 1e6


def clock_of(
    signal: str,
    source: npt.NDArray[np.int64],
    received: npt.NDArray[np.int64],
    step_s: float,
) -> list[Finding]:
    """Say where a device's clock is wrong.

    Parameters
    ----------
    source, received : (n,) int
        Microseconds UTC of each sample: the device's own, and when it came.
    step_s : float
        Step of the process; a jump of less does no harm.
    """
    order = np.argsort(received, kind="stable")
    own, came = source[order] / _US, received[order] / _US
    found = []
    ahead = own - came
    most = float(np.quantile(ahead, _MOSTLY)) if len(own) else 0.0
    if most > _AHEAD_S:
        found.append(
            warning(
                "clock",
                (),
                f"the device of {signal} gives times that lie {most:.0f} s ahead of when they came",
                "set the device's clock by NTP: if others are right, causes and effects are apart",
            )
        )
    jumps = _jumps(own, came, max(_LEAST_S, step_s))
    if len(jumps):
        largest = float(jumps[np.argmax(np.abs(jumps))])
        way = "forward" if largest > 0 else "back"
        found.append(
            warning(
                "clock",
                (),
                f"the clock of the device of {signal} jumped {len(jumps)} times, at most by "
                f"{abs(largest):.0f} s {way}",
                "set the device's clock by NTP, and take a period without the jump",
            )
        )
    return found


def _jumps(own: Floats, came: Floats, least: float) -> Floats:
    apart = np.diff(own) - np.diff(came)
    calm = np.abs(apart) < 0.2 * least
    found = []
    for at in np.flatnonzero(np.abs(apart) > least):
        before, after = calm[max(0, at - _AROUND) : at], calm[at + 1 : at + 1 + _AROUND]
        if len(before) == len(after) == _AROUND and before.all() and after.all():
            found.append(apart[at])
    return np.array(found)
