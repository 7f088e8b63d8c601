"""The pvT equation: known points, continuity, and shrinkage that falls with pressure."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genba.testbed.unit.tait import Tait, specific_volume, volumetric_shrinkage

TAIT = Tait()


def test_known_points() -> None:
    # At the transition and no pressure the volume is b1; below it v = b1 + b2s (T - b5).
    assert specific_volume(TAIT, TAIT.b5_c, 0.0) == pytest.approx(0.9120)
    assert specific_volume(TAIT, 23.0, 0.0) == pytest.approx(0.9120 - 2.4e-4 * 89.0)
    # Melt at 255 °C and 34 MPa, by hand: v0 = 0.99637, B = 170 exp(-4.4e-3 143) = 90.61 MPa,
    # v = v0 (1 - 0.0894 ln(1 + 34 / 90.61)) = 0.99637 (1 - 0.0894 0.31853).
    assert specific_volume(TAIT, 255.0, 34.0) == pytest.approx(0.96800, abs=2e-5)


@given(st.floats(0.0, 60.0))
def test_both_domains_meet_at_the_transition(pressure_mpa: float) -> None:
    at = TAIT.b5_c + TAIT.b6_k_mpa * pressure_mpa
    below = specific_volume(TAIT, at - 1e-6, pressure_mpa)
    above = specific_volume(TAIT, at + 1e-6, pressure_mpa)
    assert above == pytest.approx(below, rel=2e-3)


@given(st.floats(20.0, 300.0), st.floats(0.0, 80.0), st.floats(1.0, 20.0))
def test_pressure_packs_and_heat_swells(celsius: float, mpa: float, more: float) -> None:
    assert specific_volume(TAIT, celsius, mpa + more) < specific_volume(TAIT, celsius, mpa)
    assert specific_volume(TAIT, celsius + more, 0.0) > specific_volume(TAIT, celsius, 0.0)
    assert volumetric_shrinkage(TAIT, 125.0, mpa + more) < volumetric_shrinkage(TAIT, 125.0, mpa)


def test_room_to_room_shrinks_nothing() -> None:
    assert volumetric_shrinkage(TAIT, 23.0, 0.1) == pytest.approx(0.0, abs=1e-12)
