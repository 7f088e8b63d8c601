"""Outages are open in the ledger while they last, whether a link, Genba or its disk is to blame."""

from pathlib import Path

import pytest
from tests.operate.devices import plant

from genba.errors import StateError
from genba.historian import Entry, GapLedger
from genba.operate.recovery.alive import AliveMark, LastRun
from genba.operate.recovery.shortage import Shortage
from genba.operate.recovery.watch import OutageWatch
from genba.plant import US, Gap, GapReason, Health, Link, Quality, Recovery, Sample

PLANT = plant()
STATE, LOAD, SPEED = "saw.state", "saw.load", "saw.speed"


class Board:
    """A watch on a ledger."""

    def __init__(self) -> None:
        self.ledger = GapLedger(lambda *_: None, dict.fromkeys(PLANT.signals, "saw"))
        self.watch = OutageWatch(self.ledger, PLANT.signals)

    def open(self) -> dict[str, tuple[int, GapReason]]:
        return {entry.signal: (entry.start, entry.reason) for entry in self.ledger.standing()}

    def closed(self) -> dict[str, Entry]:
        return {entry.signal: entry for entry in self.ledger.missing()}


def down(last: int | None, since: int = 50 * US) -> Health:
    return Health(Link.DOWN, since, last, error="no route to host")


UP = Health(Link.UP, 0)


def said(signal: str, time: int, quality: Quality = Quality.GOOD) -> Sample:
    return Sample(signal, time, time, 1.0, quality)


def test_a_link_that_is_down_is_open_from_when_it_was_heard_last() -> None:
    board = Board()
    board.watch.heard([STATE, LOAD])
    board.watch.link_changed("saw", down(42 * US), 60 * US, up=False)
    assert board.open()[STATE] == (42 * US, GapReason.LINK)
    board.watch.link_changed("saw", UP, 90 * US, up=True)
    assert STATE not in board.open()
    assert board.closed()[LOAD].end == 90 * US


def test_what_the_driver_tells_is_more_exact() -> None:
    board = Board()
    board.watch.heard([STATE])
    board.watch.link_changed("saw", down(42 * US), 60 * US, up=False)
    board.ledger.tell(Gap((STATE,), 43 * US, 88 * US, GapReason.DEVICE, "", Recovery.BUFFER))
    board.watch.link_changed("saw", UP, 90 * US, up=True)
    assert STATE not in board.open()
    assert STATE not in board.closed()  # all of it came out of the device's buffer


def test_a_stop_is_open_until_each_signal_is_heard_again() -> None:
    board = Board()
    last = LastRun(10 * US, clean=False, signals=frozenset({STATE, LOAD, "gone.x"}), skew_s={})
    board.watch.took_up(last, 30 * US, [])
    assert board.open() == dict.fromkeys((STATE, LOAD), (10 * US, GapReason.STOPPED))
    board.watch.link_changed("saw", UP, 31 * US, up=True)
    board.watch.tick([said(LOAD, 33 * US, Quality.BAD)])
    assert set(board.open()) == {STATE, LOAD}
    board.watch.tick([said(LOAD, 35 * US)])
    assert set(board.open()) == {STATE}
    assert (board.closed()[LOAD].start, board.closed()[LOAD].end) == (10 * US, 35 * US)


def test_a_gap_that_was_open_when_genba_died_goes_on_until_the_signal_is_heard() -> None:
    board = Board()
    board.ledger.tell(Gap((STATE,), 5 * US, None, GapReason.LINK))
    last = LastRun(10 * US, clean=True, signals=frozenset({STATE}), skew_s={})
    board.watch.took_up(last, 30 * US, [STATE])
    assert board.open() == {STATE: (5 * US, GapReason.LINK)}
    board.watch.tick([said(STATE, 36 * US)])
    assert board.open() == {}


def test_a_device_that_is_off_at_first_is_missed_until_it_speaks_or_has_nothing_to_say(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    board = Board()
    board.watch.link_changed("saw", down(None), 60 * US, up=False)
    assert board.open()[STATE] == (50 * US, GapReason.LINK)
    assert SPEED not in board.open()  # a set-point has nothing to say until it is written
    board.watch.link_changed("saw", UP, 90 * US, up=True)
    board.watch.tick([said(STATE, 91 * US)])
    assert STATE not in board.open()
    assert LOAD in board.open()
    monkeypatch.setattr("genba.operate.recovery.watch.SILENT_S", -1.0)
    board.watch.tick([])
    assert board.open() == {}
    assert board.closed()[LOAD].end == 90 * US


def test_what_finds_no_room_is_one_gap_per_signal_until_there_is_room() -> None:
    board = Board()
    short = Shortage(board.ledger)
    for second in range(5, 9):
        short.refused([said(STATE, second * US), said(LOAD, second * US + 1)])
        short.tick()
    assert short.lasts
    assert board.open()[STATE] == (5 * US, GapReason.DISK_FULL)
    short.tick()
    assert not short.lasts
    assert board.open() == {}
    assert (board.closed()[LOAD].start, board.closed()[LOAD].end) == (5 * US + 1, 8 * US + 2)


def test_the_sign_of_life_says_how_an_earlier_run_ended(tmp_path: Path) -> None:
    mark = AliveMark(tmp_path)
    assert mark.last_run() is None
    mark.recorded([STATE, LOAD])
    mark.write(7 * US, {"saw": -1.5})
    assert mark.last_run() == LastRun(7 * US, False, frozenset({STATE, LOAD}), {"saw": -1.5})
    mark.write(8 * US, {}, clean=True)
    assert mark.last_run() == LastRun(8 * US, True, frozenset({STATE, LOAD}), {})
    (tmp_path / "alive.json").write_text("{", encoding="utf-8")
    with pytest.raises(StateError, match="the historian has to say"):
        mark.last_run()
