"""Signals that are not what the plant file says are named; signals that are, are left alone."""

import numpy as np
import pytest
from tests.twin.process.findings.recordings import healthy, spoiled, told

from genba.plant.problem import Weight
from genba.twin.process import Episode, Numeric, symbolic
from genba.twin.process.findings import Finding, Source, Told, mistaken
from genba.twin.process.findings.wiring import _by_guess
from genba.twin.process.library import physics_named


def named(found: list[Finding]) -> list[tuple[str, tuple[str, ...]]]:
    assert all(one.grade is Weight.ERROR for one in found)
    return [(one.rule, one.about) for one in found]


def kilowatt(unit: str) -> Source:
    return Source("oven.drawn", unit)


@pytest.mark.parametrize("name", ["heated_body", "furnace_heat"])
def test_a_healthy_recording_passes(name: str) -> None:
    assert mistaken(told(name, healthy(name, 11))) == []


def test_two_levels_that_are_exchanged_are_named() -> None:
    def exchange(_: np.ndarray, __: np.ndarray, shown: np.ndarray) -> None:
        shown[:, [0, 2]] = shown[:, [2, 0]]

    found = mistaken(told("four_tanks", spoiled("four_tanks", 1, exchange)))
    assert named(found) == [("swapped", ("level_1", "level_3"))]
    assert "log of the likelihood ratio" in found[0].text


def test_a_set_point_and_its_measurement_that_are_exchanged_are_named() -> None:
    one = healthy("heated_body", 1)
    shown = np.column_stack([one.inputs[:, 0], one.shown[:, 1]])
    found = mistaken(told("heated_body", Episode(one.shown[:, :1].copy(), one.context, shown)))
    assert named(found) == [("swapped", ("setpoint", "temperature"))]


def test_a_temperature_in_another_unit_is_named() -> None:
    def fahrenheit(_: np.ndarray, __: np.ndarray, shown: np.ndarray) -> None:
        shown[:, 0] = 1.8 * shown[:, 0] + 32

    found = mistaken(told("heated_body", spoiled("heated_body", 1, fahrenheit)))
    assert named(found) == [("unit", ("temperature",))]
    assert "read as Cel and looks like [degF]" in found[0].text


def test_a_unit_that_lies_far_off_is_named_by_its_range_alone() -> None:
    def watt(_: np.ndarray, __: np.ndarray, shown: np.ndarray) -> None:
        shown[:, 1] *= 1000

    found = mistaken(told("heated_body", spoiled("heated_body", 1, watt), power=kilowatt("kW")))
    assert named(found) == [("unit", ("power",))]
    assert "'power' (oven.drawn)" in found[0].text
    assert "it looks like W" in found[0].text


def test_what_the_plant_file_calls_kelvin_and_is_celsius_is_named() -> None:
    def shift(_: np.ndarray, __: np.ndarray, shown: np.ndarray) -> None:
        shown[:, 0] -= 273.15  # converted from a kelvin that it was not

    source = Source("oven.heat", "K")
    found = mistaken(told("heated_body", spoiled("heated_body", 1, shift), temperature=source))
    assert named(found) == [("unit", ("temperature",))]
    assert "looks like Cel" in found[0].text


def test_power_of_the_wrong_sign_is_named() -> None:
    def negate(_: np.ndarray, __: np.ndarray, shown: np.ndarray) -> None:
        shown[:, 1] *= -1

    found = mistaken(told("heated_body", spoiled("heated_body", 1, negate)))
    assert named(found) == [("sign", ("power",))]


def milled(share: float) -> Told:
    """Record a mill under its recipe alone, which moves nothing; its load in shares of percent."""
    model = symbolic(physics_named("cutting"), 1.0)
    source = np.random.default_rng(4)
    rows = 60
    u, c = np.tile([3500.0, 1000.0, 60.0], (rows, 1)), np.tile([0.0, 30.0], (rows, 1))
    z = np.tile(0.5 * source.standard_normal(len(model.process.parameters)), (rows, 1))
    x = np.column_stack([np.linspace(0.06, 0.2, rows), np.ones(rows), np.zeros(rows)])
    _, shown = Numeric(model).step(x, u, c, z)
    shown *= 1.0 + 0.01 * source.standard_normal(shown.shape)
    load = [one.name for one in model.process.outputs].index("load")
    shown[:, load] *= share
    return Told(model, [Episode(u, c, shown)], {"load": Source("mill.load", "%")})


def test_a_load_that_is_told_as_a_share_is_named_by_what_is_expected_of_it() -> None:
    (found,) = _by_guess(milled(0.01))
    assert "read as %, it looks like 1" in found.text
    assert list(_by_guess(milled(1.0))) == []
