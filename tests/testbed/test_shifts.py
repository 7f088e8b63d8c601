"""Working time follows the calendar in its own time zone."""

import datetime as dt

from genba.plant import US, Break, Calendar, Day, Shift, parse_time
from genba.testbed.shifts import WorkingTime

WEEKDAYS = (Day.MON, Day.TUE, Day.WED, Day.THU, Day.FRI)


def working(calendar: Calendar, text: str) -> bool:
    return WorkingTime(calendar, parse_time("2026-01-05T00:00:00Z")).working(parse_time(text))


def test_shift_break_weekend_and_holiday() -> None:
    calendar = Calendar(
        id="c",
        shifts=(
            Shift(
                id="s",
                days=WEEKDAYS,
                start=dt.time(6),
                end=dt.time(14),
                breaks=(Break(start=dt.time(9), end=dt.time(9, 15)),),
            ),
        ),
        holidays=(dt.date(2026, 1, 6),),
    )
    assert working(calendar, "2026-01-05T06:00:00Z")
    assert not working(calendar, "2026-01-05T05:59:59Z")
    assert not working(calendar, "2026-01-05T09:05:00Z")
    assert working(calendar, "2026-01-05T09:15:00Z")
    assert not working(calendar, "2026-01-05T14:00:00Z")
    assert not working(calendar, "2026-01-06T08:00:00Z")
    assert not working(calendar, "2026-01-10T08:00:00Z")


def test_night_shift_ends_on_the_next_day_with_its_break_after_midnight() -> None:
    calendar = Calendar(
        id="c",
        shifts=(
            Shift(
                id="n",
                days=WEEKDAYS,
                start=dt.time(22),
                end=dt.time(6),
                breaks=(Break(start=dt.time(2), end=dt.time(2, 30)),),
            ),
        ),
    )
    assert working(calendar, "2026-01-05T23:00:00Z")
    assert not working(calendar, "2026-01-06T02:10:00Z")
    assert working(calendar, "2026-01-06T05:00:00Z")
    assert working(calendar, "2026-01-10T05:00:00Z")
    assert not working(calendar, "2026-01-10T23:00:00Z")


def test_summer_time_moves_the_shift() -> None:
    calendar = Calendar(
        id="c",
        timezone="Europe/Lisbon",
        shifts=(Shift(id="s", days=WEEKDAYS, start=dt.time(6), end=dt.time(14)),),
    )
    time = WorkingTime(calendar, parse_time("2026-07-06T00:00:00Z"))
    assert time.working(parse_time("2026-07-06T05:30:00Z"))
    assert not time.working(parse_time("2026-07-06T13:30:00Z"))


def test_adjoining_shifts_are_one_and_changes_are_found() -> None:
    calendar = Calendar(
        id="c",
        shifts=(
            Shift(id="e", days=WEEKDAYS, start=dt.time(6), end=dt.time(14)),
            Shift(id="l", days=WEEKDAYS, start=dt.time(14), end=dt.time(22)),
        ),
    )
    time = WorkingTime(calendar, parse_time("2026-01-05T00:00:00Z"))
    six, ten = parse_time("2026-01-05T06:00:00Z"), parse_time("2026-01-05T22:00:00Z")
    assert time.changes_after(six - US) == six
    assert time.changes_after(six) in (parse_time("2026-01-05T14:00:00Z"), ten)
    assert WorkingTime(None, six).working(six)
