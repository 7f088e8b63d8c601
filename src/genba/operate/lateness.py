"""How late the loop's ticks are, by the wall clock."""

from collections import deque


class Lateness:
    """Keeps the lateness of the last ticks, and counts those that were missed or failed."""

    def __init__(self, window: int = 2000) -> None:
        self._late_s: deque[float] = deque(maxlen=window)
        self.missed = 0
        self.failed = 0

    def add(self, late_s: float) -> None:
        """Note how late a tick began, in wall seconds."""
        self._late_s.append(max(0.0, late_s))

    def report(self) -> dict[str, float | int]:
        """Return p50, p99 and largest lateness of the window in milliseconds, and the counts.

        Where no tick was timed yet (or none is, under a virtual clock), there are no quantiles.
        """
        counts: dict[str, float | int] = {"missed": self.missed, "failed": self.failed}
        if not self._late_s:
            return counts
        ordered = sorted(self._late_s)
        last = len(ordered) - 1
        return {
            "late_p50_ms": round(1000 * ordered[round(0.5 * last)], 3),
            "late_p99_ms": round(1000 * ordered[round(0.99 * last)], 3),
            "late_max_ms": round(1000 * ordered[-1], 3),
            **counts,
        }
