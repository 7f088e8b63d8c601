"""The backbone in small: it learns, comes back the same, exports, and refuses what is no window."""

import subprocess
import sys

import numpy as np
import onnxruntime as ort
import pytest
from tests.learn.backbone.made_process import noisy, process, stretches

from genba.errors import LearnError
from genba.learn.backbone.backbone import Backbone, pretrain, refined, untaught
from genba.learn.backbone.gate import single
from genba.learn.backbone.rivals import persistence
from genba.learn.backbone.shape import MOST_PARAMETERS, Shape
from genba.learn.backbone.window import HORIZON, LENGTH

pytest.importorskip("torch")

SMALL = Shape(16, 1)


@pytest.fixture(scope="module")
def backbone() -> Backbone:
    return pretrain([process(1), process(2)], shape=SMALL, steps=60, made=0.5, seed=3)


def test_after_a_minute_of_steps_it_beats_persistence_on_a_process_unseen(
    backbone: Backbone,
) -> None:
    flat = single(stretches(9))
    windows, ahead = flat[:, :LENGTH], flat[:, LENGTH:]
    ours = np.abs(backbone.forecast(windows) - ahead).mean()
    assert ours < 0.9 * np.abs(persistence(windows) - ahead).mean()


def test_the_same_seed_and_steps_give_the_same_backbone(backbone: Backbone) -> None:
    again = pretrain([process(1), process(2)], shape=SMALL, steps=60, made=0.5, seed=3)
    assert all(np.array_equal(again.weights[n], a) for n, a in backbone.weights.items())


def test_it_comes_back_from_its_parts_and_refuses_those_of_others(backbone: Backbone) -> None:
    windows = single(stretches(4, 5))[:, :LENGTH]
    again = Backbone.restore(backbone.parts())
    assert np.array_equal(again.forecast(windows), backbone.forecast(windows))
    assert again.processes == ("made-1", "made-2")
    with pytest.raises(LearnError, match="no parts of a backbone"):
        Backbone.restore({"mean": np.zeros(3)})


def test_the_graph_says_the_same_also_where_values_are_missing(backbone: Backbone) -> None:
    windows = single(stretches(5, 10))[:, :LENGTH].astype(np.float32)
    windows[0, :40] = np.nan
    windows[1, 90:] = np.nan
    windows[2] = np.nan
    windows[3] = 5.0
    value, summary = ort.InferenceSession(backbone.to_onnx()).run(None, {"inputs": windows})
    said = backbone.forecast(windows.astype(float))
    assert np.isnan(value[2]).all()
    assert np.isnan(summary[2]).all()
    assert np.array_equal(value[3], np.full(HORIZON, 5.0, np.float32))
    assert np.allclose(value, said, atol=1e-4, rtol=1e-4, equal_nan=True)
    assert np.allclose(summary, backbone.summary(windows.astype(float)), atol=1e-4, equal_nan=True)


def test_refining_goes_on_from_where_it_was_and_leaves_the_first_alone(
    backbone: Backbone,
) -> None:
    before = {name: array.copy() for name, array in backbone.weights.items()}
    flat = single(stretches(9))
    tuned = refined(backbone, flat, steps=20, rate=1e-3)
    assert all(np.array_equal(before[n], a) for n, a in backbone.weights.items())
    windows, ahead = flat[:, :LENGTH], flat[:, LENGTH:]
    assert np.abs(tuned.forecast(windows) - ahead).mean() < (
        np.abs(backbone.forecast(windows) - ahead).mean()
    )


def test_a_window_upside_down_is_answered_upside_down(backbone: Backbone) -> None:
    windows = noisy(4)[:LENGTH].T
    assert np.allclose(backbone.forecast(-windows), -backbone.forecast(windows), atol=1e-5)


def test_a_day_that_a_window_holds_is_heard_and_a_longer_one_is_not(backbone: Backbone) -> None:
    windows = noisy(4)[:LENGTH].T
    undated = backbone.forecast(windows)
    assert np.array_equal(backbone.forecast(windows, 480.0), undated)
    assert not np.allclose(backbone.forecast(windows, 96.0), undated, atol=1e-3)


@pytest.mark.parametrize("day", [0.0, 48.0, 480.0])
def test_the_graph_says_the_same_for_any_day(backbone: Backbone, day: float) -> None:
    windows = noisy(6)[:LENGTH].T.astype(np.float32)
    session = ort.InferenceSession(backbone.to_onnx(day))
    said = session.run(["value"], {"inputs": windows})[0]
    assert np.allclose(said, backbone.forecast(windows.astype(float), day), atol=1e-4)


def test_an_untaught_one_has_as_many_numbers_as_its_shape_says() -> None:
    assert untaught(SMALL).parameters == SMALL.parameters
    assert untaught(Shape(24, 2)).parameters == Shape(24, 2).parameters


def test_a_backbone_beyond_five_million_parameters_is_refused() -> None:
    assert Shape(256, 8).parameters < MOST_PARAMETERS
    with pytest.raises(LearnError, match="stay within 5,000,000"):
        Shape(512, 8)


def test_nothing_to_learn_from_is_refused() -> None:
    with pytest.raises(LearnError, match="makes no sense"):
        pretrain([], made=0.5)


def test_a_window_of_another_length_is_refused(backbone: Backbone) -> None:
    with pytest.raises(LearnError, match="windows of 96 rows"):
        backbone.forecast(noisy(0)[:50].T)


def test_the_room_is_at_hand_without_loading_pytorch() -> None:
    code = (
        "import sys, genba.learn.backbone.backbone, genba.learn.backbone.gate;"
        "import genba.learn.backbone.few;"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
