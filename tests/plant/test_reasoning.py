"""What is called impossible is impossible: no value that is tried ever holds."""

import itertools

from hypothesis import given, settings
from hypothesis import strategies as st

from genba.errors import PlantError
from genba.plant.checks.reasoning import Domain, Sort, can_hold
from genba.plant.expression import parse_expression

DOMAINS = {
    "a.x": Domain(Sort.NUMBER, 0, 4),
    "a.n": Domain(Sort.WHOLE, -2, 3),
    "a.b": Domain(Sort.TRUTH),
    "a.s": Domain(Sort.TEXT),
}
TRIED = {
    "a.x": [0, 0.25, 0.5, 1, 1.5, 2, 2.5, 3, 3.5, 3.75, 4],
    "a.n": [-2, -1, 0, 1, 2, 3],
    "a.b": [False, True],
    "a.s": ["", "on", "off", "elsewhere"],
}
NUMBERS = st.recursive(
    st.sampled_from(["a.x", "a.n", "0", "1", "2", "3", "4", "2.5", "-1"]),
    lambda inner: st.tuples(inner, st.sampled_from("+-*/"), inner).map(
        lambda t: f"({t[0]} {t[1]} {t[2]})"
    ),
    max_leaves=3,
)
ATOMS = st.one_of(
    st.tuples(NUMBERS, st.sampled_from(["<", "<=", ">", ">=", "==", "!="]), NUMBERS).map(" ".join),
    st.just("a.b"),
    st.sampled_from(["a.s == 'on'", "a.s != 'off'", "'on' == a.s", "true", "false"]),
)
FORMULAS = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        inner.map(lambda f: f"not ({f})"),
        st.tuples(inner, st.sampled_from(["and", "or"]), inner).map(
            lambda t: f"({t[0]}) {t[1]} ({t[2]})"
        ),
    ),
    max_leaves=5,
)


def holds_somewhere(texts: list[str]) -> bool:
    parsed = [parse_expression(text) for text in texts]
    names = sorted({name for p in parsed for name in p.names})
    for values in itertools.product(*(TRIED[name] for name in names)):
        given_values = dict(zip(names, values, strict=True))
        try:
            if all(p.evaluate(given_values) is True for p in parsed):
                return True
        except PlantError:
            continue
    return False


@given(st.lists(FORMULAS, min_size=1, max_size=2))
@settings(max_examples=120, deadline=None)
def test_impossible_means_that_nothing_holds(texts: list[str]) -> None:
    answer = can_hold([parse_expression(text).root for text in texts], DOMAINS)
    if answer.impossible:
        assert not holds_somewhere(texts)
    if answer.example is not None:
        assert all(parse_expression(t).evaluate(answer.example) is True for t in texts)
        for name, value in answer.example.items():
            domain = DOMAINS[name]
            if domain.sort in {Sort.NUMBER, Sort.WHOLE}:
                assert domain.low <= float(value) <= domain.high


SIMPLE = st.recursive(
    st.tuples(
        st.sampled_from(["a.x", "a.n"]),
        st.sampled_from(["<", "<=", ">", ">=", "==", "!="]),
        st.sampled_from(["-1", "0", "1", "2.5", "4"]),
    ).map(" ".join),
    lambda inner: st.one_of(
        inner.map(lambda f: f"not ({f})"),
        st.tuples(inner, st.sampled_from(["and", "or"]), inner).map(
            lambda t: f"({t[0]}) {t[1]} ({t[2]})"
        ),
    ),
    max_leaves=6,
)


@given(SIMPLE)
@settings(max_examples=120, deadline=None)
def test_comparisons_with_constants_are_always_decided(text: str) -> None:
    """The values tried lie on and between all constants, so trying them decides it as well."""
    answer = can_hold([parse_expression(text).root], DOMAINS)
    assert (answer.example is not None) == holds_somewhere([text])
    assert answer.impossible == (answer.example is None)


def test_open_ends_and_whole_numbers_are_told_apart() -> None:
    def possible(text: str) -> bool:
        return not can_hold([parse_expression(text).root], DOMAINS).impossible

    assert not possible("a.n > 1 and a.n < 2")
    assert possible("a.x > 1 and a.x < 2")
    assert not possible("a.x > 4")
    assert possible("a.x >= 4")
    assert not possible("a.x + a.n > 7")
    assert possible("a.x + a.n >= 7")
    assert not possible("a.x * a.x < 0")


def test_many_names_are_decided() -> None:
    text = " and ".join(f"s.v{n} > {n}" for n in range(12))
    assert can_hold([parse_expression(text).root], {}).example is not None


def test_texts_may_differ_from_each_other_and_from_all_that_are_named() -> None:
    text = "a.s != b.s and a.s != 'on' and b.s != 'on' and a.s != '' and b.s != ''"
    domains = {"a.s": Domain(Sort.TEXT), "b.s": Domain(Sort.TEXT)}
    assert can_hold([parse_expression(text).root], domains).example is not None


def test_what_the_prover_cannot_settle_in_time_stays_open() -> None:
    cubes = [f"s.{name} * s.{name} * s.{name}" for name in "abc"]
    text = f"{cubes[0]} + {cubes[1]} == {cubes[2]}"
    domains = {f"s.{name}": Domain(Sort.WHOLE, 1) for name in "abc"}
    answer = can_hold([parse_expression(text).root], domains)
    assert not answer.decided


def test_what_divides_by_zero_does_not_hold() -> None:
    domains = {"a.x": Domain(Sort.NUMBER, 0, 0)}
    assert can_hold([parse_expression("1 / a.x > 0 or true").root], domains).impossible
    assert can_hold([parse_expression("a.x == 0 or 1 / a.x > 0").root], domains).example
