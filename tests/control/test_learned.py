"""From the historian to what is believed of a process, kept, and used for advice."""

import json
from pathlib import Path

import pytest
from tests.control.oven import GAIN, LOSS, PLANT, START, plant_in, record
from typer.testing import CliRunner

from genba.cli.main import app
from genba.control.advice import advise, near, newest
from genba.control.bound import bound
from genba.control.learned import keep, kept, learn, parted
from genba.control.recorded import episodes_of
from genba.errors import ControlError
from genba.operate.state import StateFolder
from genba.plant import US

HOURS = 4
END = START + HOURS * 3600 * US


@pytest.fixture(scope="module")
def works(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with plant file and history."""
    folder = tmp_path_factory.mktemp("works")
    plant_in(folder)
    record(StateFolder(folder / "state").historian, HOURS).close()
    return folder


def said(works: Path, *command: str) -> str:
    told = CliRunner().invoke(app, [*command, str(works / "plant.yaml")])
    assert told.exit_code == 0, told.output
    return told.output


def test_a_user_learns_a_process_and_is_advised(works: Path) -> None:
    found = json.loads(said(works, "twin", "learn", "oven", "--json", "--from", "-4h"))
    assert found["parameters"]["loss"]["value"] == pytest.approx(LOSS, rel=0.1)
    assert found["parameters"]["gain"]["value"] == pytest.approx(GAIN, rel=0.1)
    far = next(h for h in found["standing"]["horizons"] if h["steps"] == 20)
    assert far["error"][0] < 0.3 * far["persistence"][0]
    assert min(far["within"]) > 0.7
    advice = json.loads(said(works, "control", "advise", "oven", "--json"))
    temperature = next(e for e in advice["expected"] if e["name"] == "temperature")
    # One set-point for five minutes, which is sooner there than the set-point of 200 would be.
    assert temperature["advised"] == pytest.approx(200, abs=8)
    assert "set-point" in said(works, "control", "advise", "oven-heat")


def test_what_nobody_moved_is_named_with_the_experiment(tmp_path: Path) -> None:
    plant_in(tmp_path)
    record(StateFolder(tmp_path / "state").historian, 1, moved=False).close()
    told = CliRunner().invoke(app, ["twin", "learn", "oven", str(tmp_path / "plant.yaml")])
    assert told.exit_code == 0, told.output
    text = " ".join(told.output.split())
    assert "nobody moved 'setpoint'" in text
    asked = "`genba control experiment oven-heat`, once the plant file says 'control: true' and "
    assert f"{asked}'experiments: true', has the running core move it so" in text


def test_what_was_kept_is_what_is_read_and_a_changed_file_is_refused(tmp_path: Path) -> None:
    joined = bound(plant_in(tmp_path), "oven")
    with record(tmp_path / "historian", 1) as historian:
        episodes = episodes_of(historian, joined, START, START + 3600 * US)
    learned = learn(joined, episodes, (START, START + 3600 * US))
    key = tmp_path / "secrets" / "key"
    path = keep(learned, tmp_path / "processes", key)
    belief, seen = kept(joined, tmp_path / "processes", key)
    assert belief.values() == pytest.approx(learned.belief.values())
    assert seen["setpoint"][0] < seen["setpoint"][1]
    path.write_text(path.read_text().replace('"rows": ', '"rows": 1'))
    with pytest.raises(ControlError, match="changed or damaged"):
        kept(joined, tmp_path / "processes", key)
    path.unlink()
    with pytest.raises(ControlError, match="genba twin learn"):
        kept(joined, tmp_path / "processes", key)


def test_a_model_that_is_contradicted_advises_nothing(tmp_path: Path) -> None:
    joined = bound(plant_in(tmp_path), "oven")
    with record(tmp_path / "historian", 2) as historian:
        episodes = episodes_of(historian, joined, START, START + 7200 * US)
    learned = learn(joined, episodes, (START, START + 7200 * US))
    recent = newest(episodes, 60)
    recent.shown[:, 0] = 80.0 + 40.0 * (recent.shown[:, 0] % 2 > 1)
    advice = advise(joined, learned.belief, recent, learned.standing.seen, START)
    assert advice.inputs == ()
    assert "contradicted" in advice.why


def test_a_recipe_outside_of_what_was_learned_is_held_back_with_the_reason(tmp_path: Path) -> None:
    joined = bound(plant_in(tmp_path), "oven")
    with record(tmp_path / "historian", 2) as historian:
        episodes = episodes_of(historian, joined, START, START + 7200 * US)
    learned = learn(joined, episodes, (START, START + 7200 * US))
    recent, seen = newest(episodes, 60), learned.standing.seen
    low, high = seen["setpoint"]
    bounds = near(joined, seen)
    assert bounds[0, 0] > 50
    assert low - 30 < bounds[0, 0] <= low < high <= bounds[1, 0] < high + 30
    recent.inputs[-1, 0] = high + 40
    advice = advise(joined, learned.belief, recent, seen, START)
    assert advice.inputs == ()
    assert f"'setpoint' is at {high + 40:.5g} Cel and was" in advice.why
    assert "learn it anew" in advice.why


def test_a_spoilt_recording_is_refused_with_what_spoils_it(tmp_path: Path) -> None:
    plant_in(tmp_path, PLANT.replace("{id: heat, unit: K", "{id: heat, unit: Cel"))
    record(StateFolder(tmp_path / "state").historian, 2).close()
    told = CliRunner().invoke(app, ["twin", "learn", "oven", str(tmp_path / "plant.yaml")])
    assert told.exit_code == 1
    words = " ".join(told.output.split())
    assert "nothing was learned of 'oven-heat', since its recording is spoilt" in words
    assert "'temperature' (oven.heat)" in words
    assert "looks like K" in words
    assert not (tmp_path / "state" / "processes").exists()


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (
            "setpoint: oven.setpoint, ambient: oven.air",
            "setpoint: oven.air, ambient: oven.setpoint",
            "no setpoint",
        ),
        ("heat, power: oven.drawn", "drawn", "one is not the other"),
        ("temperature: oven.heat", "pressure: oven.heat", "does not have"),
        ("setpoint: oven.setpoint, ", "", "which signal is 'setpoint'"),
        ("low: 50, high: 250", "low: 400, high: 500", "outside of its range in the plant file"),
        ("physics: heated_body", "physics: heated_boddy", "there is no physics"),
    ],
)
def test_a_plant_file_that_does_not_fit_the_physics_is_told_so(
    tmp_path: Path, old: str, new: str, told: str
) -> None:
    plant_in(tmp_path, PLANT.replace(old, new))
    record(StateFolder(tmp_path / "state").historian, 0.3).close()
    answer = CliRunner().invoke(app, ["control", "advise", "oven", str(tmp_path / "plant.yaml")])
    if "outside of its range" in told:
        answer = CliRunner().invoke(app, ["twin", "learn", "oven", str(tmp_path / "plant.yaml")])
    assert answer.exit_code == 1
    assert told in " ".join(answer.output.split())


def test_ranges_that_have_nothing_in_common_leave_nothing_to_choose(tmp_path: Path) -> None:
    plant = plant_in(tmp_path, PLANT.replace("low: 50, high: 250", "low: 400, high: 500"))
    with pytest.raises(ControlError, match="nothing left to choose"):
        bound(plant, "oven").bounds()


def test_too_little_is_refused(tmp_path: Path) -> None:
    joined = bound(plant_in(tmp_path), "oven")
    with record(tmp_path / "historian", 0.1) as historian:
        with pytest.raises(ControlError, match="nothing was recorded"):
            episodes_of(historian, joined, START - 7200 * US, START - 3600 * US)
        with pytest.raises(ControlError, match="too few"):
            parted([episode.cut(0, 2) for episode in episodes_of(historian, joined, START, END)])


def test_an_unknown_process_is_told_which_there_are(tmp_path: Path) -> None:
    with pytest.raises(ControlError, match="it has: oven-heat"):
        bound(plant_in(tmp_path), "furnace")


def test_a_machine_with_several_processes_is_told_to_name_one(tmp_path: Path) -> None:
    another = PLANT[PLANT.index("  - id: oven-heat") :].replace("oven-heat", "oven-too")
    plant = plant_in(tmp_path, PLANT + another)
    with pytest.raises(ControlError, match=r"several processes: oven-heat, oven-too\. Name one"):
        bound(plant, "oven")
    assert bound(plant, "oven-too").process.id == "oven-too"
