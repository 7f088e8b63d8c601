import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genba.errors import LearnError
from genba.learn.regression.kernels import bend, lag, level, mean, slope


@given(
    st.integers(4, 40),
    st.floats(-5, 5),
    st.floats(-5, 5),
    st.floats(-1, 1),
)
def test_of_a_parabola_the_bend_and_of_a_line_slope_and_level_come_back(window, at, per, curve):
    ago = np.arange(window) - (window - 1.0)
    line = at + per * ago
    assert slope(window, window) @ line == pytest.approx(per, abs=1e-8)
    assert level(window, 4) @ line == pytest.approx(at, abs=1e-8)
    assert bend(window, window) @ (line + curve * ago**2) == pytest.approx(curve, abs=1e-8)


def test_a_mean_takes_the_last_rows_and_a_lag_one_of_them():
    values = np.array([100.0, 1.0, 2.0, 3.0])
    assert mean(4, 3) @ values == pytest.approx(2.0)
    assert lag(4, 0) @ values == 3.0
    assert lag(4, 3) @ values == 100.0


@pytest.mark.parametrize("make", [lambda: lag(4, 4), lambda: mean(4, 5), lambda: slope(4, 1)])
def test_what_is_not_within_the_window_is_refused(make):
    with pytest.raises(LearnError):
        make()
