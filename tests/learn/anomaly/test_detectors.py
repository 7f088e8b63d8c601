"""Detectors find what is not normal, name the signal, and keep quiet as they were told."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genba.errors import LearnError
from genba.learn import (
    Climb,
    Dataset,
    Recipe,
    Target,
    Task,
    anomaly_ladder,
    by_time,
    climb,
    sample_for,
)
from genba.learn.anomaly.distance import DistanceRecipe
from genba.learn.anomaly.drills import Drill
from genba.learn.anomaly.episodes import episodes_of
from genba.learn.anomaly.examine import examine_anomalies
from genba.learn.anomaly.forest import ForestRecipe
from genba.learn.anomaly.limits import Wish, limit_of
from genba.learn.anomaly.pca import PcaRecipe
from genba.learn.anomaly.sigma import SigmaRecipe
from genba.learn.anomaly.together import TogetherRecipe
from genba.learn.data.joined import joined
from genba.learn.features.windows import windows_of
from genba.learn.recipe.ladder import Rung, choose

ROWS = 3000


@pytest.fixture(scope="module")
def normal() -> Dataset:
    return sample_for(Task.ANOMALY, 0, ROWS)


def with_offset(data: Dataset, column: int, sigmas: float) -> Dataset:
    values = data.values.copy()
    values[:, column] += sigmas * values[:, column].std()
    return replace(data, values=values)


@pytest.mark.parametrize(
    "recipe", [PcaRecipe(), DistanceRecipe(), TogetherRecipe()], ids=lambda one: one.name
)
def test_an_offset_is_found_and_its_signal_named(normal: Dataset, recipe: Recipe) -> None:
    split = by_time(normal)
    train, held, test = (split.take(normal, part) for part in ("train", "held", "test"))
    model = recipe.fit(train, held, 0)
    for column in range(4):
        inputs = windows_of(with_offset(test, column, 4), recipe.window).values
        assert np.mean(model.predict(inputs).value > 1) > 0.9
        assert model.explain(inputs).sum(axis=0).argmax() == column


def test_a_forest_names_the_signal_that_is_out(normal: Dataset) -> None:
    split = by_time(normal)
    train, held, test = (split.take(normal, part) for part in ("train", "held", "test"))
    model = ForestRecipe(window=8, trees=40).fit(train, held, 0)
    calm = model.predict(windows_of(test, 8).values).value
    for column in range(4):
        inputs = windows_of(with_offset(test, column, 8), 8).values[::20]
        assert model.predict(inputs).value.mean() > np.quantile(calm, 0.75)
        assert model.explain(inputs).sum(axis=0).argmax() == column


def test_a_broken_relation_is_found_although_each_signal_is_within_its_range(
    normal: Dataset,
) -> None:
    split = by_time(normal)
    train, held, test = (split.take(normal, part) for part in ("train", "held", "test"))
    values = test.values.copy()
    values[:, 2] = 2 * values[:, 2].mean() - values[:, 2]
    mirrored = replace(test, values=values)
    found = {}
    for recipe in (PcaRecipe(window=8), SigmaRecipe()):
        inputs = windows_of(mirrored, recipe.window).values
        found[recipe.name] = np.mean(recipe.fit(train, held, 0).predict(inputs).value > 1)
    assert found["pca"] > 5 * found["limits"]


@given(share=st.floats(0.001, 0.2), seed=st.integers(0, 20))
@settings(max_examples=40, deadline=None)
def test_a_limit_is_exceeded_in_about_the_wanted_share(share: float, seed: int) -> None:
    random = np.random.default_rng(seed)
    rows = 4000
    limit = limit_of(random.exponential(size=rows), Wish(share))
    beyond = np.mean(random.exponential(size=40_000) > limit)
    # The limit rests on about share * rows of the rows, a number that scatters by its root.
    assert beyond == pytest.approx(share, abs=5 * np.sqrt(share / rows))


def test_a_smaller_share_never_has_a_lower_limit() -> None:
    scores = np.random.default_rng(0).normal(size=500) ** 2
    limits = [limit_of(scores, Wish(share)) for share in (0.1, 0.05, 0.01, 0.001, 0.0001)]
    assert limits == sorted(limits)


@pytest.mark.parametrize("scores", [np.ones(10), np.array([1.0] * 40 + [np.nan])])
def test_a_limit_of_too_little_is_refused(scores: np.ndarray) -> None:
    with pytest.raises(LearnError, match="a limit takes at least 30 normal rows"):
        limit_of(scores, Wish())


def test_alarms_beside_each_other_are_one_and_units_do_not_join() -> None:
    alarms = np.array([1, 1, 0, 1, 1, 1], bool)
    units = np.array(["a", "a", "a", "a", "b", "b"])
    assert episodes_of(alarms, units).tolist() == [0, 3, 4]
    assert episodes_of(alarms, units, apart=2).tolist() == [0, 4]


def test_figures_are_counted_as_by_hand() -> None:
    data = sample_for(Task.ANOMALY, 0, 40)
    faulty = np.arange(40) >= 30
    data = data.with_target(Target("fault", faulty.astype(float), classes=("normal", "fault")))
    value = np.where(faulty, 2.0, 0.5)
    value[[3, 4, 9]] = 1.5
    value[35:] = 0.7
    scores = examine_anomalies(data, np.arange(40), value, 1.0, [])
    assert scores["false_alarms"] == pytest.approx(3 / 30)
    assert scores["detection"] == pytest.approx(0.5)
    assert scores["false_alarms_week"] == pytest.approx(2 * 7 * 24 * 60 / 30)
    assert 0.5 < (scores["auc"] or 0) < 1


@pytest.fixture(scope="module")
def climbed() -> Climb:
    data = sample_for(Task.ANOMALY, 3, 8000)
    split = by_time(data)
    return climb(data, split, anomaly_ladder(split.take(data, "train"), false_alarms=0.005))


def test_the_ladder_chooses_by_drills_and_shows_the_plain_way(climbed: Climb) -> None:
    assert climbed.chosen is not None
    assert climbed.chosen.recipe.name != "forest"
    assert climbed.beats
    plain = next(rung for rung in climbed.rungs if rung.baseline)
    assert plain.recipe.name == "limits"
    tested, beside = climbed.chosen.tested or {}, plain.tested or {}
    assert (tested["drills"] or 0) > (beside["drills"] or 0) + 0.2


def test_a_report_sees_no_reason_to_release_what_alarms_too_often(climbed: Climb) -> None:
    assert "no reason to release it" in (climbed.ladder.doubt({"false_alarms": 0.06}) or "")
    assert climbed.ladder.doubt({"false_alarms": 0.05}) is None


def test_rungs_are_judged_at_limits_that_the_rows_for_choosing_keep() -> None:
    data = sample_for(Task.ANOMALY, 0, 100)
    value = np.linspace(0, 2, 100)
    drilled = [Drill("a", "stuck value", far) for far in (1.2, 1.9, 2.5)]
    judged = {
        share: examine_anomalies(data, np.arange(100), value, 1.0, drilled, bearable=share)
        for share in (0.0, 0.1, 0.6)
    }
    assert {scores["drills"] for scores in judged.values()} == {1.0}
    assert judged[0.0]["drills_kept"] == pytest.approx(1 / 3)
    assert judged[0.1]["drills_kept"] == pytest.approx(2 / 3)
    assert judged[0.6]["drills_kept"] == 1.0


def test_what_alarms_at_first_is_chosen_all_the_same_where_all_else_finds_nothing() -> None:
    data = sample_for(Task.ANOMALY, 1, 900)
    split = by_time(data)
    ladder = anomaly_ladder(split.take(data, "train"))

    def rung(name: str, share: float, kept: float) -> Rung:
        scores = {"false_alarms": share, "drills_kept": kept}
        return Rung(DistanceRecipe(name=name), baseline=False, chosen_on=scores)

    blind, seeing = rung("blind", 0.0, 0.0), rung("seeing", 0.2, 0.4)
    assert choose(ladder, [blind, seeing]) is seeing
    ahead_by_chance = rung("by chance", 0.0, 0.5)
    assert choose(ladder, [blind, seeing, ahead_by_chance]) is seeing


def test_distances_together_are_the_geometric_mean_of_each() -> None:
    normal = sample_for(Task.ANOMALY, 0, ROWS)
    split = by_time(normal)
    train, held, test = (split.take(normal, part) for part in ("train", "held", "test"))
    recipe = TogetherRecipe()
    model = recipe.fit(train, held, 0)
    inputs = windows_of(test, recipe.window).values
    each = [
        DistanceRecipe(rows, shrink)
        .of_normal(joined([train, held], "both", ""))
        .predict(inputs[:, -rows:])
        for rows in (8, 20)
        for shrink in (None, 0.001)
    ]
    mean = np.exp(np.mean([np.log(one.value) for one in each], axis=0))
    assert model.predict(inputs).value == pytest.approx(mean / model.limits[0])
    assert np.mean(model.predict(inputs).value > 1) < 0.03
