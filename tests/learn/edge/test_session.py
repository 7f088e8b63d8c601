"""A model at a machine answers what ONNX Runtime answers, and refuses what does not fit."""

import numpy as np
import onnxruntime as ort
import pytest
from tests.learn.edge.models import contract, failing_above, graph, rows

from genba.errors import LearnError
from genba.learn.edge.contract import Contract, Misfit
from genba.learn.edge.session import EdgeModel, usable


def test_it_says_what_onnx_runtime_says() -> None:
    content = graph(scale=3.0)
    plain = ort.InferenceSession(content, providers=["CPUExecutionProvider"])
    model = EdgeModel(content, contract())
    for window in rows(20, seed=1):
        model.window[0] = window
        told = plain.run(None, {"inputs": window[None]})[0]
        assert model.answer() == pytest.approx(float(told[0]), abs=1e-7)


def test_two_models_do_not_share_their_windows_or_answers() -> None:
    first, second = EdgeModel(graph(1.0), contract()), EdgeModel(graph(2.0), contract())
    first.window[:], second.window[:] = 1.0, 5.0
    assert (first.answer(), second.answer(), first.answer()) == (1.0, 10.0, 1.0)


def test_a_card_of_another_shape_is_refused() -> None:
    with pytest.raises(Misfit, match="takes windows of shape"):
        EdgeModel(graph(shape=(9, 2)), contract())


def test_what_is_no_model_is_refused_in_one_line() -> None:
    with pytest.raises(LearnError, match="cannot be loaded") as caught:
        EdgeModel(b"no graph", contract())
    assert "\n" not in str(caught.value)


def test_a_model_that_fails_on_a_window_says_so_and_answers_the_next() -> None:
    model = EdgeModel(graph(twist=failing_above(10.0)), contract())
    model.window[:] = 50.0
    with pytest.raises(LearnError, match="fails"):
        model.answer()
    model.window[:] = 2.0
    assert model.answer() == 2.0


@pytest.mark.parametrize(
    ("value", "fits"), [(1.0, True), (float("nan"), False), (float("inf"), False), (1e6, False)]
)
def test_only_finite_answers_within_the_card_are_usable(value: float, fits: bool) -> None:
    assert usable(value, contract()) is fits


@pytest.mark.parametrize(
    "change",
    [
        {"window": 0}, {"window": True}, {"step_s": -1.0}, {"budget_us": float("nan")},
        {"columns": []}, {"name": ""}, {"low": 5.0, "high": 1.0}, {"threshold": float("inf")},
    ],
)  # fmt: skip
def test_a_card_that_makes_no_sense_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(LearnError, match="release it anew"):
        contract(**change)


def test_a_card_is_read_as_it_was_written_and_more_than_it_knows_is_left_alone() -> None:
    card = contract(threshold=None)
    assert Contract.from_json(card.to_json()) == card
    assert Contract.from_json(card.to_json()[:-1] + b',"lineage":{"a":1}}') == card
    with pytest.raises(LearnError, match="no JSON object"):
        Contract.from_json(b"[1]")
    with pytest.raises(LearnError, match="lacks or garbles"):
        Contract.from_json(b"{}")


def test_the_answers_cost_no_memory_over_time() -> None:
    model = EdgeModel(graph(), contract())
    before = id(model.outputs["value"])
    for _ in range(100):
        model.answer()
    assert id(model.outputs["value"]) == before
    assert np.isfinite(model.outputs["value"]).all()
