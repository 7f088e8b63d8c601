"""Made-up signals are finite, move, differ, and come back for the same seed."""

import numpy as np

from genba.learn.backbone.pool import WHOLE
from genba.learn.backbone.synthetic import made_up


def test_made_up_signals_are_finite_and_nearly_all_move() -> None:
    drawn, day = made_up(400, np.random.default_rng(0))
    assert drawn.shape == (400, WHOLE)
    assert np.isfinite(drawn).all()
    assert (drawn.std(axis=1) > 1e-6).mean() > 0.99
    assert 0.2 < (day == 0).mean() < 0.4


def test_the_same_seed_gives_the_same_signals_and_another_gives_others() -> None:
    one, again, other = (made_up(30, np.random.default_rng(seed))[0] for seed in (1, 1, 2))
    assert np.array_equal(one, again)
    assert not np.allclose(one, other)


def test_for_some_of_them_persistence_is_right_and_for_some_the_mean() -> None:
    drawn, _ = made_up(300, np.random.default_rng(3))
    past, ahead = drawn[:, :96], drawn[:, 96:]
    stay = np.abs(ahead - past[:, -1:]).mean(axis=1)
    mean = np.abs(ahead - past.mean(axis=1, keepdims=True)).mean(axis=1)
    assert 0.15 < (stay < mean).mean() < 0.85
