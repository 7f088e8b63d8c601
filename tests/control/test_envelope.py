"""Where nothing can be proved, it is said what the error comes from."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.control.oven import PLANT, plant_in

from genba.control.bound import Bound, bound
from genba.control.envelope import proof_or_why
from genba.twin.process import Belief, prior


@pytest.fixture
def joined(tmp_path: Path) -> Bound:
    return bound(plant_in(tmp_path, PLANT), "oven-heat")


def known(joined: Bound, doubt: float) -> Belief:
    belief = prior(joined.physics, noise=0.001)
    return replace(belief, covariance=doubt * np.eye(len(belief.mean)))


def test_what_is_not_known_of_parameters_is_named_where_that_is_why_nothing_is_proved(
    joined: Bound,
) -> None:
    why = proof_or_why(joined, known(joined, 1.0))
    assert isinstance(why, str)
    assert "no linear model is near enough to 'heated_body' over its envelope" in why
    assert "but for what is not known of its parameters" in why
    assert why.endswith("; learn it from rows in which its set-points were moved")
    assert "another gain" not in why


def test_the_variable_whose_range_is_too_wide_for_a_linear_model_is_named(joined: Bound) -> None:
    why = proof_or_why(joined, known(joined, 1e-6))
    assert isinstance(why, str)
    assert "Cel of 'temperature' in a step" in why
    assert "but for 'temperature' from" in why or "but for 'setpoint' from" in why
    assert why.endswith("; a narrower range in the plant file may be proved")
