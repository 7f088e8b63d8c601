"""What is read from a historian is what the devices said: times, energy, stops, trips, orders."""

from itertools import pairwise

import pytest
from tests.twin.recorded_shop import END, LEG_S, RUN_KW, START, Told, drive, plant, two_days

from genba.errors import TwinError
from genba.plant import US, Order, PackMLMode, PackMLState, Quality
from genba.twin.prediction import Case, observed, parts_at
from genba.twin.record import read_recording
from genba.twin.record_machines import activity_of
from genba.twin.recording import Activity, Recording

HOUR = 3600 * US


@pytest.fixture(scope="module")
def recording() -> Recording:
    shop, told = two_days()
    drive(told, trips=50)
    return read_recording(told, shop, START, END)


def test_every_second_of_a_machine_is_accounted_for_once(recording: Recording) -> None:
    for machine, pieces in recording.pieces.items():
        assert sum(recording.seconds(machine).values()) == pytest.approx((END - START) / US)
        for before, after in pairwise(pieces):
            assert before.end == after.start
            assert before.activity is not after.activity


def test_energy_is_split_by_what_the_machine_did(recording: Recording) -> None:
    seconds, energy = recording.seconds("mill-1"), recording.energy_kwh("mill-1")
    assert energy[Activity.RUN] / seconds[Activity.RUN] * 3600 == pytest.approx(RUN_KW, rel=1e-6)
    assert energy[Activity.DOWN] == pytest.approx(0.0, abs=1e-6)


def test_a_jobs_run_time_leaves_out_its_set_up_and_its_breakdowns(recording: Recording) -> None:
    broken = [job for job in recording.jobs if job.spent_s[Activity.DOWN] > 0]
    assert broken
    for job in recording.jobs:
        assert sum(job.spent_s.values()) == pytest.approx((job.end - job.start) / US)
        assert 0.7 < job.spent_s[Activity.RUN] / (60.0 * job.parts) < 1.4
        assert (job.spent_s[Activity.SETUP] > 0) == (job.planned_setup_s > 0)


def test_running_time_between_stops_adds_up_to_all_running_time(recording: Recording) -> None:
    for machine in recording.pieces:
        spans = recording.running[machine, Activity.DOWN]
        stops = [s for s in recording.stops if s.unit == machine]
        assert spans.total_s == pytest.approx(recording.seconds(machine)[Activity.RUN])
        assert spans.stops == len(stops) > 3


def test_trips_have_their_ends_times_and_handling(recording: Recording) -> None:
    assert len(recording.trips) == 50
    for trip in recording.trips:
        assert (trip.origin, trip.pick_at, trip.drop_at) == ("mill-1", "store", "mill-1")
        assert trip.handling_s == (20.0, 20.0)
        assert trip.empty_s == pytest.approx(LEG_S, rel=0.5)
    assert recording.trips[3].lot == "L-3"


def test_parts_in_are_parts_delivered_scrapped_and_left_over(recording: Recording) -> None:
    for begin in range(START, END - 8 * HOUR, 8 * HOUR):
        real = observed(Case(recording, begin, begin + 8 * HOUR))
        assert real.output > 0
        assert real.parts_in == real.output + real.scrap + real.parts_left
    assert parts_at(recording, START - 1) == {}


def test_a_sample_of_bad_quality_changes_nothing() -> None:
    shop, told = two_days()
    sound = read_recording(told, shop, START, END)
    told.say("mill-1.state", START + HOUR, float(PackMLState.ABORTED), Quality.BAD)
    assert read_recording(told, shop, START, END).seconds("mill-1") == sound.seconds("mill-1")


def test_the_state_before_the_period_still_holds_at_its_start() -> None:
    told = Told()
    told.say("mill-1.state", START - 30 * HOUR, float(PackMLState.EXECUTE))
    found = read_recording(told, plant(), START, START + HOUR)
    assert found.seconds("mill-1")[Activity.RUN] == 3600.0


def test_a_counter_that_begins_again_at_zero_loses_nothing() -> None:
    told = Told()
    told.say("mill-1.state", START - HOUR, float(PackMLState.EXECUTE))
    for minute, value in ((0, 10.0), (20, 11.0), (30, 0.0), (40, 2.0), (60, 2.0)):
        told.say("mill-1.energy", START + minute * 60 * US, value)
    found = read_recording(told, plant(), START, START + HOUR)
    assert found.energy_kwh("mill-1")[Activity.RUN] == pytest.approx(3.0)


def test_an_order_announced_by_the_desk_is_a_rush_order_with_its_material_time() -> None:
    told = Told()
    order = Order(id="R-1", product="P", quantity=7, release=START, due=END, weight=4.0)
    told.say("mill-1.state", START, float(PackMLState.IDLE))
    told.book("events", time=START + 5 * US, kind="order", data=order.model_dump_json())
    told.book(
        "lots", time=START + 6 * US, lot="R-1-01", order="R-1", product="P", quantity=7,
        status="released", location="store",
    )  # fmt: skip
    told.say("store.station", START + 600 * US, "R-1-01")
    (arrival,) = read_recording(told, plant(), START, END).arrivals
    assert arrival.announced == START + 5 * US
    assert arrival.lots == (("R-1-01", 7, START + 600 * US),)
    assert arrival.late_s == 600.0
    assert arrival.weight == 4.0


def test_holding_before_and_after_maintenance_belongs_to_it() -> None:
    told = Told()
    steps = (
        (PackMLState.EXECUTE, PackMLMode.PRODUCTION, 0),
        (PackMLState.HOLDING, PackMLMode.PRODUCTION, 60),
        (PackMLState.HELD, PackMLMode.MAINTENANCE, 62),
        (PackMLState.UNHOLDING, PackMLMode.PRODUCTION, 180),
        (PackMLState.EXECUTE, PackMLMode.PRODUCTION, 182),
    )
    for state, mode, second in steps:
        told.say("mill-1.state", START + second * US, float(state))
        told.say("mill-1.mode", START + second * US, float(mode))
    found = read_recording(told, plant(), START, START + HOUR)
    assert found.seconds("mill-1")[Activity.SERVICE] == 122.0
    assert found.seconds("mill-1")[Activity.HELD] == 0.0


@pytest.mark.parametrize(
    ("state", "mode", "expected"),
    [
        (PackMLState.EXECUTE, PackMLMode.PRODUCTION, Activity.RUN),
        (PackMLState.EXECUTE, PackMLMode.SETUP, Activity.SETUP),
        (PackMLState.EXECUTE, None, Activity.RUN),
        (PackMLState.SUSPENDED, PackMLMode.SETUP, Activity.WAIT),
        (PackMLState.ABORTED, PackMLMode.MAINTENANCE, Activity.DOWN),
        (PackMLState.STOPPED, PackMLMode.MAINTENANCE, Activity.SERVICE),
        (PackMLState.STOPPED, PackMLMode.PRODUCTION, Activity.OFF),
    ],
)
def test_an_activity_follows_from_packml_state_and_mode(
    state: PackMLState, mode: PackMLMode | None, expected: Activity
) -> None:
    assert activity_of(float(state), None if mode is None else float(mode)) is expected


def test_a_period_in_which_nothing_was_said_is_refused_with_the_mend() -> None:
    with pytest.raises(TwinError, match="let Genba watch"):
        read_recording(Told(), plant(), START, END)


def test_a_period_begins_no_earlier_than_what_was_recorded_of_it() -> None:
    told = Told()
    told.say("mill-1.state", START, float(PackMLState.IDLE))
    found = read_recording(told, plant(), START - 9 * 24 * HOUR, END)
    assert (found.start, found.end) == (START, END)


def test_a_period_that_ends_before_it_begins_is_refused() -> None:
    with pytest.raises(TwinError, match="later end"):
        read_recording(Told(), plant(), END, START)
