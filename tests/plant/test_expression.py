"""Expressions mean what they say, and whatever is wrong with them raises a PlantError."""

import operator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genba.errors import MissingValue, PlantError
from genba.plant.expression import MAX_LENGTH, parse_expression

VALUES = {
    "cell-1.people": 1,
    "press.t": 2.0,
    "door.open": True,
    "line/a.mode": 3,
    "job.name": "JA17",
    "3d-printer.bed": 60,
    "value": 5,
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("cell-1.people > 0 and not door.open", False),
        ("cell-1.people > 0 or door.open and false", True),
        ("not door.open == false", True),
        ("value <= 0.25", False),
        ("press.t * 3 - 1 == 5", True),
        ("2 + 3 * 4 == 14", True),
        ("(2 + 3) * 4 == 20", True),
        ("10 - 2 - 3 == 5", True),
        ("-press.t < 0", True),
        ("2 - -3 == 5", True),
        ("job.name == 'JA17'", True),
        ('job.name != "JA17"', False),
        ("line/a.mode == 2 or line/a.mode == 3", True),
        ("3d-printer.bed >= 60.0", True),
        ("press.t != 0 and 10 / press.t > 1", True),
        ("1e3 == 1000", True),
    ],
)
def test_evaluation(text: str, expected: object) -> None:
    assert parse_expression(text).evaluate(VALUES) is expected


def test_names_are_the_signals_without_value() -> None:
    parsed = parse_expression("cell-1.people > 0 and value < press.t")
    assert parsed.names == {"cell-1.people", "press.t"}
    assert parsed.uses_value


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("", "empty"),
        ("   ", "empty"),
        ("a.b =", "write '=='"),
        ("a.b && c.d", "write 'and'"),
        ("!a.b", "write 'not'"),
        ("0 < a.b < 5", "a < b and b < c"),
        ("(a.b > 1", "add ')'"),
        ("a.b >", "ends too early"),
        ("a.b c.d", "join two parts"),
        ("'abc", "not closed"),
        ("a.b > 1)", "comes unexpected"),
        ("> 1", "comes unexpected"),
        ("a.b > §", "no meaning"),
        ("a > 1e999", "too large"),
        ("(" * 100 + "a" + ")" * 100, "nested"),
        (" or ".join(["a"] * 150), "more than"),
        ("a" * (MAX_LENGTH + 1), "longer than"),
        ("__import__('os').system('x')", "no meaning"),
        ("open('x')", "comes unexpected"),
    ],
)
def test_what_is_no_expression_is_refused_with_the_mend(text: str, hint: str) -> None:
    with pytest.raises(PlantError) as caught:
        parse_expression(text)
    assert hint in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "door.open > 1", "door.open == 1", "job.name < 'x'", "press.t and true", "not press.t",
        "job.name + 1 > 0", "press.t / 0 > 1", "press.t * 1e308 * 1e308 > 0", "-door.open == 1",
    ],
)  # fmt: skip
def test_types_that_do_not_fit_raise(text: str) -> None:
    with pytest.raises(PlantError):
        parse_expression(text).evaluate(VALUES)


@pytest.mark.parametrize("value", [None, float("nan"), float("inf")])
def test_a_missing_value_raises_even_where_it_would_not_matter(value: float | None) -> None:
    parsed = parse_expression("true or press.t > 1")
    with pytest.raises(MissingValue, match=r"press\.t"):
        parsed.evaluate({"press.t": value})
    with pytest.raises(MissingValue, match=r"press\.t"):
        parsed.evaluate({})


@given(st.text(alphabet="ab.1 ()<>=!+-*/'andortf_", max_size=60))
@settings(max_examples=400)
def test_any_text_gives_an_expression_or_one_clear_error(text: str) -> None:
    values = dict.fromkeys(("a", "b", "a.b", "a1", "value"), 1)
    said = ""
    try:
        parse_expression(text).evaluate(values)
    except PlantError as error:
        said = str(error)
    assert "\n" not in said


PYTHON = {
    "+": operator.add, "-": operator.sub, "*": operator.mul,
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
    "==": operator.eq, "!=": operator.ne,
}  # fmt: skip
SUMS = st.recursive(
    st.integers(-9, 9).map(lambda n: (f"{n}" if n >= 0 else f"(-{-n})", n)),
    lambda inner: st.tuples(st.sampled_from("+-*"), inner, inner).map(
        lambda t: (f"({t[1][0]} {t[0]} {t[2][0]})", PYTHON[t[0]](t[1][1], t[2][1]))
    ),
    max_leaves=8,
)
TRUTHS = st.recursive(
    st.tuples(st.sampled_from(["<", "<=", ">", ">=", "==", "!="]), SUMS, SUMS).map(
        lambda t: (f"{t[1][0]} {t[0]} {t[2][0]}", PYTHON[t[0]](t[1][1], t[2][1]))
    ),
    lambda inner: st.one_of(
        inner.map(lambda t: (f"not ({t[0]})", not t[1])),
        st.tuples(inner, inner).map(
            lambda t: (f"({t[0][0]}) and ({t[1][0]})", t[0][1] and t[1][1])
        ),
        st.tuples(inner, inner).map(lambda t: (f"({t[0][0]}) or ({t[1][0]})", t[0][1] or t[1][1])),
    ),
    max_leaves=4,
)


@given(TRUTHS)
def test_it_calculates_as_python_does(case: tuple[str, bool]) -> None:
    text, expected = case
    assert parse_expression(text).evaluate({}) is expected
