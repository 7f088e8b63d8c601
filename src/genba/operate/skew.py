"""How far the devices' clocks are from Genba's, measured from what they send."""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from genba.plant import US, Sample

LIMIT_S = 1.0
"""Wall seconds beyond which a skew is told."""
WINDOW_S = 15.0
WINDOWS = 4
"""A skew is looked for in so many windows of so many wall seconds; older ones are forgotten."""
LEAST = 5
"""Batches that a skew must be seen in; one late message is no clock."""

Tell = Callable[[str, Mapping[str, Any]], None]


class ClockSkew:
    """Estimates, per connection, the device's clock minus Genba's. For one thread.

    A new value arrives some time after its source time, never before it: the lag is latency less
    skew. The latency is smallest for the freshest value, so that the largest difference of source
    time and receive time over about a minute is the skew, less the shortest latency (Cristian,
    Distributed Computing 3, 1989, for one way). A clock ahead shows at once, one behind as soon as
    the window is past. Nothing is said of connections whose values carry Genba's own time.

    Parameters
    ----------
    connections : mapping of str to str
        The connection of each signal.
    speed : float
        Plant seconds per wall second.
    tell : callable
        Takes rows for tables of records.
    """

    def __init__(self, connections: Mapping[str, str], speed: float, tell: Tell) -> None:
        self._connections = connections
        self._speed = speed
        self._tell = tell
        self._windows: dict[str, deque[_Window]] = {}
        self._beyond: set[str] = set()

    def note(self, samples: Sequence[Sample], newest: int) -> None:
        """Take a batch of one connection, whose latest new source time is ``newest``."""
        last = samples[-1]
        received = last.receive_time
        if newest <= 0 or newest == received:
            return
        connection = self._connections.get(last.signal)
        if connection is None:
            return
        ahead = newest - received
        windows = self._windows.setdefault(connection, deque(maxlen=WINDOWS))
        length = WINDOW_S * US * self._speed
        if windows and 0 <= received - windows[-1].begin < length:
            window = windows[-1]
            window.ahead = max(window.ahead, ahead)
            window.count += 1
            return
        windows.append(_Window(received, ahead))
        if len(windows) > 1:
            self._judge(connection, received)

    def seconds(self, connection: str) -> float | None:
        """Return the device's clock less Genba's in wall seconds; None while it is not known."""
        windows = self._windows.get(connection, ())
        if sum(window.count for window in windows) < LEAST or self._speed == float("inf"):
            return None
        return max(window.ahead for window in windows) / US / self._speed

    def _judge(self, connection: str, now: int) -> None:
        skew = self.seconds(connection)
        if skew is None:
            return
        if connection in self._beyond and abs(skew) < 0.8 * LIMIT_S:
            self._beyond.discard(connection)
            self._say(connection, now, skew, "ended", "info", "is right again")
        elif connection not in self._beyond and abs(skew) > LIMIT_S:
            self._beyond.add(connection)
            side = "ahead of" if skew > 0 else "behind"
            self._say(connection, now, skew, "began", "warning", f"is {side} Genba's")

    def _say(
        self, connection: str, now: int, skew: float, word: str, severity: str, said: str
    ) -> None:
        text = f"the clock of {connection} {said}: {skew:+.2f} s; set both by NTP"
        self._tell(
            "events",
            {
                "id": f"E-skew-{connection}-{now}",
                "time": now,
                "equipment": None,
                "kind": f"clock_skew.{word}",
                "severity": severity,
                "text": text,
                "data": f'{{"connection": "{connection}", "skew_s": {skew:.6f}}}',
            },
        )


class _Window:
    __slots__ = ("ahead", "begin", "count")

    def __init__(self, begin: int, ahead: int) -> None:
        self.begin, self.ahead, self.count = begin, ahead, 1
