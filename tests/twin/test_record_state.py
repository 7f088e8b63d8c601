"""A twin starts from what was on the line at a recorded moment."""

from dataclasses import replace

import pytest
from tests.twin.recorded_shop import END, START, drive, line, two_days

from genba.plant import US
from genba.twin.calibrate import calibrate
from genba.twin.distribution import constant
from genba.twin.line import Line, Stoppage
from genba.twin.prediction import parts_at
from genba.twin.record import read_recording
from genba.twin.record_state import state_at
from genba.twin.recording import Activity, Recording
from genba.twin.state import LotPhase, VehicleNow

HOUR = 3600 * US


@pytest.fixture(scope="module")
def recording() -> Recording:
    shop, told = two_days()
    drive(told, trips=50)
    return read_recording(told, shop, START, END)


@pytest.fixture(scope="module")
def measured(recording: Recording) -> Line:
    return calibrate(line(), recording).line


def test_the_parts_of_a_state_are_those_that_were_there(
    recording: Recording, measured: Line
) -> None:
    for hour in range(1, 40, 3):
        when = START + hour * HOUR
        state = state_at(recording, measured, when, when)
        assert sum(lot.quantity for lot in state.lots) == sum(parts_at(recording, when).values())


def test_a_machine_that_runs_has_its_lot_and_what_is_left_of_it(
    recording: Recording, measured: Line
) -> None:
    job = next(j for j in recording.jobs if j.machine == "mill-2" and j.planned_setup_s == 0)
    when = job.start + (job.end - job.start) // 2
    machine = next(
        m for m in state_at(recording, measured, when, when).machines if m.id == "mill-2"
    )
    assert machine.lots == job.lots
    assert machine.setup_left_s is None
    assert machine.run_done_s <= (when - job.start) / US
    assert machine.run_left_s is not None
    assert 0 < machine.run_left_s <= 1.4 * 60 * job.parts


def test_a_set_up_that_goes_on_has_its_rest(recording: Recording, measured: Line) -> None:
    job = recording.jobs[0]
    assert job.planned_setup_s > 0
    when = job.start + 60 * US
    state = state_at(recording, measured, when, when)
    machine = next(m for m in state.machines if m.id == job.machine)
    assert machine.setup_left_s == pytest.approx(600 * measured.machines_by_id[
        job.machine].setup_factor.mean - 60)  # fmt: skip
    assert state.lots_by_id[job.lots[0]].phase is LotPhase.IN_WORK


def test_a_machine_that_is_down_is_told_so_with_its_age_begun_anew(
    recording: Recording, measured: Line
) -> None:
    stop = next(s for s in recording.stops if s.activity is Activity.DOWN)
    when = stop.start + 30 * US
    machine = next(m for m in state_at(recording, measured, when, when).machines
                   if m.id == stop.unit)  # fmt: skip
    assert machine.down
    assert machine.ages_s == (0.0,)


def test_a_vehicle_that_stands_still_comes_back_when_that_is_over_as_a_rule() -> None:
    shop, told = two_days()
    drive(told, trips=50)
    broken = START + 30 * HOUR
    for minute in range(3):
        told.say("amr.vehicle_errors", broken + minute * 60 * US, 1.0)
    told.say("amr.vehicle_errors", broken + 600 * US, 0.0)
    found = read_recording(told, shop, START, END)
    stoppage = Stoppage(constant(3600.0), constant(400.0))
    known = line().with_vehicles({"amr": replace(line().vehicles[0], stoppages=(stoppage,))})

    def amr(of: Line, after_s: float) -> VehicleNow:
        when = broken + round(after_s * US)
        return state_at(found, of, when, when).vehicles[0]

    assert (amr(known, 150).away, amr(known, 150).left_s) == (True, 250.0)
    assert 0 < amr(known, 500).left_s < 60  # it should be over already
    assert 0 < amr(line(), 150).left_s < 60  # nothing is known of how long
    assert not amr(known, 700).away


def test_what_comes_later_is_ahead_until_it_comes(recording: Recording, measured: Line) -> None:
    when = START + 10 * HOUR
    soon = state_at(recording, measured, when, when + 4 * HOUR)
    ahead = [lot for lot in soon.lots if lot.phase is LotPhase.AHEAD]
    assert ahead
    assert all(when < lot.release <= when + 4 * HOUR for lot in ahead)
    assert not [
        lot for lot in state_at(recording, measured, when, when).lots if lot.phase is LotPhase.AHEAD
    ]
