"""Rows by run are the same from history and live, and hold nothing that came later."""

import json
from pathlib import Path

import numpy as np
import pytest
from tests.control.press import PLANT, START, Press, plant_in, record
from typer.testing import CliRunner

from genba.cli.main import app
from genba.control.bound import Bound, bound
from genba.control.run_cost import RunCost
from genba.control.runs import Run, RunRows, episodes_by_program, usable
from genba.control.runs_kept import keep_runs, kept_runs, runs_of
from genba.control.runs_learned import learned_by_product
from genba.errors import ControlError, PlantError
from genba.operate.state import StateFolder
from genba.plant import US, Plant, Sample


@pytest.fixture
def plant(tmp_path: Path) -> Plant:
    return plant_in(tmp_path)


@pytest.fixture
def joined(plant: Plant) -> Bound:
    return bound(plant, "molding")


def rows_of(plant: Plant, joined: Bound, samples: list[Sample]) -> list[Run]:
    rows = RunRows(plant, joined)
    return [run for run in map(rows.take, samples) if run is not None]


def announced(press: Press, **told: object) -> Sample:
    return press.say("part", json.dumps(told))


def test_history_and_live_samples_make_the_same_rows(
    plant: Plant, joined: Bound, tmp_path: Path
) -> None:
    live = rows_of(plant, joined, list(Press().shift(jobs=2, parts=10)))
    press = Press()
    with record(tmp_path / "historian", press, jobs=2, parts=10) as historian:
        past = runs_of(historian, plant, joined, START, press.now + US)
    assert len(live) == len(past) == 20
    for one, other in zip(live, past, strict=True):
        assert (one.time, one.product, one.serial) == (other.time, other.product, other.serial)
        np.testing.assert_array_equal(one.shown, other.shown)
        np.testing.assert_array_equal(one.recipe, other.recipe)


def test_a_row_holds_set_points_in_force_and_what_was_measured(plant: Plant, joined: Bound) -> None:
    press = Press(every=2)
    samples = press.begin("cup", "O-1-1") + press.part()
    samples += press.write({"press.hold": 455.0}) + press.part()
    first, second = rows_of(plant, joined, samples)
    assert first.inputs.tolist() == [450.0, 15.0]
    assert second.inputs.tolist() == [455.0, 15.0]
    assert second.recipe.tolist() == [450.0, 15.0]
    size, weight, cavity, cycle, energy = second.shown
    assert np.isfinite([size, weight, cavity]).all()
    assert np.isnan(first.shown[0])
    assert cycle == pytest.approx(28.0)
    assert energy == pytest.approx(5 * 27 / 3600 + 0.02)
    assert first.context.tolist() == pytest.approx([70.0, 250.0])


def test_a_pause_is_no_cycle_and_its_energy_is_nobodys(plant: Plant, joined: Bound) -> None:
    press = Press()
    samples = press.begin("cup", "O-1-1") + press.part() + press.part()
    press.now += 1800 * US
    samples += press.part()
    shown = rows_of(plant, joined, samples)[-1].shown
    assert np.isnan(shown[3])
    assert np.isnan(shown[4])


def test_what_tells_nothing_is_not_learned_from(plant: Plant, joined: Bound) -> None:
    press = Press()
    samples = press.begin("cup", "O-1-1") + press.part()
    reworked = announced(press, lot="O-1-1", serial="S1", result="good", mold_error_um=3)
    stranger = announced(press, lot="X-9-1", serial="S7", result="good", mold_error_um=3)
    scrapped = announced(press, lot="O-1-1", serial="S8", result="scrap")
    wrong = announced(press, lot="O-1-1", serial="S9", mold_error_um="much", weight_g=True)
    broken = press.say("part", "{not json")
    first, again, unknown, scrap, odd = rows_of(
        plant, joined, [*samples, reworked, stranger, scrapped, wrong, broken]
    )
    assert usable(first)
    assert again.again
    assert np.isnan(again.shown).all()
    assert not usable(again)
    assert unknown.product == ""
    assert not usable(unknown)
    assert usable(scrap)
    assert np.isnan(scrap.shown[:3]).all()
    assert np.isnan(odd.shown[:3]).all()


def test_a_part_that_is_made_by_two_programs_on_one_machine_is_no_rework(
    plant: Plant, joined: Bound
) -> None:
    press = Press()

    def seen(result: str) -> Sample:
        press.now += 30 * US
        return announced(press, lot="O-1-1", serial="S1", result=result, mold_error_um=3)

    first_job = [*press.begin("cup", "O-1-1"), seen("rework"), seen("good"), press.say("lots", "")]
    second_job = [*press.begin("cup", "O-1-1", hold=520.0), seen("rework"), seen("good")]
    third_job = [press.say("lots", ""), *press.begin("cup", "O-1-1"), seen("good")]
    told = rows_of(plant, joined, [*first_job, *second_job, *third_job])
    assert [run.again for run in told] == [False, True, False, True, True]
    assert [run.recipe[0] for run in told] == [450.0, 450.0, 520.0, 520.0, 450.0]


def test_a_new_tool_is_told_by_maintenance(tmp_path: Path) -> None:
    text = PLANT.replace("mold: press.mold", 'mold: "press.part#maintained"')
    plant = plant_in(tmp_path, text)
    joined, press = bound(plant, "molding"), Press()
    samples = press.begin("cup", "O-1-1") + press.part()
    samples += [press.say("mode", 2), press.say("mode", 1), *press.part(), *press.part()]
    assert [run.context[0] for run in rows_of(plant, joined, samples)] == [0.0, 1.0, 0.0]


def test_products_that_share_batches_are_one_program_with_their_family_s_name(
    tmp_path: Path,
) -> None:
    way = "[{equipment: press, cycle_s: 30}]"
    text = PLANT.replace(
        f"{{id: mold, alternatives: {way}}}",
        "{id: mold, batch_parts: 40, "
        "alternatives: [{equipment: press, cycle_s: 30, setup_family: tray}]}",
    )
    text = text.replace("products:\n", "setup_families: [{id: tray}]\nproducts:\n")
    text = text.replace(
        "{cup: {size: {low: -40, high: 40}}, lid: {size: {low: -30, high: 30}}}",
        "{tray: {size: {low: -40, high: 40}}}",
    )
    plant = plant_in(tmp_path, text)
    joined, press = bound(plant, "molding"), Press()
    samples = []
    for product, lot in (("cup", "O-1-1"), ("lid", "O-2-1")):
        samples += press.begin(product, lot, 450.0)
        for _ in range(4):
            samples += press.part()
    rows = rows_of(plant, joined, samples)
    assert {run.product for run in rows} == {"tray"}
    assert RunCost(plant, joined).bad("tray") == pytest.approx(4.0)
    with pytest.raises(PlantError, match="there is no product 'tra'"):
        plant_in(tmp_path, text.replace("{tray: {size", "{tra: {size"))


def test_two_programs_of_a_product_are_told_apart(plant: Plant, joined: Bound) -> None:
    press, samples = Press(), []
    for lot, hold in (("O-1-1", 450.0), ("O-1-2", 520.0), ("O-1-3", 450.0)):
        samples += press.begin("cup", lot, hold)
        for _ in range(4):
            samples += press.part()
    span = joined.bounds()[1] - joined.bounds()[0]
    programs = episodes_by_program(rows_of(plant, joined, samples), span)
    assert [(product, len(own)) for product, _, own in programs] == [("cup", 2), ("cup", 1)]


def test_products_are_learned_and_what_is_too_little_is_named(
    plant: Plant, joined: Bound, tmp_path: Path
) -> None:
    runs = rows_of(plant, joined, list(Press().shift(jobs=2, parts=50)))
    few = [run for run in runs if run.product == "cup"] + runs[50:60]
    found, left_out = learned_by_product(joined, few)
    assert [one.product for one in found] == ["cup"]
    assert left_out == ["lid: 10 parts are too few, it takes 30"]
    values = found[0].belief.values()
    assert values["by_pressure"] == pytest.approx(0.005, rel=0.15)
    assert values["length"] == pytest.approx(60, rel=0.35)
    assert found[0].seen[0, 0] < 450 < found[0].seen[1, 0]
    key, folder = tmp_path / "key", tmp_path / "processes"
    path = keep_runs(joined, found, (0, 1), folder, key)
    again = kept_runs(joined, folder, key)
    assert again.beliefs[0].belief.values() == pytest.approx(values)
    path.write_text(path.read_text().replace('"rows": ', '"rows": 1'))
    with pytest.raises(ControlError, match="changed or damaged"):
        kept_runs(joined, folder, key)


def test_what_the_machine_does_with_a_product_elsewhere_is_no_lack(
    plant: Plant, joined: Bound
) -> None:
    press = Press()
    samples = [*press.shift(jobs=2, parts=45), *press.begin("cup", "O-1-9", 700.0)]
    for _ in range(5):
        samples += press.part()
    rows = rows_of(plant, joined, samples)
    assert learned_by_product(joined, rows)[1] == []
    elsewhere = [run for run in rows if run.recipe[0] > 699]
    _, left_out = learned_by_product(joined, [r for r in rows if r.product == "lid"] + elsewhere)
    assert [text.split(",")[0] for text in left_out] == ["cup: its recipe has 'hold' at 700"]
    with pytest.raises(ControlError, match="cup: its recipe has 'hold' at 700, beyond"):
        learned_by_product(joined, elsewhere)


def test_a_process_of_which_nothing_was_measured_is_not_learned(
    plant: Plant, joined: Bound
) -> None:
    runs = rows_of(plant, joined, list(Press(every=1000).shift(jobs=1, parts=40)))
    with pytest.raises(ControlError, match="'size' was measured of none of its 40 parts"):
        learned_by_product(joined, runs)


def test_a_user_learns_a_press_and_is_advised(tmp_path: Path) -> None:
    plant_in(tmp_path)
    record(StateFolder(tmp_path / "state").historian, Press(), jobs=2, parts=40).close()
    file = str(tmp_path / "plant.yaml")
    told = CliRunner().invoke(app, ["twin", "learn", "press", file, "--json"])
    assert told.exit_code == 0, told.output
    found = json.loads(told.output)
    assert [one["product"] for one in found["products"]] == ["cup", "lid"]
    assert found["products"][0]["learned"]["by_pressure"] > 0.5
    assert found["products"][0]["standing"]["unmoved"] == ["cooling"]
    advice = CliRunner().invoke(app, ["control", "advise", "press", file])
    assert advice.exit_code == 0, advice.output
    assert "no advice for molding: the machine has no job" in advice.output


def test_a_part_of_a_signal_that_tells_of_none_is_refused(tmp_path: Path) -> None:
    text = PLANT.replace("press.part#weight_g", "press.mode#weight_g")
    with pytest.raises(PlantError, match=r"tells of no parts"):
        plant_in(tmp_path, text)
    moved = PLANT.replace("hold: press.hold", 'hold: "press.part#hold"')
    with pytest.raises(ControlError, match="for what is measured"):
        bound(plant_in(tmp_path, moved), "molding")
