import numpy as np
import pytest

from genba.errors import LearnError
from genba.learn.data.column import Column
from genba.learn.data.dataset import Dataset
from genba.learn.data.lineage import Lineage
from genba.learn.data.target import Target
from genba.learn.features.windows import windows_of
from genba.learn.recipe.check import check_recipe
from genba.learn.recipe.examine import examine_number
from genba.learn.recipe.ladder import climb
from genba.learn.softsensor.ladder import softsensor_ladder
from genba.learn.softsensor.recipes import BoostedSensor, LinearSensor
from genba.learn.split.parts import by_time


def column_still(rows=1500, seed=0, rise=0.0, bent=0.0):
    """What comes out follows what went in four rows before; ``rise`` drives the input upward."""
    random = np.random.default_rng(seed)
    feed = np.convolve(random.normal(0, 1, rows + 9), np.ones(10) / 3, "valid")
    feed = feed + rise * np.arange(rows) / rows
    other = random.normal(0, 1, rows)
    late = np.concatenate([np.full(4, feed[0]), feed[:-4]])
    truth = 3 * late + bent * np.abs(other) + random.normal(0, 0.2, rows)
    values = np.column_stack([feed, other])
    columns = (Column("feed", "m3/h"), Column("other"))
    target = Target("butane", truth, "%")
    return Dataset(
        "still", columns, values, np.arange(rows), Lineage("made"), {}, target, timed=False
    )


def fitted(recipe, data):
    split = by_time(data)
    model = recipe.fit(split.take(data, "train"), split.take(data, "held"), 0)
    test = split.take(data, "test")
    seen = windows_of(test, recipe.window)
    return model, seen.values, test.labels()[seen.rows]


@pytest.mark.parametrize("recipe", [LinearSensor(window=8), BoostedSensor(window=8)])
def test_the_recipes_keep_their_promises(recipe):
    assert check_recipe(recipe) == ()


def test_a_line_over_lags_finds_what_comes_out_later():
    model, inputs, truth = fitted(LinearSensor(window=8), column_still())
    scores = examine_number(truth, model.predict(inputs))
    assert scores["r2"] > 0.95
    assert scores["covered"] == pytest.approx(0.9, abs=0.06)


def test_both_rungs_go_on_where_no_row_was_before():
    data = column_still(rise=20.0)
    for recipe in (LinearSensor(window=8), BoostedSensor(window=8)):
        model, inputs, truth = fitted(recipe, data)
        apart = model.predict(inputs).value - truth
        assert np.sqrt(np.mean(apart**2)) < 0.1 * np.ptp(data.labels())


def test_trees_add_what_no_line_can_say():
    data = column_still(bent=3.0)
    found = climb(data, by_time(data), softsensor_ladder(window=8))
    assert found.chosen is not None
    assert found.chosen.recipe.name == "line+lightgbm"
    assert found.beats


def test_the_explanation_points_to_the_signal_and_its_direction():
    model, inputs, _ = fitted(LinearSensor(window=8), column_still())
    shares = model.explain(inputs)
    assert np.corrcoef(shares[:, 0], inputs[:, -5, 0])[0, 1] > 0.9
    assert np.abs(shares[:, 1]).mean() < 0.1 * np.abs(shares[:, 0]).mean()


def test_a_class_for_a_target_is_refused_with_the_mend():
    data = column_still(400)
    wrong = data.with_target(Target("grade", (data.labels() > 0).astype(float), classes=("a", "b")))
    with pytest.raises(LearnError, match="train quality"):
        LinearSensor(window=8).fit(wrong, wrong, 0)
