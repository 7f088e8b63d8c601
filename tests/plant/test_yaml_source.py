"""YAML is read with positions, by the rules of YAML 1.2, and cannot hurt."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genba.errors import PlantError
from genba.plant.yaml_source import parse_yaml


def test_plain_scalars_are_those_of_yaml_1_2() -> None:
    text = "a: 06:00\nb: no\nc: on\nd: 2026-01-05\ne: 0x1F\nf: 1e3\ng: true\nh: ~\ni: 0o17\nj: 010"
    assert parse_yaml(text)[0] == {
        "a": "06:00",
        "b": "no",
        "c": "on",
        "d": "2026-01-05",
        "e": 31,
        "f": 1000.0,
        "g": True,
        "h": None,
        "i": 15,
        "j": 10,
    }


def test_every_value_knows_its_line() -> None:
    _, source = parse_yaml("a: 1\nb:\n  - x: 1\n    y:\n      z: 2\n  - {x: 3}\n")
    assert source.line_of(("b", 0, "y", "z")) == 5
    assert source.line_of(("b", 1, "x")) == 6
    assert source.line_of(("b", 1, "missing")) == 6
    assert source.line_of(("nothing",)) == 1


def test_anchors_work() -> None:
    assert parse_yaml("a: &one {x: 1}\nb: *one\n")[0] == {"a": {"x": 1}, "b": {"x": 1}}


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        ("a: 1\nb: 2\na: 3", 3, "'a' stands here and in line 1"),
        ("a: [1, 2", 2, "that begins in line 1"),
        ("a: b: c", 1, "quote text that holds ': '"),
        ("a:\n\t- 1", 2, "indent with spaces"),
        ("a: &x [*x]", 1, "holds itself"),
        ("a: *nothing", 1, "has no anchor"),
        ("a: !!python/object/apply:os.system [ls]", 1, "tag"),
        ("a: 1\n---\nb: 2", 2, "second document"),
        ("? [1, 2]\n: 3", 1, "a key is a list"),
        ("a: {<<: {b: 1}}", 1, "merge keys"),
        ("a: " + "[" * 2000, 1, "deep"),
        ("a: " + "9" * 5000, 1, "too many digits"),
    ],
)
def test_what_cannot_be_read_is_told_with_its_line(text: str, line: int, what: str) -> None:
    with pytest.raises(PlantError) as caught:
        parse_yaml(text, "p.yaml")
    message = str(caught.value)
    assert message.startswith(f"p.yaml:{line}: ")
    assert what in message
    assert "\n" not in message


def test_a_bomb_of_aliases_does_not_go_off() -> None:
    lines = ["a0: &a0 [1,1,1,1,1,1,1,1,1,1]"]
    lines += [f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    with pytest.raises(PlantError, match="aliases"):
        parse_yaml("\n".join(lines))


def test_bytes_that_are_no_text_are_refused() -> None:
    with pytest.raises(PlantError, match="UTF-8"):
        parse_yaml(b"a: \xff\xfa\x00", "p.yaml")


@given(st.text(max_size=80))
def test_any_text_is_data_or_one_clear_error(text: str) -> None:
    said = "p.yaml"
    try:
        parse_yaml(text, "p.yaml")
    except PlantError as error:
        said = str(error)
    assert said.startswith("p.yaml")
