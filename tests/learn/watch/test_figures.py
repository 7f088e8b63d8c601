"""Calibration and quality where labels came later: found where broken, quiet where not."""

from functools import cache

import numpy as np
import pytest

from genba.learn.data.target import Target
from genba.learn.recipe.prediction import Prediction
from genba.learn.watch.figures import Quality, broken, quality_of


@cache
def two(seed: int, rows: int, lift: float = 0.0) -> Quality:
    """Answers of two classes whose truth comes as often as ``said + lift``."""
    random = np.random.default_rng(seed)
    said = random.beta(1, 3, rows)
    truth = (random.random(rows) < np.clip(said + lift, 0, 1)).astype(float)
    target = Target("result", truth, classes=("good", "bad"))
    classes = np.column_stack([1 - said, said])
    found = quality_of(target, np.arange(rows), Prediction(said, classes=classes))
    assert found is not None
    return found


def numbers(seed: int, rows: int, error: float = 1.0, memory: float = 0.0) -> Quality:
    random = np.random.default_rng(seed)
    truth = random.normal(0, 5, rows)
    off = random.normal(0, 1, rows)
    for row in range(1, rows):
        off[row] = memory * off[row - 1] + np.sqrt(1 - memory**2) * off[row]
    said = truth + error * off
    answer = Prediction(said, said - 1.645, said + 1.645)
    found = quality_of(Target("y", truth), np.arange(rows), answer)
    assert found is not None
    return found


@pytest.mark.parametrize("rows", [60, 400, 2000])
def test_calibrated_answers_are_left_in_peace_at_any_size(rows: int) -> None:
    told = [broken(two(seed, rows), two(1000 + seed, 2000)) for seed in range(30)]
    # Each look asks four questions; of 120 looks 2 to 5 found something by chance.
    assert sum(bool(one) for one in told) <= 4


def test_probabilities_that_say_too_little_are_found() -> None:
    told = broken(two(0, 1500, lift=0.2), two(1, 1500))
    assert told
    assert any("probabilities are off by 0.1" in one or "0.2" in one for one in told)
    found = two(0, 1500, lift=0.2).get("ece")
    assert found is not None
    assert found.chance is not None
    assert found.low > found.chance


@pytest.mark.parametrize("memory", [0.0, 0.9])
def test_errors_as_on_the_card_are_left_in_peace(memory: float) -> None:
    card = numbers(99, 2000)
    told = [broken(numbers(seed, 800, memory=memory), card) for seed in range(15)]
    assert sum(bool(one) for one in told) <= 1


def test_larger_errors_and_intervals_that_do_not_hold_are_named() -> None:
    told = broken(numbers(0, 800, error=2.0), numbers(1, 800))
    assert told is not None
    assert told[0].startswith("mae 1.")
    assert "on the card" in told[0]
    assert "intervals hold 6" in told[1] or "intervals hold 5" in told[1]


def test_few_labels_or_labels_that_go_together_say_nothing() -> None:
    assert broken(numbers(0, 20, error=4.0), None) is None
    slow = numbers(0, 200, memory=0.98)
    assert max(one.labels for one in slow.figures) < 30
    assert broken(slow, None) is None


def test_intervals_of_a_figure_hold_it_as_often_as_they_say() -> None:
    held = 0
    for seed in range(60):
        mae = numbers(seed, 300, memory=0.7).get("mae")
        assert mae is not None
        held += mae.low <= np.sqrt(2 / np.pi) <= mae.high
    assert held >= 51


def test_no_label_is_no_figure() -> None:
    target = Target("y", np.full(30, np.nan))
    assert quality_of(target, np.arange(30), Prediction(np.zeros(30))) is None


def test_one_class_alone_has_no_ranking() -> None:
    target = Target("r", np.zeros(50), classes=("good", "bad"))
    said = np.linspace(0, 0.1, 50)
    found = quality_of(target, np.arange(50), Prediction(said))
    assert found is not None
    assert found.get("auc") is None
    assert found.get("brier") is not None
