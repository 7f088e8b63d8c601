"""Units are UCUM, converted exactly, and a wrong one is answered with the right one."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genba.errors import PlantError
from genba.plant.units import commensurable, convert, parse_unit


@pytest.mark.parametrize(
    ("value", "from_unit", "to_unit", "expected"),
    [
        (1.0, "kWh", "J", 3.6e6),
        (1.0, "kW.h", "kWh", 1.0),
        (25.0, "Cel", "K", 298.15),
        (212.0, "[degF]", "Cel", 100.0),
        (-40.0, "[degF]", "Cel", -40.0),
        (1.0, "bar", "kPa", 100.0),
        (6.0, "mm/min", "mm/s", 0.1),
        (60.0, "/min", "Hz", 1.0),
        (5.0, "Cel/min", "K/h", 300.0),
        (1.0, "N.m", "J", 1.0),
        (3.0, "m2", "cm2", 30_000.0),
        (2.0, "s-1", "/min", 120.0),
        (50.0, "%", "1", 0.5),
        (120.0, "{part}/h", "{piece}/min", 2.0),
        (1.0, "[psi]", "Pa", 6894.757293168),
        (1.0, "kg.m/s2", "N", 1.0),
        (1.0, "J/(kg.K)", "m2.s-2.K-1", 1.0),
        (1.0, "L", "dm3", 1.0),
        (1.0, "10*3/s", "kHz", 1.0),
        (1.0, "d", "min", 1440.0),
    ],
)
def test_known_conversions(value: float, from_unit: str, to_unit: str, expected: float) -> None:
    assert convert(value, from_unit, to_unit) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    ("text", "mend"),
    [
        ("degC", "Cel"),
        ("°C", "Cel"),
        ("kw", "kW"),
        ("KW", "kW"),
        ("rpm", "/min"),
        ("mm/sec", "mm/s"),
        ("degC/min", "Cel/min"),
        ("m^2", "m2"),
        ("Kwh", "kWh"),
        ("psi", "[psi]"),
        ("Nm", "N.m"),
        ("pcs/h", "{part}/h"),
    ],
)
def test_a_slip_is_answered_with_the_unit_that_was_meant(text: str, mend: str) -> None:
    with pytest.raises(PlantError, match=r"is not known") as caught:
        parse_unit(text)
    assert f"write '{mend}'" in str(caught.value)
    assert text in str(caught.value)


@pytest.mark.parametrize(
    "text",
    ["", "furlong", "m//s", "(m", "m)", "m-13", "m0", "0", "k", ".m", "m.", "1e3", "m s", "{part",
     "((((((((((m))))))))))", "m" * 100, "Ym12.Ym12.Ym12", "ZZ9"],
)  # fmt: skip
def test_what_is_no_unit_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(PlantError) as caught:
        parse_unit(text)
    assert "\n" not in str(caught.value)


def test_units_of_another_kind_are_not_converted() -> None:
    assert not commensurable("kW", "kWh")
    assert not commensurable("mol", "1")
    with pytest.raises(PlantError, match="different things"):
        convert(1.0, "bar", "Cel")


ATOMS = st.sampled_from(["m", "kg", "s", "kW", "bar", "L", "min", "K", "Cel", "N", "mA", "%"])
UNITS = st.lists(st.tuples(ATOMS, st.sampled_from(["", "2", "-1", "-2"])), min_size=1, max_size=4)


@given(UNITS, st.floats(-1e9, 1e9))
def test_converting_there_and_back_changes_nothing(
    parts: list[tuple[str, str]], value: float
) -> None:
    unit = ".".join(atom + power for atom, power in parts)
    reverse = ".".join(atom + power for atom, power in reversed(parts))
    assert commensurable(unit, reverse)
    assert math.isclose(convert(value, unit, reverse), value, rel_tol=1e-9, abs_tol=1e-9)


@given(st.floats(-1e6, 1e6), ATOMS, st.sampled_from(["k", "m", "u", "M"]))
def test_a_prefix_is_a_factor(value: float, atom: str, prefix: str) -> None:
    factor = {"k": 1e3, "m": 1e-3, "u": 1e-6, "M": 1e6}[prefix]
    if atom in {"m", "s", "K", "N", "L", "bar"}:
        assert convert(value, prefix + atom, atom) == pytest.approx(value * factor, rel=1e-12)


@given(st.text(max_size=30))
def test_any_text_is_a_unit_or_one_clear_error(text: str) -> None:
    try:
        outcome = f"a unit; {parse_unit(text).factor}"
    except PlantError as error:
        outcome = str(error)
    assert "; " in outcome
