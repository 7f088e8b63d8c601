"""Which figures of a day a gap touches, and which are right in spite of it."""

import json

import pytest
from tests.assess.records import HOUR, MINUTE, Records, machine, plant
from tests.assess.test_kpi import SIX, TWO, mill_day, row_of

from genba.assess import kpi_report

ONE = plant(equipment=[machine("mill", hourly_cost=120.0)])
TIMES = {"production_s", "setup_s", "delay_s", "down_s", "maintenance_s", "unknown_s"}
COUNTED = {"planned_run_s", "finished", "material_cost"}


def touched(*gap: object, samples: list[tuple[object, ...]] | None = None) -> set[str]:
    records = Records(samples or mill_day(), gaps=[gap])
    return set(row_of(kpi_report(records, ONE, SIX, TWO), "mill").touched.elements)


def test_a_gap_of_the_state_touches_times_and_nothing_that_was_counted() -> None:
    records = Records(mill_day(), gaps=[("mill.state", SIX + HOUR, SIX + 2 * HOUR)])
    row = row_of(kpi_report(records, ONE, SIX, TWO), "mill")
    assert set(row.touched.elements) == TIMES
    assert "oee" in row.touched.kpis
    assert "quality_ratio" not in row.touched.kpis
    assert row.touched.signals == {"mill.state": 3600.0}
    assert any("not received: mill.state (3600 s)" in flag for flag in row.flags)


def test_a_counter_is_right_again_after_a_gap_but_not_when_each_part_was_made() -> None:
    gap = ("mill.good", SIX + 90 * MINUTE, SIX + 121 * MINUTE)
    assert touched(*gap) == COUNTED


def test_a_counter_that_did_not_move_missed_nothing() -> None:
    assert touched("mill.good", SIX + 130 * MINUTE, SIX + 140 * MINUTE) == set()
    assert touched("mill.energy", SIX - HOUR, SIX + 100 * MINUTE) == {
        "energy_kwh",
        "energy_cost",
        "carbon_kg",
    }
    quiet = [row for row in mill_day() if row[0] != "mill.rework"]
    quiet += [("mill.rework", SIX - 2 * HOUR, 5), ("mill.rework", SIX + HOUR, 5)]
    assert touched("mill.rework", SIX - HOUR, SIX + 10 * MINUTE, samples=quiet) == set()


@pytest.mark.parametrize(
    ("start", "end"),
    [(SIX - HOUR, SIX + 121 * MINUTE), (SIX + 300 * MINUTE, None)],
    ids=["over the begin", "still open at the end"],
)
def test_at_an_edge_of_the_period_what_was_counted_on_which_side_is_not_known(
    start: int, end: int | None
) -> None:
    found = touched("mill.good", start, end)
    assert found == COUNTED | {"good", "output", "throughput"}


def test_a_counter_that_began_again_unseen_lost_what_it_had_counted() -> None:
    again = [row for row in mill_day() if row[0] != "mill.scrap" or row[1] < SIX]
    again += [("mill.scrap", SIX + 60 * MINUTE, 70), ("mill.scrap", SIX + 300 * MINUTE, 4)]
    gap = ("mill.scrap", SIX + 100 * MINUTE, SIX + 300 * MINUTE)
    assert touched(*gap, samples=again) == {
        "scrap",
        "throughput",
        "planned_run_s",
        "material_cost",
    }


@pytest.mark.parametrize("recovery", ["buffer", "history"])
def test_what_came_after_all_touches_nothing(recovery: str) -> None:
    assert touched("mill.state", SIX, TWO, recovery) == set()
    assert touched("mill.state", SIX, TWO, "partly") == TIMES


def test_a_gap_outside_of_the_period_touches_nothing() -> None:
    assert touched("mill.state", TWO, TWO + HOUR) == set()
    assert touched("mill.state", SIX - HOUR, SIX) == set()


def test_sums_and_other_groups_name_it_too() -> None:
    gaps = [("mill.state", SIX + HOUR, SIX + 2 * HOUR)]
    operation = {
        "time": SIX + 330 * MINUTE,
        **{"lot": "O-1-01", "order": "O-1", "product": "gear", "operation": "mill"},
        **{"equipment": "mill", "start": SIX, "end": SIX + 330 * MINUTE, "quantity": 10},
        **{"setup_s": 0.0, "planned_cycle_s": 60.0, "energy_kwh": 1.0},
        **{"good": 10, "scrap": 0, "rework": 0},
    }
    records = Records(mill_day(), [operation], gaps)
    both = kpi_report(records, plant(), SIX, TWO)
    assert [bool(row.touched) for row in both.rows] == [False, True, True]
    shift = kpi_report(records, plant(), SIX, TWO, by="shift")
    assert set(shift.rows[0].touched.elements) == TIMES
    order = kpi_report(records, plant(), SIX, TWO, by="order")
    assert set(order.rows[0].touched.elements) == TIMES | {"machine_cost"}
    told = json.loads(json.dumps(order.to_json()))["rows"][0]["touched_by_gaps"]
    assert told["signals"] == {"mill.state": 3600.0}
    assert "cost_per_part" in told["kpis"]
