"""Set-points follow what drifts, part by part, and go back to the recipe where nothing is known."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from tests.control.press import PLANT, RECIPES, Press, plant_in

from genba.control.bound import bound
from genba.control.chooser import Held, Setting
from genba.control.run_to_run import RunToRunChooser
from genba.control.runs import RunRows
from genba.control.runs_learned import ProductBelief, learned_by_product
from genba.errors import ControlError
from genba.plant import US, Plant

STEP = 10.0


@pytest.fixture(scope="module")
def plant(tmp_path_factory: pytest.TempPathFactory) -> Plant:
    return plant_in(tmp_path_factory.mktemp("works"))


@pytest.fixture(scope="module")
def beliefs(plant: Plant) -> Sequence[ProductBelief]:
    joined = bound(plant, "molding")
    rows = RunRows(plant, joined)
    samples = Press().shift(jobs=2, parts=45)
    return learned_by_product(joined, [r for r in map(rows.take, samples) if r is not None])[0]


def chooser_of(plant: Plant, beliefs: Sequence[ProductBelief]) -> RunToRunChooser:
    return RunToRunChooser(plant, bound(plant, "molding"), beliefs, "m1")


def make(chooser: RunToRunChooser, press: Press, parts: int) -> tuple[list[float], list[object]]:
    """Make parts, and carry out what is chosen; true sizes and answers."""
    sizes, answers = [], []
    for _ in range(parts):
        if chooser.due(press.now):
            answer = chooser.choose(press.now)
            answers.append(answer)
            writes = answer.give_back if isinstance(answer, Held) else answer.writes
            for name, value in writes.items():
                before = press.values[name.removeprefix("press.")]
                assert abs(value - before) <= chooser.steps[name] * (1 + 1e-9)
            chooser.take(press.write(writes))
        chooser.take(press.part())
        sizes.append(press.size_um)
    return sizes, answers


def test_a_lot_that_shrinks_more_is_followed(
    plant: Plant, beliefs: Sequence[ProductBelief]
) -> None:
    fixed, press = Press(seed=3, lost_bar=130.0), Press(seed=3, lost_bar=130.0)
    fixed.begin("cup", "O-1-9")
    left = []
    for _ in range(60):
        fixed.part()
        left.append(fixed.size_um)
    chooser = chooser_of(plant, beliefs)
    chooser.take(press.begin("cup", "O-1-9"))
    sizes, answers = make(chooser, press, 60)
    assert abs(np.mean(sizes[20:])) < 0.5 * abs(np.mean(left[20:]))
    assert np.mean(np.abs(sizes[20:]) > 40) < np.mean(np.abs(left[20:]) > 40)
    moved = [a for a in answers if isinstance(a, Setting) and a.writes]
    assert 0 < len(moved) < 30
    assert "expected cost of a part" in moved[0].reason
    size = next(e for e in moved[0].effects if e.name == "size")
    assert size.low < size.chosen < size.high


def test_a_move_whose_gain_is_doubted_is_left_alone(
    plant: Plant, beliefs: Sequence[ProductBelief]
) -> None:
    chooser, press = chooser_of(plant, beliefs), Press(seed=3, lost_bar=130.0)
    chooser.take(press.begin("cup", "O-1-9"))
    for _ in range(10):
        chooser.take(press.part())
    (one,) = [one for one in chooser._followed if one.believed.product == "cup"]
    known = chooser.choose(press.now)
    assert isinstance(known, Setting)
    assert known.writes
    # Nobody knows any more how this lot shrinks: it may as well be too large by now.
    drift = [state.name for state in one.tracker.symbolic.process.states].index("drift")
    one.tracker._covariance[drift, drift] += 0.5**2
    doubted = chooser.choose(press.now)
    assert isinstance(doubted, Setting)
    assert not doubted.writes
    assert "what is in force stays: a move would gain" in doubted.reason


def test_a_new_job_starts_from_the_recipe_that_its_machine_wrote(
    plant: Plant, beliefs: Sequence[ProductBelief]
) -> None:
    chooser, press = chooser_of(plant, beliefs), Press(seed=4, lost_bar=125.0)
    chooser.take(press.begin("cup", "O-1-9"))
    make(chooser, press, 40)
    learned = press.values["hold"]
    assert learned > RECIPES["cup"][0]
    chooser.take(press.begin("cup", "O-1-10"))
    assert chooser.due(press.now)
    _, answers = make(chooser, press, 3)
    first = answers[0]
    assert isinstance(first, Setting)
    assert first.writes["press.hold"] > RECIPES["cup"][0]
    assert press.values["hold"] == pytest.approx(learned, abs=STEP)


def test_an_input_that_nobody_moved_is_left_alone(
    plant: Plant, beliefs: Sequence[ProductBelief]
) -> None:
    chooser, press = chooser_of(plant, beliefs), Press(seed=5, lost_bar=125.0)
    chooser.take(press.begin("lid", "O-2-9"))
    make(chooser, press, 30)
    assert press.values["cooling"] == RECIPES["lid"][1]


def test_set_points_stay_within_a_step_of_where_data_were(
    plant: Plant, beliefs: Sequence[ProductBelief]
) -> None:
    chooser, press = chooser_of(plant, beliefs), Press(seed=6, lost_bar=220.0)
    chooser.take(press.begin("cup", "O-1-9"))
    highest = next(one.seen[1, 0] for one in beliefs if one.product == "cup")
    make(chooser, press, 40)
    assert press.values["hold"] == pytest.approx(highest + STEP)


def test_a_product_that_nobody_learned_keeps_its_recipe(
    plant: Plant, beliefs: Sequence[ProductBelief]
) -> None:
    chooser = chooser_of(plant, [one for one in beliefs if one.product == "cup"])
    press = Press()
    assert isinstance(chooser.choose(press.now), Held)
    chooser.take(press.begin("lid", "O-2-9"))
    answer = chooser.choose(press.now)
    assert isinstance(answer, Held)
    assert answer.why == "nothing was learned of lid on this machine with these set-points"
    assert not answer.give_back
    chooser.take(press.begin("cup", "X-1-9"))
    answer = chooser.choose(press.now)
    assert isinstance(answer, Held)
    assert "belongs to no order" in answer.why


def test_its_host_hears_of_it_between_parts_and_what_was_written_is_no_strangers(
    plant: Plant, beliefs: Sequence[ProductBelief]
) -> None:
    chooser, press = chooser_of(plant, beliefs), Press(seed=12, lost_bar=125.0)
    chooser.take(press.begin("cup", "O-1-9"))
    make(chooser, press, 20)
    chooser.choose(press.now)
    assert not chooser.due(press.now + 9 * US)
    assert chooser.due(press.now + 10 * US)
    chooser.wrote({"press.hold": 441.0, "press.other": 1.0})
    chooser.take(press.write({"press.hold": 441.0}))
    assert isinstance(chooser.choose(press.now), Setting)


def test_what_a_person_sets_in_a_job_is_taken_as_it_is(
    plant: Plant, beliefs: Sequence[ProductBelief]
) -> None:
    chooser, press = chooser_of(plant, beliefs), Press(seed=11, lost_bar=125.0)
    chooser.take(press.begin("cup", "O-1-9"))
    make(chooser, press, 30)
    chooser.take(press.write({"press.hold": 500.0}))
    answer = chooser.choose(press.now)
    assert isinstance(answer, Held)
    assert answer.why == "nothing was learned of cup on this machine with these set-points"
    assert not answer.give_back


def test_parts_that_contradict_the_model_bring_the_recipe_back(
    plant: Plant, beliefs: Sequence[ProductBelief]
) -> None:
    chooser, press = chooser_of(plant, beliefs), Press(seed=7, lost_bar=130.0)
    chooser.take(press.begin("cup", "O-1-9"))
    make(chooser, press, 30)
    assert press.values["hold"] > RECIPES["cup"][0] + STEP
    doubted = False
    for number in range(25):
        press.now += 27 * US
        wrong = {"lot": "O-1-9", "serial": f"W{number}", "weight_g": 40.0 + 3.0 * (number % 2)}
        chooser.take([press.say("part", json.dumps(wrong))])
        answer = chooser.choose(press.now)
        if isinstance(answer, Held):
            doubted = doubted or answer.doubted
            chooser.take(press.write(answer.give_back))
    assert doubted
    assert press.values["hold"] == pytest.approx(RECIPES["cup"][0])


def test_nothing_is_chosen_blindly(plant: Plant, beliefs: Sequence[ProductBelief]) -> None:
    chooser, press = chooser_of(plant, beliefs), Press(seed=8)
    chooser.take(press.begin("cup", "O-1-9"))
    make(chooser, press, 5)
    for number in range(26):
        press.now += 27 * US
        blind = {"lot": "O-1-9", "serial": f"B{number}"}
        chooser.take([press.say("part", json.dumps(blind))])
        assert chooser.due(press.now)
    answer = chooser.choose(press.now)
    assert isinstance(answer, Held)
    # The clock alone tells of time, and not of what was made.
    assert "nothing was measured of the last 25 parts" in answer.why


def test_an_experiment_stays_within_a_step_of_the_recipe_and_needs_leave(
    plant: Plant, tmp_path: Path
) -> None:
    chooser, press = chooser_of(plant, []), Press(seed=9)
    told = chooser.experiment(15, press.now)
    assert "15 parts or loads of each product" in told
    chooser.take(press.begin("cup", "O-1-9"))
    seen = []
    for _ in range(15):
        make(chooser, press, 1)
        seen.append((press.values["hold"], press.values["cooling"]))
    hold, cooling = np.array(seen).T
    assert np.ptp(hold) > 0
    assert np.ptp(cooling) > 0
    assert np.abs(hold - RECIPES["cup"][0]).max() <= STEP + 1e-9
    make(chooser, press, 3)
    assert press.values == {"hold": RECIPES["cup"][0], "cooling": RECIPES["cup"][1]}
    forbidden = plant_in(tmp_path, PLANT.replace("    experiments: true\n", ""))
    with pytest.raises(ControlError, match="no experiments are allowed on 'molding'"):
        chooser_of(forbidden, []).experiment(5, press.now)


def test_what_is_set_in_another_program_of_the_machine_is_no_objection_to_an_experiment(
    plant: Plant,
) -> None:
    chooser, press = chooser_of(plant, []), Press(seed=9)
    chooser.experiment(15, press.now)
    chooser.take(press.begin("cup", "O-1-9"))
    assert isinstance(chooser.choose(press.now), Setting)
    # A program beyond the bounds of this process is another one's, which moves it to learn.
    chooser.take(press.begin("cup", "O-1-10", hold=700.0))
    chooser.take(press.write({"press.hold": 710.0}))
    beyond = chooser.choose(press.now)
    assert isinstance(beyond, Held)
    assert "outside of what control may choose" in beyond.why
    chooser.take(press.begin("cup", "O-1-11"))
    again = chooser.choose(press.now)
    assert isinstance(again, Setting)
    assert "experiment on cup" in again.reason
    chooser.take(press.write({"press.hold": 471.0}))
    objected = chooser.choose(press.now)
    assert isinstance(objected, Held)
    assert "somebody else set press.hold" in objected.why


def test_a_plant_file_that_wants_nothing_is_told_so(tmp_path: Path) -> None:
    text = PLANT.replace("    objective: {prices: {cycle: 0.0153, energy: 0.15}}\n", "")
    with pytest.raises(ControlError, match="no objective"):
        chooser_of(plant_in(tmp_path, text), [])


def test_an_experiment_on_loads_moves_all_within_a_day_however_long_it_is_meant_to_be(
    tmp_path: Path,
) -> None:
    text = PLANT.replace(
        "{id: mold, alternatives: [{equipment: press, cycle_s: 30}]}",
        "{id: mold, batch_parts: 40, "
        "alternatives: [{equipment: press, cycle_s: 30, setup_family: tray}]}",
    )
    text = text.replace("products:\n", "setup_families: [{id: tray}]\nproducts:\n")
    tolerances = "{cup: {size: {low: -40, high: 40}}, lid: {size: {low: -30, high: 30}}}"
    text = text.replace(tolerances, "{tray: {size: {low: -40, high: 40}}}")
    plant = plant_in(tmp_path, text)
    chooser, press = RunToRunChooser(plant, bound(plant, "molding"), [], "m1"), Press()
    chooser.experiment(49, press.now)
    tried = set()
    for load in range(20):
        chooser.take(press.begin("cup", f"O-1-{load}"))
        answer = chooser.choose(press.now)
        assert isinstance(answer, Setting)
        assert "parts or loads are left of it" in answer.reason
        chooser.take([*press.write(answer.writes), *press.part()])
        tried.add(tuple(press.values[name] for name in ("hold", "cooling")))
    assert {hold for hold, _ in tried} >= {440.0, 460.0}
    assert {cooling for _, cooling in tried} >= {14.5, 15.5}
