"""The spool's batches as tables: decoded once, and kept until they are committed."""

import threading
from collections.abc import Callable

import pyarrow as pa

from genba.historian.schema import Layout
from genba.historian.spool import Spool

_MOST_ROWS = 500_000


class Tail:
    """Reads what waits in the spool. May be used from several threads.

    A batch never changes, so its rows are kept for the next query, up to half a million rows in
    all; a longer backlog is decoded again for each.
    """

    def __init__(self, spool: Spool) -> None:
        self._spool = spool
        self._lock = threading.Lock()
        self._kept: dict[str, dict[int, pa.Table]] = {}

    def read(
        self,
        layout: Layout,
        start: int | None,
        end: int | None,
        choose: Callable[[pa.Table], pa.Table],
    ) -> dict[int, pa.Table]:
        """Give a table's batches by number, as far as they may hold rows in ``[start, end)``.

        Batches that are not kept are cut down to what ``choose`` leaves at once, so that a long
        backlog does not fill the memory.
        """
        with self._lock:
            kept = dict(self._kept.get(layout.name, {}))
        found: dict[int, pa.Table] = {}
        for number, batch in self._spool.tail(layout.name, start, end, kept.keys()):
            if batch is None:
                found[number] = kept[number]
                continue
            rows = batch.read().cast(layout.schema)
            found[number] = rows if self._keep(layout.name, number, rows) else choose(rows)
        return found

    def _keep(self, name: str, number: int, rows: pa.Table) -> bool:
        with self._lock:
            count = sum(table.num_rows for kept in self._kept.values() for table in kept.values())
            if count + rows.num_rows > _MOST_ROWS:
                return False
            self._kept.setdefault(name, {})[number] = rows
            return True

    def forget(self, name: str, through: int) -> None:
        """Let batches of a table go that are committed."""
        with self._lock:
            kept = self._kept.get(name, {})
            for number in [number for number in kept if number <= through]:
                del kept[number]
