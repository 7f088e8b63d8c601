"""Records wait for a historian that has no room, within bounds, and what is lost is said."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from genba.errors import HistorianError
from genba.operate import outbox
from genba.operate.outbox import Outbox


class Shelf:
    """A historian's queue that may be full."""

    def __init__(self) -> None:
        self.full = False
        self.rows: list[tuple[str, str]] = []

    def put(self, table: str, rows: Sequence[Mapping[str, Any]]) -> None:
        if self.full:
            raise HistorianError("no more fit")
        self.rows += [(table, row["id"]) for row in rows]


def test_records_wait_until_there_is_room() -> None:
    shelf = Shelf()
    box = Outbox(shelf.put)
    shelf.full = True
    for name in ("a", "b"):
        box.tell("events", {"id": name})
        box.flush()
    assert box.waiting == 2
    shelf.full = False
    box.flush()
    assert box.waiting == 0
    assert shelf.rows == [("events", "a"), ("events", "b")]


def test_a_full_disk_does_not_become_a_full_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "MOST", 3)
    shelf = Shelf()
    box = Outbox(shelf.put)
    for number in range(5):
        box.tell("events", {"id": str(number)})
    box.tell("gaps", {"id": "what is lost"})
    assert (box.waiting, box.dropped) == (4, 2)
    box.flush()
    assert [name for _, name in shelf.rows] == ["0", "1", "2", "what is lost"]
