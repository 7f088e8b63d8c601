"""Where the physics say how far parts scatter, a process is followed by that."""

import numpy as np
import pytest

from genba.twin.process import Tracker, prior, symbolic
from genba.twin.process.library import physics_named
from genba.twin.process.scatter import Scatter


def surprise(play_um: float, off_um: float) -> float:
    """How surprising a joint is where the play is known."""
    tracker = Tracker(symbolic(physics_named("assembly")), prior(physics_named("assembly"), 1e-3))
    tracker.state = np.array([play_um])
    tracker._covariance *= 1e-9
    return tracker.seen(np.array([off_um, np.nan, np.nan, np.nan]), np.array([0.8]), np.zeros(0))


def test_a_joint_that_is_far_off_surprises_less_where_fingers_are_worn() -> None:
    # Both lie 20 um beyond what is expected, which learned noise of 0.2 um would call absurd.
    tight, worn = 1.2533 * (10.0 + 7.68), 1.2533 * (30.0 + 7.68)
    assert surprise(30.0, worn + 20.0) < surprise(10.0, tight + 20.0) < 5.0


def test_noise_is_what_was_learned_where_the_physics_say_nothing() -> None:
    process = physics_named("grinding")
    learned = np.arange(1.0, 6.0)
    wide = Scatter(process).noise(learned, np.full((2, 5), 9.0))
    assert wide == pytest.approx(np.tile(learned, (2, 1)))
