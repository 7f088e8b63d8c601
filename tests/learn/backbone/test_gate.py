"""The gate: all rows are there, the lightest good way is taken, and the reason is said."""

import numpy as np
import pytest
from tests.learn.backbone.made_process import process, stretches

from genba.errors import LearnError
from genba.learn.backbone import gate
from genba.learn.backbone.backbone import pretrain
from genba.learn.backbone.gate import WAYS, choose
from genba.learn.backbone.shape import Shape

pytest.importorskip("torch")


@pytest.fixture(scope="module")
def choice() -> gate.Choice:
    backbone = pretrain([process(1)], shape=Shape(16, 1), steps=60, seed=3)
    return choose(backbone, stretches(7), stretches(8), tune_steps=5, scratch_steps=20)


def test_every_row_stands_in_the_report(choice: gate.Choice) -> None:
    assert set(choice.errors) == set(WAYS)
    assert all(name in choice.table() for name in WAYS)
    assert all(np.isfinite(error) for error in choice.errors.values())


def test_what_is_chosen_beats_persistence_where_the_signal_is_noise(choice: gate.Choice) -> None:
    assert choice.errors[choice.name] < 0.9 * choice.errors["persistence"]


def test_a_heavier_way_must_be_better_by_more_than_a_standard_error() -> None:
    source = np.random.default_rng(0)
    base = source.uniform(1, 2, 50)
    each = {"persistence": base, "ridge": base - 0.5, "tuned": base - 0.5 + source.normal(0, 1, 50)}
    name, reason = gate._lightest(each)
    assert name == "ridge"
    assert "do not fine-tune" in reason
    name, reason = gate._lightest({"persistence": base, "tuned": base - 0.5})
    assert name == "tuned"
    assert reason.startswith("fine-tuned")


def test_too_few_stretches_are_refused() -> None:
    backbone = pretrain([], shape=Shape(16, 1), steps=1, made=1.0)
    with pytest.raises(LearnError, match="at least 8 stretches of 120"):
        choose(backbone, stretches(7, 3), stretches(8))
