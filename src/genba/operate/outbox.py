"""Records on their way into the historian: kept while it has no room, within bounds."""

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from genba.errors import HistorianError

logger = logging.getLogger(__name__)

MOST = 200_000
"""Records that wait, at most. A full disk must not become a full memory."""


class Outbox:
    """Takes records at any time, and hands them on once a tick. For one thread.

    Parameters
    ----------
    put : callable
        Queues records for a table of the historian; raises ``HistorianError`` while it is full.
    """

    def __init__(self, put: Callable[[str, Sequence[Mapping[str, Any]]], None]) -> None:
        self._put = put
        self._rows: dict[str, list[Mapping[str, Any]]] = {}
        self.waiting = 0
        """Records that the historian did not take yet."""
        self.dropped = 0
        """Records that found no room here either."""

    def tell(self, table: str, row: Mapping[str, Any]) -> None:
        """Take a record. Beyond the bound only those of gaps are kept: they say what is lost."""
        if self.waiting >= MOST and table != "gaps":
            if not self.dropped:
                logger.error("%s records wait to be stored; further ones are dropped", MOST)
            self.dropped += 1
            return
        self._rows.setdefault(table, []).append(row)
        self.waiting += 1

    def flush(self) -> None:
        """Offer everything to the historian; what it has no room for is kept."""
        for table in list(self._rows):
            rows = self._rows[table]
            try:
                self._put(table, rows)
            except HistorianError:
                return
            self.waiting -= len(rows)
            del self._rows[table]
