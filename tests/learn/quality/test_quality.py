"""Probabilities come true, sets hold the truth, and thresholds cost least."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.learn.made import molding

from genba.errors import LearnError
from genba.learn import Task, by_blocks, by_time, climb, from_table, quality_ladder, sample_for
from genba.learn.quality.calibration import platt, sigmoid, softmax, temperature
from genba.learn.quality.conformal import class_limits, half_width, sets_of
from genba.learn.quality.thresholds import by_cost, by_f1
from genba.learn.recipe.examine import calibration_error, examine_number
from genba.learn.recipe.prediction import Prediction


@given(slope=st.floats(0.2, 4), offset=st.floats(-2, 2), seed=st.integers(0, 50))
@settings(max_examples=30, deadline=None)
def test_a_line_is_found_again_from_labels(slope: float, offset: float, seed: int) -> None:
    random = np.random.default_rng(seed)
    raw = random.normal(0, 2, 4000)
    labels = (random.random(4000) < sigmoid(slope * raw + offset)).astype(float)
    found = platt(raw, labels)
    chance = sigmoid(found[0] * raw + found[1])
    assert calibration_error(labels == 1, chance) < 0.05


def test_scores_without_both_classes_stay_as_they_are() -> None:
    assert platt(np.arange(10.0), np.zeros(10)) == (1.0, 0.0)


def test_rows_of_few_units_move_the_scores_less() -> None:
    random = np.random.default_rng(0)
    raw = random.normal(0, 1, 2000)
    labels = (random.random(2000) < sigmoid(raw + 2)).astype(float)
    assert platt(raw, labels)[1] == pytest.approx(2, abs=0.3)
    assert 0 < platt(raw, labels, 5 / 2000)[1] < 1
    assert platt(raw, labels, 1e-9) == pytest.approx((1, 0), abs=1e-3)


def test_too_sure_answers_are_cooled() -> None:
    random = np.random.default_rng(0)
    raw = random.normal(0, 1, (3000, 3))
    chance = softmax(raw)
    labels = np.array([random.choice(3, p=p) for p in chance], float)
    assert temperature(raw * 5, labels) == pytest.approx(0.2, rel=0.15)


@given(seed=st.integers(0, 200), cover=st.sampled_from([0.8, 0.9]))
@settings(max_examples=30, deadline=None)
def test_intervals_and_sets_hold_the_truth_as_often_as_they_say(seed: int, cover: float) -> None:
    random = np.random.default_rng(seed)
    apart = random.standard_t(3, 3000)
    width = half_width(apart[:1000], np.zeros(1000), cover)
    assert np.mean(np.abs(apart[1000:]) <= width) == pytest.approx(cover, abs=0.05)
    labels = (random.random(3000) < 0.2).astype(float)
    bad = sigmoid(3 * labels - 1.5 + random.normal(0, 1.5, 3000))
    classes = np.column_stack([1 - bad, bad])
    limits = class_limits(classes[:1500], labels[:1500], cover)
    held = sets_of(classes[1500:], limits)
    for index in (0, 1):
        own = labels[1500:] == index
        assert np.mean(held[own, index]) == pytest.approx(cover, abs=0.09)


def test_too_few_rows_make_no_promise() -> None:
    assert half_width(np.zeros(3), np.zeros(3), 0.9) == np.inf
    assert list(class_limits(np.full((3, 2), 0.5), np.zeros(3), 0.9)) == [0.0, 0.0]


def test_the_threshold_follows_from_what_mistakes_cost() -> None:
    random = np.random.default_rng(0)
    chance = random.random(200_000)
    bad = random.random(200_000) < chance

    def cost(threshold: float) -> float:
        stopped = chance >= threshold
        return 9.0 * np.mean(bad & ~stopped) + 1.0 * np.mean(~bad & stopped)

    assert by_cost(9.0, 1.0) == pytest.approx(0.1)
    assert cost(0.1) == min(cost(t) for t in (0.02, 0.05, 0.1, 0.2, 0.5))
    with pytest.raises(LearnError, match="give both above 0"):
        by_cost(0.0, 1.0)


@given(seed=st.integers(0, 100))
@settings(max_examples=30, deadline=None)
def test_no_threshold_has_a_higher_f1(seed: int) -> None:
    random = np.random.default_rng(seed)
    labels = (random.random(60) < 0.3).astype(float)
    labels[0] = 1
    chance = np.round(sigmoid(2 * labels - 1 + random.normal(0, 1, 60)), 2)

    def f1(threshold: float) -> float:
        said = chance >= threshold
        return 2 * np.sum(said & (labels == 1)) / (said.sum() + labels.sum())

    assert f1(by_f1(chance, labels)) == pytest.approx(max(f1(t) for t in np.unique(chance)))


def test_equal_chances_are_one_bin_of_calibration() -> None:
    hit = np.arange(100) >= 80
    assert calibration_error(hit, np.full(100, 0.2)) == pytest.approx(0)
    assert calibration_error(hit, np.full(100, 0.5)) == pytest.approx(0.3)


def test_figures_of_numbers_are_counted_as_by_hand() -> None:
    truth = np.array([1.0, 2.0, 3.0, np.nan])
    said = np.array([1.0, 2.0, 5.0, 9.0])
    scores = examine_number(truth, Prediction(said, said - 1, said + 1))
    assert scores["mae"] == pytest.approx(2 / 3)
    assert scores["rmse"] == pytest.approx(np.sqrt(4 / 3))
    assert scores["r2"] == pytest.approx(1 - (4 / 3) / (2 / 3))
    assert scores["covered"] == pytest.approx(2 / 3)


def test_a_quality_ladder_beats_what_is_usual_and_is_calibrated() -> None:
    data = sample_for(Task.QUALITY, 0, 3000)
    assert data.target is not None
    found = climb(data, by_time(data), quality_ladder(data.target))
    assert found.chosen is not None
    assert found.beats
    tested = found.chosen.tested or {}
    assert (tested["auc"] or 0) > 0.9
    assert (tested["ece"] or 1) < 0.05
    assert 0.8 < (tested["covered"] or 0) < 0.98


def test_several_classes_are_told_apart_in_blocks_of_time() -> None:
    data = from_table(molding(), target="quality")
    assert data.target is not None
    found = climb(data, by_blocks(data, 28, seed=2), quality_ladder(data.target))
    assert found.chosen is not None
    assert ((found.chosen.tested or {})["accuracy"] or 0) > 0.65
    usual = next(rung for rung in found.rungs if rung.baseline)
    assert ((usual.tested or {})["accuracy"] or 1) < 0.5
