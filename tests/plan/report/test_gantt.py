"""A Gantt chart shows every operation and trip of a plan once, and marks what is late."""

import json
import re
import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.plan.line import NOW

from genba.plan.problem import (
    Calendar,
    Job,
    Machine,
    Mode,
    Operation,
    Problem,
    Transport,
    Vehicle,
)
from genba.plan.report.gantt import COLORS, Bar, BarKind, Gantt, Row, gantt, late_jobs
from genba.plan.report.gantt_html import gantt_html
from genba.plan.report.gantt_png import gantt_png
from genba.plan.schedule import Assignment, Leg, Plan

HOUR = 3600
PROBLEM = Problem(
    machines=(Machine("saw", calendar="day"), Machine("oven")),
    jobs=(
        Job("O-1-01", due=5 * HOUR, order="O-1"),
        Job("O-2-01", due=9 * HOUR, order="O-2"),
    ),
    operations=(
        Operation("O-1-01/cut", "O-1-01", (Mode("saw", HOUR),)),
        Operation("O-1-01/bake", "O-1-01", (Mode("oven", HOUR),), ("O-1-01/cut",), batch="bake"),
        Operation("O-2-01/bake", "O-2-01", (Mode("oven", HOUR),), batch="bake"),
    ),
    calendars=(Calendar("day", ((HOUR, 2 * HOUR), (4 * HOUR, 6 * HOUR)), interruptible=True),),
    transport=Transport(
        ("saw", "oven"), {"amr": ((0, 60), (60, 0))}, {"amr": 40}, (Vehicle("amr-1", "amr", "saw"),)
    ),
    zero=NOW,
)
PLAN = Plan(
    assignments=(
        Assignment("O-1-01/cut", "saw", HOUR, HOUR + 1800, 4 * HOUR + 1800, staff="crew"),
        Assignment("O-1-01/bake", "oven", 5 * HOUR, 5 * HOUR, 6 * HOUR),
        Assignment("O-2-01/bake", "oven", 5 * HOUR, 5 * HOUR, 6 * HOUR),
    ),
    legs=(
        Leg(
            *("O-1-01", "O-1-01/bake", "amr-1", "amr", "saw", "oven"),
            *(4 * HOUR + 1700, 4 * HOUR + 1800, 4 * HOUR + 1900),
        ),
    ),
)
PRODUCTS = {"O-1-01": "A", "O-2-01": "B"}
CHART = gantt(PROBLEM, PLAN, products=PRODUCTS, title="Two orders", facts=("one is late",))


def bars(kind: BarKind) -> list[Bar]:
    return [bar for bar in CHART.bars if bar.kind is kind]


def test_rows_are_machines_and_vehicles_with_what_is_closed() -> None:
    assert CHART.rows == (
        Row("saw", False, ((0, HOUR), (2 * HOUR, 4 * HOUR))),
        Row("oven", False),
        Row("amr-1", True),
    )


def test_set_up_and_work_are_bars_of_their_own() -> None:
    (setup,) = bars(BarKind.SETUP)
    assert (setup.row, setup.start, setup.end) == (0, HOUR, HOUR + 1800)
    assert setup.lines[0] == "set-up on saw by crew"


def test_a_bar_is_drawn_only_where_its_machine_works() -> None:
    cut = next(bar for bar in bars(BarKind.RUN) if bar.row == 0)
    assert cut.pieces == ((HOUR + 1800, 2 * HOUR), (4 * HOUR, 4 * HOUR + 1800))


def test_a_batch_is_one_bar_that_names_all_its_lots() -> None:
    baked = [bar for bar in bars(BarKind.RUN) if bar.row == 1]
    assert [bar.jobs for bar in baked] == [("O-1-01", "O-2-01")]
    assert baked[0].lines == (
        "bake on oven",
        "lot O-1-01, order O-1, A, due Mon 5 Jan 11:00, 1 h late",
        "lot O-2-01, order O-2, B, due Mon 5 Jan 15:00",
    )
    assert baked[0].late


def test_a_trip_is_the_way_there_and_the_way_with_the_lot() -> None:
    (empty,), (carry,) = bars(BarKind.EMPTY), bars(BarKind.CARRY)
    assert (empty.row, empty.end, carry.start) == (2, 4 * HOUR + 1800, 4 * HOUR + 1800)
    assert carry.lines[0] == "amr-1 brings it from saw to oven"


def test_a_job_is_late_when_it_is_delivered_late() -> None:
    assert late_jobs(PROBLEM, PLAN) == {"O-1-01": HOUR}
    last = Leg("O-2-01", None, None, "amr", "oven", "dock", 0, 8 * HOUR, 9 * HOUR + 1)
    plan = Plan(PLAN.assignments, (last,))
    assert late_jobs(PROBLEM, plan) == {"O-1-01": HOUR, "O-2-01": 1}


def test_colors_follow_products_and_stay_the_same() -> None:
    assert CHART.groups == ("A", "B")
    assert {bar.group for bar in CHART.bars if bar.row == 0} == {0}
    assert len(set(COLORS)) == len(COLORS)
    assert CHART.color(len(COLORS)) == CHART.color(0)


def data_of(page: str) -> dict:
    found = re.search(r'<script id="data" type="application/json">(.*?)</script>', page, re.S)
    assert found is not None
    return json.loads(found[1])


def test_the_page_holds_all_bars_and_asks_nobody_for_anything() -> None:
    page = gantt_html(CHART)
    told = data_of(page)
    assert len(told["bars"]) == len(CHART.bars)
    assert (told["zero_ms"], told["timezone"]) == (NOW / 1000, "UTC")
    outside = set(re.findall(r"https?://[^\s\"']+", page))
    assert outside == {"http://www.w3.org/2000/svg"}  # a name, not an address
    assert not re.search(r"<(link|img|iframe)\b|\bsrc=|@import|url\(http", page)


@given(st.text())
def test_no_name_breaks_out_of_the_page(name: str) -> None:
    hostile = name + "</script><script>alert(1)</script>__DATA__"
    chart = gantt(PROBLEM, PLAN, title=hostile, facts=(hostile,))
    page = gantt_html(chart)
    assert data_of(page)["title"] == hostile
    assert page.count("<script") == 2


@pytest.mark.parametrize("zero", [0, NOW])
def test_the_picture_grows_with_the_rows(tmp_path: Path, zero: int) -> None:
    def height(rows: int) -> int:
        chart = Gantt(
            *("many", ("facts",)),
            rows=tuple(Row(f"m-{n}", False, ((5, 9),)) for n in range(rows)),
            bars=tuple(
                Bar(n, BarKind.RUN, 0, 10, ((0, 5), (9, 10)), "lot", ("lot",), n % 12, True, ())
                for n in range(rows)
            ),
            groups=tuple(f"P{n}" for n in range(30)),
            end=100,
            zero=zero,
            tick_s=60.0,
            timezone="Europe/Lisbon",
        )
        path = tmp_path / f"{rows}.png"
        gantt_png(chart, path, dpi=40)
        header = path.read_bytes()[:24]
        assert header.startswith(b"\x89PNG")
        return struct.unpack(">I", header[20:24])[0]

    assert height(30) > 2 * height(8)


def test_an_empty_plan_is_an_empty_chart(tmp_path: Path) -> None:
    chart = gantt(Problem((), (), ()), Plan(()))
    assert data_of(gantt_html(chart))["bars"] == []
    gantt_png(chart, tmp_path / "empty.png", dpi=40)
    assert (tmp_path / "empty.png").stat().st_size > 0


def test_a_problem_of_no_plant_is_told_in_ticks() -> None:
    problem = Problem((Machine("m"),), (Job("j", due=3),), (Operation("o", "j", (Mode("m", 5),)),))
    chart = gantt(problem, Plan((Assignment("o", "m", 0, 0, 5),)))
    assert chart.bars[0].lines == ("o on m", "lot j, due tick 3, 2 ticks late")
