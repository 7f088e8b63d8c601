"""The backbone as a rung: it keeps a recipe's promises and refuses what it cannot foretell."""

from dataclasses import replace

import numpy as np
import pytest
from tests.learn.backbone.made_process import noisy

from genba.errors import LearnError
from genba.learn import Column, Dataset, Target, check_recipe, sample_for, windows_of
from genba.learn.backbone.backbone import Backbone, pretrain
from genba.learn.backbone.beside import rungs_of
from genba.learn.backbone.forecast_recipe import BackboneForecast
from genba.learn.backbone.shape import Shape
from genba.learn.forecast.ahead import ahead
from genba.learn.recipe.protocol import Task

pytest.importorskip("torch")


@pytest.fixture(scope="module")
def backbone() -> Backbone:
    return pretrain([], shape=Shape(16, 1), steps=40, made=1.0, seed=1)


def swinging(rows: int = 900) -> Dataset:
    plain = sample_for(Task.FORECAST, rows=rows)
    target = Target("load", noisy(3, rows, 1)[:, 0], "kW")
    return ahead(replace(plain, target=target))


def test_the_recipe_keeps_its_promises(backbone: Backbone) -> None:
    assert check_recipe(BackboneForecast(backbone, steps=3), swinging(1400)) == ()


def test_it_is_nearer_than_persistence_and_its_limits_hold(backbone: Backbone) -> None:
    data = swinging(1200)
    rows = np.arange(data.rows)
    model = BackboneForecast(backbone, steps=4).fit(
        data.take(rows[:600]), data.take(rows[600:900]), 0
    )
    test = data.take(rows[900:])
    seen = windows_of(test, 96)
    said = model.predict(seen.values)
    assert said.low is not None
    assert said.high is not None
    truth = test.labels()[seen.rows]
    known = np.isfinite(truth)
    stay = np.abs(seen.values[:, -1, 0] - truth)[known].mean()
    assert np.abs(said.value[:, 0] - truth)[known].mean() < 0.9 * stay
    inside = (said.low[:, 0] <= truth) & (truth <= said.high[:, 0])
    assert inside[known].mean() > 0.8


def test_a_target_whose_past_is_no_column_is_refused(backbone: Backbone) -> None:
    data = sample_for(Task.FORECAST)
    with pytest.raises(LearnError, match="present value as a column"):
        BackboneForecast(backbone).fit(data, data, 0)


def test_more_steps_than_it_looks_ahead_are_refused(backbone: Backbone) -> None:
    data = swinging()
    with pytest.raises(LearnError, match="1 to 24 rows ahead, not 30"):
        BackboneForecast(backbone, steps=30).fit(data, data, 0)


def test_windows_of_other_columns_are_refused(backbone: Backbone) -> None:
    data = swinging()
    model = BackboneForecast(backbone).fit(data, data, 0)
    with pytest.raises(LearnError, match="columns and the window of its card"):
        model.predict(np.zeros((2, 96, len(data.columns) + 1)))
    assert data.columns[0] == Column("load", "kW", known=data.columns[0].known)


def test_what_stands_beside_it_keeps_the_promises_of_a_recipe(backbone: Backbone) -> None:
    rungs = rungs_of(backbone, 3, seed=0)
    assert [rung.name for rung in rungs] == ["backbone", "random", "scratch", "fine-tuned"]
    for rung in (rungs[1], rungs[3]):
        assert check_recipe(rung, swinging(1400)) == ()


def test_random_features_without_a_correction_say_that_the_value_stays(backbone: Backbone) -> None:
    data = swinging(1200)
    rows = np.arange(data.rows)
    random = rungs_of(backbone, 4, seed=0)[1]
    model = random.fit(data.take(rows[:600]), data.take(rows[600:900]), 0)
    parts = model.parts()
    plain = random.restore({**parts, "map": np.zeros_like(parts["map"])})
    seen = windows_of(data.take(rows[900:]), 96).values
    assert np.allclose(plain.predict(seen).value, seen[:, -1:, 0])


def test_what_was_trained_here_has_weights_of_its_own(backbone: Backbone) -> None:
    data = swinging(1200)
    rows = np.arange(data.rows)
    parts = [
        rung.fit(data.take(rows[:600]), data.take(rows[600:900]), 0).parts()
        for rung in rungs_of(backbone, 2, seed=0)
    ]
    assert [int(one["story"][0]) for one in parts] == [40, 0, 150, 100]
    assert np.array_equal(parts[0]["net_experts"], backbone.weights["experts"])
    assert not np.array_equal(parts[3]["net_experts"], backbone.weights["experts"])
    assert not np.array_equal(parts[2]["net_experts"], parts[1]["net_experts"])
