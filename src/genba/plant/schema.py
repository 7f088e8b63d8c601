"""The JSON schema of plant files, for editors."""

import ast
import inspect
import json
import textwrap
from itertools import pairwise
from typing import Any

from genba.plant.ids import Value
from genba.plant.model import Plant

SCHEMA_ID = "urn:genba:plant:1"


def json_schema() -> dict[str, Any]:
    """Return the JSON schema (draft 2020-12) of ``plant.yaml``, format 1.

    Editors complete and explain fields with it: a file that begins with
    ``# yaml-language-server: $schema=plant.schema.json`` and has the schema beside it.
    """
    schema = Plant.model_json_schema(mode="validation")
    definitions = schema["$defs"]
    _explain(Plant, schema)
    for model in _models(Value):
        if model.__name__ in definitions:
            _explain(model, definitions[model.__name__])
    signal = definitions["Signal"]
    # In a file the signals stand under their equipment, which gives them both.
    signal["required"] = [n for n in signal["required"] if n not in {"equipment", "connection"}]
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": SCHEMA_ID, **schema}


def schema_text() -> str:
    """Return the schema as it is published in ``docs/plant.schema.json``."""
    return json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"


def _models(base: type[Value]) -> list[type[Value]]:
    found = []
    for model in base.__subclasses__():
        found += [model, *_models(model)]
    return found


def _explain(model: type[Value], schema: dict[str, Any]) -> None:
    """Copy the docstrings below the fields of a class into its schema."""
    body = ast.parse(textwrap.dedent(inspect.getsource(model))).body[0]
    assert isinstance(body, ast.ClassDef)  # noqa: S101 - getsource of a class
    for field, note in pairwise(body.body):
        if (
            isinstance(field, ast.AnnAssign)
            and isinstance(field.target, ast.Name)
            and isinstance(note, ast.Expr)
            and isinstance(note.value, ast.Constant)
            and isinstance(note.value.value, str)
        ):
            prose = inspect.cleandoc(note.value.value).replace("``", "")
            schema["properties"][field.target.id]["description"] = prose


if __name__ == "__main__":
    print(schema_text(), end="")
