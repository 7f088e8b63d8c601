"""Alarm rates come from the journal alone, add up, and are undefined where it says nothing."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genba.assess import AlarmRates, alarm_rates
from genba.assess.floods import TEN, busiest, flood_s, peak
from genba.historian import Historian
from genba.plant import US, VirtualClock, parse_time

START = parse_time("2026-01-05T06:00:00Z")
HOUR = 3600 * US
END = START + 10 * HOUR


@pytest.fixture
def historian(tmp_path: Path) -> Iterator[Historian]:
    with Historian.open(tmp_path / "historian", VirtualClock(END)) as opened:
        yield opened


def _row(second: float, alarm: str, event: str, after: str, priority: str = "low") -> Any:
    time = START + round(second * US)
    return {
        "id": f"A-{time}-{alarm}-{event}",
        "time": time,
        "alarm": alarm,
        "event": event,
        "after": after,
        "priority": priority,
    }


def _mark(event: str, time: int) -> Any:
    return {"id": f"A-{event}-{time}", "time": time, "alarm": "", "event": event}


def _once(second: float, alarm: str, priority: str = "low", ack_s: float = 60) -> list[Any]:
    return [
        _row(second, alarm, "raise", "unacknowledged", priority),
        _row(second + ack_s, alarm, "acknowledge", "acknowledged", priority),
        _row(second + ack_s + 60, alarm, "return", "normal", priority),
    ]


def _rates(historian: Historian, rows: Sequence[Any], operators: int = 1) -> AlarmRates:
    ordered = sorted(rows, key=lambda row: row["time"])
    historian.append_rows("alarms", [_mark("start", START - HOUR), *ordered])
    return alarm_rates(historian, START, END, operators=operators)


def _value(rates: AlarmRates, name: str) -> float | None:
    (found,) = [b.value for b in rates.benchmarks if b.name == name]
    return found


def test_ten_hours_with_twenty_alarms(historian: Historian) -> None:
    rows = [
        r for i in range(20) for r in _once(1700 * i, f"a{i % 4}", "medium" if i < 3 else "low")
    ]
    rates = _rates(historian, rows)
    assert rates.annunciated == 20
    assert rates.acknowledge_mean_s == 60
    assert rates.by_priority == {"critical": 0, "high": 0, "medium": 3, "low": 17}
    assert _value(rates, "alarms per day") == pytest.approx(48)
    assert _value(rates, "alarms per hour") == pytest.approx(2)
    assert _value(rates, "low priority") == pytest.approx(85)
    assert [f.count for f in rates.top] == [5, 5, 5, 5]
    assert sum(f.share for f in rates.top) == pytest.approx(1)
    assert _value(rates, "share of the top 10") is None, "20 alarms say nothing about that"
    assert (rates.standing_at_end, rates.never_acknowledged) == (0, 0)


def test_two_operators_share_the_load(historian: Historian) -> None:
    rows = [r for i in range(40) for r in _once(800 * i, f"a{i}")]
    assert _value(_rates(historian, rows, 2), "alarms per hour") == pytest.approx(2)


def test_a_flood_of_thirty_alarms_in_five_minutes(historian: Historian) -> None:
    rates = _rates(historian, [r for i in range(30) for r in _once(3600 + 10 * i, f"a{i}")])
    assert _value(rates, "most in 10 minutes") == 30
    # From the 11th alarm (at 100 s) until only 4 are left (the 26th is ten minutes old).
    assert _value(rates, "time in flood") == pytest.approx(100 * (250 + 600 - 100) / 36_000)
    assert _value(rates, "10-minute periods over 10") == pytest.approx(100 / 60)
    assert _value(rates, "hours over 30") == 0


def test_chattering_fleeting_standing_and_stale(historian: Historian) -> None:
    rows = []
    for second in (10, 20, 30):
        rows += [
            _row(second, "chatter", "raise", "unacknowledged"),
            _row(second + 5, "chatter", "return", "returned"),
        ]
    rows += [_row(100, "stands", "raise", "unacknowledged")]
    historian.append_rows(
        "alarms",
        [
            {**_row(0, "old", "raise", "unacknowledged"), "id": "x", "time": END - 25 * HOUR},
        ],
    )
    rates = _rates(historian, rows)
    assert rates.chattering == ["chatter"]
    assert rates.fleeting == 3
    assert rates.standing_at_end == 2
    assert rates.stale_at_end == 1
    assert rates.never_acknowledged == 2
    assert rates.acknowledge_mean_s is None


def test_nothing_is_known_of_a_time_before_the_journal(historian: Historian) -> None:
    rates = alarm_rates(historian, START, END)
    assert (rates.annunciated, rates.standing_at_end, rates.covered_s) == (None, None, 0)
    assert rates.benchmarks == []


def test_rates_are_of_the_time_that_genba_ran(historian: Historian) -> None:
    marks = [_mark("start", START + HOUR), _mark("stop", START + 3 * HOUR)]
    historian.append_rows("alarms", [*marks[:1], *_once(5000, "a"), *marks[1:]])
    rates = alarm_rates(historian, START, END)
    assert rates.covered_s == 7200
    assert _value(rates, "alarms per hour") == pytest.approx(0.5)


_TIMES = st.lists(st.integers(0, 4 * 3600), max_size=60).map(lambda s: [t * US for t in s])


@settings(max_examples=25, deadline=None)
@given(_TIMES)
def test_a_flood_lasts_while_it_must_and_no_longer(times: list[int]) -> None:
    """Against a count in every second, straight from the definition."""
    end, flood, expected = 5 * HOUR, False, 0
    for second in range(5 * 3600):
        inside = sum(second * US - TEN < t <= second * US for t in times)
        flood = inside > 10 or (flood and inside >= 5)
        expected += flood
    assert flood_s(times, 0, end) == pytest.approx(expected, abs=1)


@given(_TIMES)
def test_a_peak_is_at_least_every_window(times: list[int]) -> None:
    most = peak(times, TEN)
    counts = [sum(t <= u < t + TEN for u in times) for t in times]
    assert most == max(counts, default=0)
    over = busiest(times, [(0, 4 * HOUR)], TEN, above=most)
    assert over == 0
