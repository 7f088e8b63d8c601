"""Finds values that pydantic would turn into others silently: true to 1, '5' to 5, 600 to 00:10."""

import datetime as dt
import typing
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from pydantic import WithJsonSchema

from genba.plant.complaint import Path, where_of
from genba.plant.ids import Value
from genba.plant.model import Plant
from genba.plant.problem import Problem, Weight

_NUMBERS = {int, float}
_MOMENTS = {dt.time, dt.date}


@dataclass(frozen=True, slots=True)
class _Expected:
    types: frozenset[type]
    model: type[Value] | None
    moment: str
    """An example, where a time or a date is expected."""


def slips(data: Any) -> list[Problem]:
    """Return every value of a plant file whose type is not the field's."""
    return [
        Problem(Weight.ERROR, where_of(path, data), text, mend, path)
        for path, text, mend in _walk(data, Plant, ())
    ]


def _walk(data: Any, model: type[Value], path: Path) -> Iterator[tuple[Path, str, str]]:
    if not isinstance(data, dict):
        return
    for name, value in data.items():
        expected = _expected(model, name)
        if expected is None:
            continue
        entries = enumerate(value) if isinstance(value, list) else [(None, value)]
        for index, entry in entries:
            here: Path = (*path, name) if index is None else (*path, name, index)
            if expected.model is not None:
                yield from _walk(entry, expected.model, here)
            elif (slip := _slip(entry, expected)) is not None:
                yield here, *slip


def _slip(value: Any, expected: _Expected) -> tuple[str, str] | None:
    if expected.moment:
        if isinstance(value, bool | int | float):
            return f"{str(value).lower()} is a bare number", f"write it like '{expected.moment}'"
        return None
    if not expected.types or not expected.types <= _NUMBERS:
        return None
    if isinstance(value, bool):
        return f"{str(value).lower()} is no number", "write the number"
    if isinstance(value, str):
        return f"'{value[:40]}' is text, not a number", "write the number without quotes"
    return None


@lru_cache(maxsize=512)
def _expected(model: type[Value], name: str) -> _Expected | None:
    field = model.model_fields.get(name)
    if field is None:
        return None
    parts = set(_leaves(field.annotation))
    types = frozenset(part for part in parts if isinstance(part, type)) - {type(None)}
    models = [part for part in types if issubclass(part, Value)]
    moment = ""
    if types & _MOMENTS:
        moment = "06:00" if dt.time in types else "2026-12-25"
    elif any(isinstance(part, WithJsonSchema) for part in (*parts, *field.metadata)):
        moment = "2026-01-05T06:00:00Z"
    return _Expected(types, models[0] if models else None, moment)


def _leaves(annotation: Any) -> Iterator[Any]:
    arguments = typing.get_args(annotation)
    if not arguments:
        try:
            hash(annotation)
        except TypeError:
            return
        yield annotation
    for argument in arguments:
        if argument is not Ellipsis:
            yield from _leaves(argument)
