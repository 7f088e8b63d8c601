"""A machine without a job goes to standby out of hours, and is back when the shift begins."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.control.press import PLANT, START, Press, plant_in

from genba.control.bound import bound
from genba.control.chooser import Held
from genba.control.run_to_run import RunToRunChooser
from genba.errors import ControlError, PlantError
from genba.plant import US, Plant

MINUTE, HOUR = 60 * US, 3600 * US
SHIFT = """\
calendars:
  - {id: day, shifts: [{id: day, days: [mon, tue, wed, thu, fri], start: "08:00:00",
     end: "16:00:00"}]}
"""
AT_REST = (
    PLANT.replace("    hourly_cost: 55\n", "    hourly_cost: 55\n    calendar: day\n").replace(
        "    experiments: true\n", "    standby: {hold: 250}\n    step_s: 60\n"
    )
    + SHIFT
)


@pytest.fixture
def plant(tmp_path: Path) -> Plant:
    return plant_in(tmp_path, AT_REST)


def stands(
    plant: Plant, since: int, until: int, found: float | None = None
) -> Iterator[tuple[int, float]]:
    """Let a press stand without a job; (time, holding pressure) minute by minute.

    ``found``: Genba was stopped, control drove, and the machine is found so.
    """
    plain = None if found is None else {"press.hold": 450.0, "press.cooling": 15.0}
    chooser = RunToRunChooser(plant, bound(plant, "molding"), [], "m1", plain=plain)
    press = Press()
    press.now = since - 10 * MINUTE
    lot = "O-1-1" if found is None else ""
    chooser.take([*press.begin("cup", lot, found), press.say("lots", "")])
    while press.now < until:
        press.now = max(since, press.now + MINUTE)
        answer = chooser.choose(press.now)
        writes = {} if isinstance(answer, Held) else answer.writes
        for name, value in writes.items():
            assert abs(value - press.values[name.removeprefix("press.")]) <= 10.0 + 1e-9
        told = yield press.now, float(press.values["hold"])
        chooser.take(press.write(writes if told is None else told))


def test_it_rests_over_the_night_and_is_back_before_the_shift_in_bounded_steps(
    plant: Plant,
) -> None:
    begins = START + 2 * HOUR
    seen = list(stands(plant, START - 8 * HOUR, begins + 30 * MINUTE))
    # From 450 bar to 250 in steps of 10 a minute.
    assert seen[25][1] == 250.0
    assert {value for time, value in seen[25:] if time <= begins - HOUR} == {250.0}
    assert {value for time, value in seen if time >= begins - 5 * MINUTE} == {450.0}


def test_it_does_not_rest_in_a_shift_nor_for_a_short_while(plant: Plant) -> None:
    noon = START + 4 * HOUR
    assert {value for _, value in stands(plant, noon, noon + 2 * HOUR)} == {450.0}
    early = START + 45 * MINUTE
    assert {value for _, value in stands(plant, early, early + 2 * HOUR)} == {450.0}


def test_what_a_person_sets_in_the_night_is_left_alone(plant: Plant) -> None:
    night = stands(plant, START - 8 * HOUR, START + 3 * HOUR)
    for _ in range(40):
        next(night)
    night.send({"press.hold": 300.0})
    assert {value for _, value in night} == {300.0}


@pytest.mark.parametrize(
    ("found", "back"),
    [
        pytest.param(250.0, 450.0, id="at standby"),
        pytest.param(380.0, 450.0, id="on the way"),
        pytest.param(450.0, 450.0, id="not gone yet"),
        pytest.param(480.0, 480.0, id="somebody else's"),
    ],
)
def test_after_a_restart_in_the_night_what_was_there_before_is_back_before_the_shift(
    plant: Plant, found: float, back: float
) -> None:
    begins = START + 2 * HOUR
    seen = list(stands(plant, START - 8 * HOUR, begins + 30 * MINUTE, found))
    assert {value for time, value in seen[30:] if time <= begins - HOUR} == {250.0}
    assert {value for time, value in seen if time >= begins - 5 * MINUTE} == {back}


def test_after_a_restart_in_a_shift_what_was_there_before_is_back_at_once(plant: Plant) -> None:
    noon = START + 4 * HOUR
    seen = list(stands(plant, noon, noon + HOUR, 250.0))
    assert {value for _, value in seen[25:]} == {450.0}


def test_what_is_only_advised_is_asked_for_again(plant: Plant) -> None:
    chooser, press = RunToRunChooser(plant, bound(plant, "molding"), [], "m1"), Press()
    press.now = START - 8 * HOUR
    chooser.take([*press.begin("cup", "O-1-1"), press.say("lots", "")])
    for _ in range(3):
        press.now += MINUTE
        answer = chooser.choose(press.now)
        assert not isinstance(answer, Held)
        assert answer.writes == {"press.hold": 440.0}
        assert "standby" in answer.reason


def test_a_job_at_night_ends_it_and_its_recipe_holds(plant: Plant) -> None:
    chooser, press = RunToRunChooser(plant, bound(plant, "molding"), [], "m1"), Press()
    press.now = START - 8 * HOUR
    chooser.take([*press.begin("cup", "O-1-1"), press.say("lots", "")])
    for _ in range(30):
        press.now += MINUTE
        answer = chooser.choose(press.now)
        chooser.take(press.write({} if isinstance(answer, Held) else answer.writes))
    assert press.values["hold"] == 250.0
    chooser.take(press.begin("cup", "O-1-2"))
    press.now += MINUTE
    assert isinstance(chooser.choose(press.now), Held)
    assert press.values["hold"] == 450.0


def test_a_standby_that_cannot_be_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PlantError, match="has no calendar, so it never goes to standby"):
        plant_in(tmp_path, AT_REST.replace("    calendar: day\n", ""))
    with pytest.raises(PlantError, match="there is no wired input 'hlod'"):
        plant_in(tmp_path, AT_REST.replace("{hold: 250}", "{hlod: 250}"))
    plant = plant_in(tmp_path, AT_REST.replace("{hold: 250}", "{hold: 100}"))
    with pytest.raises(ControlError, match="has 100 for standby, beyond 200 to 800"):
        RunToRunChooser(plant, bound(plant, "molding"), [], "m1")
