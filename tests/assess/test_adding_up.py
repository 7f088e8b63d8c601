"""Elements of two adjoining periods add up to those of both together."""

from dataclasses import asdict
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.assess.records import HOUR, MONDAY, Records, machine, plant

from genba.assess import kpi_report
from genba.assess.definitions import compute
from genba.assess.elements import Elements, total

DAY = 24 * HOUR
TIMES = st.integers(MONDAY, MONDAY + 2 * DAY)
KNOWN = [2, 4, 5, 6, 9, 11, 17]
STATES = st.lists(st.tuples(TIMES, st.sampled_from(KNOWN)), max_size=12)
LOSSES = st.lists(st.tuples(TIMES, st.sampled_from([*KNOWN, None])), max_size=12)
MODES = st.lists(st.tuples(TIMES, st.sampled_from([1, 2, 4])), max_size=6)
STEPS = st.lists(st.tuples(TIMES, st.integers(0, 9)), max_size=8)


def history(
    states: list[tuple[int, Any]],
    modes: list[tuple[int, int]],
    good: list[tuple[int, int]],
    scrap: list[tuple[int, int]],
    energy: list[tuple[int, int]],
) -> Records:
    samples: list[tuple[Any, ...]] = [
        (f"mill.{name}", MONDAY - HOUR, 0.0) for name in ("good", "scrap", "rework", "energy")
    ]
    samples += [("mill.state", MONDAY - HOUR, 4), ("mill.mode", MONDAY - HOUR, 1)]
    samples += [("mill.state", when, v, 2 if v is None else 0) for when, v in states]
    samples += [("mill.mode", when, value) for when, value in modes]
    for name, steps in (("good", good), ("scrap", scrap), ("energy", energy)):
        count = 0.0
        for when, step in sorted(dict(steps).items()):
            count = count + step if step < 8 else 0.0  # now and then a counter begins again
            samples.append((f"mill.{name}", when, count))
    return Records(samples)


@given(STATES, MODES, STEPS, STEPS, STEPS, TIMES)
@settings(max_examples=60, deadline=None)
def test_two_halves_make_a_whole(
    states: Any, modes: Any, good: Any, scrap: Any, energy: Any, cut: int
) -> None:
    records = history(list(dict(states).items()), list(dict(modes).items()), good, scrap, energy)
    one = plant(equipment=[machine("mill")])
    start, end = MONDAY, MONDAY + 2 * DAY + 1

    def elements(first: int, last: int) -> Elements:
        return kpi_report(records, one, first, last).rows[0].elements

    whole = elements(start, end)
    halves = total([elements(start, cut), elements(cut, end)]) if start < cut < end else whole
    for name, amount in asdict(whole).items():
        half = getattr(halves, name)
        if amount is None or half is None:
            assert amount is half, name
        else:
            assert half == pytest.approx(amount, abs=1e-6), name


@given(LOSSES, MODES)
@settings(max_examples=40, deadline=None)
def test_within_planned_time_no_second_is_lost_or_counted_twice(states: Any, modes: Any) -> None:
    records = history(list(dict(states).items()), list(dict(modes).items()), [], [], [])
    always = {
        "id": "day",
        "shifts": [{"id": "s", "days": ["mon"], "start": "00:00", "end": "00:00"}],
    }
    one = plant(equipment=[machine("mill")], calendars=[always], people=[])
    e = kpi_report(records, one, MONDAY, MONDAY + DAY).rows[0].elements
    parts = (e.production_s, e.setup_s, e.delay_s, e.down_s, e.maintenance_s, e.unknown_s)
    if e.production_s is not None:
        assert sum(part or 0.0 for part in parts) == pytest.approx(24 * 3600)
    assert e.planned_busy_s == 24 * 3600


@given(st.lists(st.floats(0, 1e6) | st.none(), min_size=7, max_size=7))
def test_ratios_lie_where_they_must_or_are_undefined(amounts: list[float | None]) -> None:
    names = ("production_s", "setup_s", "delay_s", "planned_busy_s", "good", "scrap", "output")
    values = compute(Elements(**dict(zip(names, amounts, strict=True))))
    for name in ("quality_ratio", "scrap_ratio", "setup_ratio", "technical_efficiency"):
        value = values[name]
        assert value is None or 0 <= value <= 1
    known = values["quality_ratio"] is not None
    assert known == (None not in amounts[4:6] and sum(a or 0 for a in amounts[4:6]) > 0)
