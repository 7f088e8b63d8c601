"""Anchoring and scaling: the promises that hold whatever a network says."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genba.errors import LearnError
from genba.learn.backbone.window import FARTHEST, FEWEST, HORIZON, LENGTH, scaled


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    shift=st.floats(-1e4, 1e4),
    factor=st.floats(0.1, 1e3),
)
def test_level_and_unit_do_not_count(seed: int, shift: float, factor: float) -> None:
    window = np.random.default_rng(seed).normal(size=(2, LENGTH))
    one, other = scaled(window), scaled(window * factor + shift)
    assert np.allclose(one.values, other.values, atol=1e-4)
    assert np.allclose(other.scale, one.scale * factor, rtol=1e-4)


def test_nothing_ahead_means_persistence() -> None:
    window = np.random.default_rng(1).normal(size=(3, LENGTH))
    ahead = scaled(window).undo(np.zeros((3, HORIZON)))
    assert np.array_equal(ahead, np.repeat(window[:, -1:], HORIZON, axis=1))


def test_the_anchor_is_the_last_value_that_is_known() -> None:
    window = np.random.default_rng(2).normal(size=(1, LENGTH))
    window[0, -5:] = np.nan
    assert scaled(window).anchor[0] == window[0, -6]


def test_a_constant_window_stays_where_it_is_whatever_is_said() -> None:
    seen = scaled(np.full((1, LENGTH), 21.61))
    assert np.array_equal(seen.undo(np.ones((1, HORIZON))), np.full((1, HORIZON), 21.61))
    assert np.isnan(seen.of(np.ones((1, HORIZON)))).all()


def test_too_few_known_values_give_no_anchor() -> None:
    window = np.full((1, LENGTH), np.nan)
    window[0, -FEWEST + 1 :] = 1.0
    assert np.isnan(scaled(window).undo(np.zeros((1, HORIZON)))).all()


def test_a_spike_is_cut_and_what_comes_goes_back_and_forth() -> None:
    window = np.random.default_rng(3).normal(size=(1, LENGTH))
    window[0, 5] = 1e9
    seen = scaled(window)
    assert np.abs(seen.values).max() <= FARTHEST
    ahead = np.random.default_rng(4).normal(size=(1, HORIZON))
    assert np.allclose(seen.undo(seen.of(ahead)), ahead, atol=1e-6)


def test_a_window_of_another_length_is_refused() -> None:
    with pytest.raises(LearnError, match="windows of 96 rows"):
        scaled(np.zeros((2, 50)))
