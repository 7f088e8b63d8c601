"""The gap ledger: one entry per signal and outage, whoever reports it, whatever ends Genba."""

import itertools
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.historian.conftest import START, times

from genba.errors import HistorianError
from genba.historian import GapLedger, Historian
from genba.historian.gap_report import summary
from genba.historian.gaps import KEPT
from genba.plant import US, Gap, GapReason, Recovery, VirtualClock

CONNECTIONS = {"a.x": "a", "a.y": "a", "b.x": "b"}


def ledger_of(historian: Historian) -> GapLedger:
    return GapLedger(lambda name, row: historian.append_rows(name, [row]), CONNECTIONS)


@pytest.fixture
def ledger(historian: Historian) -> GapLedger:
    return ledger_of(historian)


def gap(start: float, end: float | None, *signals: str, **more: Any) -> Gap:
    """A gap; times in seconds after the start."""
    until = None if end is None else START + round(end * US)
    reason = more.pop("reason", GapReason.LINK)
    return Gap(signals or ("a.x",), START + round(start * US), until, reason, **more)


def spans(historian: Historian, signal: str = "a.x") -> list[tuple[float, float | None, str, str]]:
    """Start, end (seconds after the start), reason and recovery of each entry."""
    table = historian.gaps([signal])
    ends = [None if t is None else (t - START) / US for t in times(table, "end")]
    starts = [(t - START) / US for t in times(table, "start")]
    texts = [table[name].to_pylist() for name in ("reason", "recovery")]
    return list(zip(starts, ends, *texts, strict=True))


def test_a_running_outage_is_seen_and_ends(historian: Historian, ledger: GapLedger) -> None:
    ledger.open(gap(10, None, "a.x", "a.y", detail="no route"))
    assert historian.gaps(open_only=True)["signal"].to_pylist() == ["a.x", "a.y"]
    assert historian.gaps(["a.x"])["connection"].to_pylist() == ["a"]
    ledger.close(["a.x", "a.y", "b.x"], START + 20 * US)
    assert historian.gaps(open_only=True).num_rows == 0
    assert spans(historian) == [(10, 20, "link", "none")]
    assert historian.gaps()["detail"].to_pylist() == ["no route", "no route"]
    assert ledger.standing() == []


def test_a_part_that_a_buffer_made_good_leaves_the_rest_missing(
    historian: Historian, ledger: GapLedger
) -> None:
    ledger.open(gap(10, None))
    ledger.tell(gap(10, 20))
    ledger.tell(gap(12, 18, recovery=Recovery.BUFFER))
    assert spans(historian) == [
        (10, 12, "link", "none"), (12, 18, "link", "buffer"), (18, 20, "link", "none"),
    ]  # fmt: skip
    ledger.tell(gap(18, 20, recovery=Recovery.BUFFER))
    assert spans(historian) == [(10, 12, "link", "none"), (12, 20, "link", "buffer")]
    ledger.tell(gap(30, 40, recovery=Recovery.BUFFER))
    assert spans(historian)[-1] == (30, 40, "link", "buffer")


def test_what_the_driver_says_takes_the_place_of_what_was_watched(
    historian: Historian, ledger: GapLedger
) -> None:
    ledger.open(gap(12, None))
    ledger.tell(gap(10, 19.5, reason=GapReason.DEVICE, recovery=Recovery.BUFFER))
    ledger.close(["a.x"], START + 21 * US)
    assert spans(historian) == [(10, 19.5, "device", "buffer")]


def test_the_watch_may_close_before_the_driver_tells(
    historian: Historian, ledger: GapLedger
) -> None:
    ledger.open(gap(12, None))
    ledger.close(["a.x"], START + 21 * US)
    ledger.tell(gap(10, 19.5))
    assert spans(historian) == [(10, 19.5, "link", "none")]


def test_overlapping_reports_of_drivers_are_one_entry(
    historian: Historian, ledger: GapLedger
) -> None:
    ledger.tell(gap(10, 20))
    ledger.tell(gap(30, 40, reason=GapReason.OVERFLOW))
    ledger.tell(gap(15, 35, recovery=Recovery.BUFFER))
    assert spans(historian) == [(10, 40, "link", "partly")]


def test_the_same_report_twice_adds_nothing(historian: Historian, ledger: GapLedger) -> None:
    ledger.tell(gap(10, 20))
    ledger.tell(gap(10, 20))
    ledger.tell(gap(20, 20))
    assert historian.rows("gaps").num_rows == 1


def test_outages_that_only_touch_stay_two(historian: Historian, ledger: GapLedger) -> None:
    ledger.tell(gap(0, 10, reason=GapReason.STOPPED))
    ledger.tell(gap(10, 12))
    assert spans(historian) == [(0, 10, "stopped", "none"), (10, 12, "link", "none")]


def test_what_history_gave_back_newest_first_is_one_recovered_span(
    historian: Historian, ledger: GapLedger
) -> None:
    ledger.tell(gap(0, 100))
    for start in (80, 60, 40):
        ledger.recovered("a.x", START + start * US, START + (start + 20) * US, 7)
    assert spans(historian) == [(0, 40, "link", "none"), (40, 100, "link", "history")]
    assert [entry.start for entry in ledger.missing("a")] == [START]
    assert historian.gaps(["a.x"])["recovered"].to_pylist() == [0, 21]
    ledger.recovered("a.x", START - US, START + 40 * US, 0)
    assert spans(historian) == [(0, 100, "link", "history")]
    assert ledger.missing() == []


def test_an_outage_goes_on_over_a_kill_and_keeps_its_first_reason(
    folder: Path, clock: VirtualClock
) -> None:
    with Historian.open(folder, clock) as historian:
        first = ledger_of(historian)
        first.tell(gap(0, 5))
        first.open(gap(10, None, detail="cable"))
    with Historian.open(folder, clock) as historian:
        second = ledger_of(historian)
        second.restore(historian)
        assert [entry.start for entry in second.standing()] == [START + 10 * US]
        second.tell(gap(15, None, reason=GapReason.STOPPED, detail="Genba did not run"))
        assert spans(historian)[1] == (10, None, "link", "none")
        second.close(["a.x"], START + 60 * US)
        assert spans(historian) == [(0, 5, "link", "none"), (10, 60, "link", "none")]
        assert historian.gaps(["a.x"])["detail"][1].as_py() == "cable; Genba did not run"


def test_a_restored_outage_ends_when_its_driver_has_heard_again(
    folder: Path, clock: VirtualClock
) -> None:
    with Historian.open(folder, clock) as historian:
        ledger_of(historian).open(gap(10, None))
        second = ledger_of(historian)
        second.restore(historian)
        second.tell(gap(10, 33))
        assert spans(historian) == [(10, 33, "link", "none")]


def test_a_clock_that_was_set_back_makes_no_gap_of_negative_length(
    historian: Historian, ledger: GapLedger
) -> None:
    ledger.tell(gap(50, 20))
    assert spans(historian) == [(20, 50, "link", "none")]
    assert "set back" in historian.gaps()["detail"][0].as_py()


def test_a_period_shows_what_touches_it(historian: Historian, ledger: GapLedger) -> None:
    ledger.tell(gap(0, 10))
    ledger.tell(gap(20, 30, "a.x", "b.x"))
    ledger.open(gap(40, None))
    historian.commit()

    def found(start: float, end: float, *signals: str) -> list[str]:
        period = START + round(start * US), START + round(end * US)
        return historian.gaps(signals or None, *period)["signal"].to_pylist()

    assert found(10, 20) == []
    assert found(9, 21) == ["a.x", "a.x", "b.x"]
    assert found(25, 26, "b.x") == ["b.x"]
    assert found(1000, 1001) == ["a.x"]
    with pytest.raises(HistorianError, match="before it begins"):
        found(5, 5)


def test_the_ledger_is_read_while_another_writes(
    historian: Historian, ledger: GapLedger, folder: Path, clock: VirtualClock
) -> None:
    ledger.tell(gap(0, 10))
    with Historian.open(folder, clock, read_only=True) as reader:
        assert spans(reader) == [(0, 10, "link", "none")]
        historian.commit()
        ledger.recovered("a.x", START, START + 10 * US, 4)
        assert spans(reader) == [(0, 10, "link", "history")]


def test_the_summary_says_what_is_missing_for_good(historian: Historian, ledger: GapLedger) -> None:
    ledger.tell(gap(0, 10, recovery=Recovery.BUFFER))
    ledger.tell(gap(20, 24, recovery=Recovery.PARTLY))
    ledger.open(gap(90, None))
    ledger.tell(gap(0, 1, "b.x"))
    rows = summary(historian.gaps(), START + 5 * US, START + 100 * US).to_pylist()
    assert rows[0] == {
        "signal": "a.x",
        "gaps": 3,
        "open": True,
        "total_s": 19.0,
        "recovered_s": 5.0,
        "partly_s": 4.0,
        "missing_s": 10.0,
        "recovered": 0,
    }
    assert [row["signal"] for row in rows] == ["a.x", "b.x"]
    assert isinstance(summary(historian.gaps(["b.x"]), START, START + US), pa.Table)


REPORTS = st.lists(
    st.tuples(
        st.sampled_from(["open", "close", "tell", "recovered"]),
        st.integers(0, 50),
        st.integers(1, 20),
        st.sampled_from([GapReason.LINK, GapReason.OVERFLOW, GapReason.STOPPED]),
    ),
    max_size=25,
)


@given(REPORTS)
@settings(max_examples=150, deadline=None)
def test_whatever_is_reported_entries_of_a_signal_never_overlap(
    reports: list[tuple[str, int, int, GapReason]],
) -> None:
    rows: dict[str, dict[str, Any]] = {}
    ledger = GapLedger(lambda _, row: rows.__setitem__(row["id"], dict(row)), CONNECTIONS)
    for what, start, length, reason in reports:
        match what:
            case "open":
                ledger.open(Gap(("a.x",), start, None, reason))
            case "close":
                ledger.close(["a.x"], start)
            case "tell":
                ledger.tell(Gap(("a.x",), start, start + length, reason))
            case _:
                ledger.recovered("a.x", start, start + length, 1)
    kept = [row for row in rows.values() if row["end"] is None or row["end"] > row["start"]]
    kept.sort(key=lambda row: row["start"])
    for before, after in itertools.pairwise(kept):
        assert before["end"] is not None
        assert before["end"] <= after["start"]
    assert len(ledger.standing()) <= 1
    told = [(s, s + n) for what, s, n, reason in reports if what == "tell"]
    covered = [(row["start"], row["end"] or 10**9) for row in kept]
    outages_closed = any(what in ("open", "close") for what, *_ in reports)
    for start, end in [] if outages_closed else told:
        assert all(any(a <= t < b for a, b in covered) for t in range(start, end))


def test_what_is_missing_is_offered_however_many_outages_came_after(historian: Historian) -> None:
    rows: list[Any] = []
    ledger = GapLedger(lambda _, row: rows.append(row), CONNECTIONS)
    for number in range(2 * KEPT):
        ledger.tell(gap(10 * number, 10 * number + 5))
        if number:
            begin = START + 10 * number * US
            ledger.recovered("a.x", begin, begin + 5 * US, 1)
    assert [entry.start for entry in ledger.missing()] == [START]
    historian.append_rows("gaps", rows)
    again = ledger_of(historian)
    again.restore(historian)
    assert [entry.start for entry in again.missing()] == [START]
