"""What a window says of itself: against plain sums, known autoregressions, and a known period."""

import numpy as np
import pytest
from scipy.signal import lfilter

from genba.learn.backbone.shape import CHANGES, LEVELS, PERIODS
from genba.learn.backbone.window import HORIZON, LENGTH

torch = pytest.importorskip("torch")

from genba.learn.backbone.context import Context, autoregressive, centered_moments, context_of  # noqa: E402


def seen(windows: np.ndarray, day: float = 0.0) -> Context:
    values = torch.from_numpy(windows)
    return context_of(values, torch.ones_like(values), torch.full((len(windows),), day))


def test_moments_from_the_spectrum_are_sums_of_lagged_products() -> None:
    window = np.random.default_rng(0).normal(size=(2, LENGTH))
    told = centered_moments(torch.from_numpy(window)).numpy()
    for lag in (0, 1, 17, LENGTH - 1):
        plain = (window[:, lag:] * window[:, : LENGTH - lag]).sum(axis=1)
        assert np.allclose(told[:, lag], plain)


def test_coefficients_solve_the_equations_of_yule_and_walker() -> None:
    window = np.random.default_rng(1).normal(size=(1, LENGTH))
    moments = centered_moments(torch.from_numpy(window))
    found, _, left = autoregressive(moments)
    lagged = moments.numpy()[0]
    order = 4
    square = lagged[np.abs(np.subtract.outer(np.arange(order), np.arange(order)))]
    square = square + np.eye(order) * lagged[0] * 0.005
    wanted = np.linalg.solve(square, lagged[1 : order + 1])
    assert np.allclose(found[order].numpy()[0][::-1][:order], wanted, atol=1e-6)
    assert (left.numpy() <= 1).all()


def test_an_oscillation_goes_on_and_a_straight_line_goes_on() -> None:
    times = np.arange(LENGTH + HORIZON)
    wave = np.sin(2 * np.pi * times / 12)
    line = 0.05 * times
    told = seen(np.stack([wave[:LENGTH], line[:LENGTH] - line[LENGTH - 1]])).ahead.numpy()
    ringing = told[0, LEVELS.index(16)]
    assert np.corrcoef(ringing, wave[LENGTH:])[0, 1] > 0.99
    steps = told[1, len(LEVELS) + CHANGES.index(4)]
    assert np.allclose(steps[0], 0.05, atol=0.01)


def test_the_better_order_is_nearer_on_a_process_of_that_order() -> None:
    source = np.random.default_rng(2)
    driven = source.normal(size=(400, LENGTH + HORIZON + 50))
    course = lfilter([1], [1, -1.6, 0.9], driven, axis=1)[:, 50:]
    told = seen(course[:, :LENGTH]).ahead.numpy()
    error = np.abs(told - course[:, None, LENGTH:]).mean(axis=(0, 2))
    assert error[LEVELS.index(2)] < 0.9 * error[LEVELS.index(1)]


def test_copies_are_what_was_one_period_before() -> None:
    window = np.arange(float(LENGTH))[None]
    told = seen(window, day=24.0)
    copied = told.copied.numpy()[0]
    assert np.array_equal(copied[PERIODS.index(LENGTH)], np.arange(HORIZON))
    assert np.array_equal(copied[PERIODS.index(2)], np.tile([94.0, 95.0], HORIZON // 2))
    assert np.flatnonzero(told.daily.numpy()[0]).tolist() == [PERIODS.index(24)]


def test_a_constant_window_gives_finite_figures() -> None:
    told = seen(np.zeros((1, LENGTH)))
    assert np.isfinite(told.told.numpy()).all()
    assert np.abs(told.ahead.numpy()).max() == 0
