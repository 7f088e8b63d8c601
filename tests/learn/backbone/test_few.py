"""Few labels: every way answers, the gate is fair to groups, and bad labels are refused."""

import numpy as np
import pytest

from genba.errors import LearnError
from genba.learn.backbone.backbone import Backbone, pretrain
from genba.learn.backbone.describe import _telling
from genba.learn.backbone.few import FewShot, choose_few, ways_of
from genba.learn.backbone.shape import Shape
from genba.learn.backbone.window import LENGTH

pytest.importorskip("torch")


@pytest.fixture(scope="module")
def backbone() -> Backbone:
    return pretrain([], shape=Shape(16, 1), steps=30, made=1.0, seed=1)


def faults(seed: int, each: int = 8) -> FewShot:
    """Kinds: nothing, one signal drifts, another one gets rough."""
    source = np.random.default_rng(seed)
    windows = source.normal(0, 1, (3 * each, LENGTH, 3))
    kind = np.repeat(np.arange(3), each)
    windows[kind == 1, :, 0] += np.linspace(0, 4, LENGTH)
    windows[kind == 2, :, 1] *= 3
    groups = np.array([f"run-{index % each}" for index in range(3 * each)])
    return FewShot(windows, kind.astype(float), groups, 3)


def test_every_way_tells_plain_faults_apart(backbone: Backbone) -> None:
    test = faults(2, 20)
    for name, say in ways_of(backbone, faults(1)).items():
        assert np.mean(say(test.windows) == test.answers) > 0.6, name


def test_directions_that_part_kinds_part_them_better_than_those_that_spread_most() -> None:
    source = np.random.default_rng(3)
    summary = source.normal(size=(60, 4, 30))
    kinds = np.repeat([0.0, 1.0], 30)
    summary[:, :, 0] *= 20
    summary[kinds == 1, :, 5] += 2.0
    plane = _telling(summary, kinds)
    assert np.argmax(np.abs(plane[:, 0])) == 5


def test_the_gate_takes_a_light_way_where_it_is_good_enough(backbone: Backbone) -> None:
    choice = choose_few(backbone, faults(1), folds=2, ways=("forest", "both", "random"))
    assert choice.name == "forest"
    assert choice.losses["forest"] < 0.2
    assert set(choice.losses) == {"forest", "both", "random"}


def test_a_number_is_foretold_from_windows_with_a_short_record(backbone: Backbone) -> None:
    source = np.random.default_rng(5)
    answers = source.uniform(0, 100, 60)
    windows = source.normal(0, 1, (60, LENGTH, 2))
    windows[:, :, 0] += np.linspace(0, 1, LENGTH) * answers[:, None] / 20
    windows[::4, :40] = np.nan
    few = FewShot(windows, answers, np.array([f"m{i % 6}" for i in range(60)]))
    choice = choose_few(backbone, few, folds=3, ways=("classical", "backbone"))
    assert choice.losses[choice.name] < 0.5 * np.abs(answers - answers.mean()).mean()
    assert np.isfinite(choice.say(windows)).all()


def test_one_kind_alone_one_group_alone_and_unknown_labels_are_refused(
    backbone: Backbone,
) -> None:
    few = faults(1)
    with pytest.raises(LearnError, match="same label"):
        few.take(np.arange(8))
    with pytest.raises(LearnError, match="one group"):
        choose_few(backbone, FewShot(few.windows, few.answers, np.full(24, "a"), 3))
    unknown = few.answers.copy()
    unknown[0] = np.nan
    with pytest.raises(LearnError, match="one known label"):
        FewShot(few.windows, unknown, few.groups, 3)
    with pytest.raises(LearnError, match=r"\(n, 96, signals\)"):
        FewShot(few.windows[:, :50], few.answers, few.groups, 3)
