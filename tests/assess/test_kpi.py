# ruff: noqa: E501 - rows of samples read better in rows
"""KPIs of small days that were computed by hand."""

import pytest
from tests.assess.records import HOUR, MINUTE, MONDAY, Records, machine, plant

from genba.assess import KPIS, KpiReport, KpiRow, kpi_report
from genba.plant import US, Quality

SIX = MONDAY + 6 * HOUR
TWO = MONDAY + 14 * HOUR


def mill_day() -> list[tuple[object, ...]]:
    """A day of the mill: 30 min set-up, 4 h production, 1 h down with a fault, the rest idle.

    It makes 200 parts: 180 good, 20 scrap; 10 reworked; 40 kWh before 8 o'clock, 60 after.
    """
    return [
        ("mill.state", MONDAY, 2), ("mill.mode", MONDAY, 1), ("mill.job", SIX, "gear/mill"),
        ("mill.good", MONDAY, 1000), ("mill.scrap", MONDAY, 50), ("mill.rework", MONDAY, 5),
        ("mill.energy", MONDAY, 500.0),
        ("mill.mode", SIX, 4), ("mill.state", SIX, 6),
        ("mill.mode", SIX + 30 * MINUTE, 1),
        ("mill.state", SIX + 150 * MINUTE, 9),
        ("mill.state", SIX + 210 * MINUTE, 6),
        ("mill.energy", SIX + 100 * MINUTE, 540.0),
        ("mill.good", SIX + 120 * MINUTE, 1080), ("mill.scrap", SIX + 120 * MINUTE, 60),
        ("mill.state", SIX + 330 * MINUTE, 4),
        ("mill.energy", SIX + 300 * MINUTE, 600.0),
        ("mill.good", SIX + 320 * MINUTE, 1180), ("mill.scrap", SIX + 320 * MINUTE, 70),
        ("mill.rework", SIX + 320 * MINUTE, 15),
        ("mill.state", TWO, 2),
    ]  # fmt: skip


def row_of(report: KpiReport, key: str) -> KpiRow:
    return next(row for row in report.rows if row.key == key)


def test_a_machine_day_by_hand() -> None:
    one = plant(equipment=[machine("mill", hourly_cost=120.0)])
    row = row_of(kpi_report(Records(mill_day()), one, SIX, TWO), "mill")
    e, k = row.elements, row.kpis
    assert e.planned_busy_s == 7.5 * 3600
    assert e.setup_s == 1800
    assert e.production_s == 4 * 3600
    assert e.delay_s == 3600
    assert e.down_s == 2.5 * 3600  # the break fell into production
    assert (e.good, e.scrap, e.rework) == (180, 20, 10)
    assert e.planned_run_s == 200 * 60
    assert e.energy_kwh == 100
    assert e.energy_cost == pytest.approx(40 * 0.1 + 60 * 0.3)
    assert e.carbon_kg == pytest.approx(40 * 0.1 + 60 * 0.2)
    assert e.machine_cost == 7.5 * 120
    assert k["availability"] == pytest.approx(4 / 7.5)
    assert k["effectiveness"] == pytest.approx(12000 / 14400)
    assert k["quality_ratio"] == pytest.approx(0.9)
    assert k["oee"] == pytest.approx(4 / 7.5 * 12000 / 14400 * 0.9)
    assert k["nee"] == pytest.approx(4.5 / 7.5 * 12000 / 14400 * 0.9)
    assert k["utilization_efficiency"] == pytest.approx(4 / 5.5)
    assert k["allocation_efficiency"] == pytest.approx(5.5 / 7.5)
    assert k["technical_efficiency"] == pytest.approx(4 / 5)
    assert k["setup_ratio"] == pytest.approx(0.5 / 4.5)
    assert k["throughput_rate"] == pytest.approx(200 / 7.5)
    assert k["first_pass_yield"] == pytest.approx(170 / 200)
    assert k["scrap_ratio"] == pytest.approx(0.1)
    assert k["rework_ratio"] == pytest.approx(0.05)
    assert k["energy_per_part"] == pytest.approx(100 / 180)
    assert k["cost_per_part"] == pytest.approx((900 + 22) / 180)
    assert k["allocation_ratio"] is None
    assert row.flags == ()


def test_nothing_recorded_is_undefined_not_zero() -> None:
    row = row_of(kpi_report(Records([]), plant(), SIX, TWO), "mill")
    assert {name for name, value in row.kpis.items() if value is not None} == set()
    assert row.elements.planned_busy_s == 7.5 * 3600
    assert row.flags == ("state unknown for 28800 s",)


def test_effectiveness_above_one_is_shown_and_flagged() -> None:
    fast = [s for s in mill_day() if s[0] != "mill.good"] + [
        ("mill.good", MONDAY, 0), ("mill.good", SIX + 300 * MINUTE, 300)
    ]  # fmt: skip
    one = plant(equipment=[machine("mill")])
    row = row_of(kpi_report(Records(fast), one, SIX, TWO), "mill")
    assert row.kpis["effectiveness"] == pytest.approx(320 * 60 / 14400)
    assert any("effectiveness is 1.333, above 1" in flag for flag in row.flags)


def test_a_machine_that_stands_outside_its_calendar_is_neither_late_nor_down() -> None:
    night = [("mill.state", MONDAY, 9), ("mill.mode", MONDAY, 1)]
    one = plant(equipment=[machine("mill")])
    e = row_of(kpi_report(Records(night), one, MONDAY, MONDAY + 24 * HOUR), "mill").elements
    assert e.delay_s == 7.5 * 3600
    assert e.down_s == 0


def test_work_outside_the_calendar_counts_and_is_flagged() -> None:
    long = [("mill.state", MONDAY, 6), ("mill.mode", MONDAY, 1)]
    one = plant(equipment=[machine("mill")])
    row = row_of(kpi_report(Records(long), one, MONDAY, MONDAY + 24 * HOUR), "mill")
    assert row.elements.production_s == 24 * 3600
    assert row.kpis["availability"] == pytest.approx(24 / 7.5)
    assert any("outside its calendar" in flag for flag in row.flags)


def test_a_state_from_weeks_ago_still_holds() -> None:
    old = [("mill.state", MONDAY - 30 * 24 * HOUR, 6), ("mill.mode", MONDAY - 30 * 24 * HOUR, 1)]
    e = row_of(kpi_report(Records(old), plant(), SIX, TWO), "mill").elements
    assert e.production_s == 8 * 3600


def test_a_lost_link_is_unknown_time_and_not_production() -> None:
    lost = [
        ("mill.state", MONDAY, 6), ("mill.mode", MONDAY, 1),
        ("mill.state", SIX + HOUR, 6, Quality.BAD), ("mill.state", SIX + 2 * HOUR, 6),
    ]  # fmt: skip
    row = row_of(kpi_report(Records(lost), plant(), SIX, SIX + 3 * HOUR), "mill")
    assert row.elements.production_s == 2 * 3600
    assert row.elements.unknown_s == 3600
    assert "state unknown for 3600 s" in row.flags


def test_a_counter_that_begins_again_at_zero_loses_nothing() -> None:
    reset = [
        ("mill.state", MONDAY, 6), ("mill.good", MONDAY, 990), ("mill.good", SIX + HOUR, 1000),
        ("mill.good", SIX + 2 * HOUR, 4), ("mill.good", SIX + 3 * HOUR, 9),
    ]  # fmt: skip
    row = row_of(kpi_report(Records(reset), plant(), SIX, TWO), "mill")
    assert row.elements.good == 19


def test_the_plant_counts_what_left_it_and_pays_for_everybody() -> None:
    saw = [
        ("saw.state", MONDAY, 6), ("saw.mode", MONDAY, 1), ("saw.job", MONDAY, "gear/cut"),
        ("saw.good", MONDAY, 0), ("saw.scrap", MONDAY, 0), ("saw.rework", MONDAY, 0),
        ("saw.energy", MONDAY, 0.0), ("saw.good", SIX + HOUR, 200), ("saw.energy", SIX + HOUR, 20.0),
    ]  # fmt: skip
    row = row_of(kpi_report(Records(mill_day() + saw), plant(), SIX, TWO), "all")
    e = row.elements
    assert e.good == 380  # parts through machines
    assert e.output == 180  # gears out of the plant
    assert row.kpis["energy_per_part"] == pytest.approx(120 / 180)
    assert e.material_cost == 200 * 2.0
    assert e.people_cost == 7.5 * 2 * 40
    machines = 7.5 * (120 + 60)
    energy = 22 + 20 * 0.1
    assert row.kpis["cost_per_part"] == pytest.approx((machines + energy + 400 + 600) / 180)
    assert row.kpis["throughput_rate"] == pytest.approx(180 / 7.5)
    assert row.kpis["availability"] == pytest.approx((4 + 8) / 15)


def test_one_unknown_machine_keeps_the_sum_unknown_and_is_named() -> None:
    row = row_of(kpi_report(Records(mill_day()), plant(), SIX, TWO), "all")
    assert row.kpis["oee"] is None
    assert len(row.flags) == 2
    assert "production_s" in row.flags[1]
    assert row.flags[1].endswith(" not known, for want of saw")


def test_a_machine_that_tells_no_job_does_the_only_thing_it_can() -> None:
    silent = [s for s in mill_day() if s[0] != "mill.job"]
    one = plant(equipment=[machine("mill")])
    row = row_of(kpi_report(Records(silent), one, SIX, TWO), "mill")
    assert row.kpis["effectiveness"] == pytest.approx(12000 / 14400)


def operation(
    name: str, equipment: str, begin: int, end: int, **fields: object
) -> dict[str, object]:
    return {
        "time": end, "start": begin, "end": end, "operation": name, "equipment": equipment,
        "product": "gear", "order": "O-1", "lot": "O-1-01", "setup_s": 0.0, "quantity": 10,
        "good": 10, "scrap": 0, "rework": 0, "energy_kwh": 1.0, "planned_cycle_s": 60.0, **fields,
    }  # fmt: skip


def test_an_order_by_hand() -> None:
    rows = [
        operation("cut", "saw", SIX, SIX + 10 * MINUTE, planned_cycle_s=30.0),
        operation("mill", "mill", SIX + 40 * MINUTE, SIX + 60 * MINUTE, good=8, scrap=2, rework=1),
    ]
    states = [
        ("saw.state", MONDAY, 6), ("saw.mode", MONDAY, 1),
        ("mill.state", MONDAY, 6), ("mill.mode", MONDAY, 4), ("mill.mode", SIX + 45 * MINUTE, 1),
        ("mill.state", SIX + 50 * MINUTE, 9), ("mill.state", SIX + 55 * MINUTE, 6),
    ]  # fmt: skip
    row = row_of(kpi_report(Records(states, rows), plant(), SIX, TWO, by="order"), "O-1")
    e, k = row.elements, row.kpis
    assert e.execution_s == 3600
    assert (e.production_s, e.setup_s, e.delay_s) == (20 * 60, 5 * 60, 5 * 60)
    assert e.planned_run_s == 10 * 30 + 10 * 60
    assert (e.good, e.scrap, e.output) == (8, 2, 8)
    assert k["allocation_ratio"] == pytest.approx(0.5)
    assert k["throughput_rate"] == pytest.approx(10)
    assert k["technical_efficiency"] == pytest.approx(20 / 25)
    assert k["availability"] is None
    cost = 10 / 60 * 60 + 20 / 60 * 120 + 2 * 0.1 + 10 * 2.0
    assert k["cost_per_part"] == pytest.approx(cost / 8)


def test_lots_that_are_treated_together_share_the_machine() -> None:
    rows = [
        operation("mill", "mill", SIX, SIX + HOUR, lot="O-1-01"),
        operation("mill", "mill", SIX, SIX + HOUR, lot="O-2-01", order="O-2"),
    ]
    states = [("mill.state", MONDAY, 6), ("mill.mode", MONDAY, 1)]
    report = kpi_report(Records(states, rows), plant(), SIX, TWO, by="order")
    assert row_of(report, "O-1").elements.production_s == 1800
    assert row_of(report, "all").elements.production_s == 3600
    assert row_of(report, "all").elements.execution_s == 7200


def test_shifts_of_machines_that_work_by_their_hall_s_calendar() -> None:
    hall = {"id": "hall", "level": "area", "calendar": "day"}
    mill = machine("mill", hourly_cost=120.0, parent="hall", calendar=None)
    one = plant(equipment=[hall, machine("saw"), mill])
    assert kpi_report(Records(mill_day()), one, SIX, TWO, by="shift") == kpi_report(
        Records(mill_day()), plant(), SIX, TWO, by="shift"
    )


def test_shifts_are_told_apart_by_their_day() -> None:
    report = kpi_report(Records(mill_day()), plant(), MONDAY, MONDAY + 48 * HOUR, by="shift")
    assert [row.key for row in report.rows] == ["2026-01-05 early", "2026-01-06 early", "all"]
    assert report.rows[0].elements.working_s == 7.5 * 3600
    assert report.rows[2].elements.people_cost == 2 * 600


def test_the_report_is_plain_data_and_explains_itself() -> None:
    told = kpi_report(Records(mill_day()), plant(), SIX, TWO).to_json()
    assert {d["id"] for d in told["definitions"]} == {kpi.id for kpi in KPIS}
    for definition in told["definitions"]:
        assert definition["formula"]
        assert set(definition["elements"]) <= set(told["rows"][0]["elements"])
    assert told["from"] == "2026-01-05T06:00:00Z"
    assert told["rows"][0]["kpis"]["oee"] is None
    assert US == 1_000_000


def two_products() -> list[dict[str, object]]:
    def product(name: str, cycle_s: float) -> dict[str, object]:
        ways = [{"equipment": "mill", "cycle_s": cycle_s}]
        return {"id": name, "lot_size": 10, "routing": [{"id": "mill", "alternatives": ways}]}

    return [product("gear", 60), product("cam", 90)]


@pytest.mark.parametrize(
    ("told", "planned_s"),
    [
        ({"record": "cam", "job": "gear/mill", "lots": "O-1-01"}, 900),
        ({"job": "gear/mill", "lots": "O-2-01"}, 600),
        ({"lots": "O-2-01,O-2-02"}, 900),
        ({"lots": "somebody"}, None),
        ({}, None),
    ],
)
def test_what_was_made_is_known_by_record_job_or_lots(
    told: dict[str, str], planned_s: float | None
) -> None:
    begin, done = SIX + HOUR, SIX + 2 * HOUR
    samples: list[tuple[object, ...]] = [
        ("mill.state", MONDAY, 6), ("mill.good", MONDAY, 0), ("mill.good", done, 10),
        ("mill.lots", begin, told.get("lots", "")), ("mill.lots", done, ""),
        ("mill.job", begin, told.get("job", "")),
    ]  # fmt: skip
    rows = (
        [operation("mill", "mill", begin, done, product=told["record"])] if "record" in told else []
    )
    orders = [
        {"id": name, "product": made, "quantity": 9, "release": SIX, "due": TWO}
        for name, made in (("O-1", "gear"), ("O-2", "cam"))
    ]
    one = plant(equipment=[machine("mill")], products=two_products(), orders=orders)
    row = row_of(kpi_report(Records(samples, rows), one, SIX, TWO), "mill")
    assert row.elements.planned_run_s == planned_s


def test_what_was_made_of_an_order_that_came_in_at_run_time() -> None:
    begin, done = SIX + HOUR, SIX + 2 * HOUR
    samples: list[tuple[object, ...]] = [
        ("desk.order", MONDAY - 50 * HOUR, '{"id": "R-1", "product": "cam", "quantity": 9}'),
        ("desk.order", MONDAY, "no order at all"),
        ("mill.state", MONDAY, 6), ("mill.good", MONDAY, 0), ("mill.good", done, 10),
        ("mill.lots", begin, "R-1-01"), ("mill.lots", done, ""),
    ]  # fmt: skip
    order = {"id": "order", "role": "order_released", "kind": "event", "type": "json"}
    desk = {"id": "desk", "connection": "c", "signals": [{**order, "address": "order"}]}
    one = plant(equipment=[machine("mill"), desk], products=two_products())
    row = row_of(kpi_report(Records(samples), one, SIX, TWO), "mill")
    assert row.elements.planned_run_s == 900


def test_a_machine_says_what_it_wants_for_more_to_be_known() -> None:
    samples: list[tuple[object, ...]] = [
        ("mill.state", MONDAY, 6), ("mill.good", MONDAY, 0), ("mill.good", SIX + HOUR, 10),
    ]  # fmt: skip
    one = plant(equipment=[machine("mill", calendar=None)], products=two_products())
    flags = row_of(kpi_report(Records(samples), one, SIX, TWO), "mill").flags
    assert any("calendar" in flag for flag in flags)
    assert any("planned run time not known" in flag for flag in flags)
