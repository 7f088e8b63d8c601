"""Counting alarms in windows of time: peaks, busy periods, floods. Times in microseconds."""

from collections import deque
from collections.abc import Sequence

from genba.plant import US

MINUTE = 60 * US
TEN = 600 * US
BEGINS_ABOVE, ENDS_BELOW = 10, 5
"""A flood begins above the one and ends below the other, in ten minutes (ISA-18.2-2016, 16.5)."""


def peak(times: Sequence[int], window: int) -> int:
    """Return the most that fall into any window of that length."""
    inside: deque[int] = deque()
    most = 0
    for time in sorted(times):
        inside.append(time)
        while time - inside[0] >= window:
            inside.popleft()
        most = max(most, len(inside))
    return most


def busiest(
    times: Sequence[int], spans: Sequence[tuple[int, int]], window: int, *, above: int
) -> float | None:
    """Return the percentage of whole windows, one after the other, with more than ``above``.

    None where not even one window fits into any of the spans.
    """
    found: list[int] = []
    for start, end in spans:
        counts = [0] * ((end - start) // window)
        for time in times:
            index = (time - start) // window
            if 0 <= index < len(counts):
                counts[index] += 1
        found += counts
    return 100 * sum(n > above for n in found) / len(found) if found else None


def flood_s(times: Sequence[int], start: int, end: int, operators: int = 1) -> float:
    """Return the seconds of the period in which there was a flood."""
    # At each annunciation the window grows; ten minutes after it, it shrinks.
    steps = sorted([*((t, 1) for t in times), *((t + TEN, -1) for t in times)])
    inside, since, total = 0, None, 0
    for time, step in steps:
        inside += step
        if since is None and inside > BEGINS_ABOVE * operators:
            since = time
        elif since is not None and inside < ENDS_BELOW * operators:
            total += min(time, end) - max(since, start)
            since = None
    if since is not None:
        total += end - max(since, start)
    return max(0, total) / US
