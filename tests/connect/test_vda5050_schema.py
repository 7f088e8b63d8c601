"""Our fast checks of VDA 5050 messages agree with the jsonschema package; addresses find values."""

import copy
import json
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.connect.vda5050_vehicle import TIME, empty_state, order

from genba.connect.vda5050_address import extract, parse_address
from genba.connect.vda5050_message import parse_message
from genba.connect.vda5050_schema import TOPICS, checker, compile_schema, schema
from genba.plant import Signal

HEADER = {
    "headerId": 1, "timestamp": TIME, "manufacturer": "Acme", "serialNumber": "7",
}  # fmt: skip
junk = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-5, 5),
    st.floats(allow_nan=False),
    st.sampled_from(["", "HARD", "ONLINE", "NONE", "N1"]),
    st.just([]),
    st.just({}),
    st.just([{}]),
)


def example(major: int, topic: str) -> dict[str, Any]:
    """A valid message."""
    version = f"{major}.{1 if major == 2 else 0}.0"
    load = {"loadId": "L", "boundingBoxReference": {"x": 0, "y": 0, "z": 0.5}}
    error = {"errorType": "x", "errorLevel": "WARNING", "errorReferences": []}
    bodies: dict[str, dict[str, Any]] = {
        "connection": {"connectionState": "ONLINE"},
        "order": {**json.loads(order("o-1")), "orderUpdateId": 0},
        "instantActions": {
            "actions": [{"actionId": "a", "actionType": "b", "blockingType": "NONE"}]
        },
        "state": {**empty_state(version), "loads": [load], "errors": [error]},
    }
    return {**HEADER, "version": version, **bodies[topic]}


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in a message that can be changed."""
    entries = value.items() if isinstance(value, dict) else enumerate(value)
    found = []
    for key, held in entries:
        found.append((*path, key))
        if isinstance(held, dict | list):
            found += places(held, (*path, key))
    return found


@pytest.mark.parametrize("major", [2, 3])
@pytest.mark.parametrize("topic", ["connection", "order", "instantActions", "state"])
def test_a_valid_message_passes(major: int, topic: str) -> None:
    message = example(major, topic)
    assert checker(major, topic)(message) is None
    jsonschema.validate(message, schema(major, topic), jsonschema.Draft202012Validator)


@given(data=st.data(), major=st.sampled_from([2, 3]), replacement=junk, drop=st.booleans())
def test_a_broken_message_is_judged_as_jsonschema_judges_it(
    data: st.DataObject, major: int, replacement: Any, drop: bool
) -> None:
    topic = data.draw(st.sampled_from(["connection", "order", "instantActions", "state"]))
    message = copy.deepcopy(example(major, topic))
    path = data.draw(st.sampled_from([p for p in places(message) if p != ("timestamp",)]))
    holder: Any = message
    for key in path[:-1]:
        holder = holder[key]
    if drop:
        del holder[path[-1]]
    else:
        holder[path[-1]] = replacement
    valid = jsonschema.Draft202012Validator(schema(major, topic)).is_valid(message)
    assert (checker(major, topic)(message) is None) == valid


@pytest.mark.parametrize("major", [2, 3])
def test_every_schema_compiles_and_is_one(major: int) -> None:
    for topic in TOPICS:
        jsonschema.Draft202012Validator.check_schema(schema(major, topic))
        assert checker(major, topic)({}) is not None


def test_an_unknown_keyword_is_not_passed_over() -> None:
    with pytest.raises(ValueError, match="'pattern' is not handled"):
        compile_schema({"type": "string", "pattern": "x"})


@pytest.mark.parametrize("text", ["yesterday", "2026-01-05T06:00:00", ""])
def test_a_timestamp_must_be_a_time_with_a_zone(text: str) -> None:
    message = {**example(2, "state"), "timestamp": text}
    assert "/timestamp" in (checker(2, "state")(message) or "")


@given(payload=st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_garbage_never_crashes_the_reader(payload: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - any reason will do
        parse_message(2, "state", payload)


def find(address: str, message: Any) -> Any:
    fields = {"id": "v.x", "equipment": "v", "connection": "v", "kind": "state"}
    return extract(parse_address(Signal.model_validate({**fields, "address": address})), message)


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("state:/a/b", 1),
        ("state:/list/1/id", "y"),
        ("state:/list#", 2),
        ("state:/list/*/id", "x,y"),
        ("state:/list/*/id#", 2),
        ("state:/list/*/numbers/*", "1,2,3"),
        ("state:/list/*/deep", [{"n": 1}]),
        ("state:/empty/*/id", ""),
        ("state:/empty#", 0),
        ("state:/a~1b/~0", "odd"),
        ("state:/missing", None),
        ("state:/missing#", None),
        ("state:/missing/*/id", None),
        ("state:/list/7/id", None),
        ("state:/a/b/c", None),
    ],
)
def test_addresses_find_what_they_say(address: str, expected: Any) -> None:
    message = {
        "a": {"b": 1},
        "list": [{"id": "x", "numbers": [1, 2]}, {"id": "y", "numbers": [3], "deep": {"n": 1}}],
        "empty": [],
        "a/b": {"~": "odd"},
    }
    assert find(address, message) == expected
