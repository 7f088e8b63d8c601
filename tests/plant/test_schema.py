"""The published schema is the current one, and accepts what the loader accepts."""

from pathlib import Path

import jsonschema
import pytest
from tests.plant.plants import SMALL, changed

from genba.plant.schema import json_schema, schema_text
from genba.plant.template import template_text
from genba.plant.yaml_source import parse_yaml, read_yaml

ROOT = Path(__file__).parents[2]
SCHEMA = jsonschema.Draft202012Validator(json_schema())


def test_the_published_schema_is_up_to_date() -> None:
    published = (ROOT / "docs/plant.schema.json").read_text(encoding="utf-8")
    assert published == schema_text(), "run: python -m genba.plant.schema > docs/plant.schema.json"


def test_it_is_a_schema_and_explains_fields() -> None:
    SCHEMA.check_schema(json_schema())
    assert "PackML" in json_schema()["$defs"]["Role"]["description"]
    assert json_schema()["properties"]["tick_s"]["description"].startswith("Period")


def test_plant_files_fit_it() -> None:
    reference, _ = read_yaml(ROOT / "src/genba/testbed/reference/plant.yaml")
    for data in (reference, parse_yaml(SMALL)[0], parse_yaml(template_text())[0]):
        assert [error.message for error in SCHEMA.iter_errors(data)] == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("id: small", "id: 5"),
        ("quantity: 5", "quantity: 0"),
        ("kind: counter", "kind: conter"),
        ("lot_size: 10", "lotsize: 10"),
    ],
)
def test_slips_do_not_fit_it(old: str, new: str) -> None:
    assert list(SCHEMA.iter_errors(parse_yaml(changed(old, new))[0]))
