"""Pydantic's errors in plain words: which field, what is wrong, what to do."""

import difflib
import typing
from typing import Any

from pydantic import ValidationError

from genba.plant.ids import Value
from genba.plant.model import Plant
from genba.plant.problem import Problem, Weight

Path = tuple[str | int, ...]


def problems_of(error: ValidationError, data: Any, model: type[Value] = Plant) -> list[Problem]:
    """Turn a validation error over ``data`` into problems, in the order of the fields."""
    problems = []
    details = error.errors(include_url=False)
    for detail in details:
        path = tuple(detail["loc"])
        if detail["type"] == "too_short" and any(
            len(other["loc"]) > len(path) and other["loc"][: len(path)] == path for other in details
        ):
            continue  # entries that are wrong themselves do not count for pydantic
        text, mend = _words(detail, path, model)
        problems.append(Problem(Weight.ERROR, where_of(path, data), text, mend, path))
    return problems


def where_of(path: Path, data: Any) -> str:
    """Write a path for people; an entry of a list is called by its id where it has one."""
    words: list[str] = []
    here = data
    for step in path:
        try:
            here = here[step]
        except (KeyError, IndexError, TypeError):
            here = None
        if isinstance(step, str):
            words.append(f".{step}" if words else step)
        else:
            name = here.get("id") if isinstance(here, dict) else None
            words.append(f"[{name if isinstance(name, str) else step + 1}]")
    return "".join(words)


def _words(detail: Any, path: Path, model: type[Value]) -> tuple[str, str]:
    kind, given = detail["type"], _show(detail.get("input"))
    context = detail.get("ctx", {})
    match kind:
        case "missing":
            return "this field is missing", f"add '{path[-1]}:'"
        case "extra_forbidden":
            return f"there is no field '{path[-1]}' here", _near_field(path, model)
        case "enum" | "literal_error":
            return f"{given} is not one of {context.get('expected')}", _near_word(detail)
        case "string_pattern_mismatch":
            return (
                f"{given} is no id",
                "use letters, digits, '_', '.', '/' and '-', and begin with a letter or digit",
            )
        case "string_type":
            return f"{given} is no text", f"put it in quotes: '{detail.get('input')}'"
        case "value_error":
            text, _, mend = str(context.get("error", detail["msg"])).partition("; ")
            return text, mend or "correct it"
        case "model_type" | "model_attributes_type" | "dict_type":
            return f"{given} is no mapping", "write fields under it, such as id: ..."
        case "tuple_type" | "list_type":
            return f"{given} is no list", "begin each entry with '- ', or write [a, b]"
        case "too_short" | "too_long":
            least_or_most, bound = (
                ("least", context.get("min_length"))
                if kind == "too_short"
                else ("most", context.get("max_length"))
            )
            count = context.get("actual_length")
            return f"there are {count} entries", f"it takes at {least_or_most} {bound}"
        case "time_parsing" | "time_type":
            return f"{given} is no time of day", "write it like '06:00'"
        case "date_from_datetime_parsing" | "date_from_datetime_inexact" | "date_parsing":
            return f"{given} is no date", "write it like '2026-12-25'"
        case "finite_number":
            return f"{given} is not finite", "give a number, or leave the field out"
    message = detail["msg"].removeprefix("Input should ").removeprefix("be ")
    return f"{given} is not right", f"it should be {message}" if message else "correct it"


def _show(value: Any) -> str:
    if isinstance(value, dict | list):
        return "a mapping" if isinstance(value, dict) else "a list"
    if value is None:
        return "nothing (null)"
    text = f"'{value}'" if isinstance(value, str) else str(value).lower()
    return text if len(text) <= 60 else f"{text[:56]}...'"


def _near_word(detail: Any) -> str:
    expected = str(detail.get("ctx", {}).get("expected", ""))
    words = [word.strip(" '") for word in expected.replace(" or ", ",").split(",")]
    near = difflib.get_close_matches(str(detail.get("input")).lower(), words, n=1, cutoff=0.5)
    return f"write '{near[0]}'" if near else "choose one of them"


def _near_field(path: Path, model: type[Value]) -> str:
    owner = _model_at(model, path[:-1])
    if owner is None:
        return "take it out"
    near = difflib.get_close_matches(str(path[-1]), owner.model_fields, n=1, cutoff=0.6)
    if near:
        return f"did you mean '{near[0]}'?"
    return f"take it out; there are: {', '.join(owner.model_fields)}"


def _model_at(model: type[Value], path: Path) -> type[Value] | None:
    """Find the model that a path of field names leads to."""
    here: type[Value] | None = model
    for step in path:
        if isinstance(step, int):
            continue
        field = here.model_fields.get(step) if here is not None else None
        here = None if field is None else _model_in(field.annotation)
    return here


def _model_in(annotation: Any) -> type[Value] | None:
    if isinstance(annotation, type) and issubclass(annotation, Value):
        return annotation
    for part in typing.get_args(annotation):
        found = _model_in(part)
        if found is not None:
            return found
    return None
