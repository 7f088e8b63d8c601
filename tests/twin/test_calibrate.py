"""A calibration finds the truth of a recorded shop; where nothing was said it keeps the plan."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from tests.twin.recorded_shop import (
    BETWEEN_S,
    END,
    FACTORS,
    IDLE_KW,
    LEG_S,
    REPAIR_S,
    RUN_KW,
    SCRAP,
    START,
    Told,
    drive,
    line,
    plant,
    two_days,
)

from genba.errors import TwinError
from genba.plant import US, PackMLState
from genba.twin.calibrate import Calibrated, calibrate, kept_from_plan
from genba.twin.calibration_file import load, save
from genba.twin.distribution import constant
from genba.twin.line import Machine
from genba.twin.parameter import Basis
from genba.twin.record import read_recording
from genba.twin.recording import Recording


@pytest.fixture(scope="module")
def recording() -> Recording:
    shop, told = two_days()
    drive(told, trips=200)
    return read_recording(told, shop, START, END)


@pytest.fixture(scope="module")
def calibrated(recording: Recording) -> Calibrated:
    return calibrate(line(), recording)


@pytest.mark.parametrize("machine", FACTORS)
def test_run_times_come_out_as_they_were_made(calibrated: Calibrated, machine: str) -> None:
    for product in ("P", "Q"):
        way = calibrated.line.ways[product, "mill", machine]
        assert way.factor.mean == pytest.approx(FACTORS[machine], rel=0.03)
        assert way.cycle_s == 60.0


@pytest.mark.parametrize("machine", FACTORS)
def test_power_and_scrap_come_out_as_they_were_made(calibrated: Calibrated, machine: str) -> None:
    power = calibrated.line.machines_by_id[machine].power
    assert (power.run, power.idle) == pytest.approx((RUN_KW, IDLE_KW), rel=1e-3)
    assert power.down == pytest.approx(0.0, abs=1e-3)
    way = calibrated.line.ways["P", "mill", machine]
    assert way.scrap == pytest.approx(SCRAP, abs=0.015)
    assert way.run_kw == pytest.approx(RUN_KW, rel=1e-3)


@pytest.mark.parametrize("machine", FACTORS)
def test_breakdowns_come_out_as_they_were_made(calibrated: Calibrated, machine: str) -> None:
    (stoppage,) = calibrated.line.machines_by_id[machine].stoppages
    assert stoppage.every_s.mean == pytest.approx(BETWEEN_S, rel=0.5)
    assert stoppage.duration_s.mean == pytest.approx(REPAIR_S, rel=0.25)
    assert stoppage.spoils == 0.0


def test_set_ups_and_driving_come_out_as_they_were_made(calibrated: Calibrated) -> None:
    assert calibrated.line.machines_by_id["mill-1"].setup_factor.mean == pytest.approx(1, rel=0.1)
    travel = calibrated.line.travel
    store, mill = (travel.locations.index(name) for name in ("store", "mill-1"))
    expected = travel.times["amr"][store][mill] * travel.factor.mean
    assert expected == pytest.approx(LEG_S, rel=0.05)
    assert calibrated.line.vehicles_by_id["amr"].handling_s == constant(20.0)


def test_a_parameter_without_data_keeps_the_plan_and_the_report_says_so() -> None:
    told = Told()
    told.say("mill-1.state", START, float(PackMLState.IDLE))
    found = calibrate(line(), read_recording(told, plant(), START, END))
    assert found.line.ways == line().ways
    assert found.line.machines_by_id["mill-2"] == line().machines_by_id["mill-2"]
    assert found.line.travel == line().travel
    kept = {(p.thing, p.name) for p in kept_from_plan(found.fits)}
    assert ("P/mill/mill-1", "run factor") in kept
    assert ("mill-1", "set-up factor") in kept
    assert ("mill-1", "time between breakdowns") in kept
    assert ("amr", "handling") in kept
    assert all(p.note for p in kept_from_plan(found.fits))


def test_what_was_never_done_leans_on_what_is_like_it_and_says_so() -> None:
    shop, told = two_days()
    recording = read_recording(told, shop, START, END)
    without = replace(
        recording,
        jobs=tuple(j for j in recording.jobs if (j.product, j.machine) != ("Q", "mill-2")),
    )
    found = calibrate(line(), without)
    (parameter,) = [p for p in found.of("Q/mill/mill-2") if p.name == "run factor"]
    assert parameter.basis is Basis.LIKE
    assert parameter.own == 0
    assert 1.0 <= parameter.value <= 1.1


def test_every_parameter_says_what_it_rests_on(calibrated: Calibrated) -> None:
    assert sum(calibrated.counts().values()) == len(calibrated.fits)
    for parameter in calibrated.fits:
        if parameter.thing == "orders":
            continue  # that no rush order came in two days is an observation too
        assert (parameter.basis is Basis.PLAN) == (parameter.own == 0 and parameter.like == 0)
        if parameter.fit is not None:
            assert parameter.value == parameter.fit.distribution.mean


def test_the_same_recording_and_seed_give_the_same_calibration(recording: Recording) -> None:
    assert calibrate(line(), recording, seed=3) == calibrate(line(), recording, seed=3)


def test_a_recording_of_another_plant_is_refused(recording: Recording) -> None:
    other = replace(line(), id="other", machines=(Machine("lathe"),), products=())
    with pytest.raises(TwinError, match="its own plant's"):
        calibrate(other, recording)


# -- the file -------------------------------------------------------------------------------------


def test_a_saved_calibration_comes_back_whole(calibrated: Calibrated, tmp_path: Path) -> None:
    path = tmp_path / "twin" / "calibration.json"
    save(replace(calibrated, family_window_s=7000.0), path)
    again = load(path, line())
    assert again.line == calibrated.line
    assert again.family_window_s == 7000.0
    assert again.demand == calibrated.demand
    assert (again.start, again.end, again.version) == (START, END, calibrated.version)
    assert [repr(p) for p in again.fits] == [repr(p) for p in calibrated.fits]


def test_the_file_tells_period_counts_and_version(calibrated: Calibrated, tmp_path: Path) -> None:
    save(calibrated, tmp_path / "c.json")
    found = json.loads((tmp_path / "c.json").read_text())
    assert found["from"] == "2026-01-05T06:00:00Z"
    assert found["version"] == calibrated.version
    assert found["counts"]["plan"] == len(kept_from_plan(calibrated.fits))


def test_a_machine_that_came_since_keeps_its_plan(calibrated: Calibrated, tmp_path: Path) -> None:
    save(calibrated, tmp_path / "c.json")
    grown = replace(line(), machines=(*line().machines, Machine("mill-3")))
    found = load(tmp_path / "c.json", grown)
    assert found.line.machines_by_id["mill-3"] == Machine("mill-3")
    assert found.line.machines_by_id["mill-1"].power.run == pytest.approx(RUN_KW, rel=1e-3)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ('{"format": 1', "damaged"),
        ('{"format": 99, "version": "9.9"}', "upgrade"),
        ('{"format": 1, "line": "other"}', "belongs to plant 'other'"),
        ("{}", "damaged"),
    ],
)
def test_a_file_that_does_not_fit_is_refused_with_the_mend(
    change: str, complaint: str, tmp_path: Path
) -> None:
    (tmp_path / "c.json").write_text(change)
    with pytest.raises(TwinError, match=complaint):
        load(tmp_path / "c.json", line())


def test_a_missing_file_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(TwinError, match="genba twin calibrate"):
        load(tmp_path / "c.json", line())


def test_rush_orders_and_late_material_are_counted() -> None:
    shop, told = two_days()
    recording = read_recording(told, shop, START, END)
    first, *others = recording.arrivals
    (lot, parts, there) = first.lots[0]
    changed = replace(first, announced=START + 60 * US, lots=((lot, parts, there + 3600 * US),))
    found = calibrate(line(), replace(recording, arrivals=(changed, *others)))
    assert found.demand.rush_per_day == pytest.approx(0.5)
    assert found.demand.products == {first.product: 1.0}
    assert found.demand.late == pytest.approx(1 / len(recording.arrivals))
    assert found.demand.late_s.mean == pytest.approx(3600.0)
