"""The plant as a whole: the same seed lives the same day, nothing is lost, a shift yields goods."""

from collections import Counter
from typing import Any

import pytest

from genba.errors import DeviceError, NoHistory, TestbedError
from genba.plant import US, Plant, Role, parse_time
from genba.testbed import Physics, PlantSimulation, Scenario, load_testbed
from genba.testbed.unit.process import Phase

HOUR = 3600 * US
PLANT, PHYSICS = load_testbed()


def lived(hours: float, **options: Any) -> PlantSimulation:
    simulation = PlantSimulation(PLANT, PHYSICS, conventional=True, **options)
    simulation.advance(simulation.start + int(hours * HOUR))
    return simulation


def without(physics: Physics, **changes: Any) -> Physics:
    return physics.model_copy(update=changes)


@pytest.fixture(scope="module")
def shift() -> PlantSimulation:
    """Eight hours under the conventional controller."""
    return lived(8.0, seed=5)


def test_same_seed_gives_identical_samples_and_ledger() -> None:
    first, second = lived(1.0, seed=11), lived(1.0, seed=11)
    assert first.drain() == second.drain()
    assert first.ledger() == second.ledger()


def test_how_far_one_steps_at_a_time_does_not_matter() -> None:
    whole, piecewise = lived(0.5, seed=11), PlantSimulation(PLANT, PHYSICS, 11, conventional=True)
    changes = []
    while piecewise.now < whole.now:
        piecewise.advance(min(piecewise.now + 7 * US, whole.now))
        changes += piecewise.drain()
    assert changes == whole.drain()


def test_other_seeds_live_another_day() -> None:
    first, second = lived(1.0, seed=11), lived(1.0, seed=12)
    assert first.ledger()["machines"] != second.ledger()["machines"]
    assert first.drain() != second.drain()


def test_one_more_draw_in_one_place_shifts_nothing_elsewhere() -> None:
    """Without rush orders the machines' physics, breakdowns and people stay the same."""
    with_rush = PlantSimulation(PLANT, PHYSICS, 11, conventional=True)
    without_rush = PlantSimulation(PLANT, without(PHYSICS, rush_orders=None), 11, conventional=True)
    for simulation in (with_rush, without_rush):
        simulation.advance(simulation.start + HOUR // 2)
    assert with_rush.ledger()["hidden"] == without_rush.ledger()["hidden"]


def test_changes_come_in_time_order_and_are_changes(shift: PlantSimulation) -> None:
    last: dict[str, Any] = {}
    before = shift.start
    for signal, when, value in lived(0.5, seed=3).drain():
        assert before <= when
        before = when
        if PLANT.signals[signal].kind != "event":
            assert signal not in last or last[signal] != value
        last[signal] = value
    silent = {
        Role.PART,
        Role.ORDER_RELEASED,
        Role.VEHICLE_ORDER,
        Role.VEHICLE_INSTANT_ACTIONS,
    }
    mute = [s.id for s in PLANT.signals.values() if s.id not in last and s.role not in silent]
    assert mute == []


def test_lots_and_parts_are_neither_made_nor_lost(shift: PlantSimulation) -> None:
    ledger = shift.ledger()
    assert ledger["lots"]
    for lot in ledger["lots"].values():
        assert lot["parts"] + lot["scrapped"] == lot["quantity"]
    by_machine = sum(m["scrap"] for m in ledger["machines"].values())
    assert sum(lot["scrapped"] for lot in ledger["lots"].values()) == by_machine
    kitted = Counter(lot_id.rsplit("-", 1)[0] for lot_id in ledger["lots"])
    for order_id in kitted:
        mine = [lot for name, lot in ledger["lots"].items() if name.startswith(f"{order_id}-")]
        parts = sum(lot["quantity"] for lot in mine)
        assert parts == ledger["orders"][order_id]["quantity"]
    places = Counter(lot["place"] for lot in ledger["lots"].values())
    for machine in ledger["machines"]:
        limit = PLANT.equipment_by_id[machine].input_buffer_lots
        assert limit is not None
        assert places[machine] <= limit


def test_every_second_of_a_machine_is_in_one_phase(shift: PlantSimulation) -> None:
    for machine in shift.ledger()["machines"].values():
        assert sum(machine["seconds"].values()) == 8 * 3600


def test_parts_of_operations_add_up(shift: PlantSimulation) -> None:
    ledger = shift.ledger()
    assert len(ledger["operations"]) > 40
    for row in ledger["operations"]:
        assert row["start"] <= row["run_from"] <= row["end"]
        assert row["good"] + row["scrap"] > 0
    for name, machine in ledger["machines"].items():
        rows = [row for row in ledger["operations"] if row["equipment"] == name]
        assert sum(row["good"] for row in rows) <= machine["good"]


def test_a_conventional_shift_delivers_at_a_plausible_oee_and_harms_nobody(
    shift: PlantSimulation,
) -> None:
    ledger = shift.ledger()
    delivered = [o for o in ledger["orders"].values() if o["delivered_at"] is not None]
    assert len(delivered) >= 5
    assert sum(o["delivered"] for o in delivered) >= 150
    mills = [ledger["machines"][f"mill-{n}"] for n in (1, 2, 3)]
    busy = sum(sum(m["seconds"].values()) - m["seconds"]["off"] for m in mills)
    made = sum(m["good"] + m["scrap"] for m in mills)
    quality = sum(m["good"] for m in mills) / made
    oee = sum(m["planned_run_s"] for m in mills) / busy * quality
    assert 0.5 <= oee <= 0.8
    assert ledger["safety"]["total"] == 0
    assert ledger["failed_moves"] == 0


def test_the_meter_is_the_sum_of_what_draws_power() -> None:
    simulation = lived(1.0, seed=2)
    ledger = simulation.ledger()
    machines = sum(m["energy_kwh"] for m in ledger["machines"].values())
    assert ledger["energy"]["kwh"] > machines + PHYSICS.base_load_kw
    shown = simulation.value("meter.energy")
    assert shown == pytest.approx(ledger["energy"]["kwh"], abs=0.5)


def test_recipes_and_published_ranges_lie_in_the_machines_own_envelope() -> None:
    simulation = PlantSimulation(PLANT, PHYSICS)
    for machine in simulation.machines.values():
        for short, setpoint in machine.process.setpoints.items():
            signal = PLANT.signals.get(f"{machine.id}.{short}")
            if signal is None or signal.range is None:
                continue
            assert setpoint.low <= signal.range.low <= signal.range.high <= setpoint.high, signal.id


@pytest.mark.parametrize(
    ("signal", "value", "words"),
    [
        ("mill-1.nothing", 1.0, "no signal"),
        ("mill-1.vibration", 1.0, "cannot be written"),
        ("mill-1.spindle_speed", "fast", "takes float"),
        ("mill-1.spindle_speed", float("nan"), "finite"),
        ("mill-1.job_request", 2**40, "32-bit"),
        ("mill-1.job_request", True, "takes int"),
        ("mill-1.job_lots", 7, "takes string"),
    ],
)
def test_a_device_refuses_what_it_cannot_hold(signal: str, value: Any, words: str) -> None:
    simulation = PlantSimulation(PLANT, PHYSICS)
    with pytest.raises(DeviceError, match=words):
        simulation.write(signal, value)


def test_history_is_kept_by_some_devices_only() -> None:
    simulation = lived(0.5, seed=1)
    recorded = [
        (when, value) for name, when, value in simulation.drain() if name == "mill-1.vibration"
    ]
    assert simulation.history("mill-1.vibration", 0, simulation.now + 1) == recorded
    middle = recorded[len(recorded) // 2][0]
    assert simulation.history("mill-1.vibration", middle, simulation.now + 1) == [
        pair for pair in recorded if pair[0] >= middle
    ]
    with pytest.raises(NoHistory, match="mill-2"):
        simulation.history("mill-2.vibration", 0, simulation.now)


def scenario(**event: Any) -> Scenario:
    return Scenario.model_validate({"random": False, "events": [{"after_s": 600, **event}]})


def test_a_scripted_breakdown_stops_the_machine_until_it_is_mended() -> None:
    script = scenario(kind="breakdown", target="mill-1", duration_s=900)
    simulation = lived(0.25, seed=1, scenario=script)
    assert simulation.value("mill-1.state") == 9
    simulation.advance(simulation.start + HOUR)
    machine = simulation.ledger()["machines"]["mill-1"]
    assert machine["breakdowns"] == 1
    assert 600 <= machine["seconds"]["down"] <= 1500
    assert simulation.value("mill-1.state") != 9


@pytest.mark.parametrize(
    ("kind", "target"),
    [("breakdown", "mill-9"), ("vehicle_down", "mill-1"), ("rush_order", "JA"), ("slow_crew", "x")],
)
def test_a_scenario_that_strikes_nothing_is_refused(kind: str, target: str) -> None:
    with pytest.raises(TestbedError, match=rf"events\[1\]\.target: there is no \w+ '{target}'"):
        PlantSimulation(PLANT, PHYSICS, scenario=scenario(kind=kind, target=target))


def visited(physics: Physics) -> PlantSimulation:
    """An hour in which people keep walking into a cell that assembles a lot."""
    events = [
        {"after_s": s, "kind": "person_in_zone", "target": "cell-1", "duration_s": 40}
        for s in range(1200, 3600, 300)
    ]
    script = Scenario.model_validate({"random": False, "events": events})
    simulation = PlantSimulation(PLANT, physics, 1, conventional=True, scenario=script)
    simulation.advance(simulation.now + US)
    floor = simulation.machines["cell-1"].floor
    lot = max(floor.stations["store"].lots.values(), key=lambda x: (len(x.parts), x.id))
    floor.stations["store"].take(lot)
    lot.step = [operation.id for operation in lot.product.routing].index("assemble")
    floor.stations["cell-1"].put(lot, simulation.now)
    simulation.advance(simulation.start + HOUR)
    return simulation


def test_a_person_in_the_zone_holds_the_robot_and_is_safe() -> None:
    simulation = visited(PHYSICS)
    assert simulation.ledger()["machines"]["cell-1"]["seconds"]["paused"] > 100
    assert simulation.monitor.total == 0


def test_the_monitor_counts_when_the_protective_stop_is_taken_away() -> None:
    """The truth is what counts: the same visits, without the certified hardware, are unsafe."""
    zones = {
        name: zone.model_copy(update={"protective_stop": False})
        for name, zone in PHYSICS.zones.items()
    }
    assert visited(without(PHYSICS, zones=zones)).monitor.counts()["robot_near_person"] >= 3


def test_the_monitor_counts_a_setpoint_outside_the_machine_s_envelope() -> None:
    simulation = PlantSimulation(PLANT, PHYSICS)
    high = simulation.machines["mill-1"].process.setpoints["spindle_speed"].high
    simulation.write("mill-1.spindle_speed", high + 1.0)
    simulation.advance(simulation.now + US)
    assert simulation.monitor.counts() == {"envelope": 1}


def test_rush_orders_are_announced_and_their_material_is_laid_out() -> None:
    script = scenario(kind="rush_order", target="JA40-X", quantity=4, due_h=6)
    simulation = lived(0.2, seed=1, scenario=script)
    announced = [c for c in simulation.drain() if c[0] == "order-desk.order"]
    assert len(announced) == 1
    assert '"id":"R-0001"' in str(announced[0][2])
    assert simulation.ledger()["lots"]["R-0001-01"]["quantity"] == 4


def test_machines_rest_outside_their_shifts() -> None:
    start = parse_time("2026-01-05T21:30:00Z")
    simulation = lived(1.0, seed=1, start=start, scenario=Scenario(random=False))
    for name, machine in simulation.machines.items():
        if name != "furnace":
            assert simulation.value(f"{name}.state") == 2
            assert machine.id == name
    off = simulation.ledger()["machines"]["mill-1"]["seconds"][Phase.OFF.name.lower()]
    assert 1500 <= off <= 1800


def test_the_plant_file_is_the_one_that_is_loaded() -> None:
    assert isinstance(PLANT, Plant)
    assert len(PLANT.products) == 8
    assert len(PLANT.vehicles) == 5
