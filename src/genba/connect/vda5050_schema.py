"""Check VDA 5050 messages against the JSON schemas of their version, fast.

A fleet sends hundreds of state messages a second on an accelerated clock, each of which takes a
general validator half a millisecond. The published schemas use few keywords; these are compiled
into nested functions here, ten times as fast, and a schema with another keyword is refused.
Tests hold the outcome against the ``jsonschema`` package.
"""

import datetime as dt
import json
from collections.abc import Callable
from functools import cache
from importlib.resources import files
from typing import Any

Json = dict[str, Any]
Check = Callable[[Any], str | None]
"""Returns what is wrong, as ``/path: reason``, or None."""

VERSIONS = {2: "2.1.0", 3: "3.0.0"}
"""The schemas that stand for each major version of the standard."""
TOPICS = ("connection", "factsheet", "instantActions", "order", "state")

_ANNOTATIONS = {
    "$schema", "definitions", "description", "examples", "subtopic", "title", "unit",
}  # fmt: skip
_KEYWORDS = {
    "$ref", "enum", "format", "items", "maximum", "minimum", "properties", "required", "type",
}  # fmt: skip
_TYPES: dict[str, Callable[[Any], bool]] = {
    "array": lambda value: isinstance(value, list),
    "boolean": lambda value: isinstance(value, bool),
    "integer": lambda value: (
        (isinstance(value, int) and not isinstance(value, bool))
        or (isinstance(value, float) and value.is_integer())
    ),
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "object": lambda value: isinstance(value, dict),
    "string": lambda value: isinstance(value, str),
}


@cache
def schema(major: int, topic: str) -> Json:
    """Load the schema of a topic, ``major`` being 2 or 3."""
    folder = files("genba.connect").joinpath("schemas", "vda5050", VERSIONS[major])
    loaded: Json = json.loads(folder.joinpath(f"{topic}.schema").read_text(encoding="utf-8"))
    return loaded


@cache
def checker(major: int, topic: str) -> Check:
    """Compile the schema of a topic."""
    return compile_schema(schema(major, topic))


def compile_schema(root: Json) -> Check:
    """Turn a schema into a function that finds the first thing wrong with a value.

    Raises
    ------
    ValueError
        If the schema has a keyword that is not handled here.
    """
    compiled: dict[str, Check] = {}

    def build(part: Json) -> Check:
        unknown = part.keys() - _ANNOTATIONS - _KEYWORDS
        if unknown:
            raise ValueError(f"JSON schema keyword '{min(unknown)}' is not handled")
        checks = [make(part) for key, make in _MAKERS.items() if key in part]
        if "$ref" in part:
            checks.append(reference(part["$ref"]))
        if "properties" in part:
            checks.append(_properties({k: build(v) for k, v in part["properties"].items()}))
        if "items" in part:
            checks.append(_items(build(part["items"])))
        return _all_of(checks)

    def reference(pointer: str) -> Check:
        if pointer not in compiled:
            target: Any = root
            for name in pointer.removeprefix("#/").split("/"):
                target = target[name]
            compiled[pointer] = build(target)
        return compiled[pointer]

    return build(root)


def _all_of(checks: list[Check]) -> Check:
    def check(value: Any) -> str | None:
        for one in checks:
            if (wrong := one(value)) is not None:
                return wrong
        return None

    return checks[0] if len(checks) == 1 else check


def _type(part: Json) -> Check:
    names = part["type"] if isinstance(part["type"], list) else [part["type"]]
    accepted = [_TYPES[name] for name in names]
    expected = " or ".join(names)
    only = (
        accepted[0] if len(accepted) == 1 else lambda value: any(fits(value) for fits in accepted)
    )
    return lambda value: None if only(value) else f": is {_shown(value)}, not {expected}"


def _enum(part: Json) -> Check:
    allowed = part["enum"]
    words = ", ".join(map(str, allowed))
    return lambda value: None if value in allowed else f": is {_shown(value)}, not one of {words}"


def _required(part: Json) -> Check:
    names = part["required"]

    def check(value: Any) -> str | None:
        if isinstance(value, dict):
            for name in names:
                if name not in value:
                    return f": '{name}' is missing"
        return None

    return check


def _minimum(part: Json) -> Check:
    low = part["minimum"]
    return lambda value: (
        f": {value} is below {low}" if _TYPES["number"](value) and value < low else None
    )


def _maximum(part: Json) -> Check:
    high = part["maximum"]
    return lambda value: (
        f": {value} is above {high}" if _TYPES["number"](value) and value > high else None
    )


def _format(part: Json) -> Check:
    if part["format"] != "date-time":
        raise ValueError(f"JSON schema format '{part['format']}' is not handled")
    return lambda value: (
        f": '{value}' is no time with a zone"
        if isinstance(value, str) and not _is_time(value)
        else None
    )


def _is_time(text: str) -> bool:
    try:
        return dt.datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False


def _properties(checks: dict[str, Check]) -> Check:
    def check(value: Any) -> str | None:
        if isinstance(value, dict):
            for name, held in value.items():
                one = checks.get(name)
                if one is not None and (wrong := one(held)) is not None:
                    return f"/{name}{wrong}"
        return None

    return check


def _items(one: Check) -> Check:
    def check(value: Any) -> str | None:
        if isinstance(value, list):
            for index, held in enumerate(value):
                if (wrong := one(held)) is not None:
                    return f"/{index}{wrong}"
        return None

    return check


def _shown(value: Any) -> str:
    text = json.dumps(value, default=str)
    return text if len(text) <= 40 else text[:37] + "..."


_MAKERS: dict[str, Callable[[Json], Check]] = {
    "type": _type,
    "enum": _enum,
    "required": _required,
    "minimum": _minimum,
    "maximum": _maximum,
    "format": _format,
}
