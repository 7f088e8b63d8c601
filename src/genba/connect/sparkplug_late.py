"""What an edge node kept while its host was away, and sends late: when all of it is there."""

import asyncio
from collections.abc import Sequence

from genba.connect.outage import Outages
from genba.plant import Recovery

QUIET_S = 2.0
"""When nothing of a node's buffer came for so long (wall clock), what came of it is told."""


class Late:
    """Follows one buffer as it comes, and tells which parts of the outages it made good.

    A node that speaks of the present again, and not of the past any more, has sent all that it
    kept. When the link or the node goes, or a message is missing, before that, only what came is
    told: the next buffer may begin anywhere.

    Parameters
    ----------
    outages : Outages
        Of the connection.
    """

    def __init__(self, outages: Outages) -> None:
        self._outages = outages
        self._span: tuple[int, int] | None = None
        self._present = False
        self._timer: asyncio.TimerHandle | None = None

    def came(self, times: Sequence[int]) -> None:
        """Take source times (microseconds UTC) of values that were kept."""
        low, high = self._span or (times[0], times[0])
        self._span = min(low, *times), max(high, *times)
        self._present = False
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(QUIET_S, self._quiet)

    def live(self) -> None:
        """Note that the node speaks of the present."""
        self._present = True
        if self._timer is None and self._span is not None:
            self._end(all_came=True)

    def cut(self) -> None:
        """End the buffer in the middle."""
        self._end(all_came=False)

    def _quiet(self) -> None:
        self._timer = None
        if self._present:
            self._end(all_came=True)
        else:
            self._tell(all_came=False)

    def _end(self, *, all_came: bool) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._tell(all_came=all_came)
        self._span = None

    def _tell(self, *, all_came: bool) -> None:
        if self._span is not None:
            low, high = self._span
            self._outages.recovered(low, high + 1, Recovery.BUFFER, all_came=all_came)
